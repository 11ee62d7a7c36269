"""The reference of the associative memory against plain Python integers, and what it recalls."""

from dataclasses import asdict, replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from basalt.kernels.bits import pack
from basalt.kernels.hopfield import HopfieldKernel
from basalt.records import tables
from basalt.records.hopfield import RECALLS, Hopfield, softmax
from tests.conformance.records import pathway


def rounded(value, bits):
    return (value + (1 << bits >> 1)) >> bits


def product(row, values):
    return sum(int(a) * int(b) for a, b in zip(row, values))


def plain_modern(q, p):
    """The recall of `basalt.records.pathways.Hopfield`, modern, in Python integers."""
    xi, keys = q, p["keys"].tolist()
    for iteration in range(p["iterations"]):
        z = [rounded(product(key, xi), p["similarity_shift"]) for key in keys]
        e = [int(tables.exponential()[min(max(z) - value, 255)]) for value in z]
        log = sum(e).bit_length() - 1
        inverse = int(tables.reciprocal()[(sum(e) << 8 >> log) & 255])
        shares = [min(rounded(value * inverse, log + 3), 4096) for value in e]
        if iteration + 1 < p["iterations"]:
            xi = [rounded(product(column, shares), p["recall_shift"]) for column in zip(*keys)]
    return [rounded(product(column, shares), p["output_shift"]) for column in zip(*p["values"].tolist())]


def plain_classical(q, p):
    """The same, classical."""
    b, keys = [1 if value > p["query_level"] else -1 for value in q], p["keys"].tolist()
    for _ in range(p["iterations"]):
        z = [product(key, b) for key in keys]
        y = [product(column, z) for column in zip(*keys)]
        b = [old if new == 0 else (1 if new > 0 else -1) for old, new in zip(b, y)]
    return [(p["gain"] * value) << 6 for value in b]


@given(seed=st.integers(0, 2**32 - 1), variant=st.sampled_from(RECALLS), steps=st.integers(1, 6))
def test_equals_plain_integers(seed, variant, steps):
    """Held currents, saturated traces and graded spikes included."""
    rng = np.random.default_rng(seed)
    memory = pathway(rng, Hopfield, 5, 5 if variant == "classical" else 3, variant)
    p = asdict(memory)
    q = rng.integers(-(2**23) + 1, 2**23, (1, 5)) // int(rng.choice([1, 64, 1024]))
    neurons = memory.shape[0]
    current = np.zeros((1, neurons), dtype=np.int64)
    plain, plain_current = [int(value) for value in q[0]], [0] * neurons
    for t in range(steps):
        arrived = rng.integers(0, 2, (1, 5)) * rng.integers(1, 256, (1, 5))
        refresh = t % memory.update_interval == 0
        after = memory.step(arrived, current, q, t)
        kept = [(abs(value) * (4096 - p["trace_decay"]) >> 12) * (1 if value >= 0 else -1) for value in plain]
        wide = [value + (int(spike) << 12) for value, spike in zip(kept, arrived[0])]
        plain = [max(-(2**23) + 1, min(value, 2**23 - 1)) for value in wide]
        if refresh:
            plain_current = (plain_modern if variant == "modern" else plain_classical)(plain, p)
        current, q = after.current, after.m
        assert current[0].tolist() == plain_current
        assert q[0].tolist() == plain
        assert after.saturations.tolist() == [sum(a != b for a, b in zip(wide, plain))]


@given(seed=st.integers(0, 2**32 - 1), patterns=st.integers(1, 600), spread=st.sampled_from([0, 3, 40, 400]))
def test_softmax_is_one(seed, patterns, spread):
    """Against the real one: within the reciprocal's five-hundredth and half a unit."""
    z = np.random.default_rng(seed).integers(-spread, spread + 1, (2, patterns))
    shares = np.exp((z - z.max(axis=1, keepdims=True)) / 16)
    wanted = 4096 * shares / shares.sum(axis=1, keepdims=True)
    assert np.all(np.abs(softmax(z) - wanted) <= 0.5 + wanted / 400 + 0.05)


def test_rounding_is_all_that_parts_integers_from_reals():
    rng = np.random.default_rng(5)
    memory = replace(
        pathway(rng, Hopfield, 20, 8, "modern"), iterations=2, similarity_shift=14, recall_shift=5, output_shift=0
    )
    q = rng.integers(0, 2**15, (3, 20))
    memory = replace(memory, trace_decay=100)
    zero, arrived = np.zeros((3, 8), dtype=np.int64), np.ones((3, 20), dtype=np.int64)
    exact, real = memory.step(arrived, zero, q, 0), memory.real_step(arrived, zero, q, 0)
    assert np.abs(exact.m - real.m).max() <= 1
    assert np.abs(exact.current - real.current).max() < 0.05 * np.abs(real.current).max()


def test_a_corrupted_pattern_is_completed():
    """Both variants recall the pattern that a query with a fifth of its signs flipped came from."""
    rng = np.random.default_rng(6)
    patterns = np.where(rng.random((4, 96)) < 0.5, -1, 1)
    cue = np.where(rng.random((4, 96)) < 0.2, -patterns, patterns)
    classical = Hopfield("classical", patterns, None, trace_decay=0, iterations=5, gain=1)
    assert np.array_equal(classical.completed(cue << 12), patterns << 6)
    memory = Hopfield("modern", 64 * patterns, 64 * patterns, trace_decay=0, similarity_shift=16)
    done = memory.step(np.zeros((4, 96)), cue * 0, cue << 12, 0)
    assert np.array_equal(np.sign(done.current), patterns)


def test_the_kernel_counts_saturated_traces():
    """Graded spikes into traces that do not leak, over 16 blocks of one step."""
    rng = np.random.default_rng(7)
    memory = replace(pathway(rng, Hopfield, 5, 3, "modern", update_interval=1), trace_decay=0)
    kernel = HopfieldKernel(2, memory, planes=8)
    arrived = rng.integers(100, 256, (16, 2, 5)).astype(np.uint8)
    q, saturations = np.zeros((2, 5), dtype=np.int64), np.zeros(2, dtype=np.int64)
    currents = np.zeros((2, 1, 3))
    for t in range(16):
        kernel.run(0, 2, t, 1, pack(arrived[:1], 8), pack(arrived[t], 8), currents)
        after = memory.step(arrived[t], currents[:, 0].astype(np.int64), q, t)
        q, saturations = after.m, saturations + after.saturations
        assert np.array_equal(currents[:, 0], after.current)
    counts = kernel.take_counts(0, 16)
    assert saturations.min() > 0
    assert np.array_equal(counts["saturations"], saturations)
    assert counts["events_in"].tolist() == [80, 80]
