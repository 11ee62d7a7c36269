"""Which operation of `dynamics.gpu` computes a whole layer at once, if any does."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Protocol

import torch
from jaxtyping import Float, Num

from basalt.train.dynamics import grid
from basalt.train.dynamics.devices import DEVICES, available
from basalt.train.dynamics.gpu import diagonal, feed_forward, neurons, recurrent
from basalt.train.dynamics.gpu.projections import projections


class Layer(Protocol):
    """What an operation asks of a spiking layer; `layers.spiking.Spiking` explains each.

    Not for isinstance: a module of torch keeps its parts where that does not look.

    Attributes:
        plain: whether a dense product and a slow memory are all that drives the neurons.
        travels: the type in which spikes and gradients travel between layers.
        rate: where `run` leaves the mean spikes per neuron and step.
    """

    deployable: ClassVar[bool]
    plain: ClassVar[bool]
    name: str
    units: int
    block: Any
    bias: Any
    memory: Any
    travels: torch.dtype
    rate: torch.Tensor

    @property
    def recurrence(self) -> str:
        """ "none", "full" or "diagonal"."""

    @property
    def synapse(self) -> Any:
        """The synapse from the layer's input."""

    @property
    def neuron(self) -> Any:
        """The neurons."""

    def quantised_bias(self) -> Any:
        """The bias of every neuron, or None."""

    def drive(self, x: Any) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The synaptic current, not yet delayed, and the memory's."""


def applies(layer: Any, x: Num[torch.Tensor, "batch inputs steps"]) -> bool:
    """Whether an operation computes this layer on the device, and for the number of steps, of `x`."""
    if x.device.type not in DEVICES or x.shape[2] < 2 or not available():
        return False
    operation = _operation(layer)
    if operation is None:
        _say_slow(layer.name, layer.recurrence)
    return operation is not None and operation.fits(layer, x)


@lru_cache(maxsize=64)
def _say_slow(name: str, recurrence: str) -> None:
    """Warn once about each layer that no operation computes."""
    logging.getLogger("basalt").warning(
        f"Layer {name} runs a step at a time on this device, slowly: no kernel has {recurrence} recurrence beside its "
        f"kind of memory, or for this many neurons (at most {recurrent.MOST} if full)."
    )


def known(layer: Any) -> bool:
    """Whether an operation computes such a layer, at least for some numbers of steps."""
    return available() and layer.deployable and _operation(layer) is not None


def run(
    layer: Any, x: Num[torch.Tensor, "batch inputs steps"], send: bool = True
) -> tuple[Any, Float[torch.Tensor, "batch units"]]:
    """Spikes of the layer (batch, units, steps), or None unless `send`, and their counts before the last step."""
    operation = _operation(layer)
    assert operation is not None
    spikes, counts = operation.run(layer, x, send)
    layer.rate = counts.sum() / (counts.numel() * (x.shape[2] - 1))
    return (spikes.transpose(1, 2) if send else None), counts


@dataclass(frozen=True)
class Operation:
    """An operation and the layers that it computes.

    Attributes:
        knows: whether it computes such a layer.
        fits: whether it computes this one on the device, and for the number of steps, of an input.
        run: spikes (batch, steps, units) of a layer and its input, or None unless they are wanted, and their counts.
    """

    knows: Callable[[Layer], bool]
    fits: Callable[[Layer, torch.Tensor], bool]
    run: Callable[[Layer, torch.Tensor, bool], tuple[Any, torch.Tensor]]


def _operation(layer: Layer) -> Operation | None:
    if layer.neuron.adaptation.size:
        return None
    return next((operation for operation in OPERATIONS if operation.knows(layer)), None)


def _travelling(layer: Layer, x: torch.Tensor) -> torch.Tensor:
    return x.transpose(1, 2).to(layer.travels).contiguous()


def _is_feed_forward(layer: Layer) -> bool:
    return layer.plain and layer.recurrence == "none"


