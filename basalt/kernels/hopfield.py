"""The associative memory of a layer, compiled; see `basalt/records/hopfield.py`.

Traces, queries and sums are integers kept in float64, as in `basalt/kernels/dense.py`. Patterns that the softmax
gives no share cost nothing after it.
"""

import numpy as np
from jaxtyping import Int
from numba import njit

from basalt.kernels.dense import add_products
from basalt.kernels.events import OPTIONS, any_plane, trailing_zeros, value_at
from basalt.kernels.pathway import PathwayKernel
from basalt.records import tables
from basalt.records.arithmetic import DECAY_BITS
from basalt.records.hopfield import Hopfield


@njit(**OPTIONS)
def add_trace(bits, planes, q):  # type: ignore[no-untyped-def]
    """q += value << 12 for every event, saturating; returns the numbers of events and of saturations."""
    arrived = saturated = 0
    for w in range(bits.shape[0] // planes):
        word = any_plane(bits, planes, w)
        while word:
            lowest = trailing_zeros(word)
            word &= word - np.uint64(1)
            i = w * 64 + lowest
            wide = q[i] + 4096.0 * value_at(bits, planes, w, lowest)
            q[i] = min(wide, 8388607.0)
            saturated += q[i] != wide
            arrived += 1
    return arrived, saturated


@njit(**OPTIONS)
def softmax(z, exponential, reciprocal, p):  # type: ignore[no-untyped-def]
    """p, with 12 fraction bits, of z/16."""
    top = z.max()
    total = np.int64(0)
    for j in range(len(z)):
        e = exponential[np.int64(min(top - z[j], 255.0))]
        p[j] = e
        total += e
    log = 15
    while total >> (log + 1):
        log += 1
    inverse = reciprocal[((total << 8) >> log) & 255]
    for j in range(len(z)):
        p[j] = min((np.int64(p[j]) * inverse + (1 << (log + 2))) >> (log + 3), 4096)


@njit(**OPTIONS)
def add_shares(sums, rows, p, shift):  # type: ignore[no-untyped-def]
    """sums = (rowsᵀ p + half) >> shift, by the rows that have a share."""
    for n in range(len(sums)):
        sums[n] = 0.0
    for j in range(len(p)):
        share = p[j]
        if share:
            for n in range(len(sums)):
                sums[n] += rows[j, n] * share
    scale = 2.0**-shift
    half = 0.5 if shift > 0 else 0.0
    for n in range(len(sums)):
        sums[n] = np.floor(sums[n] * scale + half)


@njit(**OPTIONS)
def hopfield_block(  # type: ignore[no-untyped-def]
    low,
    high,
    first,
    length,
    arrived,
    planes,
    before,
    key_columns,
    keys,
    values,
    keep,
    similarity_shift,
    recall_shift,
    output_shift,
    iterations,
    update_interval,
    query_level,
    gain,
    exponential,
    reciprocal,
    m,
    current,
    currents,
    counts,
):
    """Samples low … high through the `length` steps of a block that begins at step `first`; their currents go into
    `currents` (samples, block, neurons). `key_columns` is keysᵀ; values of size 0 stand for the classical variant.
    Counts are added for each sample: events and saturations."""
    neurons = current.shape[1]
    inputs = m.shape[1]
    patterns = keys.shape[0]
    z = np.zeros(patterns, np.float64)
    p = np.zeros(patterns, np.float64)
    xi = np.zeros(inputs, np.float64)
    y = np.zeros(inputs, np.float64)
    scale = 2.0**-similarity_shift
    half = 0.5 if similarity_shift > 0 else 0.0
    for b in range(low, high):
        q, mine = m[b], current[b]
        incoming = saturated = 0
        for t in range(length):
            for i in range(inputs):
                q[i] = np.trunc(q[i] * keep)
            events, clipped = add_trace(arrived[t - 1, b] if t > 0 else before[b], planes, q)
            incoming += events
            saturated += clipped
            if (first + t) % update_interval == 0:
                if values.shape[0]:
                    for i in range(inputs):
                        xi[i] = q[i]
                    for iteration in range(iterations):
                        for j in range(patterns):
                            z[j] = 0.0
                        add_products(z, key_columns, xi)
                        for j in range(patterns):
                            z[j] = np.floor(z[j] * scale + half)
                        softmax(z, exponential, reciprocal, p)
                        if iteration < iterations - 1:
                            add_shares(xi, keys, p, recall_shift)
                    add_shares(mine, values, p, output_shift)
                else:
                    for i in range(inputs):
                        xi[i] = 1.0 if q[i] > query_level else -1.0
                    for _ in range(iterations):
                        for j in range(patterns):
                            z[j] = 0.0
                        add_products(z, key_columns, xi)
                        for i in range(inputs):
                            y[i] = 0.0
                        add_products(y, keys, z)
                        for i in range(inputs):
                            if y[i] != 0.0:
                                xi[i] = 1.0 if y[i] > 0.0 else -1.0
                    for i in range(inputs):
                        mine[i] = 64.0 * gain * xi[i]
            sent = currents[b - low, t]
            for n in range(neurons):
                sent[n] = mine[n]
        counts[b, 0] += incoming
        counts[b, 1] += saturated


class HopfieldKernel(PathwayKernel):
    """Patterns as the kernel takes them, and the states of a batch.

    Args:
        batch: samples side by side.
        memory: the record.
        planes: bit planes of the input.
    """

    block = staticmethod(hopfield_block)

    @staticmethod
    def smallest(weight: Int[np.ndarray, "1 1"]) -> tuple[Hopfield, ...]:
        """One."""
        return (Hopfield("modern", weight, weight, 1, 1, 1, 1),)

    def __init__(self, batch: int, memory: Hopfield, planes: int = 1) -> None:
        keys, values = memory.keys, memory.values
        neurons, inputs = memory.shape
        self.memory, self.planes = memory, planes
        self.constants = (
            np.ascontiguousarray(keys.T, dtype=np.float64),
            np.ascontiguousarray(keys, dtype=np.float64),
            np.zeros((0, neurons)) if values is None else np.ascontiguousarray(values, dtype=np.float64),
            1.0 - memory.trace_decay / (1 << DECAY_BITS),
            memory.similarity_shift,
            memory.recall_shift,
            memory.output_shift,
            memory.iterations,
            memory.update_interval,
            memory.query_level,
            memory.gain,
            tables.exponential().copy(),
            tables.reciprocal().copy(),
        )
        self.keep(batch, inputs, neurons)
