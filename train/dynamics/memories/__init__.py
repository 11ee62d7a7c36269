"""Memories beside a layer's synapses: their current in the deployed integers, by torch on any device.

The processor evaluates whole layers by `basalt.kernels` instead; this is for GPUs, and for training in exact integers.
"""

from collections.abc import Callable
from typing import Any

import torch

from basalt.records.hgrn import Hgrn
from basalt.records.hopfield import Hopfield
from basalt.records.slow_memory import SlowMemory
from basalt.train.dynamics.memories import hgrn, hopfield, slow_memory

CURRENTS: dict[str, Callable[[Any, torch.Tensor], torch.Tensor]] = {
    SlowMemory.kind: slow_memory.current,
    Hgrn.kind: hgrn.current,
    Hopfield.kind: hopfield.current,
}
"""Kind of a memory's record → its current (batch, steps, neurons) for the layer's input (batch, inputs, steps)."""
