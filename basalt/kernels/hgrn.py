"""The gated recurrent memory of a layer, compiled; see `basalt/records/hgrn.py`.

States are integers kept in float64, as in `basalt/kernels/dense.py`; floor(x·2⁻ᵖ) is x >> p.
"""

from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numba import njit

from basalt.kernels.dense import add_products, gather, narrow
from basalt.kernels.events import OPTIONS
from basalt.kernels.pathway import PathwayKernel
from basalt.records import tables
from basalt.records.hgrn import GATES, SQUASHED_SHIFT, Hgrn, squash
from basalt.records.neuron import axis


@njit(**OPTIONS)
def add_heard(total, sums):  # type: ignore[no-untyped-def]
    """total += (sums + 64) >> 7."""
    for n in range(len(total)):
        total[n] += np.int32(np.floor(sums[n] * 2.0**-7 + 0.5))


@njit(**OPTIONS)
def look_up(table, index, out):  # type: ignore[no-untyped-def]
    """The entries at −128 … 127 of a table, its ends beyond."""
    for n in range(len(out)):
        out[n] = table[min(max(index[n], -128), 127) + 128]


@njit(**OPTIONS)
def squashed(h, table, index, out):  # type: ignore[no-untyped-def]
    """k of every h, to the nearest entry, 2¹⁶ units."""
    for n in range(len(h)):
        index[n] = np.int32(np.floor(h[n] * 2.0**-16 + 0.5))
    look_up(table, index, out)


@njit(**OPTIONS)
def hgrn_block(  # type: ignore[no-untyped-def]
    low,
    high,
    first,
    length,
    arrived,
    planes,
    before,
    unit,
    rows,
    biases,
    forget_recurrent,
    update_recurrent,
    bound,
    gain,
    output_shift,
    index_shift,
    sigmoid,
    tanh,
    squashing,
    m,
    currents,
    counts,
):
    """Samples low … high through the `length` steps of a block; their currents go into `currents` (samples, block,
    neurons). `rows` (inputs, 3·neurons) are the weights of the three gates side by side, `biases` likewise; recurrent
    rows have the size 0 in the published variant; `first` is for pathways with an interval. Counts are added for each
    sample: events and saturations."""
    neurons = m.shape[1]
    gated = forget_recurrent.shape[0] > 0
    total = np.empty(3 * neurons, np.int32)
    total16 = np.empty(3 * neurons, np.int16)
    index = np.empty(3 * neurons, np.int32)
    forget, candidate, gate = np.empty(neurons), np.empty(neurons), np.empty(neurons)
    k = np.zeros(neurons, forget_recurrent.dtype)
    heard = np.zeros(neurons, forget_recurrent.dtype)
    round_index = np.int32((1 << index_shift) >> 1)
    scale = 2.0**-output_shift
    half = 0.5 if output_shift > 0 else 0.0
    for b in range(low, high):
        h = m[b]
        incoming = saturated = 0
        for t in range(length):
            for n in range(3 * neurons):
                total[n] = 0
            incoming += gather(arrived[t - 1, b] if t > 0 else before[b], planes, rows, total16, total)
            for n in range(3 * neurons):
                total[n] = np.int32(unit * total[n] + biases[n])
            if gated:
                squashed(h, squashing, index[:neurons], k)
                heard[:] = 0.0
                add_products(heard, forget_recurrent, k)
                add_heard(total[:neurons], heard)
                heard[:] = 0.0
                add_products(heard, update_recurrent, k)
                add_heard(total[2 * neurons :], heard)
            for n in range(3 * neurons):
                index[n] = (total[n] + round_index) >> np.int32(index_shift)
            look_up(sigmoid, index[:neurons], forget)
            look_up(tanh, index[neurons : 2 * neurons], candidate)
            look_up(sigmoid, index[2 * neurons :], gate)
            for n in range(neurons):
                kept = bound[n] + np.floor((4096.0 - bound[n]) * forget[n] * 2.0**-12 + 0.5)
                opened = gate[n] if gated else 4096.0 - kept
                wide = np.floor((kept * h[n] + opened * 256.0 * candidate[n]) * 2.0**-12 + 0.5)
                after = min(max(wide, -8388607.0), 8388607.0)
                saturated += after != wide
                h[n] = after
            sent = currents[b - low, t]
            if gated:
                squashed(h, squashing, index[:neurons], sent)
            for n in range(neurons):
                out = 8192.0 * sent[n] if gated else np.floor(gate[n] * h[n] * 2.0**-12 + 0.5)
                sent[n] = np.floor(gain[n] * out * scale + half)
        counts[b, 0] += incoming
        counts[b, 1] += saturated


class HgrnKernel(PathwayKernel):
    """Weights in the narrowest type, and the states of a batch.

    Args:
        batch: samples side by side.
        memory: the record.
        planes: bit planes of the input.
    """

    block = staticmethod(hgrn_block)

    @staticmethod
    def smallest(weight: Int[np.ndarray, "1 1"]) -> tuple[Hgrn, ...]:
        """Two that hear their own state: by narrow weights, and by wide ones."""
        shared: dict[str, Any] = {f"{gate}_weight": weight for gate in GATES} | {"output_shift": 1, "index_shift": 1}
        shared |= dict.fromkeys((*(f"{gate}_bias" for gate in GATES), "low", "gain"), axis(1))
        return tuple(
            Hgrn("gated", **shared, forget_recurrent=heard, update_recurrent=heard) for heard in (weight, weight << 20)
        )

    def __init__(self, batch: int, memory: Hgrn, planes: int = 1) -> None:
        self.memory, self.planes = memory, planes
        gates = [np.asarray(getattr(memory, f"{gate}_weight"), dtype=np.int64) for gate in GATES]
        unit, (rows,) = narrow(np.concatenate(gates))
        biases = np.concatenate([getattr(memory, f"{gate}_bias") for gate in GATES])
        self.constants = (
            unit,
            rows,
            biases.astype(np.int32),
            *self.recurrent(memory),
            memory.low.astype(np.float64),
            memory.gain.astype(np.float64),
            memory.output_shift,
            memory.index_shift,
            tables.sigmoid(memory.index_shift).astype(np.float64),
            tables.tanh(memory.index_shift).astype(np.float64),
            squash(tables.tanh(SQUASHED_SHIFT)).astype(np.float64),
        )
        self.keep(batch, memory.states)

    def recurrent(
        self, memory: Hgrn
    ) -> tuple[Float[np.ndarray, "neurons neurons"], Float[np.ndarray, "neurons neurons"]]:
        """The rows of the two recurrent matrices; float32 where that holds their products exactly."""
        names = ("forget_recurrent", "update_recurrent")
        if not memory.gated:
            return np.zeros((0, 0), dtype=np.float32), np.zeros((0, 0), dtype=np.float32)
        reach = max(127 * np.abs(getattr(memory, name)).sum(axis=1).max(initial=0) for name in names)
        kind = np.float32 if reach < 1 << 24 else np.float64
        forget, update = (np.ascontiguousarray(getattr(memory, name).T, dtype=kind) for name in names)
        return forget, update
