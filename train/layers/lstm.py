"""A long short-term memory: the non-spiking layer that spiking ones are compared with. It is trained, and not deployed.

    i, f, o = σ(W x[t] + R h[t−1] + b) each,   g = tanh(…)
    c[t] = f·c[t−1] + i·g,   h[t] = o·tanh(c[t])

with x the input over its largest value in training, in floats throughout (`torch.nn.LSTM`). h is what it sends.

Source: Hochreiter and Schmidhuber, Neural Computation 9, 1997, with the forget gate of Gers et al., 2000.
"""

import warnings
from collections.abc import Sequence
from math import prod
from typing import ClassVar, NoReturn

import torch
from jaxtyping import Float, Num

from basalt.errors import BasaltError
from basalt.train.layers.config import LstmConfig

# On a GPU the optimiser keeps all parameters in a buffer of its own (basalt.train.merged), which cuDNN copies.
warnings.filterwarnings("ignore", message="RNN module weights are not part of single contiguous chunk of memory")


class Lstm(torch.nn.Module):
    """One layer of `torch.nn.LSTM`.

    Args:
        config: of the layer.
        name: of the layer.
        inputs: number of input features, or their shape.

    Attributes:
        shape: of the output, (units,).
    """

    deployable: ClassVar[bool] = False
    memory: ClassVar[None] = None
    largest: torch.Tensor

    def __init__(self, config: LstmConfig, name: str, inputs: int | tuple[int, ...]) -> None:
        super().__init__()
        self.config, self.name, self.units = config, name, config.units
        self.inputs = inputs if isinstance(inputs, int) else prod(inputs)
        self.shape = (self.units,)
        self.lstm = torch.nn.LSTM(self.inputs, self.units, batch_first=True)
        with torch.no_grad():
            for parameter in self.lstm.parameters():
                parameter.mul_(config.weight_scale)
        self.register_buffer("largest", torch.ones(()))
        self.travels = torch.float32

    def meet(self, layers: Sequence[torch.nn.Module]) -> None:
        """It shares nothing."""

    def imprint(self, labels: torch.Tensor, classes: int) -> None:
        """It stores nothing."""

    def units_of(self) -> dict[torch.nn.Parameter, float]:
        """The scale of parameters, see `Network.units`: that of all is one."""
        return {}

    def hear(self, x: Num[torch.Tensor, "batch inputs steps"]) -> None:
        """Take the range of the network's input from some of it."""
        self.largest.fill_(max(float(x.max()), 1.0))

    def forward(self, x: Num[torch.Tensor, "batch inputs steps"]) -> Float[torch.Tensor, "batch units steps"]:
        """h of every step."""
        sent, _ = self.lstm(x.transpose(1, 2).float() / self.largest)
        return sent.transpose(1, 2)

    def counts(self, x: torch.Tensor) -> None:
        """There are no spikes to count."""

    def exact(self, x: torch.Tensor) -> NoReturn:
        """Never.

        Raises:
            BasaltError: always.
        """
        self.record()

    def record(self) -> NoReturn:
        """Never: it has none.

        Raises:
            BasaltError: always.
        """
        raise BasaltError(
            f"Layer {self.name} is an LSTM, which computes in floats and is trained for comparison only: export a "
            "network of spiking layers."
        )

    def export_hdf5(self, handle: object) -> NoReturn:
        """Never.

        Raises:
            BasaltError: always.
        """
        self.record()
