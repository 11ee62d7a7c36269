"""Compiled kernels of whole layers: event-driven, any batch, the integers of the references.

Even weights are kept halved in 8 bits, odd ones in 16.

The kernels release the interpreter's lock and start no threads themselves; `Workers` divides a batch among threads
that are started in the process that runs the model, never before a fork.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
from jaxtyping import Int
from numba import njit

from basalt.kernels.events import OPTIONS, any_plane, trailing_zeros, value_at
from basalt.kernels.neuron import fire


@njit(**OPTIONS)
def gather(bits, planes, rows, total16, total):  # type: ignore[no-untyped-def]
    """total += Σ over events i of value_i · rows[i]; returns the number of events (of the last plane's union)."""
    width = bits.shape[0] // planes
    neurons = total.shape[0]
    arrived = 0
    for n in range(neurons):
        total16[n] = 0
    if planes == 1:
        pending = 0
        flush = 255 if rows.itemsize == 1 else 127  # weights that 16 bits can sum without overflow
        for w in range(width):
            word = bits[w]
            while word:
                row = rows[w * 64 + trailing_zeros(word)]
                word &= word - np.uint64(1)
                for n in range(neurons):
                    total16[n] += row[n]
                pending += 1
                if pending == flush:
                    for n in range(neurons):
                        total[n] += total16[n]
                        total16[n] = 0
                    arrived += pending
                    pending = 0
        for n in range(neurons):
            total[n] += total16[n]
        return arrived + pending
    for w in range(width):
        word = any_plane(bits, planes, w)
        while word:
            lowest = trailing_zeros(word)
            word &= word - np.uint64(1)
            value = value_at(bits, planes, w, lowest)
            row = rows[w * 64 + lowest]
            for n in range(neurons):
                total[n] += value * row[n]
            arrived += 1
    return arrived


@njit(**OPTIONS)
def add_own(bits, own, total):  # type: ignore[no-untyped-def]
    """total[n] += own[n] for every neuron n that fired; returns how many did."""
    fired = 0
    for w in range(bits.shape[0]):
        word = bits[w]
        while word:
            n = w * 64 + trailing_zeros(word)
            word &= word - np.uint64(1)
            total[n] += own[n]
            fired += 1
    return fired


@njit(**OPTIONS)
def put_bits(fired, out):  # type: ignore[no-untyped-def]
    """Bytes of 0 and 1 to words; `fired` is as long as the words have bits."""
    for w in range(out.shape[0]):
        word = np.uint64(0)
        for j in range(64):
            word |= np.uint64(fired[w * 64 + j]) << np.uint64(j)
        out[w] = word


@njit(**OPTIONS)
def add_products(sums, rows, values):  # type: ignore[no-untyped-def]
    """sums += values @ rows, four rows at a time. Integers below 2^53 add up to the same in any order."""
    count = rows.shape[0]
    fours = count - count % 4
    for j in range(0, fours, 4):
        first, second, third, fourth = values[j], values[j + 1], values[j + 2], values[j + 3]
        for n in range(len(sums)):
            sums[n] += (rows[j, n] * first + rows[j + 1, n] * second) + (
                rows[j + 2, n] * third + rows[j + 3, n] * fourth
            )
    for j in range(fours, count):
        for n in range(len(sums)):
            sums[n] += rows[j, n] * values[j]


@njit(**OPTIONS)
def spiking_block(  # type: ignore[no-untyped-def]
    low,
    high,
    first,
    length,
    arrived,
    planes,
    before,
    unit,
    rows,
    recurrent_rows,
    own,
    neuron,
    delay,
    currents,
    state,
    fired_before,
    history,
    out,
    spiking_counts,
    fired_steps,
):
    """Samples low … high of a layer through the `length` steps of a block that begins at step `first`.

    `arrived` (block, batch, words) are the block's input spikes; `before` and `fired_before` hold input and output of
    the step before, and are left holding those of the last step. `currents` (samples, block, neurons) are those of a
    memory pathway, from sample `low` on. `history` (depth, batch, neurons) holds spikes for delays. Arrays of size 0
    stand for parts that the layer does not have. `own` are the weights of a diagonal recurrence. Counts are added for
    each sample: events, spikes, saturations, those of the events that reach one synapse alone, and those that are the
    layer's own and reach all; and how many membranes changed from one step of the sample to the next.
    """
    neurons = state.shape[2]
    depth = history.shape[0]
    total = np.empty(neurons, np.int32)
    total16 = np.empty(neurons, np.int16)
    fired = np.zeros(out.shape[2] * 64, np.uint8)
    late = np.zeros(out.shape[2] * 64, np.uint8)
    silent = np.zeros(neurons, np.float64)
    nothing = np.zeros(0, np.float64)
    pathway = currents.shape[0] > 0
    membrane = np.empty(neurons, np.int32)
    for b in range(low, high):
        mine = state[b]
        changed = incoming = spikes = saturated = alone = own_events = 0
        for k in range(length):
            bits = arrived[k - 1, b] if k > 0 else before[b]
            for n in range(neurons):
                total[n] = 0
            incoming += gather(bits, planes, rows, total16, total)
            if own.shape[0]:
                alone += add_own(fired_before[b], own, total)
            if recurrent_rows.shape[0]:
                previous = fired_before[b]
                own_events += gather(previous, 1, recurrent_rows, total16, total)
            for n in range(neurons):
                membrane[n] = mine[1, n]
            sent, wraps = fire(
                mine,
                total,
                64.0 * unit,
                currents[b - low, k] if pathway else nothing,
                neuron.bias if first + k >= neuron.start else silent,
                neuron,
                fired,
            )
            spikes += sent
            fired_steps[b, k] = sent
            saturated += wraps
            if first + k > 0:
                for n in range(neurons):
                    changed += mine[1, n] != membrane[n]
            put_bits(fired, fired_before[b])
            if depth:
                now = (first + k) % depth
                for n in range(neurons):
                    history[now, b, n] = fired[n]
                for n in range(neurons):
                    late[n] = history[(first + k - delay[n]) % depth, b, n]
                put_bits(late, out[k, b])
            else:
                out[k, b] = fired_before[b]
        before[b] = arrived[length - 1, b]
        spiking_counts[b, 0] += incoming + own_events + alone
        spiking_counts[b, 1] += spikes
        spiking_counts[b, 2] += saturated
        spiking_counts[b, 3] += alone
        spiking_counts[b, 4] += own_events
        spiking_counts[b, 5] += changed


WITHOUT_MEMBRANE = -1
"""In place of what a read-out's membranes keep of 4096 in a step, where it sums weighted spikes instead."""


@njit(**OPTIONS)
def readout_block(  # type: ignore[no-untyped-def]
    low, high, length, arrived, planes, before, unit, rows, keep, current_keep, u, v, y, out, counts, saturated
):
    """Samples low … high of a read-out through the steps of a block; `out` (block, batch, classes) are the sums, or the
    membranes where there are currents."""
    classes = y.shape[1]
    total = np.empty(classes, np.int32)
    total16 = np.empty(classes, np.int16)
    for b in range(low, high):
        for k in range(length):
            for n in range(classes):
                total[n] = 0
            counts[b] += gather(arrived[k - 1, b] if k > 0 else before[b], planes, rows, total16, total)
            for n in range(classes):
                added = unit * np.int64(total[n])
                if current_keep >= 0:
                    kept = (abs(u[b, n]) * current_keep) >> 12
                    whole = (kept if u[b, n] >= 0 else -kept) + (added << 6)
                    u[b, n] = ((whole + 8388607) & 16777215) - 8388607  # wrap24
                    saturated[b] += u[b, n] != whole
                    kept = (abs(v[b, n]) * keep) >> 12
                    whole = (kept if v[b, n] >= 0 else -kept) + u[b, n]
                    v[b, n] = min(max(whole, -8388607), 8388607)
                    saturated[b] += v[b, n] != whole
                    y[b, n] = 0
                    added = v[b, n]
                elif keep >= 0:
                    kept = (abs(v[b, n]) * keep) >> 12
                    whole = (kept if v[b, n] >= 0 else -kept) + (added << 6)
                    v[b, n] = min(max(whole, -8388607), 8388607)
                    saturated[b] += v[b, n] != whole
                    added = v[b, n] >> 6
                whole = y[b, n] + added
                y[b, n] = min(max(whole, -2147483647), 2147483647)
                saturated[b] += y[b, n] != whole
                out[k, b, n] = y[b, n]
        before[b] = arrived[length - 1, b]


LARGE = 1 << 28
"""Bytes of weights that are not copied: a row's bytes count less than a second copy."""


def narrow(*weights: Int[np.ndarray, "_neurons _inputs"]) -> tuple[int, list[Int[np.ndarray, "_inputs _neurons"]]]:
    """(neurons, inputs) weights → their unit, and (inputs, neurons) rows in that unit, as narrow as they can be.

    Rows of 8 bits that lie as the kernel takes them are taken as they are, and so are `LARGE` ones of 16 bits.
    """
    matrices = [weight for weight in weights if weight.size]
    kind = np.result_type(np.int8, *matrices)
    large = sum(weight.nbytes for weight in matrices) >= LARGE
    if kind == np.int8 or (kind == np.int16 and large):
        return 1, [np.ascontiguousarray(weight.T, dtype=kind) for weight in weights]
    odd = any(np.bitwise_or.reduce(weight, axis=None) & 1 for weight in matrices)
    unit, kind = (1, np.dtype(np.int16)) if odd else (2, np.dtype(np.int8))
    return unit, [np.ascontiguousarray((weight >> (unit - 1)).T.astype(kind)) for weight in weights]


class Workers:
    """Threads that share a batch; made in the process that runs the model.

    Args:
        batch: samples.
        threads: at most this many; one per core if None.
    """

    SMALLEST = 8
    """Samples that are worth a thread of their own."""

    def __init__(self, batch: int, threads: int | None = None) -> None:
        count = max(1, min(threads or len(os.sched_getaffinity(0)), batch // self.SMALLEST))
        edges = np.linspace(0, batch, count + 1).astype(int).tolist()
        self.shares = list(pairwise(edges))
        self.pool = ThreadPoolExecutor(count) if count > 1 else None

    def run(self, work: Callable[[int, int], None]) -> None:
        """Call `work(low, high)` for every share, side by side."""
        if self.pool is None:
            for low, high in self.shares:
                work(low, high)
        else:
            for done in [self.pool.submit(work, low, high) for low, high in self.shares]:
                done.result()
