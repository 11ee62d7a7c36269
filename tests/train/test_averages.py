"""Averaged weights: the mean that is said, validated and kept in place of the trained ones, and resumed exactly."""

import copy
import io
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console

from basalt.train import checkpoint
from basalt.train.averages import Averages
from basalt.train.checkpoint import load
from basalt.train.loop import fit, make_fabric
from basalt.train.networks import Network
from basalt.train.scores import integer_score
from tests.train.helpers import recipe, splits
from tests.train.test_training import assert_same, stop_at

WANTED = recipe(average=1.5, learning_rate=0.05)


def run(folder: Path, resume: bool = False) -> Any:
    return fit(WANTED, splits(), folder, make_fabric("cpu", "1"), resume, Console(file=io.StringIO()))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("averaged") / "run"
    run(folder)
    return folder


def test_the_mean_is_plain_at_first_and_exponential_then() -> None:
    torch.manual_seed(1)
    network = Network.of(WANTED, 16, 2)
    averages = Averages(network, 3)
    seen, expected = [], []
    for step in range(1, 7):
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.normal_()
        averages.update(step)
        seen.append([p.detach().double() for p in copy.deepcopy(network).parameters()])
        before = expected if step > 3 else [torch.stack(values).mean(0) for values in zip(*seen[:3])]
        expected = [mean + (now - mean) / 3 for mean, now in zip(before, seen[-1])] if step > 3 else before
        for average, mean in zip(averages.network.parameters(), expected):
            torch.testing.assert_close(average.double(), mean, rtol=1e-5, atol=1e-6)


def test_averages_are_validated_and_kept(whole: Path) -> None:
    saved = checkpoint.read(whole)
    assert saved.last is not None
    name = "layers.hidden1.memory.weight"
    assert not torch.equal(saved.last.average[name], saved.last.model[name])
    score = integer_score(load(whole), splits().validation)
    assert score.accuracy == saved.best["validation_accuracy_integer"] >= 0.9
    if saved.best["epoch"] == saved.last.epoch:
        assert_same(dict(saved.model), dict(saved.last.average))


def test_training_is_the_same_with_and_without(whole: Path, tmp_path: Path) -> None:
    plain = recipe(learning_rate=0.05)
    fit(plain, splits(), tmp_path / "plain", make_fabric("cpu", "1"), False, Console(file=io.StringIO()))
    left, right = (checkpoint.read(folder).last for folder in (whole, tmp_path / "plain"))
    assert left is not None and right is not None and not right.average
    assert_same(dict(left.model), dict(right.model))


@pytest.mark.parametrize("step", [9, 18])
def test_resume_equals_not_stopping(step: int, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        stop_at(patch, step)
        run(tmp_path / "run")
    run(tmp_path / "run", resume=True)
    left, right = (checkpoint.read(folder) for folder in (tmp_path / "run", whole))
    assert left.last is not None and right.last is not None
    assert_same(dict(left.model), dict(right.model))
    assert_same(left.last.tensors(), right.last.tensors())
