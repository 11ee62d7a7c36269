"""A verdict needs the whole interval on one side of the limit."""

from hypothesis import given
from hypothesis import strategies as st

from basalt.study.effects import Effect
from basalt.study.verdicts import Claim, Measured, judge


@given(st.floats(-10, 10), st.floats(0, 5), st.floats(0, 5), st.sampled_from(["at most", "at least"]), st.floats(-9, 9))
def test_a_verdict_needs_the_whole_interval(value: float, below: float, above: float, side: str, limit: float) -> None:
    effect = Effect(value, value - below, value + above, "3 seeds")
    claim = Claim("It holds.", "points", side, limit, lambda _: Measured(effect, "a less b", []))
    judged = judge(claim, None)
    holds = [end < limit if side == "at most" else end > limit for end in (effect.low, effect.high)]
    fails = [end > limit if side == "at most" else end < limit for end in (effect.low, effect.high)]
    assert judged.word == ("confirmed" if all(holds) else "not confirmed" if all(fails) else "undecided")
    assert judged.line().startswith(f"{judged.word} (provisional): It holds.")


def test_what_could_not_be_measured_is_not_tested() -> None:
    judged = judge(
        Claim("It holds.", "points", "at least", 0.0, lambda _: Measured(None, "trainings are missing", [])), None
    )
    assert judged.word == "not tested"
    assert judged.line() == "not tested: It holds. (trainings are missing)"
    assert judged.plain()["effect"] is None
