"""Spiking layers that more than a dense product drives: what convolutions and memories of gates or patterns share."""

from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int, Num, UInt8

from basalt.errors import BasaltError
from basalt.train.dynamics import choose as whole
from basalt.train.dynamics import events, exact
from basalt.train.dynamics.gpu import exact as exact_device
from basalt.train.dynamics.straight import rounded
from basalt.train.layers.slow_memory import WEIGHT_MAX, exponent
from basalt.train.layers.spiking import Spiking


def late(rows: Float[torch.Tensor, "batch steps size"]) -> Float[torch.Tensor, "batch steps size"]:
    """rows[t − 1], zero at t = 0."""
    return torch.nn.functional.pad(rows, (0, 0, 1, 0))[:, :-1]


def eight_bits(value: Float[torch.Tensor, "..."]) -> tuple[Float[torch.Tensor, "..."], Int[torch.Tensor, ""]]:
    """Values in signed 8 bits, on the finest grid 2^−e (e in 0 … 14) on which the largest fits, and e."""
    e = exponent(value.detach().abs().max(), torch.full((), 6, device=value.device))
    step = torch.exp2(-e.to(value.dtype))
    most = WEIGHT_MAX * step
    clipped = torch.minimum(torch.maximum(value, -most), most)
    return rounded(clipped, step), e


def integer_sums(
    x: UInt8[torch.Tensor, "batch inputs steps"], weight: Int[np.ndarray, "rows inputs"]
) -> Float[torch.Tensor, "batch steps rows"]:
    """The integers W s_in[t], not delayed; those of graded input may need more than the 24 bits of a float32."""
    graded = int(x.max()) > 1
    matrix = torch.as_tensor(weight, dtype=torch.float64 if graded else torch.float32, device=x.device)
    return events.product(x.transpose(1, 2), matrix)


class Driven(Spiking):
    """A spiking layer that says itself what drives its neurons.

    A kind defines `drive`, in the training form, and `exact_drive`, in the deployed integers.
    """

    plain: ClassVar[bool] = False

    def drive(self, x: Num[torch.Tensor, "batch inputs steps"]) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The synaptic W s_in[t], not yet delayed, and the memory's current memory[t] or None, in float units.

        Both are (batch, steps, units).
        """
        raise NotImplementedError

    def exact_drive(
        self, layer: Any, x: UInt8[torch.Tensor, "batch inputs steps"]
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The integers of `drive` for the layer's integers: in weight units, and in units of the current u."""
        raise NotImplementedError

    def current(self, x: Num[torch.Tensor, "batch inputs steps"]) -> Float[torch.Tensor, "batch units steps"]:
        """What drives the neurons, without bias and recurrence."""
        synaptic, memory = self.drive(x)
        arrived = late(synaptic)
        return (arrived if memory is None else arrived + memory).transpose(1, 2)

    def exact(self, x: UInt8[torch.Tensor, "batch inputs steps"]) -> UInt8[torch.Tensor, "batch units steps"]:
        """Spikes as deployed, in exact integers."""
        layer = self.integers()
        synaptic, memory = self.exact_drive(layer, x)
        if whole.applies(self, x):
            return exact_device.driven(layer, synaptic, memory)
        activation = late(synaptic).to(torch.int32).cpu().numpy()
        current = None if memory is None else memory.to(torch.int64).cpu().numpy()
        spikes, _ = exact.spiking(layer, activation, current)
        return torch.from_numpy(spikes).transpose(1, 2).to(x.device)

    def export_hdf5(self, handle: object) -> None:
        """Never: lava-dl writes no such layer that is ours.

        Raises:
            BasaltError: always.
        """
        raise BasaltError(
            f"Layer {self.name} ({self.config.kind}) cannot be exported by lava-dl: use convert/export.py, which can."
        )
