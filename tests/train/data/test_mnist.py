"""Full MNIST from either of its usual forms, on a small stand-in of embedded digits."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from basalt.errors import BasaltError
from basalt.train.data import DataConfig, digits, load, mnist
from basalt.train.data.sets import SETS

EACH = 8


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """80 training and 20 test digits, in mixed order, with two a class held out."""
    monkeypatch.setattr(mnist, "_HELD_OUT", 2)
    order = np.random.RandomState(0).permutation(10 * EACH)
    train = (np.arange(10)[:, None] * 500 + np.arange(EACH)).ravel()[order]
    test = (np.arange(10)[:, None] * 500 + 400 + np.arange(2)).ravel()
    images = digits.images()
    labels = np.repeat(np.arange(10, dtype=np.uint8), 500)
    return {"x_train": images[train], "y_train": labels[train], "x_test": images[test], "y_test": labels[test]}


def write_idx(path: Path, array: np.ndarray) -> None:
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    content = header + array.tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def test_npz_and_idx_give_the_same(tmp_path: Path, small: dict[str, np.ndarray]) -> None:
    np.savez(tmp_path / "mnist.npz", **small)
    for name, array in zip(mnist._RAW, small.values(), strict=True):
        suffix = ".gz" if "t10k" in name else ""
        write_idx(tmp_path / "raw" / "MNIST" / "raw" / f"{name}{suffix}", array)
    packed, raw = mnist.read(tmp_path), mnist.read(tmp_path / "raw")
    for one, other, expected in zip(packed, raw, small.values(), strict=True):
        assert (one == expected).all() and (other == expected).all()


def test_splits_leave_out_the_first_images(tmp_path: Path, small: dict[str, np.ndarray]) -> None:
    np.savez(tmp_path / "mnist.npz", **small)
    whole = load(DataConfig(name="mnist"), tmp_path)
    assert [len(part) for part in (whole.train, whole.validation, whole.test)] == [60, 20, 20]
    assert sorted([*whole.train.index, *whole.validation.index]) == list(range(80))
    assert whole.train.labels.tolist() == small["y_train"][whole.train.index].tolist()
    later = load(DataConfig(name="mnist", exclude_first=30, limit=11), tmp_path)
    assert min(*later.train.index, *later.validation.index) >= 30
    assert len(later.train) == 11
    assert set(later.validation.index) == {i for i in whole.validation.index if i >= 30}
    # Train image 0 and test image 0 don't share their random numbers, an image's events don't depend on the split.
    place = whole.train.index.tolist().index(later.train.index[0])
    assert (whole.train.dense([place]) == later.train.dense([0])).all()


def test_the_errors_say_what_to_do(tmp_path: Path, small: dict[str, np.ndarray]) -> None:
    with pytest.raises(BasaltError, match=r"put mnist\.npz there .* --data-dir"):
        load(DataConfig(name="mnist"), tmp_path)
    (tmp_path / "mnist.npz").mkdir()
    with pytest.raises(BasaltError, match=r"put mnist\.npz there"):
        load(DataConfig(name="mnist"), tmp_path)
    (tmp_path / "mnist.npz").rmdir()
    (tmp_path / "mnist.npz").write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(BasaltError, match="damaged"):
        load(DataConfig(name="mnist"), tmp_path)
    np.savez_compressed(tmp_path / "mnist.npz", **small)
    whole = (tmp_path / "mnist.npz").read_bytes()
    for start in range(200, 2200, 100):
        (tmp_path / "mnist.npz").write_bytes(whole[:start] + bytes(100) + whole[start + 100 :])
        with pytest.raises(BasaltError, match="damaged"):
            load(DataConfig(name="mnist"), tmp_path)
    np.savez(tmp_path / "mnist.npz", **(small | {"x_test": small["x_test"][:, :5]}))
    with pytest.raises(BasaltError, match="28 x 28"):
        load(DataConfig(name="mnist"), tmp_path)
    np.savez(tmp_path / "mnist.npz", **small)
    with pytest.raises(BasaltError, match="exclude_first = 80"):
        load(DataConfig(name="mnist", exclude_first=80), tmp_path)
    with pytest.raises(BasaltError, match="exclude_first"):
        load(DataConfig(name="digits", exclude_first=1), tmp_path)


def test_every_name_of_the_configuration_is_registered() -> None:
    assert list(SETS) == list(DataConfig.model_fields["name"].annotation.__args__)  # type: ignore[union-attr]
