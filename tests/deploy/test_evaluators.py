"""Lava brings an evaluator of expressions, asteval, for learning rules: no file of ours reaches it."""

from pathlib import Path
from typing import Any

import asteval
import pytest

from basalt.deploy.backends import BACKENDS
from basalt.deploy.job import Job, run
from tests.conformance.strategies import make_case


@pytest.fixture
def evaluators(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with a line for every evaluator that is made, here or in Lava's processes, which are forks."""
    made = tmp_path / "made"
    made.touch()
    original = asteval.Interpreter.__init__

    def noted(self: Any, *args: Any, **options: Any) -> None:
        with made.open("a") as file:
            file.write("made\n")
        original(self, *args, **options)

    monkeypatch.setattr(asteval.Interpreter, "__init__", noted)
    return made


@pytest.mark.parametrize("backend", [name for name, backend in BACKENDS.items() if backend.why_not is None])
def test_a_run_makes_no_evaluator(backend: str, evaluators: Path) -> None:
    case = make_case(2, stock=True)
    assert run(Job(case.network, case.spikes[:1], backend), timeout=120).sent
    assert evaluators.read_text() == ""


def test_a_learning_rule_would_make_one(evaluators: Path) -> None:
    """The one place in Lava that does; what it evaluates is made of the rule, which a program writes, not a file."""
    from lava.magma.core.learning.learning_rule import Loihi2FLearningRule
    from lava.magma.core.learning.learning_rule_applier import LearningRuleApplierFloat

    rule = Loihi2FLearningRule(dw="x0 * y1", x1_impulse=1, x1_tau=2, y1_impulse=1, y1_tau=2)
    for series in rule.active_product_series.values():
        LearningRuleApplierFloat(series)
    assert evaluators.read_text() == "made\n"
