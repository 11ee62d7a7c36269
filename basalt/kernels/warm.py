"""Compile the kernels, or load them from disk, before Lava forks: its processes then inherit them ready to run."""

from collections.abc import Collection

import numpy as np

from basalt.kernels.conv import warm_conv
from basalt.kernels.dense import narrow, readout_block
from basalt.kernels.events import count_block
from basalt.kernels.layer import PATHWAYS, WholeLayer
from basalt.kernels.messages import warm_messages
from basalt.records.delta import DeltaInput
from basalt.records.memory import MemoryPathway
from basalt.records.neuron import Neuron, axis
from basalt.records.sigma_delta import SigmaDelta, SigmaOutput
from basalt.records.synapses import Conv, Encoder, Spiking


def warm(kinds: Collection[str]) -> None:
    """Run the kernels of these kinds of layers and pathways once on the smallest, for even weights and for odd ones;
    starts no thread."""
    one = axis(1)
    kernels = [kernel for kind, kernel in PATHWAYS.items() if kind in kinds]
    for weight in (2, 1):
        ones = np.full((1, 1), weight, dtype=np.int64)
        spikes = np.zeros((1, 1, 1), dtype=np.uint64)
        memories: list[MemoryPathway | None] = [memory for kernel in kernels for memory in kernel.smallest(ones)]
        for memory in memories or [None]:
            layer = Spiking("warm", ones, Neuron(1, one, one), ones, one, one, memory)
            WholeLayer(1, 1, layer).advance(spikes, 0, 1)
        unit, (rows,) = narrow(ones)
        sums, counts = np.zeros((1, 1, 1), dtype=np.int32), np.zeros(1, dtype=np.int64)
        state = np.zeros((1, 1), dtype=np.int64)
        readout_block(0, 1, 1, spikes, 1, spikes[0], unit, rows, 0, 0, state, state, state, sums, counts, counts)
    count_block(spikes, 1, 1, counts)
    if not {Conv.kind, Encoder.kind}.isdisjoint(kinds):
        warm_conv()
    if not {DeltaInput.kind, SigmaDelta.kind, SigmaOutput.kind}.isdisjoint(kinds):
        warm_messages()
