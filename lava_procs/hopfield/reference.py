"""The specification of the associative memory of a layer, a step at a time."""

import numpy as np
from jaxtyping import Int, Num

from basalt.kernels.pathway import PathwayStep
from basalt.records import tables
from basalt.records.arithmetic import ALIGN, DECAY_BITS, decay, dense_sum, round_shift, sat24

TRACE = 12
"""Fraction bits of the trace q."""
FRACTION = 12
"""Fraction bits of p."""


def hopfield_step(
    arrived: Num[np.ndarray, "batch inputs"],
    current: Int[np.ndarray, "batch neurons"],
    q: Int[np.ndarray, "batch inputs"],
    *,
    refresh: bool,
    keys: Num[np.ndarray, "patterns inputs"],
    values: Num[np.ndarray, "patterns neurons"] | None,
    trace_decay: int,
    similarity_shift: int,
    recall_shift: int,
    output_shift: int,
    iterations: int,
    query_level: int,
    gain: int,
) -> PathwayStep:
    """One step of the memory, from the spikes `arrived` of the step before.

        q[t] = sat24(decay(q[t−1], trace_decay) + (s[t−1] << 12))
        memory[t] = `modern`(q[t]), or `classical`(q[t]) where there are no values, on a refresh, else memory[t−1]

    Patterns may be integers in float64, which need not be converted at every step.
    """
    wide = decay(q, np.array([trace_decay])) + (arrived.astype(np.int64) << TRACE)
    trace = sat24(wide)
    if refresh and values is not None:
        current = modern(trace, keys, values, similarity_shift, recall_shift, output_shift, iterations)
    elif refresh:
        current = classical(trace, keys, query_level, gain, iterations)
    return PathwayStep(current, trace, np.sum(trace != wide, axis=-1))


def modern(
    q: Int[np.ndarray, "batch inputs"],
    keys: Num[np.ndarray, "patterns inputs"],
    values: Num[np.ndarray, "patterns neurons"],
    similarity_shift: int,
    recall_shift: int,
    output_shift: int,
    iterations: int,
) -> Int[np.ndarray, "batch neurons"]:
    """The current recalled by a query, ξ = q at first:

        z = (X ξ + half) >> similarity_shift;  p = `softmax`(z)
        ξ = (Xᵀ p + half) >> recall_shift                                         if another iteration follows
        memory = (Yᵀ p + half) >> output_shift                                    after the last

    |X| and |Y| are at most 128 and Σ p about 4096, so that neither ξ nor the current can reach 24 bits.

    Source: Ramsauer et al., ICLR 2021 (arXiv 2008.02217): ξ ← Xᵀ softmax(β X ξ).
    """
    xi = q
    for iteration in range(iterations):
        p = softmax(round_shift(dense_sum(xi, keys), similarity_shift))
        if iteration < iterations - 1:
            xi = round_shift(dense_sum(p, keys.T), recall_shift)
    return round_shift(dense_sum(p, values.T), output_shift)


def softmax(z: Int[np.ndarray, "batch patterns"]) -> Int[np.ndarray, "batch patterns"]:
    """Softmax of z/16 with 12 fraction bits, by two tables and no division:

        e_k = EXP[min(max z − z_k, 255)],  S = Σ e_k,  L = ⌊log₂ S⌋
        p_k = min((e_k·RECIPROCAL[((S << 8) >> L) & 255] + half(L + 3)) >> (L + 3), 4096)

    The reciprocal of the mantissa is off by a five-hundredth at most, and so are all p of a sample alike.
    """
    e = tables.exponential()[np.minimum(z.max(axis=-1, keepdims=True) - z, tables.ENTRIES - 1)]
    total = e.sum(axis=-1, keepdims=True)
    log = np.frexp(total)[1].astype(np.int64) - 1  # exact: S is an integer below 2⁵³
    mantissa = ((total << 8) >> log) & (tables.ENTRIES - 1)
    product = e * tables.reciprocal()[mantissa]
    return np.minimum((product + (1 << (log + 2))) >> (log + 3), tables.UNITY)


def classical(
    q: Int[np.ndarray, "batch inputs"],
    keys: Num[np.ndarray, "patterns inputs"],
    query_level: int,
    gain: int,
    iterations: int,
) -> Int[np.ndarray, "batch inputs"]:
    """The current recalled by the signs of a query, all neurons updated at once:

        b_i = 1 if q_i > query_level else −1
        y = Xᵀ (X b);  b_i = sign(y_i), unchanged where y_i = 0                   in each iteration
        memory = (gain·b) << 6

    Source: Hopfield, PNAS 79, 1982, with the couplings XᵀX and their diagonal, as arXiv 2603.08730 draws it.
    """
    b = np.where(q > query_level, 1, -1)
    for _ in range(iterations):
        y = dense_sum(dense_sum(b, keys), keys.T)
        b = np.where(y == 0, b, np.sign(y))
    return (gain * b) << ALIGN


def floating_step(
    arrived: Num[np.ndarray, "batch inputs"],
    current: Num[np.ndarray, "batch neurons"],
    q: Num[np.ndarray, "batch inputs"],
    *,
    refresh: bool,
    keys: Num[np.ndarray, "patterns inputs"],
    values: Num[np.ndarray, "patterns neurons"] | None,
    trace_decay: int,
    similarity_shift: int,
    recall_shift: int,
    output_shift: int,
    iterations: int,
    query_level: int,
    gain: int,
) -> PathwayStep:
    """The same step in real numbers: the exponential itself, no rounding and no saturation."""
    trace = q * (1 - trace_decay / (1 << DECAY_BITS)) + arrived * float(1 << TRACE)
    if refresh and values is not None:
        xi = trace
        for iteration in range(iterations):
            z = xi @ keys.T * 2.0**-similarity_shift / tables.STEPS_PER_FOLD
            e = np.exp(z - z.max(axis=-1, keepdims=True))
            p = e / e.sum(axis=-1, keepdims=True) * (1 << FRACTION)
            if iteration < iterations - 1:
                xi = p @ keys * 2.0**-recall_shift
        current = p @ values * 2.0**-output_shift
    elif refresh:
        current = classical(trace, keys, query_level, gain, iterations).astype(np.float64)
    return PathwayStep(current, trace, np.zeros(len(q), dtype=np.int64))
