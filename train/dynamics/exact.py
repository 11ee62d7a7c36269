"""A layer's deployed integers on the processor, by the kernels of `basalt.kernels`, from the record of the layer."""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Int, UInt8, UInt64

from basalt.kernels.bits import pack, planes_of, unpack
from basalt.kernels.conv import ConvLayer
from basalt.kernels.dense import WITHOUT_MEMBRANE, narrow, readout_block
from basalt.kernels.layer import WholeLayer
from basalt.records.readout import SUM_MAX, Readout
from basalt.records.synapses import Conv, Spiking


@runtime_checkable
class Kernel(Protocol):
    """A layer of `basalt.kernels` with the states of a batch."""

    def advance(
        self, arrived: UInt64[np.ndarray, "block batch words"], first: int, length: int
    ) -> UInt64[np.ndarray, "longest batch sent"]:
        """The spikes of `length` steps from step `first` on."""


KERNELS: dict[str, Callable[[int, int, Any, int], Kernel]] = {Spiking.kind: WholeLayer, Conv.kind: ConvLayer}
"""Kind of a record → its kernel, for a batch, a number of steps, the record and bit planes of the input."""


def _packed(
    x: UInt8[torch.Tensor, "batch inputs steps"],
) -> tuple[UInt64[np.ndarray, "steps batch words"], int]:
    """The input of each step in bits, and its bit planes."""
    frames = x.cpu().permute(2, 0, 1).contiguous().numpy()
    planes = planes_of(frames)
    return pack(frames, planes), planes


def spikes(layer: Spiking, x: UInt8[torch.Tensor, "batch inputs steps"]) -> UInt8[torch.Tensor, "batch neurons steps"]:
    """What a layer sends, after its delays; x may be graded, and the spikes are where x is."""
    arrived, planes = _packed(x)
    steps, batch, _ = arrived.shape
    sent = KERNELS[layer.kind](batch, steps, layer, planes).advance(arrived, 0, steps)
    return torch.from_numpy(unpack(sent, layer.neurons)).permute(1, 2, 0).to(x.device)


def sums(layer: Readout, x: UInt8[torch.Tensor, "batch inputs steps"]) -> Int[torch.Tensor, "batch classes"]:
    """The read-out after the last step."""
    reach = int(np.abs(layer.weight).sum(axis=1).max(initial=0)) * int(x.max()) * x.shape[-1]
    if layer.voltage_decay is None and reach <= SUM_MAX:
        arriving = x[..., :-1].sum(-1, dtype=torch.int64).cpu()
        return arriving @ torch.from_numpy(layer.weight).t()
    arrived, planes = _packed(x)
    steps, batch, width = arrived.shape
    unit, (rows,) = narrow(layer.weight)
    keep = WITHOUT_MEMBRANE if layer.voltage_decay is None else 4096 - layer.voltage_decay
    u, v, y = np.zeros((3, batch, layer.neurons), np.int64)
    every = np.zeros((steps, batch, layer.neurons), np.int32)
    before, counts = np.zeros((batch, width), np.uint64), np.zeros((2, batch), np.int64)
    parts = (unit, rows, keep, WITHOUT_MEMBRANE, u, v, y, every, *counts)
    readout_block(0, batch, steps, arrived, planes, before, *parts)
    return torch.from_numpy(y)
