"""When a layer runs as one fused operation (`gpu.feed_forward`, `fused_recurrent`), and how it gets there."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float, Num

from basalt.train.dynamics.gpu import diagonal as fused_diagonal
from basalt.train.dynamics.gpu import driven as fused_driven
from basalt.train.dynamics.gpu import feed_forward as fused
from basalt.train.dynamics.gpu import grid as device_grid
from basalt.train.dynamics.gpu import recurrent as fused_recurrent
from basalt.train.layers import grid

if TYPE_CHECKING:
    from basalt.train.layers.spiking import Spiking

DEVICES = {"cuda"}
"""Types of devices that the kernels run on."""


@lru_cache(maxsize=1)
def available() -> bool:
    """Whether Triton is there; says so once if it is not."""
    try:
        import basalt.train.dynamics.gpu.triton_lif  # noqa: F401
    except Exception as error:  # a broken Triton raises what it likes
        logging.getLogger("basalt").warning(
            f"Triton cannot be used here ({type(error).__name__}: {error}): SLAYER's own kernels run instead, slower."
        )
        return False
    return True


def applies(layer: "Spiking", x: Num[torch.Tensor, "batch inputs steps"]) -> bool:
    """Whether an operation does this layer here, for so many steps."""
    if x.device.type not in DEVICES or x.shape[2] < 2 or not available():
        return False
    operation = _operation(layer)
    if operation is None:
        _say_slow(layer.name, layer.recurrence)
    return operation is not None and operation.fits(layer, x)


@lru_cache(maxsize=64)
def _say_slow(name: str, recurrence: str) -> None:
    """Once for each layer: what has no operation is not a secret."""
    logging.getLogger("basalt").warning(
        f"Layer {name} runs a step at a time on this device, slowly: no kernel has {recurrence} recurrence beside its "
        f"kind of memory, or in so many neurons (at most {fused_recurrent.MOST} if full)."
    )


def known(layer: "Spiking") -> bool:
    """Whether there is an operation for such a layer, be it for some numbers of steps alone."""
    return available() and _operation(layer) is not None


def run(
    layer: "Spiking", x: Num[torch.Tensor, "batch inputs steps"], send: bool = True
) -> tuple[Any, Float[torch.Tensor, "batch units"]]:
    """Spikes of the layer (batch, units, steps), or None unless `send`, and their counts before the last step."""
    operation = _operation(layer)
    assert operation is not None
    spikes, counts = operation.run(layer, x, send)
    layer.rate = counts.sum() / (counts.numel() * (x.shape[2] - 1))
    return (spikes.transpose(1, 2) if send else None), counts


@dataclass(frozen=True)
class Operation:
    """What does some layers.

    Attributes:
        knows: whether it does such a layer; fits: whether it does this one for the steps, and on the device, of x.
        run: spikes (batch, steps, units) of a layer and x, or None unless they are wanted, and their counts.
    """

    knows: Callable[["Spiking"], bool]
    fits: Callable[["Spiking", torch.Tensor], bool]
    run: Callable[["Spiking", torch.Tensor, bool], tuple[Any, torch.Tensor]]


def _operation(layer: "Spiking") -> Operation | None:
    if not layer.deployable:
        return None
    return next((operation for operation in OPERATIONS if operation.knows(layer)), None)


def _travelling(layer: "Spiking", x: torch.Tensor) -> torch.Tensor:
    return x.transpose(1, 2).to(layer.travels).contiguous()


def _is_feed_forward(layer: "Spiking") -> bool:
    return layer.plain and not layer.recurrent


def _chunks_divide(layer: "Spiking", x: torch.Tensor) -> bool:
    return layer.memory is None or layer.memory.chunks(x.shape[2]) is not None


def _feed_forward(layer: "Spiking", x: torch.Tensor, send: bool) -> tuple[Any, torch.Tensor]:
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
        parts["rows"], parts["memory"] = device_grid.projections(memory), fused.Memory(chunks, memory.shift)
    neuron = layer.neuron
    return fused.layer(
        _travelling(layer, x),
        grid.weights(layer.synapse.weight.flatten(1)),
        neuron.constants,
        neuron.decays,
        None if layer.bias is None else grid.bias(layer.bias),
        **parts,
        keep=neuron.keep,
        send=send,
    )


def _is_recurrent(layer: "Spiking") -> bool:
    return layer.plain and layer.recurrence == "full" and layer.memory is None and layer.units <= fused_recurrent.MOST


def _feedback_fits(layer: "Spiking", x: torch.Tensor) -> bool:
    return fused_recurrent.fits(layer.units, x.device)


def _recurrent(layer: "Spiking", x: torch.Tensor, send: bool) -> tuple[Any, torch.Tensor]:
    neuron = layer.neuron
    return fused_recurrent.layer(
        _travelling(layer, x),
        grid.weights(layer.synapse.weight.flatten(1)),
        grid.weights(layer.block.recurrent_synapse.weight.flatten(1)),
        neuron.constants,
        neuron.decays,
        None if layer.bias is None else grid.bias(layer.bias),
        keep=neuron.keep,
        send=send,
    )


def _is_driven(layer: "Spiking") -> bool:
    return not layer.plain and not layer.recurrent


def _always(layer: "Spiking", x: torch.Tensor) -> bool:
    return True


def _driven(layer: Any, x: torch.Tensor, send: bool) -> tuple[Any, torch.Tensor]:
    neuron = layer.neuron
    synaptic, memory = layer.drive(x)
    bias = layer.quantised_bias()
    parts = (neuron.constants, neuron.decays, bias, neuron.keep, layer.travels)
    return fused_driven.fire(synaptic, memory, *parts, send)


def _is_diagonal(layer: "Spiking") -> bool:
    return layer.recurrence == "diagonal" and (layer.memory is None or not layer.plain)


def _diagonal(layer: Any, x: torch.Tensor, send: bool) -> tuple[Any, torch.Tensor]:
    neuron, bias, memory = layer.neuron, layer.quantised_bias(), None
    if layer.plain:
        weight = grid.weights(layer.synapse.weight.flatten(1))
        synaptic = fused_diagonal.synapses(_travelling(layer, x), weight)
    else:
        synaptic, memory = layer.drive(x)
    own = grid.weights(layer.block.recurrent_synapse.weight)
    parts = (own, neuron.constants, neuron.decays, bias, neuron.keep, layer.travels)
    return fused_diagonal.fire(synaptic, memory, *parts)


OPERATIONS = (
    Operation(_is_feed_forward, _chunks_divide, _feed_forward),
    Operation(_is_recurrent, _feedback_fits, _recurrent),
    Operation(_is_driven, _always, _driven),
    Operation(_is_diagonal, _always, _diagonal),
)
"""Recurrence beside a slow memory, or in larger layers, has none: a step at a time (`train.dynamics.torch_loop`)."""
