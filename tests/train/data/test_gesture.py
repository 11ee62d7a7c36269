"""DVS-Gesture from small files in tonic's unpacked layout; nothing is downloaded."""

import os
from pathlib import Path

import numpy as np
import pytest

from basalt.errors import BasaltError
from basalt.train.data import DataConfig, load

USERS = {"ibmGestureTrain": ("user02_led", "user01_fluorescent", "user01_lab"), "ibmGestureTest": ("user24_led",)}


def events_of(user: str, label: int) -> np.ndarray:
    """Rows x, y, polarity, ms."""
    random = np.random.RandomState(label + 100 * sum(map(ord, user)))
    times = np.sort(random.randint(0, 5990, 50))
    return np.stack([random.randint(0, 128, 50), random.randint(0, 128, 50), random.randint(0, 2, 50), times], 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for part, users in USERS.items():
        for user in users:
            place = tmp_path / "DVSGesture" / part / user
            place.mkdir(parents=True)
            for label in range(11):
                np.save(place / f"{label}.npy", events_of(user, label).astype(np.float64))
    return tmp_path


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("tonic tried to download")

    monkeypatch.setattr("tonic.dataset.download_and_extract_archive", refuse)


@pytest.mark.parametrize(("group", "side"), [(4, 32), (1, 128), (3, 43)])
def test_blocks_of_pixels_are_inputs_and_polarities_stay_apart(folder: Path, group: int, side: int) -> None:
    test = load(DataConfig(name="gesture", group=group, steps=300, step_ms=20), folder).test
    assert test.sensor == (2, side, side)
    paths = sorted(f"{label}.npy" for label in range(11))
    assert test.labels.tolist() == [int(path[:-4]) for path in paths]
    for position, label in enumerate(test.labels[:4]):
        expected = np.zeros((2, side, side, 300), np.uint8)
        for x, y, polarity, time in events_of("user24_led", int(label)):
            expected[polarity, y // group, x // group, time // 20] = 1
        assert (test.dense([position])[0].reshape(expected.shape) == expected).all()


def test_each_class_is_in_validation_and_the_order_is_that_of_the_paths(folder: Path) -> None:
    splits = load(DataConfig(name="gesture"), folder)
    assert (splits.classes, splits.train.steps, splits.train.sensor) == (11, 1000, (2, 32, 32))
    assert sorted([*splits.train.index, *splits.validation.index]) == list(range(33))
    assert sorted(splits.validation.labels) == list(range(11))
    order = [
        (user, name) for user in sorted(USERS["ibmGestureTrain"]) for name in sorted(f"{n}.npy" for n in range(11))
    ]
    for position, index in enumerate(splits.train.index[:5]):
        user, name = order[index]
        assert splits.train.labels[position] == int(name[:-4])
        first = events_of(user, int(name[:-4]))[0]
        block = (first[2] * 32 + first[1] // 4) * 32 + first[0] // 4
        assert splits.train.dense([position])[0, block, first[3] // 6] == 1
    assert len(load(DataConfig(name="gesture", limit=5), folder).train) == 5


def test_late_events_are_left_out_with_a_note(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    test = load(DataConfig(name="gesture", steps=100), folder).test
    early = sum(int((events_of("user24_led", label)[:, 3] < 600).sum()) for label in range(11))
    assert early - 2 <= test.dense().sum() <= early
    assert "of the events come after 600 ms" in capsys.readouterr().err


def test_missing_and_damaged_recordings_are_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BasaltError, match=r"no recordings in ibmGestureTrain and ibmGestureTest: unpack .* --data-dir"):
        load(DataConfig(name="gesture"), tmp_path / "nowhere")
    path = folder / "DVSGesture" / "ibmGestureTest" / "user24_led" / "3.npy"
    for content in (np.array([[128, 0, 0, 1.0]]), np.array([[0, 0, 0, -1.0]])):
        np.save(path, content)
        with pytest.raises(BasaltError, match=r"3\.npy has events outside 128 x 128"):
            load(DataConfig(name="gesture"), folder)
    for damage in (path.read_bytes()[:-3], b"no array", b""):
        path.write_bytes(damage)
        with pytest.raises(BasaltError, match=r"3\.npy is damaged"):
            load(DataConfig(name="gesture"), folder)
    for user in USERS["ibmGestureTrain"][1:]:
        (folder / "DVSGesture" / "ibmGestureTrain" / user / "10.npy").unlink()
    path.unlink()
    with pytest.raises(BasaltError, match="fewer than two recordings of a class"):
        load(DataConfig(name="gesture"), folder)


MISLEADING = {
    "pipe": os.mkfifo,
    "folder": os.mkdir,
    "zeros without end": lambda path: path.symlink_to("/dev/zero"),
    "short": lambda path: path.write_bytes(b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fort"),
    "holes": lambda path: (np.save(path, np.zeros((2, 4))), os.truncate(path, 1 << 40)),
    "none": lambda path: np.save(path, np.full((2, 4), np.nan)),
    "one axis": lambda path: np.save(path, np.zeros(4)),
    "texts": lambda path: np.save(path, np.array([["a"] * 4])),
    "sizes": lambda path: _claiming(path, (1 << 38, 4)),
}


def _claiming(path: Path, shape: tuple[int, int]) -> None:
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": shape})


@pytest.mark.parametrize("kind", MISLEADING)
def test_what_is_no_recording_is_named(kind: str, folder: Path) -> None:
    path = folder / "DVSGesture" / "ibmGestureTest" / "user24_led" / "3.npy"
    path.unlink()
    MISLEADING[kind](path)
    with pytest.raises(BasaltError, match=r"The recording .*3\.npy .*put it there again"):
        load(DataConfig(name="gesture", steps=10), folder)


def test_a_recording_without_a_label_is_named(folder: Path) -> None:
    place = folder / "DVSGesture" / "ibmGestureTest" / "user24_led"
    (place / "3.npy").rename(place / "3 again.npy")
    with pytest.raises(BasaltError, match=r"3 again\.npy has .*a label past 10"):
        load(DataConfig(name="gesture", steps=10), folder)
