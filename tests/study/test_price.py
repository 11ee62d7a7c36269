"""Pricing a study: which runs, what was priced already, what goes into prices.json, failures at the end."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from basalt.cli import build
from basalt.errors import BasaltError
from basalt.study.price import study as price_study


@pytest.fixture
def study(tmp_path):
    for name, accuracy in (("a-s1", 0.9), ("a-s2", 0.9), ("lstm-s1", None)):
        run = tmp_path / "runs" / name
        run.mkdir(parents=True)
        (run / "checkpoint.safetensors").write_bytes(b"")
        (run / "outcome.json").write_text(json.dumps({"metrics": {"accuracy_integer": accuracy}}))
    (tmp_path / "runs" / "unfinished-s1").mkdir()
    return tmp_path


@pytest.fixture
def asked(monkeypatch):
    """The runs that were priced, in order."""
    names: list[str] = []

    def entry(run, samples, core, tables, data_dir):
        names.append(run.name)
        if (run / "broken").exists():
            raise BasaltError("it does not fit")
        misfits = ["Layer 'hidden1' does not fit."] if (run / "large").exists() else []
        return {"misfits": misfits, "machines": {table: {"joule": samples} for table in tables}}

    monkeypatch.setattr(price_study, "entry", entry)
    return names


def call(study: Path, *arguments: str) -> str:
    result = CliRunner().invoke(build(), ["study", "price", str(study), *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def test_what_is_deployed_is_priced_once(study, asked):
    assert "2 networks priced, 0 had been" in call(study, "-n", "7")
    assert asked == ["a-s1", "a-s2"]
    prices = json.loads((study / "runs/a-s1/prices.json").read_text())
    assert prices["samples"] == 7
    assert set(prices["machines"]) == set(prices["tables"]) == {"near-memory-22nm", "loihi1-davies", "loihi1-sanafe"}
    assert "0 networks priced, 2 had been" in call(study, "-n", "7")
    assert "2 networks priced" in call(study, "-n", "8")


def test_what_does_not_fit_is_said_and_kept(study, asked):
    assert "do not fit" not in call(study, "--only", "*-s1")
    (study / "runs/a-s2/large").touch()
    assert "1 of them do not fit into the near-memory core" in call(study)
    assert json.loads((study / "runs/a-s2/prices.json").read_text())["misfits"] == ["Layer 'hidden1' does not fit."]


def test_prices_of_another_convention_are_priced_again(study, asked):
    call(study, "-n", "7")
    path = study / "runs/a-s1/prices.json"
    before = json.loads(path.read_text())
    assert before.pop("headline") == "in real time"
    path.write_text(json.dumps(before))
    assert "1 networks priced, 1 had been" in call(study, "-n", "7")


def test_a_checkpoint_of_an_earlier_version_is_asked_for_anew(study, asked):
    """There is none to compare the time of: exporting the run says what to do."""
    call(study, "-n", "7")
    run = study / "runs/a-s1"
    (run / "checkpoint.safetensors").rename(run / "checkpoint.pt")
    assert "1 networks priced, 1 had been" in call(study, "-n", "7")


def test_a_newer_training_is_priced_again(study, asked):
    call(study)
    checkpoint = study / "runs/a-s2/checkpoint.safetensors"
    later = (study / "runs/a-s2/prices.json").stat().st_mtime + 10
    os.utime(checkpoint, (later, later))
    call(study)
    assert asked == ["a-s1", "a-s2", "a-s2"]


def test_a_part_of_the_runs(study, asked):
    call(study, "--only", "*-s2")
    assert asked == ["a-s2"]
    with pytest.raises(BasaltError, match="lstm"):
        call(study, "--only", "lstm*")


def test_a_failure_comes_last(study, asked):
    (study / "runs/a-s1/broken").touch()
    with pytest.raises(BasaltError, match="1 networks could not be priced, the first a-s1: it does not fit"):
        call(study)
    assert (study / "runs/a-s2/prices.json").exists()
    assert not (study / "runs/a-s1/prices.json").exists()
