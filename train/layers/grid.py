"""Learned values on the grid that is deployed. One operation each, with a gradient that no release of torch decides.

For a step Δ and limits l, h (multiples of Δ):

    g    = Δ·round(w/Δ)                                    halves to even
    out  = min(max(g, l), h)
    ∂L/∂w = ∂L/∂out where l ≤ g ≤ h, limits included, else 0
"""

import torch
from jaxtyping import Float

from basalt.train.dynamics.scalars import WEIGHT_SCALE


def weights(value: Float[torch.Tensor, "..."], descale: bool = False) -> Float[torch.Tensor, "..."]:
    """Synaptic weights: multiples of 1/32 in −4 … 127/32, SLAYER's `quantize_8bit`; in units of 1/64 with `descale`."""
    found = torch.fake_quantize_per_tensor_affine(value, 2 / WEIGHT_SCALE, 0, -128, 127)
    return found * WEIGHT_SCALE if descale else found


def bias(value: Float[torch.Tensor, "..."]) -> Float[torch.Tensor, "..."]:
    """Biases: multiples of 1/64 in −64 … 4095/64."""
    return torch.fake_quantize_per_tensor_affine(value, 1 / WEIGHT_SCALE, 0, -4096, 4095)
