"""The slow memory of a layer, compiled; see `basalt/records/slow_memory.py`."""

import numpy as np
from jaxtyping import Int
from numba import njit

from basalt.kernels.dense import add_products, gather, narrow
from basalt.kernels.events import OPTIONS
from basalt.kernels.pathway import PathwayKernel
from basalt.records.neuron import axis
from basalt.records.slow_memory import SlowMemory


@njit(**OPTIONS)
def slow_memory_block(  # type: ignore[no-untyped-def]
    low,
    high,
    first,
    length,
    arrived,
    planes,
    before,
    unit,
    drive_rows,
    drive_bias,
    drive_shift,
    transition_rows,
    drive_input,
    coefficient_shift,
    memory_rows,
    drive_memory,
    memory_shift,
    update_interval,
    m,
    current,
    currents,
    counts,
):
    """Samples low … high through the `length` steps of a block that begins at step `first`; their currents go into
    `currents` (samples, block, neurons). Counts are added for each sample: events and saturations."""
    neurons = current.shape[1]
    states = m.shape[1]
    drive = np.zeros(1, np.int32)
    drive16 = np.zeros(1, np.int16)
    after = np.zeros(states, np.float64)
    coefficient = 2.0**-coefficient_shift
    coefficient_half = 0.5 if coefficient_shift > 0 else 0.0
    scale = 2.0**-memory_shift
    half = 0.5 if memory_shift > 0 else 0.0
    for b in range(low, high):
        mine_m, mine_current = m[b], current[b]
        incoming = saturated = 0
        for k in range(length):
            bits = arrived[k - 1, b] if k > 0 else before[b]
            drive[0] = 0
            incoming += gather(bits, planes, drive_rows, drive16, drive)
            wide = max(unit * drive[0] + drive_bias, 0.0) * 2.0**drive_shift
            x = min(wide, 32767.0)
            saturated += x != wide
            if (first + k) % update_interval == 0:
                for n in range(neurons):
                    mine_current[n] = drive_memory[n] * x
                add_products(mine_current, memory_rows, mine_m)
                for n in range(neurons):
                    mine_current[n] = np.floor(mine_current[n] * scale + half)
            sent = currents[b - low, k]
            for n in range(neurons):
                sent[n] = mine_current[n]
            for i in range(states):
                after[i] = drive_input[i] * x
            add_products(after, transition_rows, mine_m)
            for i in range(states):
                value = np.floor(after[i] * coefficient + coefficient_half)
                mine_m[i] = min(max(value, -8388607.0), 8388607.0)
                saturated += mine_m[i] != value
        counts[b, 0] += incoming
        counts[b, 1] += saturated


class SlowMemoryKernel(PathwayKernel):
    """Weights in the narrowest type, and the states of a batch.

    Args:
        batch: samples side by side.
        memory: the record.
        planes: bit planes of the input.
    """

    block = staticmethod(slow_memory_block)

    @staticmethod
    def smallest(weight: Int[np.ndarray, "1 1"]) -> tuple[SlowMemory, ...]:
        """One."""
        one = axis(1)
        return (SlowMemory(weight[0], 1, 1, weight, one, 1, weight, one, 1),)

    def __init__(self, batch: int, memory: SlowMemory, planes: int = 1) -> None:
        self.memory, self.planes = memory, planes
        unit, (drive_rows,) = narrow(np.asarray(memory.drive_weight, dtype=np.int64)[None, :])
        self.constants = (
            unit,
            drive_rows,
            memory.drive_bias,
            memory.drive_shift,
            np.ascontiguousarray(memory.transition.T, dtype=np.float64),
            memory.drive_input.astype(np.float64),
            memory.coefficient_shift,
            np.ascontiguousarray(memory.memory_weight.T, dtype=np.float64),
            memory.drive_memory_weight.astype(np.float64),
            memory.memory_shift,
            memory.update_interval,
        )
        self.keep(batch, memory.states, memory.shape[0])
