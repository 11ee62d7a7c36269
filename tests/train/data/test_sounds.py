"""Own sounds: wav and flac through the cochlea, split by file and by speaker."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from basalt.errors import BasaltError
from basalt.opening import VARIABLE
from basalt.train.data import DataConfig, cochlea, load, sounds
from basalt.train.data.sets import Shape, shape

RATE = 8000
SPEAKERS = ("ada", "bert", "cleo", "dora")


def tone(hertz: float, count: int = 800, rate: int = RATE) -> np.ndarray:
    return (np.sin(2 * np.pi * hertz * np.arange(count) / rate) * 9000).astype(np.int16)


def folder(root: Path, ending: str = ".wav") -> Path:
    for label, hertz in (("high", 2000), ("low", 300)):
        (root / label).mkdir(parents=True)
        for number, speaker in enumerate(SPEAKERS):
            for take in range(2):
                audio = tone(hertz + 20 * number, 800 + take)
                soundfile.write(root / label / f"{speaker}-{take}{ending}", audio, RATE, subtype="PCM_16")
    return root


def config(root: Path, **given: Any) -> DataConfig:
    return DataConfig(**{"name": "sounds", "path": str(root), **given})


@pytest.mark.parametrize("ending", [".wav", ".flac"])
def test_a_sound_becomes_what_the_cochlea_makes_of_it(ending: str, tmp_path: Path) -> None:
    root = folder(tmp_path / "d", ending)
    splits = load(config(root, group=7))
    assert shape(config(root, group=7)) == Shape((1, 1, 100), 2) and splits.train.sensor == (1, 1, 100)
    for part in (splits.train, splits.validation, splits.test):
        for row, index, label in zip(part.dense(), part.index, part.labels, strict=True):
            times, channels = cochlea.spikes(tone((2000, 300)[label] + 20 * (index % 8 // 2), 800 + index % 2), RATE)
            wanted = np.zeros((100, 100), np.uint8)
            wanted[channels // 7, times // 10_000] = 1
            assert np.array_equal(row, wanted) and wanted.any()
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [10, 2, 4]
    assert "16 sounds of 2 classes (high, low), split by file, 700 cochlea channels grouped by 7" in splits.provenance


def test_a_speaker_is_in_one_split(tmp_path: Path) -> None:
    root = folder(tmp_path / "d")
    splits = load(config(root, groups="([a-z]+)-", test=["bert"], validation=0.25))
    files = sounds.listed(root, sounds.ENDINGS).files
    who = [{files[index].name.split("-")[0] for index in part.index} for part in
           (splits.train, splits.validation, splits.test)]  # fmt: skip
    assert who[2] == {"bert"} and len(who[1]) == 1 and len(set.union(*who)) == 4 == sum(map(len, who))


def test_channels_and_widths_of_samples_change_nothing(tmp_path: Path) -> None:
    audio = tone(700)
    soundfile.write(tmp_path / "a.wav", audio, RATE, subtype="PCM_16")
    soundfile.write(tmp_path / "b.wav", np.stack([audio, audio], 1), RATE, subtype="PCM_16")
    soundfile.write(tmp_path / "c.wav", audio / 32768, RATE, subtype="DOUBLE")
    soundfile.write(tmp_path / "d.flac", audio, RATE, subtype="PCM_24")
    for name in ("a.wav", "b.wav", "c.wav", "d.flac"):
        found, rate = sounds.read(tmp_path / name)
        assert rate == RATE and np.abs(found.astype(int) - audio).max() <= 1, name


def written(path: Path, **given: Any) -> None:
    values = {"data": tone(500), "samplerate": RATE, "subtype": "PCM_16", **given}
    soundfile.write(path, **values)


def changed(path: Path, change: Any, **given: Any) -> None:
    written(path, **given)
    path.write_bytes(change(path.read_bytes()))


WRONG = {
    "cut.wav": (lambda path: changed(path, lambda body: body[:-100]), "is cut off"),
    "cut.flac": (lambda path: changed(path, lambda body: body[:30]), "damaged or no .flac"),
    "text.wav": (lambda path: path.write_text("sound"), "damaged or no .wav"),
    "none.wav": (lambda path: path.write_bytes(b""), "damaged or no .wav"),
    "empty.wav": (lambda path: written(path, data=tone(500, 0)), "is empty"),
    "slow.wav": (lambda path: written(path, samplerate=4000), "4,000 samples a second"),
    "fast.wav": (lambda path: written(path, samplerate=500_000), "500,000 samples a second"),
    "long.wav": (lambda path: written(path, data=tone(500, 400_000)), "needs 2 MiB"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_one_sentence_that_names_the_file(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "1")
    root = folder(tmp_path / "d", Path(name).suffix)
    make, text = WRONG[name]
    make(root / "high" / name)
    with pytest.raises(BasaltError, match=text) as found:
        load(config(root))
    assert name in str(found.value) and "\n" not in str(found.value)


def test_recordings_of_a_camera_are_no_sounds(tmp_path: Path) -> None:
    root = folder(tmp_path / "d")
    with pytest.raises(
        BasaltError, match=r"The class .*/high holds no recordings: data.path is a folder with .*\.aedat4"
    ):
        load(DataConfig(name="events", path=str(root)))
