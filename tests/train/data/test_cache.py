"""What was filmed once is read again, unless anything that matters has changed."""

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
