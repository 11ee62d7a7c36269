"""The reference of the gated recurrent memory against plain Python integers."""

from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from basalt.kernels.bits import pack
from basalt.kernels.hgrn import HgrnKernel
from basalt.records import tables
from basalt.records.hgrn import GATINGS, Hgrn, squashed
from tests.conformance.records import even, pathway


def entry(table, activation, shift):
    return int(table[max(0, min(((activation + (1 << shift >> 1)) >> shift) + 128, 255))])


def product(row, values):
    return sum(int(a) * int(b) for a, b in zip(row, values))


def plain_step(arrived, h, p):
    """The recurrence of `basalt.records.pathways.Hgrn` in Python integers; returns current, h and the saturations."""
    sigmoid, tanh = tables.sigmoid(p["index_shift"]), tables.tanh(p["index_shift"])
    gated = p["variant"] == "gated"
    k = [max(-127, min((entry(tables.tanh(2), value, 16) + 16) >> 5, 127)) for value in h]
    current, after, saturations = [], [], 0
    for n in range(len(h)):
        a_f, a_c, a_g = (
            product(p[f"{gate}_weight"][n], arrived) + int(p[f"{gate}_bias"][n])
            for gate in ("forget", "candidate", "gate")
        )
        if gated:
            a_f += (product(p["forget_recurrent"][n], k) + 64) >> 7
            a_g += (product(p["update_recurrent"][n], k) + 64) >> 7
        low, gain = int(p["low"][n]), int(p["gain"][n])
        kept = low + (((4096 - low) * entry(sigmoid, a_f, p["index_shift"]) + 2048) >> 12)
        opened = entry(sigmoid, a_g, p["index_shift"])
        candidate = entry(tanh, a_c, p["index_shift"]) << 8
        wide = (kept * h[n] + (opened if gated else 4096 - kept) * candidate + 2048) >> 12
        after.append(max(-(2**23) + 1, min(wide, 2**23 - 1)))
        saturations += after[-1] != wide
        squash = max(-127, min((entry(tables.tanh(2), after[-1], 16) + 16) >> 5, 127))
        out = squash << 13 if gated else (opened * after[-1] + 2048) >> 12
        shift = p["output_shift"]
        current.append((gain * out + (1 << shift >> 1)) >> shift)
    return current, after, saturations


@given(seed=st.integers(0, 2**32 - 1), variant=st.sampled_from(GATINGS), steps=st.integers(1, 6))
def test_equals_plain_integers(seed, variant, steps):
    """Both variants, the whole range of h and graded spikes included."""
    rng = np.random.default_rng(seed)
    memory = pathway(rng, Hgrn, inputs=5, neurons=3, variant=variant)
    p = asdict(memory)
    h = rng.integers(-(2**23) + 1, 2**23, (1, 3)) // int(rng.choice([1, 8, 64]))
    plain = [int(value) for value in h[0]]
    for _ in range(steps):
        arrived = rng.integers(0, 2, (1, 5)) * rng.integers(1, 4, (1, 5))
        after = memory.step(arrived, h, h, 0)
        current, plain, saturations = plain_step(arrived[0], plain, p)
        h = after.m
        assert after.current[0].tolist() == current
        assert h[0].tolist() == plain
        assert after.saturations.tolist() == [saturations]


def test_a_gated_memory_saturates_and_the_published_one_never_does():
    rng = np.random.default_rng(1)
    for variant, reached in zip(GATINGS, ((1 << 20), (1 << 23) - 1)):
        memory = pathway(rng, Hgrn, inputs=2, neurons=4, variant=variant)
        high = dict.fromkeys(("forget_bias", "candidate_bias", "gate_bias"), np.full(4, 4000))
        memory = replace(memory, **high, low=np.full(4, 4096 if variant == "gated" else 0), index_shift=4)
        memory = replace(memory, forget_bias=np.full(4, 4000 if variant == "gated" else -4000))
        h = np.zeros((1, 4), dtype=np.int64)
        for _ in range(20):
            after = memory.step(np.zeros((1, 2), dtype=np.int64), h, h, 0)
            h = after.m
        assert h.tolist() == [[reached] * 4]
        assert after.saturations.tolist() == [4 if variant == "gated" else 0]


@pytest.mark.parametrize("variant", GATINGS)
def test_silence_drives_nothing(variant):
    """Without spikes and biases the candidate is 0, and so are state and current."""
    memory = pathway(np.random.default_rng(2), Hgrn, inputs=3, neurons=4, variant=variant)
    none = dict.fromkeys(("forget_bias", "candidate_bias", "gate_bias"), np.zeros(4, dtype=np.int64))
    empty = np.zeros((2, 4), dtype=np.int64)
    after = replace(memory, **none).step(np.zeros((2, 3)), empty, empty, 0)
    assert not after.m.any()
    assert not after.current.any()


@pytest.mark.parametrize("variant", GATINGS)
def test_tables_are_close_to_the_real_functions(variant):
    """Over 40 steps the integers stay within a few entries of the real recurrence."""
    rng = np.random.default_rng(3)
    memory = replace(
        pathway(rng, Hgrn, inputs=6, neurons=8, variant=variant), index_shift=2, gain=np.full(8, 64), output_shift=6
    )
    whole, real = np.zeros((1, 8), dtype=np.int64), np.zeros((1, 8))
    for _ in range(40):
        arrived = (rng.random((1, 6)) < 0.3).astype(np.int64)
        after, exact = memory.step(arrived, whole, whole, 0), memory.real_step(arrived, real, real, 0)
        whole, real = after.m, exact.m
    assert np.abs(whole - real).max() < 0.1 * 2**20
    assert np.abs(after.current - exact.current).max() < 0.2 * 2**20
    assert np.abs(real).max() > 0.1 * 2**20


def test_the_squashed_state_is_odd_and_8_bit():
    h = np.arange(-(2**23) + 1, 2**23, 9973)
    assert np.abs(squashed(h)).max() == 127
    assert squashed(np.array([0, 2**23 - 1, -(2**23) + 1])).tolist() == [0, 127, -127]


@pytest.mark.parametrize("reach", [2, 254])
def test_the_kernel_holds_wide_recurrence_exactly(reach):
    """Sums of 600 products with k: beyond what float32 holds, and within it."""
    rng = np.random.default_rng(4)
    memory = pathway(rng, Hgrn, inputs=70, neurons=600, variant="gated")
    recurrent = {name: even(rng, (600, 600), 2) + reach - 2 for name in ("forget_recurrent", "update_recurrent")}
    memory = replace(memory, **recurrent, forget_bias=np.full(600, 400), gate_bias=np.full(600, 400))
    kernel = HgrnKernel(2, memory)
    assert kernel.constants[3].dtype == (np.float64 if reach == 254 else np.float32)
    arrived = (rng.random((6, 2, 70)) < 0.5).astype(np.uint8)
    currents = np.zeros((2, 6, 600))
    kernel.run(0, 2, 0, 6, pack(arrived), pack(np.zeros((2, 70), dtype=np.uint8)), currents)
    h = np.zeros((2, 600), dtype=np.int64)
    for t in range(6):
        after = memory.step(arrived[t - 1] if t else arrived[0] * 0, h, h, t)
        h = after.m
        assert np.array_equal(currents[:, t], after.current)
    assert np.array_equal(kernel.m, h)
    assert h.any()
