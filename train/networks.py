"""Networks: a recipe's layers in order, in the training form or in exact integers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from jaxtyping import Float, Int, Num, UInt8

from basalt.records.layer import Layer
from basalt.train.layers import LAYERS, ReadoutConfig
from basalt.train.recipe import ContrastiveConfig, NetworkConfig, Recipe

NO_CONTRAST = ContrastiveConfig()


@dataclass(frozen=True, eq=False)
class Trace:
    """What a network did, in exact integers.

    Attributes:
        spikes: by layer name, uint8 (batch, neurons, steps), at the deployed time index.
        sums: the read-out after the last step, int64 (batch, classes).
    """

    spikes: dict[str, UInt8[torch.Tensor, "batch _neurons steps"]]
    sums: Int[torch.Tensor, "batch classes"]


class Network(torch.nn.Module):
    """Spiking layers, or LSTMs, and a read-out.

    Args:
        config: the layers.
        inputs: number of input features, or their shape (channels, height, width), which convolutions need.
        classes: number of outputs.
        contrastive: whose features a contrastive loss wants, if any.

    Attributes:
        contrasted: those features in the last training-form forward pass, after their projection.
    """

    layers: Any

    def __init__(
        self,
        config: NetworkConfig,
        inputs: int | tuple[int, ...],
        classes: int,
        contrastive: ContrastiveConfig = NO_CONTRAST,
    ) -> None:
        super().__init__()
        shape = (inputs,) if isinstance(inputs, int) else tuple(inputs)
        self.inputs, self.classes = prod(shape), classes
        self.layers = torch.nn.ModuleDict()
        self._integer = False
        for layer in config.named():
            module: Any = LAYERS[layer.kind].module
            assert layer.name is not None
            if isinstance(layer, ReadoutConfig):
                self.layers[layer.name] = module(layer, layer.name, prod(shape), classes)
            else:
                self.layers[layer.name] = module(layer, layer.name, shape)
                shape = self.layers[layer.name].shape
        for hidden in self.hidden:
            hidden.meet(self.hidden)
        self.contrasted = torch.zeros(0)
        self._featured = (contrastive.layer or self.hidden[-1].name) if contrastive.weight > 0 else None
        self.projection: torch.nn.Module | None = None
        if self._featured is not None and contrastive.projection:
            self.projection = _projection(self.layers[self._featured].units, contrastive.projection)

    @classmethod
    def of(cls, recipe: Recipe, inputs: int | tuple[int, ...], classes: int) -> "Network":
        """The network that a recipe trains."""
        return cls(recipe.network, inputs, classes, recipe.training.contrastive)

    @property
    def hidden(self) -> list[Any]:
        """All layers but the read-out, in order: spiking ones, and LSTMs to compare with."""
        return list(self.layers.values())[:-1]

    @property
    def spiking(self) -> list[Any]:
        """The layers that spike, in order."""
        return [layer for layer in self.hidden if layer.deployable]

    @property
    def deployable(self) -> bool:
        """Whether all layers have a record; only such networks can be traced and exported."""
        return all(layer.deployable for layer in self.hidden)

    @property
    def readout(self) -> Any:
        """The last layer."""
        return list(self.layers.values())[-1]

    @property
    def rates(self) -> dict[str, Float[torch.Tensor, ""]]:
        """Mean spikes per neuron and step of each spiking layer in the last training-form forward pass."""
        return {layer.name: layer.rate for layer in self.spiking}

    def forward(
        self, x: Num[torch.Tensor, "batch features steps"], over_time: bool = False
    ) -> Num[torch.Tensor, "batch classes"] | Num[torch.Tensor, "batch classes steps"]:
        """Logits (batch, classes) of spikes or graded input (batch, features, steps); integer sums in `integer()`.

        With `over_time`, the logits after every step, (batch, classes, steps).
        """
        if self._integer:
            return self.trace(x).sums
        *first, last = self.hidden
        for layer in first:
            x = layer(x)
            self._note(layer, x)
        if not over_time and self.readout.voltage_decay is None:
            counts = last.counts(x)
            if counts is not None:
                self._note(last, counts[..., None] / max(x.shape[2] - 1, 1), whole=True)
                return self.readout.of_counts(counts)
        x = last(x)
        self._note(last, x)
        return self.readout(x, over_time)

    def _note(self, layer: Any, sent: torch.Tensor, whole: bool = False) -> None:
        """Keep the contrasted features if they are this layer's: the mean of what it sent before the last step."""
        if layer.name == self._featured:
            mean = sent[..., 0].float() if whole else sent[..., :-1].float().sum(-1) / max(sent.shape[-1] - 1, 1)
            self.contrasted = mean if self.projection is None else self.projection(mean)

    def units(self) -> Iterator[tuple[torch.nn.Parameter, float]]:
        """Every trained parameter with the size of the values it starts with, times the square root of its fan-in."""
        known = {p: unit for layer in self.layers.values() for p, unit in layer.units_of().items()}
        for parameter in self.parameters():
            if parameter.requires_grad:
                yield parameter, known.get(parameter, 1.0)

    def compute_exactly(self, on: bool) -> None:
        """Whether memories compute the deployed integers in training, too: slower, and then spikes are equal."""
        for layer in self.hidden:
            if layer.memory is not None:
                layer.memory.exact = on

    def travel_in(self, dtype: torch.dtype) -> None:
        """The type in which spikes and gradients travel between layers on a GPU; see `gpu.feed_forward`."""
        for layer in self.hidden:
            layer.travels = dtype

    @contextmanager
    def integer(self, on: bool = True) -> Iterator["Network"]:
        """Within the block, `forward` computes the deployed integers."""
        before, self._integer = self._integer, on
        try:
            yield self
        finally:
            self._integer = before

    @torch.no_grad()
    def trace(self, x: UInt8[torch.Tensor, "batch features steps"]) -> Trace:
        """All spikes and the read-out's sums, as deployed.

        Raises:
            BasaltError: the network is not `deployable`.
        """
        spikes = {}
        x = x.to(torch.uint8)
        for layer in self.hidden:
            x = layer.exact(x)
            spikes[layer.name] = x
        return Trace(spikes, self.readout.exact(x))

    def records(self) -> tuple[Layer, ...]:
        """The layers as they are deployed, in order.

        Raises:
            BasaltError: the network is not `deployable`.
        """
        return tuple(layer.record() for layer in self.layers.values())

    @torch.no_grad()
    def calibrate(
        self, x: UInt8[torch.Tensor, "batch features steps"], labels: Int[torch.Tensor, "batch"] | None = None
    ) -> None:
        """Set the shifts of every memory from the ranges that `x` causes, input side first; store classes in some."""
        self.hidden[0].hear(x)
        for layer in self.hidden:
            memory = layer.memory
            if memory is None:
                continue
            memory.watching, memory.peak = True, 0.0
            self.forward(x)
            memory.watching = False
            memory.calibrate()
            if labels is not None:
                layer.imprint(labels, self.classes)

    @property
    def parameter_count(self) -> int:
        """Number of trained parameters, without those of a projection, which are not deployed."""
        return sum(p.numel() for p in self.layers.parameters() if p.requires_grad)


def _projection(inputs: int, outputs: int) -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Linear(inputs, inputs), torch.nn.ReLU(), torch.nn.Linear(inputs, outputs))
