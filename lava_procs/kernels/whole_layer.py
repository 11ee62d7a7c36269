"""A spiking layer with all its parts, ready for the compiled kernel: what the `compiled` models hold."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Int, UInt64

from lava_procs.kernels.bits import words
from lava_procs.kernels.counts import spiking_counts
from lava_procs.kernels.fixed_point import ALIGN, DECAY_BITS
from lava_procs.kernels.layers import RESET, Workers, narrow, spiking_block


class WholeLayer:
    """Weights in the narrowest type, states of a batch, and one call a block.

    Args:
        batch, block: samples side by side, time steps a call.
        spiking: weight, bias, current_decay, voltage_decay, threshold, reset; recurrent_weight and delay or None;
            start, 0 where it is absent.
        memory: the fields of a slow memory, or None.
        planes: bit planes of the input.
    """

    def __init__(
        self,
        batch: int,
        block: int,
        spiking: Mapping[str, Any],
        memory: Mapping[str, Any] | None = None,
        planes: int = 1,
    ) -> None:
        self.neurons, self.inputs = spiking["weight"].shape
        self.planes = planes
        self.workers = Workers(batch)
        neurons = self.neurons
        recurrent, delay = spiking["recurrent_weight"], spiking["delay"]
        drive = np.zeros((0, self.inputs)) if memory is None else memory["drive_weight"][None, :]
        weights = (spiking["weight"], np.zeros((neurons, 0)) if recurrent is None else recurrent, drive)
        unit, (rows, recurrent_rows, drive_rows) = narrow(*(np.asarray(w, dtype=np.int64) for w in weights))

        def keep(decay: np.ndarray) -> np.ndarray:
            return 1.0 - np.broadcast_to(decay, neurons).astype(np.float64) / (1 << DECAY_BITS)

        bias = 0 if spiking["bias"] is None else spiking["bias"]
        self.synapses = (unit, rows, recurrent_rows)
        self.neuron = (
            np.broadcast_to(np.asarray(bias, dtype=np.float64) * (1 << ALIGN), neurons).copy(),
            spiking.get("start", 0),
            keep(spiking["current_decay"]),
            keep(spiking["voltage_decay"]),
            float(spiking["threshold"] << ALIGN),
            RESET[spiking["reset"]],
            np.zeros(neurons, dtype=np.int64) if delay is None else delay.astype(np.int64),
        )
        self.states = 0 if memory is None else len(memory["drive_input"])
        self.interval = 1 if memory is None else memory["update_interval"]
        self.memory = (drive_rows, *memory_arrays(memory, neurons))
        depth = 0 if delay is None else int(delay.max()) + 1
        self.u, self.v = (np.zeros((batch, neurons), dtype=np.int32) for _ in range(2))
        self.m = np.zeros((batch, self.states), dtype=np.float64)
        self.current = np.zeros((batch, neurons if self.states else 0), dtype=np.float64)
        self.before = np.zeros((batch, planes * words(self.inputs)), dtype=np.uint64)
        self.fired = np.zeros((batch, words(neurons)), dtype=np.uint64)
        self.history = np.zeros((depth, batch, neurons), dtype=np.uint8)
        self.out = np.zeros((block, batch, words(neurons)), dtype=np.uint64)
        self.spiking_counts = np.zeros((batch, 3), dtype=np.int64)
        self.memory_counts = np.zeros((batch, 2), dtype=np.int64)
        self.first = 0

    def clear(self) -> None:
        """The state before the first step of a sample."""
        for state in (self.u, self.v, self.m, self.current, self.before, self.fired, self.history):
            state[:] = 0

    def advance(
        self, arrived: UInt64[np.ndarray, "block batch words"], first: int, length: int
    ) -> UInt64[np.ndarray, "block batch words"]:
        """The spikes of `length` steps that begin at step `first` of the sample."""
        self.first = first
        self.out[length:] = 0
        self.workers.run(
            lambda low, high: spiking_block(
                low,
                high,
                first,
                length,
                arrived,
                self.planes,
                self.before,
                *self.synapses,
                *self.neuron,
                *self.memory,
                self.interval,
                self.u,
                self.v,
                self.m,
                self.current,
                self.fired,
                self.history,
                self.out,
                self.spiking_counts,
                self.memory_counts,
            )
        )
        return self.out

    def variables(self) -> dict[str, np.ndarray]:
        """u and v of the neurons, m of the memory if there is one."""
        return {"u": self.u, "v": self.v} | ({"m": self.m} if self.states else {})

    def take_spiking_counts(self, length: int) -> dict[str, Int[np.ndarray, "batch"] | int]:
        """What the spiking part did since the last call, in `length` steps."""
        incoming, spikes, saturations = self.spiking_counts.T.copy()
        self.spiking_counts[:] = 0
        return spiking_counts(incoming, incoming * self.neurons, spikes, saturations, length * self.neurons)

    def take_memory_counts(self, length: int) -> dict[str, Int[np.ndarray, "batch"] | int]:
        """What the slow memory did since the last call, in `length` steps."""
        incoming, saturations = self.memory_counts.T.copy()
        self.memory_counts[:] = 0
        refreshes = sum((self.first + k) % self.interval == 0 for k in range(length))
        macs = (self.states + 1) * (length * self.states + refreshes * self.neurons)
        return {
            "events_in": incoming,
            "weight_words_read": incoming + macs,
            "synaptic_operations": incoming,
            "dense_macs": macs,
            "state_reads": length * self.states,
            "state_writes": length * self.states,
            "saturations": saturations,
        }


def memory_arrays(memory: Mapping[str, Any] | None, neurons: int) -> tuple[Any, ...]:
    """A slow memory as the kernel takes it; arrays of size 0 when there is none."""
    if memory is None:
        return (0, 0, np.zeros((0, 0)), np.zeros(0), 0, np.zeros((0, neurons)), np.zeros(0), 0)
    return (
        memory["drive_bias"],
        memory["drive_shift"],
        np.ascontiguousarray(memory["transition"].T, dtype=np.float64),
        memory["drive_input"].astype(np.float64),
        memory["coefficient_shift"],
        np.ascontiguousarray(memory["memory_weight"].T, dtype=np.float64),
        memory["drive_memory_weight"].astype(np.float64),
        memory["memory_shift"],
    )
