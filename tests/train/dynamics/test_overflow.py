"""A batch whose gradient overflows changes nothing; where most do, training stops and says so."""

from pathlib import Path

import pytest
import torch

from basalt.errors import BasaltError
from basalt.train import checkpoint
from basalt.train.objectives import OBJECTIVES, Objective
from tests.train.helpers import recipe
from tests.train.test_training import run


def overflowing(monkeypatch: pytest.MonkeyPatch, factor: float, batches: range) -> None:
    """Multiply the gradients of these batches for the outputs by a factor."""
    plain, seen = OBJECTIVES["cross_entropy"], iter(range(1000))

    def objective(logits: torch.Tensor, labels: torch.Tensor, smoothing: float) -> torch.Tensor:
        if logits.requires_grad and next(seen) in batches:
            logits.register_hook(lambda grad: grad * factor)
        return plain(logits, labels, smoothing)

    monkeypatch.setitem(OBJECTIVES, "cross_entropy", Objective(objective, plain.over_time))


@pytest.mark.parametrize("factor", [float("inf"), float("nan")])
def test_one_batch_is_as_one_without_a_gradient(factor: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = recipe(epochs=2)
    with monkeypatch.context() as patch:
        overflowing(patch, factor, range(2, 3))
        state = run(tmp_path / "overflowing", wanted=wanted)
    with monkeypatch.context() as patch:
        overflowing(patch, 0.0, range(2, 3))
        run(tmp_path / "silent", wanted=wanted)
    ours, theirs = (checkpoint.read(tmp_path / name).last.model for name in ("overflowing", "silent"))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert [row["overflowed"] for row in state.history] == [pytest.approx(1 / 6), 0]
    assert "overflowed" in (tmp_path / "overflowing" / "log.csv").read_text().splitlines()[0]


def test_most_batches_stop_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second epoch's four of six; what the first wrote is left."""
    overflowing(monkeypatch, float("inf"), range(6, 10))
    with pytest.raises(BasaltError, match=r"67 % of epoch 2's samples was not finite: lower training\.learning_rate"):
        run(tmp_path / "run", wanted=recipe(epochs=3))
    assert checkpoint.read(tmp_path / "run").last.epoch == 1


@pytest.mark.parametrize("wrong", [{"learning_rate": 1e30}, {"weight_decay": 1e30}])
def test_infinite_weights_stop_the_run(wrong: dict[str, float], tmp_path: Path) -> None:
    """Clipped to eight bits they have a finite loss, and no integers."""
    with pytest.raises(BasaltError, match=r"Weights became infinite in epoch 1: lower training\.learning_rate or"):
        run(tmp_path / "run", wanted=recipe(**wrong))