def _chunks_divide(layer: Layer, x: torch.Tensor) -> bool:
    return layer.memory is None or layer.memory.chunks(x.shape[2]) is not None


def _feed_forward(layer: Layer, x: torch.Tensor, send: bool) -> tuple[Any, torch.Tensor]:
    parts: dict[str, Any] = {}
    memory, steps = layer.memory, x.shape[2]
    if memory is not None:
        chunks = memory.chunks(steps)
        assert chunks is not None
        drive_weight, drive_bias = grid.weights(memory.drive_weight), grid.bias(memory.drive_bias)
        if memory.watching:
            memory.watch(torch.relu(x[..., :-1].float().transpose(1, 2) @ drive_weight[0] + drive_bias))
        parts["drive_weight"], parts["drive_bias"] = drive_weight, drive_bias
        if memory.exact:
            drive = torch.nn.functional.pad(x[..., :-1].float().transpose(1, 2) @ drive_weight[0], (1, 0))
            parts["deployed"] = memory.deployed(drive)
        parts["rows"] = projections(memory.weight, memory.system, memory.shift)
        parts["memory"] = feed_forward.Memory(chunks, memory.shift)
    neuron = layer.neuron
    return feed_forward.layer(
        _travelling(layer, x),
        grid.weights(layer.synapse.weight.flatten(1)),
        neuron.constants,
        neuron.decays,
        None if layer.bias is None else grid.bias(layer.bias),
        **parts,
        keep=neuron.keep,
        send=send,
    )


def _is_recurrent(layer: Layer) -> bool:
    return layer.plain and layer.recurrence == "full" and layer.memory is None and layer.units <= recurrent.MOST


def _feedback_fits(layer: Layer, x: torch.Tensor) -> bool:
    return recurrent.fits(layer.units, x.device)


def _recurrent(layer: Layer, x: torch.Tensor, send: bool) -> tuple[Any, torch.Tensor]:
    neuron = layer.neuron
    return recurrent.layer(
        _travelling(layer, x),
        grid.weights(layer.synapse.weight.flatten(1)),
        grid.weights(layer.block.recurrent_synapse.weight.flatten(1)),
        neuron.constants,
        neuron.decays,
        None if layer.bias is None else grid.bias(layer.bias),
        keep=neuron.keep,
        send=send,
    )


def _has_own_drive(layer: Layer) -> bool:
    return not layer.plain and layer.recurrence == "none"


def _always(layer: Layer, x: torch.Tensor) -> bool:
    return True


def _neurons(layer: Layer, x: torch.Tensor, send: bool) -> tuple[Any, torch.Tensor]:
    neuron = layer.neuron
    synaptic, memory = layer.drive(x)
    bias = layer.quantised_bias()
    parts = (neuron.constants, neuron.decays, bias, neuron.keep, layer.travels)
    return neurons.fire(synaptic, memory, *parts, send)


def _is_diagonal(layer: Layer) -> bool:
    return layer.recurrence == "diagonal" and (layer.memory is None or not layer.plain)


def _diagonal(layer: Layer, x: torch.Tensor, send: bool) -> tuple[Any, torch.Tensor]:
    neuron, bias, memory = layer.neuron, layer.quantised_bias(), None
    if layer.plain:
        weight = grid.weights(layer.synapse.weight.flatten(1))
        synaptic = diagonal.synapses(_travelling(layer, x), weight)
    else:
        synaptic, memory = layer.drive(x)
    own = grid.weights(layer.block.recurrent_synapse.weight)
    parts = (own, neuron.constants, neuron.decays, bias, neuron.keep, layer.travels)
    return diagonal.fire(synaptic, memory, *parts)


OPERATIONS = (
    Operation(_is_feed_forward, _chunks_divide, _feed_forward),
    Operation(_is_recurrent, _feedback_fits, _recurrent),
    Operation(_has_own_drive, _always, _neurons),
    Operation(_is_diagonal, _always, _diagonal),
)
"""Recurrence beside a slow memory, or in larger layers, has none: one step at a time (`train.dynamics.torch_loop`)."""
