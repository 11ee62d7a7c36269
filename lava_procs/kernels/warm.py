"""Compile the kernels, or load them from disk, before Lava forks: its processes then inherit them ready to run."""

from typing import Any

import numpy as np

from lava_procs.kernels.conv import warm_conv
from lava_procs.kernels.events import count_block
from lava_procs.kernels.layers import narrow, readout_block
from lava_procs.kernels.whole_layer import WholeLayer


def warm() -> None:
    """Run every kernel once on the smallest layers, for even weights and for odd ones; starts no thread."""
    for weight in (2, 1):
        ones = np.full((1, 1), weight, dtype=np.int64)
        one = np.ones(1, dtype=np.int64)
        spiking: dict[str, Any] = {
            "weight": ones,
            "recurrent_weight": ones,
            "bias": one,
            "delay": one,
            "threshold": 1,
            "reset": "hard",
        }
        spiking |= {"current_decay": one, "voltage_decay": one}
        memory: dict[str, Any] = {
            "drive_weight": one * weight,
            "transition": ones,
            "drive_input": one,
            "memory_weight": ones,
        }
        memory |= dict.fromkeys(("drive_bias", "drive_shift", "coefficient_shift", "memory_shift"), 1)
        memory |= {"drive_memory_weight": one, "update_interval": 1}
        spikes = np.zeros((1, 1, 1), dtype=np.uint64)
        WholeLayer(1, 1, spiking, memory).advance(spikes, 0, 1)
        unit, (rows,) = narrow(ones)
        sums, counts = np.zeros((1, 1, 1), dtype=np.int32), np.zeros(1, dtype=np.int64)
        state = np.zeros((1, 1), dtype=np.int64)
        readout_block(0, 1, 1, spikes, 1, spikes[0], unit, rows, 0, state, state, sums, counts, counts)
    mapped = np.zeros((1, 1, 1), dtype=np.uint64)
    mapped.flags.writeable = False  # as the source's file is
    count_block(mapped, 1, 1, counts)
    warm_conv()
