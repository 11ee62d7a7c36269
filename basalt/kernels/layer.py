"""A spiking layer with all its parts, ready for the compiled kernel: what the `compiled` models hold."""

import numpy as np
from jaxtyping import Int, Num, UInt64

from basalt.kernels.bits import words
from basalt.kernels.dense import Workers, narrow, spiking_block
from basalt.kernels.hgrn import HgrnKernel
from basalt.kernels.hopfield import HopfieldKernel
from basalt.kernels.neuron import neuron_constants, no_states
from basalt.kernels.pathway import PathwayKernel
from basalt.kernels.slow_memory import SlowMemoryKernel
from basalt.records.counts import Counts, graded_counts
from basalt.records.synapses import Spiking

CHUNK_STEPS = 512
"""Time steps of samples whose currents a memory pathway computes ahead of the neurons: they stay in the cache."""


PATHWAYS: dict[str, type[PathwayKernel]] = {
    "slow_memory": SlowMemoryKernel,
    "hgrn": HgrnKernel,
    "hopfield": HopfieldKernel,
}
"""Kind of a memory pathway → its kernel."""


class WholeLayer:
    """Weights in the narrowest type, states of a batch, and one call a block.

    Args:
        batch, block: samples side by side, time steps a call.
        layer: the record.
        planes: bit planes of the input.
    """

    def __init__(self, batch: int, block: int, layer: Spiking, planes: int = 1) -> None:
        self.layer, self.planes = layer, planes
        self.neurons, self.inputs = neurons, inputs = layer.weight.shape
        self.workers = Workers(batch)
        recurrent, delay = layer.recurrent_weight, layer.delay
        diagonal = layer.recurrence == "diagonal"
        none = np.zeros((neurons, 0), dtype=np.int8)
        full = none if recurrent is None or diagonal else recurrent
        unit, (rows, recurrent_rows, own) = narrow(
            layer.weight, full, none[:1] if recurrent is None or not diagonal else recurrent[None]
        )
        self.synapses = (unit, rows, recurrent_rows, own[:, 0])
        late = np.zeros(neurons, dtype=np.int64) if delay is None else delay.astype(np.int64)
        self.neuron = (neuron_constants(layer, lambda value: np.broadcast_to(value, neurons).copy()), late)
        self.pathway = None if layer.memory is None else PATHWAYS[layer.memory.kind](batch, layer.memory, planes)
        self.chunk = batch if layer.memory is None else max(1, CHUNK_STEPS // block)
        self.block = block
        depth = 0 if delay is None else int(delay.max()) + 1
        self.state = no_states(batch, layer.neuron, neurons)
        self.before = np.zeros((batch, planes * words(inputs)), dtype=np.uint64)
        self.fired = np.zeros((batch, words(neurons)), dtype=np.uint64)
        self.history = np.zeros((depth, batch, neurons), dtype=np.uint8)
        self.out = np.zeros((block, batch, words(neurons)), dtype=np.uint64)
        self.spiking_counts = np.zeros((batch, 6), dtype=np.int64)
        self.fired_steps = np.zeros((batch, block), dtype=np.int32)
        self.first = 0

    def clear(self) -> None:
        """The state before the first step of a sample."""
        for state in (self.state, self.before, self.fired, self.history):
            state[:] = 0
        if self.pathway is not None:
            self.pathway.clear()

    def advance(
        self, arrived: UInt64[np.ndarray, "block batch words"], first: int, length: int
    ) -> UInt64[np.ndarray, "longest batch sent"]:
        """The spikes of `length` steps that begin at step `first` of the sample; the rest of `out` is 0."""
        self.first = first
        self.out[length:] = 0
        self.workers.run(lambda low, high: self.work(low, high, arrived, first, length))
        return self.out

    def work(
        self, low: int, high: int, arrived: UInt64[np.ndarray, "block batch words"], first: int, length: int
    ) -> None:
        """Samples low … high, a few at a time."""
        size = 0 if self.pathway is None else min(self.chunk, high - low)
        currents = np.empty((size, self.block, self.neurons))
        for begin in range(low, high, self.chunk):
            end = min(begin + self.chunk, high)
            if self.pathway is not None:
                self.pathway.run(begin, end, first, length, arrived, self.before, currents)
            spiking_block(
                begin,
                end,
                first,
                length,
                arrived,
                self.planes,
                self.before,
                *self.synapses,
                *self.neuron,
                currents,
                self.state,
                self.fired,
                self.history,
                self.out,
                self.spiking_counts,
                self.fired_steps,
            )

    def variables(self) -> dict[str, Num[np.ndarray, "batch _size"]]:
        """u and v of the neurons, m of the memory pathway if there is one."""
        return {"u": self.state[:, 0], "v": self.state[:, 1]} | ({} if self.pathway is None else {"m": self.pathway.m})

    def take_changes(self) -> Int[np.ndarray, "batch"]:
        """How many membranes changed from one step to the next since the last call."""
        changes = self.spiking_counts[:, 5].copy()
        self.spiking_counts[:, 5] = 0
        return changes

    @property
    def activity(self) -> Int[np.ndarray, "batch 2"]:
        """Events and spikes of each sample since the counts were last taken."""
        return self.spiking_counts[:, :2].copy()

    def take_spiking_counts(self, length: int) -> Counts:
        """What the spiking part did since the last call, in `length` steps."""
        incoming, spikes, saturations, alone, own, _ = self.spiking_counts.T.copy()
        self.spiking_counts[:, :5] = 0
        synapses = (incoming - alone) * self.neurons + alone
        counts = self.layer.neuron.counts(incoming, synapses, spikes, saturations, length * self.neurons)
        return counts | graded_counts((incoming - alone - own) * self.neurons, self.planes)

    def take_memory_counts(self, length: int) -> Counts:
        """What the memory pathway did since the last call, in `length` steps."""
        return {} if self.pathway is None else self.pathway.take_counts(self.first, length)
