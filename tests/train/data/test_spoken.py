"""Spoken digits from a small file in the real one's format: three speakers, a tone for each digit."""

from pathlib import Path

import numpy as np
import pytest

from basalt.errors import BasaltError
from basalt.train.data import DataConfig, cochlea, load, spoken
from tests import shapes

SPEAKERS = ("ada", "bert", "cleo")
TAKES = 12


def recordings() -> dict[str, np.ndarray]:
    """40 ms each, in an order that mixes everything."""
    rows = [(speaker, digit, take) for speaker in SPEAKERS for digit in range(10) for take in range(TAKES)]
    order = np.random.RandomState(0).permutation(len(rows))
    audio = [np.sin(2 * np.pi * (200 + 300 * rows[i][1]) * np.arange(320 + rows[i][2]) / 8000) * 9000 for i in order]
    return {
        "audio": np.concatenate(audio).astype(np.int16),
        "offsets": np.cumsum([0, *map(len, audio)]),
        "labels": np.array([rows[i][1] for i in order], np.uint8),
        "speakers": np.array([rows[i][0] for i in order]),
        "take": np.array([rows[i][2] for i in order], np.uint8),
        "rate": np.array(8000),
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    np.savez(tmp_path / "spoken_digits.npz", **recordings())
    return tmp_path


def test_the_official_split_tests_on_the_first_takes(folder: Path) -> None:
    arrays = recordings()
    splits = load(DataConfig(name="spoken"), folder)
    take, who, label = (arrays[name] for name in ("take", "speakers", "labels"))
    assert sorted(splits.test.index) == np.flatnonzero(take < 5).tolist()
    assert sorted([*splits.train.index, *splits.validation.index]) == np.flatnonzero(take >= 5).tolist()
    drawn = [(who[i], label[i]) for i in splits.validation.index]
    assert {pair: drawn.count(pair) for pair in drawn} == {(s, d): 5 for s in SPEAKERS for d in range(10)}
    for part in (splits.train, splits.validation, splits.test):
        assert (part.labels == label[part.index]).all()
        assert (part.sensor, part.steps, part.step_ms) == ((1, 1, 140), 100, 10.0)
    again = load(DataConfig(name="spoken", limit=30), folder)
    assert again.train.index.tolist() == splits.train.index[:30].tolist()
    assert sorted(again.train.labels) == sorted([*range(10)] * 3)


def test_a_left_out_speaker_is_heard_in_the_test_only(folder: Path, cache_folder: Path) -> None:
    who = recordings()["speakers"]
    for name in SPEAKERS:
        splits = load(DataConfig(name="spoken", protocol=f"speaker:{name}"), folder)
        assert sorted(splits.test.index) == np.flatnonzero(who == name).tolist()
        heard = [*splits.train.index, *splits.validation.index]
        assert sorted(heard) == np.flatnonzero(who != name).tolist()
        assert len(splits.validation) == 2 * 10 * 5
    assert len(list(cache_folder.rglob("*.npz"))) == 1


def test_events_are_the_cochleas_grouped_and_binned(folder: Path) -> None:
    stored = recordings()
    for group, steps, step_ms in ((5, 100, 10.0), (7, 3, 15.0)):
        config = DataConfig(name="spoken", group=group, steps=steps, step_ms=step_ms)
        test = load(config, folder).test
        for position in (0, 57):
            i = test.index[position]
            times, channels = cochlea.spikes(stored["audio"][stored["offsets"][i] : stored["offsets"][i + 1]], 8000)
            expected = np.zeros((700 // group, steps), np.uint8)
            for time, channel in zip(times, channels, strict=True):
                if time < steps * step_ms * 1000:
                    expected[channel // group, int(time / (step_ms * 1000))] = 1
            assert expected.any()
            assert (test.dense([position])[0] == expected).all()


def test_many_late_events_are_worth_a_note(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load(DataConfig(name="spoken"), folder)
    assert "of the events" not in capsys.readouterr().err
    load(DataConfig(name="spoken", steps=2), folder)
    assert "of the events come after 20 ms" in capsys.readouterr().err


def test_the_second_time_nothing_is_listened_to(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = load(DataConfig(name="spoken"), folder)
    monkeypatch.setattr(cochlea, "spikes", None)
    assert (load(DataConfig(name="spoken"), folder).train.dense() == one.train.dense()).all()
    with pytest.raises(TypeError):
        load(DataConfig(name="spoken", group=10), folder)


def test_errors_name_what_is_wrong_and_what_to_do(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BasaltError, match=r"Nobody .* called 'berd': did you mean 'speaker:bert'.* ada, bert, cleo"):
        load(DataConfig(name="spoken", protocol="speaker:berd"), folder)
    with pytest.raises(BasaltError, match=r"put spoken_digits\.npz there .* --data-dir"):
        load(DataConfig(name="spoken"), tmp_path / "nowhere")
    path, whole = folder / "spoken_digits.npz", recordings()
    few = {**whole, "take": whole["take"] % 6}
    np.savez(path, **few)
    with pytest.raises(BasaltError, match="'official' leaves a speaker with 2 takes"):
        load(DataConfig(name="spoken"), folder)
    for wrong in ({"labels": whole["labels"] + 1}, {"offsets": whole["offsets"] + 1}, {"take": whole["take"][1:]}):
        np.savez(path, **{**whole, **wrong})
        with shapes.unchecked(), pytest.raises(BasaltError, match=r"damaged .*put it there again"):
            load(DataConfig(name="spoken"), folder)
    path.write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(BasaltError, match="damaged"):
        load(DataConfig(name="spoken"), folder)


def test_the_split_is_fixed(folder: Path) -> None:
    train, validation, _ = spoken.split(spoken.read(folder / "spoken_digits.npz"), "official")
    assert (train[:4].tolist(), validation[:4].tolist()) == ([117, 235, 228, 358], [54, 176, 163, 266])
