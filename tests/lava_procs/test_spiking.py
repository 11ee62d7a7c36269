"""The reference of a spiking layer against Lava's own bit-accurate neuron and against plain Python integers."""

import platform
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from basalt.records.arithmetic import wrap24
from basalt.records.neuron import Neuron, axis
from basalt.train.dynamics.scalars import wrap24 as trained_wrap24

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


@given(st.lists(st.integers(-(2**60), 2**60) | st.integers(-4 * LIMIT, 4 * LIMIT), min_size=1, max_size=9))
def test_u_drops_the_bits_above_the_24th(sums):
    """Training's integers likewise; the one pattern 100…0 stands for 2²³, as in Lava."""
    for found in (wrap24(np.array(sums)).tolist(), [trained_wrap24(value) for value in sums]):
        assert all(-LIMIT < u <= LIMIT and (u - value) % (2 * LIMIT) == 0 for u, value in zip(found, sums, strict=True))


@pytest.mark.parametrize("total", [3 * 2**23 // 128 + 5, -(2**30) - 77, 2**31 - 1, -(2**23) // 128, 2**23 // 128])
def test_the_kernel_wraps_sums_of_any_size(total):
    """What no single wrap brings back, and both ends of the range."""
    from basalt.kernels.neuron import NeuronConstants, fire

    ones, none = np.ones(1), np.zeros(1)
    state = np.array([[5], [8388608]], dtype=np.int32)
    current = np.array([2.0**48 + 3])
    neuron = NeuronConstants(none, 0, ones, ones, 9e6, 0.0, np.zeros(0), np.zeros(0), 2, 0, np.zeros((0, 0)))
    _, wraps = fire(state, np.array([total], np.int32), 128.0, current, none, neuron, np.zeros(1, np.uint8))
    whole = 5 + total * 128 + 2**48 + 3
    u = state[0, 0]
    assert u == wrap24(np.array([whole]))[0] and wraps == 1 + (abs(8388608 + int(u)) > LIMIT - 1)


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
    after = Neuron(threshold, axis(du), axis(dv)).step(activation[None], 0, np.stack([u, v])[:, None], bias)
    assert np.array_equal(after.spikes[0], spikes)
    assert np.array_equal(after.state[0, 0], want_u)
    assert np.array_equal(after.state[1, 0], want_v)


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
    neuron, state = Neuron(threshold, axis(du), axis(dv), reset), np.array([[[u]], [[v]]])
    after = neuron.step(np.array([[activation]]), np.array([[memory]]), state, np.array([bias]))
    found = (bool(after.spikes[0, 0]), *after.state[:, 0, 0].tolist(), int(after.saturations[0]))
    assert found == plain_step(activation, memory, u, v, bias, threshold, du, dv, reset)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="looks for instructions of x86-64")
@pytest.mark.parametrize("name", ["fire_plain", "fire_resting"])
def test_the_kernels_of_neurons_vectorise(name):
    """One scalar too many in its loop makes a step 25 times slower."""
    from basalt.kernels import events
    from basalt.kernels import neuron as kernels

    uncached = events.OPTIONS | {"cache": False}  # the code of a cached one is not kept
    fire_plain = njit(**uncached)(getattr(kernels, name).py_func)
    ones, none = np.ones(8), np.zeros(0)
    states = np.zeros((3, 8), dtype=np.int32)
    shared = (states[0], 64.0, none, ones, ones, ones, 1.0, none)
    fire_plain(*states, *shared, 1.0, none, 0, 1, np.zeros(8, np.uint8))
    assert any(re.search(r"\bv?mulpd\b", text) for text in fire_plain.inspect_asm().values())
