"""SHD and SSC from small files in the format of the real ones (HDF5, variable-length arrays); nothing is downloaded."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from basalt.errors import BasaltError
from basalt.train.data import DataConfig, load

CLASSES = {"shd": 20, "ssc": 35}
PARTS = {"shd": ("train", "test"), "ssc": ("train", "valid", "test")}


def events_of(number: int) -> tuple[np.ndarray, np.ndarray]:
    """Times in s and channels, as the files store them."""
    random = np.random.RandomState(number)
    count = random.randint(0, 40)
    times = np.sort(random.rand(count) * 0.98).astype(np.float16)
    return times, random.randint(0, 700, count).astype(np.uint16)


def write(path: Path, labels: np.ndarray, first: int, **changes: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = [events_of(first + i) for i in range(len(labels))]
    with h5py.File(path, "w") as file:
        for name, axis, kind in (("times", 0, np.float16), ("units", 1, np.uint16)):
            stored = file.create_dataset(f"spikes/{name}", (len(labels),), h5py.vlen_dtype(kind))
            for i, sample in enumerate(samples):
                stored[i] = changes.get(name, sample[axis]) if i == 0 else sample[axis]
        file["labels"] = labels.astype(np.uint16)
        file["extra/speaker"] = np.zeros(len(labels), np.uint16)
        file["extra/keys"] = np.array([b"zero", b"one"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, classes in CLASSES.items():
        for first, part in enumerate(PARTS[name]):
            labels = np.random.RandomState(first).permutation(
                np.repeat(np.arange(classes), 3 if part == "train" else 1)
            )
            write(tmp_path / name.upper() / f"{name}_{part}.h5", labels, 1000 * first)
    return tmp_path


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("tonic tried to download")

    monkeypatch.setattr("tonic.dataset.download_and_extract_archive", refuse)


@pytest.mark.parametrize(("name", "step_ms", "steps"), [("shd", 10.0, 100), ("ssc", 4.0, 250)])
def test_recordings_are_read_grouped_and_binned(folder: Path, name: str, step_ms: float, steps: int) -> None:
    splits = load(DataConfig(name=name), folder)
    assert splits.classes == CLASSES[name]
    assert (splits.test.sensor, splits.test.step_ms, splits.test.steps) == ((1, 1, 140), step_ms, steps)
    first = 1000 * (len(PARTS[name]) - 1)
    for position in range(6):
        expected = np.zeros((140, steps), np.uint8)
        for time, channel in zip(*events_of(first + position), strict=True):
            expected[channel // 5, int(int(float(time) * 1e6) / (1000 * step_ms))] = 1
        assert (splits.test.dense([position])[0] == expected).all()
    with h5py.File(folder / name.upper() / f"{name}_test.h5") as file:
        assert splits.test.labels.tolist() == file["labels"][()].tolist()


def test_shd_holds_out_some_of_each_class_and_ssc_has_its_own(folder: Path) -> None:
    shd, ssc = (load(DataConfig(name=name), folder) for name in ("shd", "ssc"))
    assert sorted([*shd.train.index, *shd.validation.index]) == list(range(60))
    assert np.bincount(shd.validation.labels).tolist() == [1] * 20
    assert [len(part) for part in (ssc.train, ssc.validation, ssc.test)] == [105, 35, 35]
    with h5py.File(folder / "SSC" / "ssc_valid.h5") as file:
        assert ssc.validation.labels.tolist() == file["labels"][()].tolist()
    assert len(load(DataConfig(name="ssc", limit=11), folder).train) == 11


def test_the_cache_notices_a_changed_file_and_grouping(folder: Path, cache_folder: Path) -> None:
    load(DataConfig(name="shd"), folder)
    load(DataConfig(name="shd"), folder)
    assert len(list(cache_folder.rglob("*.npz"))) == 2
    assert load(DataConfig(name="shd", group=6), folder).test.sensor == (1, 1, 117)
    write(folder / "SHD" / "shd_test.h5", np.arange(20)[::-1], 77)
    assert load(DataConfig(name="shd"), folder).test.labels.tolist() == list(range(20))[::-1]


def test_missing_files_say_what_to_put_where(folder: Path, tmp_path: Path) -> None:
    (folder / "SSC" / "ssc_valid.h5").unlink()
    with pytest.raises(BasaltError, match=r"SSC lacks ssc_valid\.h5 in .*SSC: unpack them .* --data-dir"):
        load(DataConfig(name="ssc"), folder)
    with pytest.raises(BasaltError, match=r"SHD lacks shd_train\.h5 and shd_test\.h5"):
        load(DataConfig(name="shd"), tmp_path / "nowhere")


def test_damaged_files_are_named(folder: Path) -> None:
    path = folder / "SHD" / "shd_test.h5"
    write(path, np.arange(20), 0, units=np.array([700]), times=np.array([0.5]))
    with pytest.raises(BasaltError, match=r"Recording 0 of .*shd_test\.h5 is not"):
        load(DataConfig(name="shd"), folder)
    write(path, np.arange(1, 21), 0)
    with pytest.raises(BasaltError, match=r"Recording 19 of .* 20 classes"):
        load(DataConfig(name="shd"), folder)
    with h5py.File(path, "w") as file:
        file["labels"] = np.arange(20)
    with pytest.raises(BasaltError, match=r"shd_test\.h5 is damaged"):
        load(DataConfig(name="shd"), folder)
    path.write_bytes(b"no HDF5")
    with pytest.raises(BasaltError, match=r"shd_test\.h5 is damaged"):
        load(DataConfig(name="shd"), folder)
    write(folder / "SHD" / "shd_train.h5", np.arange(20), 0)
    write(path, np.arange(20), 0)
    with pytest.raises(BasaltError, match="fewer than two recordings"):
        load(DataConfig(name="shd"), folder)
