"""The reference of the slow memory against plain Python integers."""

from dataclasses import asdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from basalt.records.slow_memory import SlowMemory
from tests.conformance.records import pathway


def half(bits):
    return 1 << (bits - 1) if bits else 0


def plain_step(activation, current, m, refresh, p):
    """The recurrence in Python integers; returns current, m and the number of saturations."""
    wide = max(activation + p["drive_bias"], 0) << p["drive_shift"]
    x = min(wide, 32767)
    saturations = int(x != wide)
    if refresh:
        shift = p["memory_shift"]
        current = [
            (sum(int(w) * s for w, s in zip(row, m)) + int(nu) * x + half(shift)) >> shift
            for row, nu in zip(p["memory_weight"], p["drive_memory_weight"])
        ]
    shift = p["coefficient_shift"]
    new = []
    for row, b in zip(p["transition"], p["drive_input"]):
        value = (sum(int(a) * s for a, s in zip(row, m)) + int(b) * x + half(shift)) >> shift
        new.append(max(min(value, 2**23 - 1), -(2**23) + 1))
        saturations += int(new[-1] != value)
    return current, new, saturations


@given(seed=st.integers(0, 2**32 - 1), steps=st.integers(1, 12))
def test_equals_plain_integers(seed, steps):
    """Held currents, drive and state saturation included."""
    rng = np.random.default_rng(seed)
    memory = pathway(rng, SlowMemory, inputs=3, neurons=4)
    p = asdict(memory)
    m = rng.integers(-(2**23) + 1, 2**23, (1, memory.states))
    current = np.zeros((1, 4), dtype=np.int64)
    plain_m, plain_current = [int(value) for value in m[0]], [0] * 4
    for t in range(steps):
        arrived = rng.integers(0, 2, (1, 3)) * rng.integers(1, 256, (1, 3))
        activation = int(arrived[0] @ memory.drive_weight)
        refresh = t % memory.update_interval == 0
        after = memory.step(arrived, current, m, t)
        plain_current, plain_m, saturations = plain_step(activation, plain_current, plain_m, refresh, p)
        current, m = after.current, after.m
        assert current[0].tolist() == plain_current
        assert m[0].tolist() == plain_m
        assert after.saturations.tolist() == [saturations]


@given(seed=st.integers(0, 2**32 - 1))
def test_rounding_is_all_that_parts_integers_from_reals(seed):
    """One unsaturated step differs from the real-number step by half a unit at most."""
    rng = np.random.default_rng(seed)
    memory = pathway(rng, SlowMemory, inputs=3, neurons=4)
    arrived, m = np.array([[1, 0, 1]]), rng.integers(-1000, 1000, (1, memory.states))
    zero = np.zeros((1, 4), dtype=np.int64)
    exact = memory.step(arrived, zero, m, 0)
    real = memory.real_step(arrived, zero, m, 0)
    assert np.abs(exact.current - real.current).max() <= 0.5
    assert np.abs(exact.m - real.m).max() <= 0.5
