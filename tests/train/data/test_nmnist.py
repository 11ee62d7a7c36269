"""Recordings in N-MNIST's format, written by the test: five bytes an event."""

import os
import urllib.error
from pathlib import Path

import numpy as np
import pytest

from basalt.errors import BasaltError
from basalt.train.data import DataConfig, load, nmnist

Event = tuple[int, int, int, int]  # x, y, polarity, time in µs


def record(path: Path, events: list[Event]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = b"".join(
        bytes([x, y, polarity << 7 | t >> 16 & 127, t >> 8 & 255, t & 255]) for x, y, polarity, t in events
    )
    path.write_bytes(content)


def events_of(number: int) -> list[Event]:
    random = np.random.RandomState(number)
    times = np.sort(random.randint(0, 320_000, 40))
    columns = zip(random.randint(0, 34, 40), random.randint(0, 34, 40), random.randint(0, 2, 40), times, strict=True)
    return [(int(x), int(y), int(polarity), int(t)) for x, y, polarity, t in columns]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Train: numbers 1 to 40, four a digit; Test: 41 to 60."""
    for number in range(1, 61):
        part = "Train" if number <= 40 else "Test"
        record(tmp_path / "NMNIST" / part / str(number % 10) / f"{number:05d}.bin", events_of(number))
    return tmp_path


def test_recordings_are_read_binned_and_known_by_number(folder: Path) -> None:
    found = nmnist.recordings(DataConfig(name="nmnist"), folder)
    assert found.events.index.tolist() == list(range(60))
    assert found.parts.tolist() == ["Train"] * 40 + ["Test"] * 20
    assert found.events.labels.tolist() == [number % 10 for number in range(1, 61)]
    for number in (1, 17, 60):
        expected = np.zeros((2, 34, 34, 60), np.uint8)
        for x, y, polarity, t in events_of(number):
            if t < 300_000:
                expected[polarity, y, x, t // 5000] = 1
        assert (found.events.dense([number - 1])[0].reshape(expected.shape) == expected).all()


def test_splits_are_stratified_and_say_that_the_set_is_a_part(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    splits = load(DataConfig(name="nmnist"), folder)
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [30, 10, 20]
    assert sorted([*splits.train.index, *splits.validation.index]) == list(range(40))
    assert np.bincount(splits.validation.labels).tolist() == [1] * 10
    assert "40 of 60,000 in Train and 20 of 10,000 in Test" in splits.provenance
    assert "40 of 60,000" in capsys.readouterr().err
    later = load(DataConfig(name="nmnist", exclude_first=10, limit=5), folder)
    assert min(*later.train.index, *later.validation.index) >= 10
    assert len(later.train) == 5


def test_a_changed_recording_is_read_again(folder: Path) -> None:
    before = nmnist.recordings(DataConfig(name="nmnist"), folder).events
    record(folder / "NMNIST" / "Train" / "1" / "00001.bin", [(1, 2, 1, 5000)])
    after = nmnist.recordings(DataConfig(name="nmnist"), folder).events
    assert before.offsets[1] > 30
    assert after.offsets[1] == 1
    assert (after.features[0], after.times[0]) == (34 * 34 + 2 * 34 + 1, 1)


def test_damaged_recordings_are_named(folder: Path) -> None:
    path = folder / "NMNIST" / "Train" / "1" / "00001.bin"
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(BasaltError, match=r"00001\.bin is cut off"):
        load(DataConfig(name="nmnist"), folder)
    record(path, [(40, 2, 1, 5000)])
    with pytest.raises(BasaltError, match=r"00001\.bin has events outside"):
        load(DataConfig(name="nmnist"), folder)


def test_a_missing_part_says_what_to_put_where(folder: Path) -> None:
    for path in (folder / "NMNIST" / "Test").rglob("*.bin"):
        path.unlink()
    with pytest.raises(BasaltError, match=r"no recordings in Test: put N-MNIST's Train/<digit>/\*\.bin"):
        load(DataConfig(name="nmnist"), folder)


def test_too_few_recordings_are_refused(folder: Path) -> None:
    with pytest.raises(BasaltError, match="fewer than two recordings"):
        load(DataConfig(name="nmnist", exclude_first=35), folder)


@pytest.mark.filterwarnings("ignore")
def test_a_download_that_fails_says_what_to_put_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise urllib.error.URLError("no network")

    monkeypatch.setattr("tonic.dataset.download_and_extract_archive", refuse)
    with pytest.raises(BasaltError, match=r"can't be downloaded .*no network.* put N-MNIST's .* --data-dir"):
        load(DataConfig(name="nmnist"), tmp_path)


MISLEADING = {
    "pipe": (os.mkfifo, "is not a regular file"),
    "folder": (os.mkdir, "is not a regular file"),
    "zeros without end": (lambda path: path.symlink_to("/dev/zero"), "is not a regular file"),
    "nothing": (lambda path: path.symlink_to("nowhere"), "Cannot read"),
    "holes": (lambda path: (path.touch(), os.truncate(path, 5 << 40)), "is larger than"),
}


@pytest.mark.parametrize("kind", MISLEADING)
def test_what_is_no_recording_is_named(kind: str, folder: Path) -> None:
    path = folder / "NMNIST" / "Train" / "1" / "00001.bin"
    path.unlink()
    make, said = MISLEADING[kind]
    make(path)
    with pytest.raises(BasaltError, match=rf"00001\.bin.* {said}|{said} .*00001\.bin"):
        load(DataConfig(name="nmnist"), folder)


def test_a_recording_without_a_number_is_named(folder: Path) -> None:
    record(folder / "NMNIST" / "Train" / "1" / "copy of 1.bin", events_of(1))
    with pytest.raises(BasaltError, match=r"copy of 1\.bin is not named by a number"):
        load(DataConfig(name="nmnist"), folder)
