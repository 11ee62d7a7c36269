"""Bits of stored weights that flip, as in memories at low voltage.

A deployed weight is an even integer −256 … 254, which a memory holds as the 8-bit two's complement of its half.
Parameters that are not deployed (an LSTM's) are held as 8-bit integers of a scale that each has for itself, max|w|/127.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Int8

from basalt.train.dynamics.scalars import WEIGHT_SCALE

STEP = 2 / WEIGHT_SCALE
BITS = 8


@contextmanager
def flipped(network: torch.nn.Module, chance: float, draw: torch.Generator) -> Iterator[int]:
    """Within the block, every bit of every weight is flipped with probability `chance`; yields how many were.

    Weights are the parameters with rows (two axes or more); biases, decays and what lies beside them are not touched.
    """
    deployed = {id(module.weight) for module in network.modules() if getattr(module, "pre_hook_fx", None) is not None}
    weights = [p for p in network.parameters() if p.requires_grad and (p.dim() > 1 or id(p) in deployed)]
    before = [weight.detach().clone() for weight in weights]
    count = 0
    try:
        with torch.no_grad():
            for weight in weights:
                step = STEP if id(weight) in deployed else float(weight.abs().max()) / 127 or 1.0
                stored = (weight / step).round().clamp(-128, 127).to(torch.int8).cpu()
                changed, flips = flip(stored, chance, draw)
                weight.copy_(changed.to(weight) * step)
                count += flips
        yield count
    finally:
        with torch.no_grad():
            for weight, value in zip(weights, before):
                weight.copy_(value)


def flip(stored: Int8[torch.Tensor, "..."], chance: float, draw: torch.Generator) -> tuple[torch.Tensor, int]:
    """The integers with every bit flipped with probability `chance`, and the number of bits that were."""
    mask = torch.zeros(stored.shape, dtype=torch.uint8)
    for bit in range(BITS):
        mask |= (torch.rand(stored.shape, generator=draw) < chance).to(torch.uint8) << bit
    flips = sum(int(((mask >> bit) & 1).sum()) for bit in range(BITS))
    return (stored.view(torch.uint8) ^ mask).view(torch.int8), flips
