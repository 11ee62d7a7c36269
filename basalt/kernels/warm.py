"""Compile the kernels, or load them from disk, before Lava forks: its processes then inherit them ready to run."""

import numpy as np

from basalt.kernels.conv import warm_conv
from basalt.kernels.dense import narrow, readout_block
from basalt.kernels.events import count_block
from basalt.kernels.layer import PATHWAYS, WholeLayer
from basalt.kernels.messages import warm_messages
from basalt.records.neuron import Neuron, axis
from basalt.records.synapses import Spiking


def warm() -> None:
    """Run every kernel once on the smallest layers, for even weights and for odd ones; starts no thread."""
    one = axis(1)
    for weight in (2, 1):
        ones = np.full((1, 1), weight, dtype=np.int64)
        spikes = np.zeros((1, 1, 1), dtype=np.uint64)
        for memory in (memory for kernel in PATHWAYS.values() for memory in kernel.smallest(ones)):
            layer = Spiking("warm", ones, Neuron(1, one, one), ones, one, one, memory)
            WholeLayer(1, 1, layer).advance(spikes, 0, 1)
        unit, (rows,) = narrow(ones)
        sums, counts = np.zeros((1, 1, 1), dtype=np.int32), np.zeros(1, dtype=np.int64)
        state = np.zeros((1, 1), dtype=np.int64)
        readout_block(0, 1, 1, spikes, 1, spikes[0], unit, rows, 0, 0, state, state, state, sums, counts, counts)
    mapped = np.zeros((1, 1, 1), dtype=np.uint64)
    mapped.flags.writeable = False  # as the source's file is
    count_block(mapped, 1, 1, counts)
    warm_conv()
    warm_messages()
