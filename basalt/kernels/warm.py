"""Compile the kernels, or load them from disk, before Lava forks: its processes then inherit them ready to run."""

from typing import Any

import numpy as np

from basalt.kernels.conv import warm_conv
from basalt.kernels.dense import narrow, readout_block
from basalt.kernels.events import count_block
from basalt.kernels.layer import WholeLayer


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
        for reach in (1, 1 << 20):
            WholeLayer(1, 1, spiking, gated_memory(ones, ones * reach), kind="hgrn").advance(spikes, 0, 1)
        unit, (rows,) = narrow(ones)
        sums, counts = np.zeros((1, 1, 1), dtype=np.int32), np.zeros(1, dtype=np.int64)
        state = np.zeros((1, 1), dtype=np.int64)
        readout_block(0, 1, 1, spikes, 1, spikes[0], unit, rows, 0, 0, state, state, state, sums, counts, counts)
    WholeLayer(1, 1, spiking, associative_memory(ones), kind="hopfield").advance(spikes, 0, 1)
    mapped = np.zeros((1, 1, 1), dtype=np.uint64)
    mapped.flags.writeable = False  # as the source's file is
    count_block(mapped, 1, 1, counts)
    warm_conv()


def gated_memory(weight: np.ndarray, recurrent: np.ndarray) -> dict[str, Any]:
    """The smallest gated recurrent memory."""
    gates = ("forget", "candidate", "gate")
    memory: dict[str, Any] = {f"{gate}_weight": weight for gate in gates}
    memory |= dict.fromkeys((*(f"{gate}_bias" for gate in gates), "low", "gain"), np.ones(1, dtype=np.int64))
    memory |= dict.fromkeys(("forget_recurrent", "update_recurrent"), recurrent)
    return {**memory, "variant": "gated", "output_shift": 1, "index_shift": 1}


def associative_memory(patterns: np.ndarray) -> dict[str, Any]:
    """The smallest associative memory."""
    names = ("trace_decay", "similarity_shift", "recall_shift", "output_shift", "iterations", "update_interval")
    return {**dict.fromkeys((*names, "query_level", "gain"), 1), "keys": patterns, "values": patterns}
