"""Effects are those of the design; verdicts come from the figures, and turn round with them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from basalt.study.memory_vision.claims import CLAIMS, verdicts
from basalt.study.memory_vision.results import Results
from basalt.study.memory_vision.study import MECHANISMS, MODELS, TASKS, Study
from tests.study.memory_vision.tiny import outcome, results


def test_all_claims_hold_where_the_outcomes_say_so() -> None:
    said = {verdict.claim.text + verdict.compared: verdict.word for verdict in verdicts(results(True))}
    assert set(said.values()) == {"confirmed"}, said
    assert len(said) == len(CLAIMS)


def test_no_claim_holds_where_the_outcomes_are_turned_round() -> None:
    said = {verdict.claim.text + verdict.compared: verdict.word for verdict in verdicts(results(False))}
    assert set(said.values()) == {"not confirmed"}, said


def test_what_was_not_trained_is_not_tested() -> None:
    none = Results(Study("mnist", TASKS["mnist"]), {})
    assert {verdict.word for verdict in verdicts(none)} == {"not tested"}
    one = {verdict.word for verdict in verdicts(results(True, seeds=1))}
    assert one == {"confirmed", "not tested", "undecided"}  # accuracies of one seed, over test samples


@given(st.lists(st.floats(-1, 1), min_size=8, max_size=8))
def test_effects_are_the_coefficients_of_the_design(given_: list[float]) -> None:
    """Accuracies made of effects give the effects back: ½ a sign for each mechanism, summed."""
    study = Study("digits", TASKS["digits"], seeds=2)
    contrasts = [(), *Results(study, {}).contrasts]
    made = dict(zip(contrasts, given_, strict=True))
    found = {}
    for name, model in MODELS.items():
        signs = {one: 1 if one in model.mechanisms else -1 for one in MECHANISMS}
        accuracy = sum(value / 2 * np.prod([signs[one] for one in chosen]) for chosen, value in made.items())
        for seed in (1, 2):
            found[f"{name}-s{seed}"] = outcome(float(accuracy) / 100)
    whole = Results(study, found)
    for chosen in contrasts[1:]:
        effect = whole.effect(chosen, "integer")
        assert effect is not None
        assert effect.value == pytest.approx(made[chosen], abs=1e-9)
        assert effect.high - effect.low == pytest.approx(0, abs=1e-9)
    lost = {name: one for name, one in found.items() if name != "scl-s1"}
    assert Results(study, lost).effect(("scl",), "integer") is None
