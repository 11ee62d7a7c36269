"""Static images: what rate and latency code, the splits, and where Fashion-MNIST is looked for."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.errors import BasaltError
from basalt.train.data import DataConfig, digits, load, mnist
from basalt.train.data.image_kernel import latency, rate
from basalt.train.data.images import FASHION
from tests.train.data.test_mnist import write_idx


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 255), min_size=1, max_size=30), st.integers(1, 60))
def test_latency_is_the_formula(pixels: list[int], steps: int) -> None:
    offsets, features, times = latency(np.array([pixels, pixels], np.uint8), steps)
    expected = [(n, int(np.floor((1 - p / 255) * (steps - 1) + 0.5))) for n, p in enumerate(pixels) if p]
    for i in range(2):
        mine = slice(offsets[i], offsets[i + 1])
        assert list(zip(features[mine].tolist(), times[mine].tolist())) == expected
    assert offsets[2] == len(features) == 2 * len(expected)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 255), st.floats(0.05, 1.0), st.integers(0, 2**31), st.integers(0, 70_000))
def test_rates_are_those_of_the_pixels(pixel: int, peak: float, seed: int, stream: int) -> None:
    """Within five standard deviations of the expected number of spikes, in order, and never twice in a step."""
    steps, size = 100, 40
    pixels, streams = np.full((1, size), pixel, np.uint8), np.array([stream])
    offsets, features, times = rate(pixels, steps, peak, seed, streams)
    chance, count = peak * pixel / 255, steps * size
    assert abs(offsets[1] - chance * count) <= 5 * (chance * (1 - chance) * count) ** 0.5 + 1e-9
    place = features.astype(int) * steps + times
    assert (np.diff(place) > 0).all()
    again = rate(pixels, steps, peak, seed, streams)
    assert all(np.array_equal(one, other) for one, other in zip((offsets, features, times), again))


def test_images_have_streams_of_their_own() -> None:
    pixels = np.full((2, 50), 128, np.uint8)
    offsets, features, times = rate(pixels, 20, 0.5, 1, np.array([3, 4]))
    place = features.astype(int) * 20 + times
    assert not np.array_equal(place[: offsets[1]], place[offsets[1] :])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Sixty digits as MNIST, and the same upside down as Fashion-MNIST, two a class held out."""
    monkeypatch.setattr(mnist, "_HELD_OUT", 2)
    which = (np.arange(10)[:, None] * 500 + np.arange(4)).ravel()
    images, labels = digits.images()[which], np.repeat(np.arange(10, dtype=np.uint8), 4)
    arrays = {"x_train": images, "y_train": labels, "x_test": images[::2], "y_test": labels[::2]}
    np.savez(tmp_path / "mnist.npz", **arrays)
    for name, array in zip(mnist._RAW, arrays.values(), strict=True):
        flipped = array[:, ::-1] if array.ndim == 3 else array
        write_idx(tmp_path / "FashionMNIST" / "raw" / f"{name}.gz", np.ascontiguousarray(flipped))
    return tmp_path


@pytest.mark.parametrize("coding", ["rate", "latency"])
def test_mnist_and_fashion(folder: Path, coding: str) -> None:
    stored = mnist.read(folder)
    train, validation = mnist.split(stored.y_train)
    found = {}
    for name in ("static_mnist", "static_fashion"):
        splits = load(DataConfig(name=name, coding=coding, limit=9, steps=12), folder)
        assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [9, 20, 20]
        assert np.array_equal(splits.train.index, train[:9]) and np.array_equal(splits.validation.index, validation)
        assert np.array_equal(splits.train.labels, stored.y_train[train[:9]])
        assert splits.provenance.endswith(f"{coding}-coded, 12 steps") and splits.train.sensor == (1, 28, 28)
        found[name] = splits.test.dense().reshape(20, 28, 28, 12)
    seen = found["static_mnist"].any(-1)
    assert not seen[stored.x_test == 0].any() and seen[stored.x_test > 250].mean() > 0.99
    if coding == "latency":
        assert np.array_equal(found["static_fashion"], found["static_mnist"][:, ::-1])


def test_fashion_is_read_from_kerass_file_too(folder: Path) -> None:
    (folder / "fashion_mnist.npz").write_bytes((folder / "mnist.npz").read_bytes())
    assert np.array_equal(mnist.read(folder, FASHION).x_train, mnist.read(folder).x_train)


def test_where_fashion_is_to_be_put(tmp_path: Path) -> None:
    with pytest.raises(
        BasaltError, match=r"Fashion-MNIST is not in .*fashion_mnist\.npz.*FashionMNIST/raw.*zalandores"
    ):
        load(DataConfig(name="static_fashion"), tmp_path)
    place = tmp_path / "FashionMNIST" / "raw"
    place.mkdir(parents=True)
    for name in mnist._RAW:
        (place / f"{name}.gz").write_bytes(gzip.compress(b"no images"))
    with pytest.raises(BasaltError, match=r"damaged .*: put Fashion-MNIST there again"):
        load(DataConfig(name="static_fashion"), tmp_path)


def test_digits_need_no_folder_and_are_coded_once(tmp_path: Path, cache_folder: Path) -> None:
    config = DataConfig(name="static_digits", coding="latency", steps=5)
    first = load(config, tmp_path / "nowhere")
    files = sorted(path.name for path in (cache_folder / "events").iterdir())
    again = load(config, tmp_path / "nowhere")
    assert [len(part) for part in (first.train, first.validation, first.test)] == [4000, 500, 500]
    assert np.array_equal(first.test.dense(), again.test.dense())
    assert files == sorted(path.name for path in (cache_folder / "events").iterdir()) and len(files) == 3
