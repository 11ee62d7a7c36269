"""A switch pays where one of accuracy and cost is better and the other no worse, by intervals worked out by hand."""

from dataclasses import replace
from typing import Any

import pytest

from basalt.study.effects import Effect
from basalt.study.lif_roles.page import paying
from basalt.study.lif_roles.results import Results
from basalt.study.lif_roles.tasks import SPATIAL, TEMPORAL
from basalt.study.lif_roles.worth import Worth, worths
from tests.study.lif_roles.made import STUDY, outcomes

BASE, NO_LEAK, FULL = "learnable-hard-none", "none-hard-none", "learnable-hard-full"


def found(change: Any) -> dict[tuple[str, str, str], Worth]:
    return {(one.kind, one.on, one.off): one for one in worths(Results(STUDY, outcomes(change)))}


def figures(task: str, variant: str, seed: int) -> dict[str, Any]:
    """Leakage adds points and halves operations on temporal data; recurrence buys points with half as much again."""
    leaks, recurs, temporal = variant == BASE, variant == FULL, task in ("recall", "spoken")
    accuracy = 0.7 + 0.001 * seed * (1 + leaks) + 0.1 * (temporal and leaks) + 0.2 * (temporal and recurs)
    ratio = (0.5 if temporal and leaks else 1.5 * 0.5 if temporal and recurs else 1.0) * (1 + 0.01 * seed)
    prices = {} if seed > 1 else {"loihi1-davies": {"joule": 1e-6 * ratio * (1.0 if task == "recall" else 1.1)}}
    return {"accuracy": accuracy, "operations": 1000.0 * ratio, "prices": prices}


def test_changes_are_differences_and_ratios() -> None:
    worth = found(figures)[TEMPORAL, BASE, NO_LEAK]
    assert worth.accuracy.value == pytest.approx(100 * (0.1 + 0.002))
    operations = worth.operations
    assert isinstance(operations, Effect)
    assert (operations.value, operations.low, operations.high) == pytest.approx((-50, -50, -50))
    assert operations.over == "3 seeds"
    assert worth.joules == {"loihi1-davies": pytest.approx(-50)}  # of one seed


def test_joules_of_several_seeds_have_an_interval() -> None:
    def change(task: str, variant: str, seed: int) -> dict[str, Any]:
        return {"prices": {"loihi1-davies": {"joule": 1e-6 * (1 + 0.1 * seed * (variant == BASE))}}}

    effect = found(change)[TEMPORAL, BASE, NO_LEAK].joules["loihi1-davies"]
    assert isinstance(effect, Effect)
    assert effect.low < 10 < effect.value < 30 < effect.high
    assert effect.value == pytest.approx(100 * ((1.1 * 1.2 * 1.3) ** (1 / 3) - 1))


def test_words() -> None:
    by = found(figures)
    assert by[TEMPORAL, BASE, NO_LEAK].word == "pays"
    assert by[TEMPORAL, FULL, BASE].word == "buys accuracy"
    assert by[SPATIAL, FULL, BASE].word == "no difference"
    nothing, up, down = Effect(0, -1, 1, ""), Effect(2, 1, 3, ""), Effect(-2, -3, -1, "")
    words = {
        (a.value, c.value): Worth(TEMPORAL, BASE, FULL, a, c, {}).word
        for a in (nothing, up, down)
        for c in (nothing, up, down)
    }
    assert words == {
        (2, -2): "pays",
        (2, 0): "pays",
        (0, -2): "pays",
        (2, 2): "buys accuracy",
        (-2, -2): "saves, and costs accuracy",
        (0, 0): "no difference",
        (0, 2): "does not pay",
        (-2, 0): "does not pay",
        (-2, 2): "does not pay",
    }


def test_one_seed_is_shown_and_not_judged() -> None:
    study = replace(STUDY, seeds=1)
    by = {(one.kind, one.on, one.off): one for one in worths(Results(study, outcomes(figures, study)))}
    worth = by[TEMPORAL, BASE, NO_LEAK]
    assert worth.operations == pytest.approx(-50)
    assert worth.word == "not tested"
    assert "<td class='n'>-50.0</td>" in paying([worth]).content


def test_what_was_not_trained_is_left_out() -> None:
    some = outcomes(figures)
    for seed in (1, 2, 3):
        for task in ("recall", "spoken"):
            del some[STUDY.run_name(task, NO_LEAK, seed)]
    kinds = {(one.kind, one.off) for one in worths(Results(STUDY, some))}
    assert (TEMPORAL, NO_LEAK) not in kinds
    assert (SPATIAL, NO_LEAK) in kinds


def test_the_table_has_the_machines_that_are_priced() -> None:
    shown = paying(list(found(figures).values())).content
    assert "Loihi 1 (Davies)" in shown
    assert "SANA-FE" not in shown
    assert "-50.0<small>-50.0 to -50.0</small>" in shown
    assert ">pays<" in shown
    assert "learned leakage instead of no leakage<small>hard reset, full recurrence</small>" in shown
