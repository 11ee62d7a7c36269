"""Networks that have not learned are not compared; one that cannot, beside one that can, is a finding."""

import pytest

from basalt.study.effects import Effect
from basalt.study.learned import Learner, unable, unready
from basalt.study.verdicts import UNREADY, Claim, Measured, judge

GOOD, BAD, SHORT = (
    Learner("good", 0.9, 0.1, True),
    Learner("bad", 0.54, 0.1, True),
    Learner("short", 0.54, 0.1, False),
)
EFFECT = Effect(30.0, 20.0, 40.0, "3 seeds", 3)


@pytest.mark.parametrize(("classes", "floor"), [(2, 0.75), (4, 0.625), (10, 0.55)])
def test_the_floor_is_half_way_from_chance_to_no_error(classes: int, floor: float) -> None:
    assert Learner("", floor, 1 / classes, True).learned
    assert not Learner("", floor - 1e-6, 1 / classes, True).learned


@pytest.mark.parametrize(
    ("networks", "waiting", "failed"),
    [
        ([[GOOD, GOOD]], [], []),
        ([[GOOD, SHORT]], [SHORT], []),  # it may learn yet
        ([[GOOD, BAD]], [], [BAD]),  # it does not learn
        ([[BAD, BAD]], [BAD, BAD], []),  # nothing says that the training is enough
        ([[GOOD], [BAD]], [BAD], []),  # another task says nothing of this one
        ([[Learner("quick but good", 0.9, 0.1, False), SHORT]], [SHORT], []),
        ([], [], []),
    ],
)
def test_who_has_not_learned_yet_and_who_does_not(networks, waiting, failed) -> None:  # type: ignore[no-untyped-def]
    assert unready(networks) == waiting
    assert unable(networks) == failed


@pytest.mark.parametrize("side", ["at most", "at least"])
def test_no_claim_is_judged_on_networks_that_have_not_learned(side: str) -> None:
    claim = Claim("It holds.", "points", side, 0.0, lambda _: Measured(EFFECT, "a less b", [[GOOD, SHORT]]))
    verdict = judge(claim, None)
    assert verdict.word == UNREADY == "too little training to tell"
    assert "short 54.0 % (learned: 55.0 %)" in verdict.compared
    assert not verdict.provisional
    assert verdict.plain()["effect"]["value"] == 30.0


def test_a_network_that_does_not_learn_is_named_in_the_verdict() -> None:
    claim = Claim("It holds.", "points", "at least", 0.0, lambda _: Measured(EFFECT, "a less b", [[GOOD, BAD]]))
    verdict = judge(claim, None)
    assert verdict.label == "confirmed"
    assert "did not learn with the whole training: bad 54.0 %" in verdict.compared


def test_one_seed_is_provisional() -> None:
    one = Effect(30.0, 20.0, 40.0, "500 test samples, one seed")
    claim = Claim("It holds.", "points", "at least", 0.0, lambda _: Measured(one, "a less b", [[GOOD, GOOD]]))
    assert judge(claim, None).label == "confirmed (provisional)"
    assert judge(claim, None).plain()["provisional"]
