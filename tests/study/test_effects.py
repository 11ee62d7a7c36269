"""Intervals against published and independent values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from basalt.study.effects import mean, newcombe, over_seeds, paired, welch

VALUES = st.lists(st.floats(-100, 100), min_size=2, max_size=12).filter(lambda v: np.std(v) > 1e-6)


def test_newcombe_gives_the_published_example() -> None:
    effect = newcombe(9 / 10, 3 / 10, 10)  # table II, method 10
    assert (round(effect.low, 4), round(effect.high, 4)) == (0.1705, 0.8090)


@given(VALUES)
def test_mean_is_students(values: list[float]) -> None:
    effect = mean(values, "seeds")
    assert effect is not None
    expected = stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))
    assert (effect.low, effect.high) == pytest.approx(expected)
    assert effect.low < effect.value < effect.high


@given(VALUES, VALUES)
def test_welch_is_scipys(left: list[float], right: list[float]) -> None:
    effect = welch(left, right, "neurons")
    assert effect is not None
    expected = stats.ttest_ind(left, right, equal_var=False).confidence_interval()
    assert (effect.low, effect.high) == pytest.approx((expected.low, expected.high))


def test_pairs_are_seeds_that_both_have() -> None:
    effect = paired({1: 5.0, 2: 7.0, 3: 100.0}, {2: 4.0, 1: 3.0, 4: 0.0})
    assert effect == over_seeds([2.0, 3.0])
    assert effect.seeds == 2
    assert paired({1: 5.0}, {1: 3.0}) is None
