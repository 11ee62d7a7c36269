"""The command, as a user calls it, on a study of seconds; and what is measured in a network."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from typer.testing import CliRunner

from basalt.cli import build
from basalt.errors import BasaltError
from basalt.study import runner
from basalt.study.memory_vision import recordings
from basalt.study.memory_vision.observe import assemblies, sample
from basalt.study.runner import OUTCOME
from basalt.train import data
from basalt.train.data.events import Splits
from basalt.train.data.nmnist import Recordings
from tests.train.test_vision_recipes import events

SMALL = ("--models", "lif,full", "--epochs", "1", "--seeds", "1", "--set", "data.steps=12", "--set", "training.batch=6")


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Call the command on two classes of a few samples, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    parts = {
        name: events(size, seed, 12)
        for seed, (name, size) in enumerate(zip(("train", "validation", "test"), (12, 4, 8)))
    }
    some = Splits(**parts, name="halves", classes=10, provenance="made in a test")
    monkeypatch.setattr(data, "load", lambda config, data_dir=None: some)
    runner._splits.cache_clear()

    def call(*arguments: str) -> str:
        result = CliRunner().invoke(build(), ["ablate", "memory-vision", *arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    yield call
    runner._splits.cache_clear()


def test_a_whole_study(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    call("--task", "mnist", "--data-dir", "nowhere", *SMALL)
    folder = Path("studies/memory-vision-mnist")
    written = json.loads((folder / "results.json").read_text())
    assert written["failures"] == {}
    assert sorted(written["outcomes"]) == ["full-s1", "lif-s1"]
    assert written["models"] == {"lif": [], "full": ["hgrn", "hopfield", "scl"]}
    one = written["outcomes"]["full-s1"]
    assert one == json.loads((folder / "runs" / "full-s1" / OUTCOME).read_text())
    assert one["rates"] == pytest.approx(one["metrics"]["spike_rate"])
    assert one["silenced"]["0"] == pytest.approx(one["metrics"]["accuracy_integer"])
    assert list(one["gates"]) == ["hgrn1", "hgrn2"] and max(one["gates"]["hgrn1"]["low"]) == 0
    assert one["operations"]["hopfield"]["products"] > 0 == one["operations"]["conv1"]["products"]
    synapses = sum(layer["synapses"] + layer["pathway"] for layer in one["operations"].values())
    assert one["energy"]["synapses"] == pytest.approx(0.9e-12 * synapses)
    assert one["energy"]["paper"] == pytest.approx(640 * 0.9e-12 * sum(one["spikes"].values()))
    assert one["recordings"] is None
    page = (folder / "report.html").read_text()
    assert "http" not in page
    for figure in page.split("<svg")[1:]:
        ElementTree.fromstring("<svg" + figure.split("</svg>")[0] + "</svg>")

    # Recordings that turn up later are tested on without training again.
    monkeypatch.setattr("basalt.train.loop.fit", None)
    monkeypatch.setattr(recordings, "found", lambda config, data_dir: events(6, 4, 12))
    call("--task", "mnist", *SMALL)
    later = json.loads((folder / "runs" / "full-s1" / OUTCOME).read_text())
    assert later["recordings"]["samples"] == 6
    assert {**later, "recordings": None} == one


def test_quick_and_dry(call: Any, tmp_path: Path) -> None:
    output = call("--quick", "--dry-run")
    assert "memory-vision-digits-quick" in output and "8 trainings, 0 of them done" in output
    assert "hopfield_only: Hopfield (nmnist_hopfield)" in output
    assert not (tmp_path / "studies").exists()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--task", "mnst"), "did you mean 'mnist'"),
        (("--models", "lif,hopfeld"), "did you mean 'hopfield'"),
        (("--dry-run", "--set", "training.epoch=3"), "training.epoch"),
    ],
)
def test_mistakes_are_named(call: Any, arguments: tuple[str, ...], text: str) -> None:
    with pytest.raises(BasaltError, match=text):
        call(*arguments)


def test_assemblies_are_the_neurons_of_a_class() -> None:
    draw = np.random.default_rng(0)
    labels = np.arange(60) % 3
    drive = draw.random(60)
    features = np.zeros((60, 7))
    for neuron in range(6):
        features[:, neuron] = (labels == neuron // 2) * (0.2 + 0.3 * drive) + 0.01 * draw.random(60)
    found = assemblies(features, labels, 3)
    assert found["silent"] == 1
    assert found["within"] > 0.9 > 0 > found["between"]
    assert np.argmax(found["class_rates"], axis=0)[:6].tolist() == [0, 0, 1, 1, 2, 2]
    assert assemblies(np.zeros((4, 3)), np.zeros(4, int), 2)["within"] is None


def test_samples_are_the_same_for_all_and_few() -> None:
    assert len(sample(10_000)) == len(set(sample(10_000).tolist())) == 2000
    assert sorted(sample(7)) == list(range(7))


def test_recordings_of_images_that_were_trained_on_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = data.DataConfig(name="mnist", exclude_first=4)
    assert recordings.found(config, tmp_path) is None
    for part in ("Train", "Test"):
        (tmp_path / "NMNIST" / part / "0").mkdir(parents=True)
        (tmp_path / "NMNIST" / part / "0" / "00001.bin").touch()
    both = Recordings(events(6, 0, 12), np.array(["Train"] * 5 + ["Test"]))
    monkeypatch.setattr("basalt.train.data.nmnist.recordings", lambda config, at: both)
    left = recordings.found(config, tmp_path)
    assert left is not None
    assert left.index.tolist() == [0, 1, 2, 3, 5]
