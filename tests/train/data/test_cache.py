"""What was filmed once is read again, unless anything that matters has changed."""

import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from basalt.errors import BasaltError
from basalt.train.data import cache, digits
from basalt.train.data.config import CameraConfig, DataConfig
from basalt.train.data.events import EventSet
from basalt.train.data.film import film

LABELS = np.repeat(np.arange(10), 500)
WHICH = np.array([3, 700, 1400])


def shoot(config: DataConfig, **changes: object) -> EventSet:
    arguments: dict = {"name": "t", "images": digits.images, "labels": LABELS, "which": WHICH, "source": "s"}
    return film(**(arguments | changes), config=config)


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.npz"))


def test_the_second_time_nothing_is_filmed(cache_folder: Path) -> None:
    def unread() -> np.ndarray:
        raise AssertionError("the images were read again")

    one = shoot(DataConfig())
    two = shoot(DataConfig(), images=unread)
    assert (one.dense() == two.dense()).all()
    assert two.index.tolist() == WHICH.tolist() and two.labels.tolist() == [0, 1, 2]
    assert (two.steps, two.step_ms, two.sensor) == (60, 5.0, (2, 34, 34))
    assert len(files(cache_folder)) == 1


@pytest.mark.parametrize("length", [5.0, 7.0])
def test_a_film_of_short_steps_gives_those_of_long_ones(length: float, cache_folder: Path) -> None:
    def unread() -> np.ndarray:
        raise AssertionError("the images were read again")

    filmed = shoot(DataConfig(step_ms=length, steps=30))
    (path,) = files(cache_folder)
    path.unlink()
    shoot(DataConfig(step_ms=1.0, steps=30 * int(length)))
    derived = shoot(DataConfig(step_ms=length, steps=30), images=unread)
    assert (derived.dense() == filmed.dense()).all()
    assert (derived.features == filmed.features).all() and (derived.times == filmed.times).all()
    assert (derived.steps, derived.step_ms) == (filmed.steps, filmed.step_ms)


def changed() -> dict[str, DataConfig]:
    """For each parameter that makes the events, a configuration in which it alone is another."""
    camera = CameraConfig()
    found = {"step_ms": DataConfig(step_ms=4), "steps": DataConfig(steps=59), "seed": DataConfig(seed=2)}
    for name, value in camera:
        if isinstance(value, tuple):
            other: object = (*value[:-1], value[-1] + 0.25)
        else:
            other = value * 0.9
        found[name] = DataConfig(camera=CameraConfig.model_validate(camera.model_dump() | {name: other}))
    return found


@pytest.mark.parametrize("name", changed())
def test_each_parameter_has_a_cache_of_its_own(name: str, cache_folder: Path) -> None:
    small = {"which": WHICH[:1]}
    shoot(DataConfig(), **small)
    shoot(changed()[name], **small)
    assert len(files(cache_folder)) == 2


def test_source_choice_stream_and_code_are_in_the_key(cache_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shoot(DataConfig())
    shoot(DataConfig(), source="other")
    shoot(DataConfig(), which=WHICH[::-1])
    shoot(DataConfig(), first_stream=1)
    assert len(files(cache_folder)) == 4
    monkeypatch.setattr(cache, "_CODE", cache._CODE[:-1])
    shoot(DataConfig())
    assert len(files(cache_folder)) == 5


@pytest.mark.parametrize("damage", ["cut", "empty", "flip", "text"])
def test_a_damaged_cache_is_built_again_with_a_note(
    damage: str, cache_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = shoot(DataConfig())
    (path,) = files(cache_folder)
    whole = path.read_bytes()
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :]
    path.write_bytes({"cut": whole[:middle], "empty": b"", "flip": flipped, "text": b"not an archive"}[damage])
    assert (shoot(DataConfig()).dense() == one.dense()).all()
    assert "damaged" in capsys.readouterr().err
    assert path.read_bytes() == whole or cache.read(path).features.tolist() == one.features.tolist()


def test_arrays_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    one = shoot(DataConfig())
    wrong = EventSet(one.offsets, one.features, one.times + 60, one.labels, 60, 5.0, one.index)
    cache.write(tmp_path / "wrong.npz", wrong)
    with pytest.raises(BasaltError, match=r"wrong\.npz is damaged"):
        cache.read(tmp_path / "wrong.npz")


def test_a_folder_that_cannot_be_written_leaves_the_events_uncached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BASALT_CACHE", str(tmp_path / "file"))
    assert len(shoot(DataConfig())) == 3
    assert "without the cache" in capsys.readouterr().err


def bomb(path: Path) -> None:
    """128 MiB of events that take a thousandth of it."""
    counts = {"offsets": np.array([0, 1 << 25]), "labels": np.zeros(1, np.int64), "index": np.zeros(1, np.int64)}
    many = dict.fromkeys(("features", "times"), np.zeros(1 << 25, np.uint16))
    np.savez_compressed(path, sensor=(2, 34, 34), steps=60, step_ms=5.0, **counts, **many)


MISLEADING = {
    "pipe": os.mkfifo,
    "folder": os.mkdir,
    "zeros without end": lambda path: path.symlink_to("/dev/zero"),
    "bomb": bomb,
}


@pytest.mark.parametrize("kind", MISLEADING)
def test_what_stands_in_place_of_a_cache_neither_hangs_nor_fills_the_memory(
    kind: str, cache_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BASALT_FILE_MIB", "16")
    one = shoot(DataConfig())
    (path,) = files(cache_folder)
    path.unlink()
    MISLEADING[kind](path)
    tracemalloc.start()
    assert (shoot(DataConfig()).dense() == one.dense()).all()
    assert tracemalloc.get_traced_memory()[1] < 1 << 25
    tracemalloc.stop()
    said = capsys.readouterr().err
    assert "damaged" in said
    assert ("limit" if kind == "bomb" else "regular file") in said.replace("\n", " ")


def test_a_large_cache_that_is_as_large_on_the_disk_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASALT_FILE_MIB", "1")
    count = 1 << 20
    zeros, offsets = np.zeros(count, np.uint16), np.array([0, count])
    events = EventSet(offsets, zeros, zeros, np.zeros(1, np.int64), 60, 5.0, np.zeros(1, np.int64))
    cache.write(tmp_path / "large.npz", events)
    assert len(cache.read(tmp_path / "large.npz").features) == count


@pytest.mark.parametrize("name", ["offsets", "features", "times", "labels", "index"])
def test_arrays_of_another_type_are_refused(name: str, tmp_path: Path) -> None:
    cache.write(tmp_path / "whole.npz", shoot(DataConfig()))
    with np.load(tmp_path / "whole.npz") as stored:
        arrays = dict(stored)
    for wrong in (arrays[name].astype(np.float64), arrays[name][None]):
        np.savez(tmp_path / "wrong.npz", **{**arrays, name: wrong})
        with pytest.raises(BasaltError, match=r"wrong\.npz is damaged"):
            cache.read(tmp_path / "wrong.npz")
