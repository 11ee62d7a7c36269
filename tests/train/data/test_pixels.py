"""Sequential MNIST: the order of pixels, their bits, and that graded input is deployed exactly."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.errors import BasaltError
from basalt.train.batches import dense
from basalt.train.data import DataConfig, digits, load, mnist
from basalt.train.data.pixels import PIXELS, PixelSet
from basalt.train.dynamics.events import integer_sums, late
from basalt.train.networks import Network
from basalt.train.recipe import AugmentConfig, NetworkConfig
from tests.convert.test_trained import assert_same


def config(name: str, **keys: object) -> DataConfig:
    return DataConfig(name=name, steps=PIXELS, step_ms=1.0, **keys)


def pixels(samples: int, order: np.ndarray | None = None, bits: int = 7) -> PixelSet:
    """Embedded digits of different classes."""
    images = digits.images()[np.arange(samples) * 501]
    order = np.random.RandomState(0).permutation(PIXELS) if order is None else order
    return PixelSet(images, order, bits, np.arange(samples), np.arange(samples))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Forty digits as if they were MNIST, two a class held out."""
    monkeypatch.setattr(mnist, "_HELD_OUT", 2)
    which = (np.arange(10)[:, None] * 500 + np.arange(4)).ravel()
    images, labels = digits.images()[which], np.repeat(np.arange(10, dtype=np.uint8), 4)
    np.savez(tmp_path / "mnist.npz", x_train=images, y_train=labels, x_test=images[::-1], y_test=labels[::-1])
    return tmp_path


def test_the_permutation_never_changes(folder: Path) -> None:
    """Networks trained once are to be tested later, elsewhere."""
    order = load(config("psmnist"), folder).test.order
    assert order[:8].tolist() == [693, 85, 647, 392, 765, 14, 299, 711]
    digest = hashlib.sha256(order.astype("<i8").tobytes()).hexdigest()
    assert digest == "fe62e3fef305ce16e55f08cd0056a8b237e12af6c9523ff3fb35395f6ec55222"
    other = load(config("psmnist", permutation_seed=1), folder).test.order
    assert not np.array_equal(order, other) and sorted(other) == list(range(PIXELS))


def test_splits_are_mnists_row_by_row(folder: Path) -> None:
    splits = load(config("smnist", limit=7), folder)
    stored = mnist.read(folder)
    train, validation = mnist.split(stored.y_train)
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [7, 20, 40]
    assert np.array_equal(splits.train.index, train[:7]) and np.array_equal(splits.validation.index, validation)
    assert np.array_equal(splits.train.labels, stored.y_train[train[:7]])
    assert np.array_equal(splits.test.dense(), stored.x_test.reshape(40, 1, -1) >> 1)
    assert (splits.classes, splits.train.features_count, splits.train.steps) == (10, 1, PIXELS)


@pytest.mark.parametrize("name", ["smnist", "psmnist"])
def test_images_that_recordings_show_are_left_out(folder: Path, name: str) -> None:
    whole, later = (load(config(name, exclude_first=n), folder) for n in (0, 15))
    for part in ("train", "validation"):
        kept = [index for index in getattr(whole, part).index if index >= 15]
        assert getattr(later, part).index.tolist() == kept
    with pytest.raises(BasaltError, match="exclude_first = 40 leaves none"):
        load(config(name, exclude_first=40), folder)


def test_another_number_of_steps_is_refused(folder: Path) -> None:
    with pytest.raises(BasaltError, match=r"smnist has 784 steps.*data.steps"):
        load(DataConfig(name="smnist", steps=100), folder)


@settings(max_examples=10)
@given(st.integers(1, 8), st.lists(st.integers(0, 5), min_size=1, max_size=4), st.integers(0, 2**31))
def test_a_pixel_a_step_with_its_highest_bits(bits, chosen, seed):  # type: ignore[no-untyped-def]
    order = np.random.RandomState(seed).permutation(PIXELS)
    data = pixels(6, order, bits)
    x = data.dense(chosen)
    assert x.shape == (len(chosen), 1, PIXELS) and x.dtype == np.uint8
    flat = data.images.reshape(6, -1).astype(int)
    for row, sample in zip(x[:, 0], chosen):
        assert row.tolist() == (flat[sample, order] * 2**bits // 256).tolist()
    assert np.array_equal(dense(data, np.array(chosen)).numpy(), x)
    part = data.subset(chosen)
    assert np.array_equal(part.dense(), x) and part.labels.tolist() == chosen


def network(kind: str) -> tuple[Network, torch.Tensor]:
    """One graded input, two hidden layers that spike, calibrated."""
    torch.manual_seed(1)
    memory = {"states": 6, "window": 300.0, "memory_scale": 0.4} if kind == "dmp" else {}
    first = {"kind": kind, "units": 7, "threshold": 64.0, "weight_scale": 0.02, "bias": True, **memory}
    second = {"kind": "lif", "units": 5, "threshold": 1.0, "weight_scale": 2.0, "voltage_decay": 0.02}
    made = Network(NetworkConfig(layers=[first, second, {"kind": "readout"}]), 1, 3).eval()
    x = dense(pixels(3), np.arange(3))
    made.calibrate(x)
    return made, x


def test_the_training_form_multiplies_whole_pixels() -> None:
    made, x = network("lif")
    layer = made.hidden[0]
    current = layer.current(x).detach().numpy() * 64
    expected = late(integer_sums(x, layer.record().weight)).transpose(1, 2).numpy()
    assert np.abs(expected).max() > 127
    assert np.array_equal(current, expected)
    assert np.array_equal(layer(x).detach().numpy(), made.trace(x).spikes["hidden1"].numpy())


@pytest.mark.parametrize("kind", ["lif", "dmp"])
def test_graded_input_is_deployed_as_trained(kind: str, tmp_path: Path) -> None:
    """Training's trace is the reference's and both exact backends', through the file, every pixel of every sample."""
    made, x = network(kind)
    assert int(x.max()) == 127
    assert all(0.002 < spikes.float().mean() < 0.9 for spikes in made.trace(x).spikes.values())
    assert_same(made, x, tmp_path / "model.net")


@pytest.mark.parametrize("change", [{"steps": 2}, {"drop": 0.1}, {"noise": 0.1}])
def test_changes_that_only_events_know_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(BasaltError, match="for pixels leave them out"):
        dense(pixels(1), np.arange(1), AugmentConfig(**change), np.zeros(1, np.uint64))
