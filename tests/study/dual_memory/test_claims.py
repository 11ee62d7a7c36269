"""Verdicts come from the figures: turned-round outcomes turn them round."""

from typing import Any

import numpy as np
import pytest

from basalt.study.dual_memory.claims import CLAIMS, verdicts
from basalt.study.dual_memory.results import Results, reached
from basalt.study.dual_memory.study import PARTS, Study
from tests.study.dual_memory.tiny import study


def outcome(accuracy: float, delay: float, start: float, reach: float, classes: int = 10) -> dict[str, Any]:
    """As a training leaves it: `start` is the validation accuracy of the first of four epochs."""
    curve = np.linspace(start, 0.9, 4)
    return {
        "classes": classes,
        "recipe": {"seed": 1, "training": {"epochs": 2}, "data": {}},
        "metrics": {"accuracy_integer": accuracy, "test_samples": 300},
        "history": [{"epoch": n + 1, "validation_accuracy_integer": float(a)} for n, a in enumerate(curve)],
        "delays": {"hidden1": [delay, delay + 1.0], "hidden2": [delay + 2.0]} if delay else {},
        "gradients": {"trained": {"reach": [reach, reach + 0.1], "profile": [1.0]}},
    }


AGREE = {"slow": 0.1, "fsnn": 0.6, "rsnn": 0.7, "dsnn": 0.8, "every": 0.5, "w2": 0.4, "d1-w8": 0.895}
DISAGREE = {"slow": 0.9, "every": 0.59, "delays": 0.6, "d2-w8": 0.6, "w4": 0.3, "d1-w8": 0.2}
"""Accuracies of the networks whose names hold this, the first that fits; 0.9 of all others."""


def results(whole: Study, agree: bool) -> Results:
    """Outcomes with which all claims hold, or none."""
    found = {}
    for experiment in whole.experiments():
        name, seed = experiment.name, int(experiment.name[-1])
        table, architecture, long = AGREE if agree else DISAGREE, name.split("-")[0], "w8" in name
        accuracy = next((value for part, value in table.items() if part in name), 0.9)
        delay = (5.0 if long == agree else 9.0) if "delays" in name or architecture == "dsnn" else 0.0
        start = 0.8 if long == agree else 0.1
        reach = -1 if (architecture == "dmp") == agree else -9
        found[name] = outcome(accuracy + 0.001 * seed, delay + 0.01 * seed, start + 0.001 * seed, reach)
    return Results(whole, found)


def words(judged: Results) -> dict[str, str]:
    return {verdict.claim.text: verdict.word for verdict in verdicts(judged)}


def test_all_claims_hold_where_the_outcomes_say_so(tmp_path) -> None:  # type: ignore[no-untyped-def]
    said = words(results(study(tmp_path), True))
    assert set(said.values()) == {"confirmed"}, said
    assert len(said) == len([claim for claim in CLAIMS if claim.like in ("", "sounds")])


def test_no_claim_holds_where_the_outcomes_are_turned_round(tmp_path) -> None:  # type: ignore[no-untyped-def]
    said = words(results(study(tmp_path), False))
    assert set(said.values()) == {"not confirmed"}, said


def test_what_was_not_trained_is_not_tested(tmp_path) -> None:  # type: ignore[no-untyped-def]
    assert set(words(Results(study(tmp_path), {})).values()) == {"not tested"}
    some = results(study(tmp_path, ("grid",)), True)
    about = [claim for claim in CLAIMS if claim.like in ("", "sounds")]
    said = {claim.part: verdict.word for claim, verdict in zip(about, verdicts(some), strict=True)}
    assert said == {part: "confirmed" if part == "grid" else "not tested" for part in PARTS}


def test_epochs_to_a_target() -> None:
    assert reached(0.5, np.array([0.2, 0.4, 0.6])) == pytest.approx(2.5)
    assert reached(0.1, np.array([0.2, 0.4])) == pytest.approx(0.5)
    assert reached(0.4, np.array([0.2, 0.4, 0.1, 0.4])) == pytest.approx(2.0)
