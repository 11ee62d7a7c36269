"""The reference of a spiking layer against Lava's own bit-accurate neuron and against plain Python integers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lava_procs.spiking.reference import spiking_step

LIMIT = 1 << 23


def lava_step(activation, u, v, bias, threshold, du, dv):
    """One step of lava-nc's PyLifModelBitAcc, called without a runtime."""
    from lava.proc.lif.models import PyLifModelBitAcc

    model = PyLifModelBitAcc({})
    model.u, model.v = u.astype(np.int32), v.astype(np.int32)
    model.du, model.dv, model.vth = du - 1, dv, threshold
    model.bias_mant, model.bias_exp = bias.astype(np.int32), np.full(len(bias), 6)
    model.scale_bias()
    model.scale_threshold()
    model.subthr_dynamics(activation.astype(np.int32))
    spikes = model.spiking_activation()
    model.reset_voltage(spikes)
    return spikes, model.u, model.v


state = st.integers(-LIMIT + 1, LIMIT - 1)


@given(
    u=st.lists(state, min_size=4, max_size=4),
    v=st.lists(state, min_size=4, max_size=4),
    activation=st.lists(st.integers(-130_000, 130_000), min_size=4, max_size=4),
    bias=st.lists(st.integers(-4096, 4095), min_size=4, max_size=4),
    threshold=st.integers(0, 131_071),
    du=st.integers(0, 4096),
    dv=st.integers(0, 4096),
)
def test_equals_lavas_bit_accurate_neuron(u, v, activation, bias, threshold, du, dv):
    """Wrapping of u and saturation of v included."""
    u, v, activation, bias = (np.array(value, dtype=np.int64) for value in (u, v, activation, bias))
    spikes, want_u, want_v = lava_step(activation, u, v, bias, threshold, du, dv)
    after = spiking_step(
        activation[None],
        0,
        u[None],
        v[None],
        bias=bias,
        threshold=threshold,
        current_decay=np.array([du]),
        voltage_decay=np.array([dv]),
        reset="hard",
    )
    assert np.array_equal(after.spikes[0], spikes)
    assert np.array_equal(after.u[0], want_u)
    assert np.array_equal(after.v[0], want_v)


def plain_step(activation, memory, u, v, bias, threshold, du, dv, reset):
    """The recurrence in Python integers, which cannot overflow."""

    def decay(x, d):
        return (1 if x > 0 else -1 if x < 0 else 0) * ((abs(x) * (4096 - d)) >> 12)

    current = decay(u, du) + (activation << 6) + memory
    u = current - 2**24 if current > LIMIT else current + 2**24 if current <= -LIMIT else current
    wide = decay(v, dv) + u + (bias << 6)
    v = max(min(wide, LIMIT - 1), -LIMIT + 1)
    spike = v > threshold << 6
    saturations = int(u != current) + int(v != wide)
    after = {"hard": 0, "soft": v - (threshold << 6), "none": v}[reset] if spike else v
    return spike, u, after, saturations


@pytest.mark.parametrize("reset", ["hard", "soft", "none"])
@given(
    u=state,
    v=state,
    activation=st.integers(-130_000, 130_000),
    memory=state,
    bias=st.integers(-4096, 4095),
    threshold=st.integers(0, 131_071),
    du=st.integers(0, 4096),
    dv=st.integers(0, 4096),
)
def test_equals_plain_integers(reset, u, v, activation, memory, bias, threshold, du, dv):
    """Every reset, with a memory current; saturations are counted."""
    after = spiking_step(
        np.array([[activation]]),
        np.array([[memory]]),
        np.array([[u]]),
        np.array([[v]]),
        bias=np.array([bias]),
        threshold=threshold,
        current_decay=np.array([du]),
        voltage_decay=np.array([dv]),
        reset=reset,
    )
    found = (bool(after.spikes[0, 0]), int(after.u[0, 0]), int(after.v[0, 0]), int(after.saturations[0]))
    assert found == plain_step(activation, memory, u, v, bias, threshold, du, dv, reset)
