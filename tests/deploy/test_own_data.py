"""From one's own files to a priced run, by the command line alone: the recipes of Basalt on tiny folders."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from basalt.cli import build, run_app
from tests.basalt.recordings.writers import WRITERS, drawn


def basalt(*arguments: str) -> int:
    """A command's exit code."""
    before, sys.argv = sys.argv, ["basalt", *map(str, arguments)]
    try:
        run_app(build())
    except SystemExit as stop:
        return int(stop.code or 0)
    finally:
        sys.argv = before
    return 0


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BASALT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BASALT_DATA", str(tmp_path / "data"))
    return tmp_path


def camera(root: Path) -> None:
    """Two classes: events on the left or on the right."""
    for label, left in (("left", 0), ("right", 6)):
        (root / label).mkdir(parents=True)
        for number in range(6):
            given = drawn(60, seed=number, width=6, height=12, end=50_000)
            given.x[:] += left
            WRITERS["bin"][1](root / label / f"{number}.bin", given)


def voices(root: Path) -> None:
    """Two classes: a low tone or a high one, of three speakers."""
    for label, hertz in (("high", 2000), ("low", 300)):
        (root / label).mkdir(parents=True)
        for number in range(6):
            audio = np.sin(2 * np.pi * (hertz + 10 * number) * np.arange(1200) / 8000) * 9000
            soundfile.write(root / label / f"{'abc'[number % 3]}_{number}.wav", audio.astype(np.int16), 8000)


CASES = {
    "own_events": (camera, "recordings", ("data.sensor=[12,12]", "data.duration_ms=50"), 288),
    "own_sounds": (
        voices,
        "sounds",
        ('data.groups="([a-c])_"', "data.duration_ms=200", "network.layers.0.window=8"),
        140,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_from_own_files_to_joules(name: str, here: Path) -> None:
    make, place, given, features = CASES[name]
    make(here / place)
    settings = [word for one in (*given, "network.layers.0.units=8", "training.batch=4") for word in ("--set", one)]
    assert basalt("train", name, "--epochs", "4", *settings) == 0
    run = here / "runs" / name
    assert json.loads((run / "metrics.json").read_text())["test_samples"] >= 2
    assert basalt("export", run) == 0
    verified = json.loads((run / "verify.json").read_text())
    assert basalt("run", run) == 0
    result = json.loads((run / "deploy-fixed" / "result.json").read_text())
    with np.load(run / "test.npz") as stored:
        assert stored["spikes"].shape[1] == features and len(stored["labels"]) == result["samples"]
    assert result["accuracy"] is not None and result["energy_per_inference"]["near-memory-22nm"]
    assert verified["mismatches"] == 0 < verified["compared"]
