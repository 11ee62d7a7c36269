"""When a layer runs as one fused operation (`train.layers.fused`), and how it gets there."""

import logging
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float

from train.layers import fused

if TYPE_CHECKING:
    from train.layers.spiking import Spiking

DEVICES = {"cuda"}
"""Types of devices that the kernels run on."""


@lru_cache(maxsize=1)
def available() -> bool:
    """Whether Triton is there; says so once if it is not."""
    try:
        import train.layers.triton_lif  # noqa: F401
    except Exception as error:  # a broken Triton raises what it likes
        logging.getLogger("basalt").warning(
            f"Triton cannot be used here ({type(error).__name__}: {error}): SLAYER's own kernels run instead, slower."
        )
        return False
    return True


def applies(layer: "Spiking", x: Float[torch.Tensor, "batch inputs steps"]) -> bool:
    """Whether the fused operation does this layer: not with recurrence, nor for steps that chunks do not divide."""
    if x.device.type not in DEVICES or layer.config.recurrent or x.shape[2] < 2 or not available():
        return False
    return layer.memory is None or layer.memory.chunks(x.shape[2]) is not None


def run(
    layer: "Spiking", x: Float[torch.Tensor, "batch inputs steps"], send: bool = True
) -> tuple[Any, Float[torch.Tensor, "batch units"]]:
    """Spikes of the layer (batch, units, steps), or None unless `send`, and their counts before the last step."""
    parts: dict[str, Any] = {}
    memory, steps = layer.memory, x.shape[2]
    if memory is not None:
        chunks = memory.chunks(steps)
        assert chunks is not None
        drive_weight, drive_bias = layer.drive_matrix(), memory.quantised_bias()
        if memory.watching:
            memory.watch(torch.relu(x[..., :-1].float().transpose(1, 2) @ drive_weight[0] + drive_bias))
        parts["drive_weight"], parts["drive_bias"] = drive_weight, drive_bias
        if memory.exact:
            drive = torch.nn.functional.pad(x[..., :-1].float().transpose(1, 2) @ drive_weight[0], (1, 0))
            parts["deployed"] = memory.deployed(drive)
        parts["rows"], parts["memory"] = memory.projections()[0], fused.Memory(chunks, memory.limit)
    neuron = layer.neuron
    spikes, counts = fused.layer(
        x.transpose(1, 2).to(layer.travels).contiguous(),
        layer.synapse.matrix,
        neuron.constants,
        neuron.decays,
        layer.quantised_bias(),
        **parts,
        send=send,
    )
    layer.rate = counts.sum() / (counts.numel() * (steps - 1))
    return (spikes.transpose(1, 2) if send else None), counts
