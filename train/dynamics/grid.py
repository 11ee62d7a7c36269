"""Learned values on the grid that is deployed. One operation each, with a gradient that no release of torch decides.

For a step Δ and limits l, h (multiples of Δ):

    g    = Δ·round(w/Δ)                                    halves to even
    out  = min(max(g, l), h)
    ∂L/∂w = ∂L/∂out where l ≤ g ≤ h, limits included, else 0
"""

import numpy as np
import torch
from jaxtyping import Float, Int

from basalt.train.dynamics.scalars import WEIGHT_SCALE
from basalt.train.dynamics.straight import rounded

WEIGHT_MAX = 127
MAX_EXPONENT = 14
"""Of the grid 2^−e of values in 8 bits."""


def weights(value: Float[torch.Tensor, "..."], descale: bool = False) -> Float[torch.Tensor, "..."]:
    """Synaptic weights: multiples of 1/32 in −4 … 127/32, SLAYER's `quantize_8bit`; in units of 1/64 with `descale`."""
    found = torch.fake_quantize_per_tensor_affine(value, 2 / WEIGHT_SCALE, 0, -128, 127)
    return found * WEIGHT_SCALE if descale else found


def bias(value: Float[torch.Tensor, "..."]) -> Float[torch.Tensor, "..."]:
    """Biases: multiples of 1/64 in −64 … 4095/64."""
    return torch.fake_quantize_per_tensor_affine(value, 1 / WEIGHT_SCALE, 0, -4096, 4095)


def integers(value: Float[torch.Tensor, "..."]) -> Int[np.ndarray, "..."]:
    """Values on the 1/64 grid as integers."""
    return (value.detach().cpu().double() * WEIGHT_SCALE).round().to(torch.int64).numpy()


def exponent(peak: Float[torch.Tensor, ""], shift: Int[torch.Tensor, ""]) -> Int[torch.Tensor, ""]:
    """The largest e at which `peak` fits signed 8 bits on the grid 2^−e, within 6 − shift … 14."""
    fitting = torch.frexp(WEIGHT_MAX / peak.clamp(min=1e-9)).exponent - 1
    return torch.minimum(torch.maximum(fitting, (6 - shift).clamp(min=0)), torch.full_like(fitting, MAX_EXPONENT))


def eight_bits(value: Float[torch.Tensor, "..."]) -> tuple[Float[torch.Tensor, "..."], Int[torch.Tensor, ""]]:
    """Values in signed 8 bits, on the finest grid 2^−e (e in 0 … 14) on which the largest fits, and e."""
    e = exponent(value.detach().abs().max(), torch.full((), 6, device=value.device))
    step = torch.exp2(-e.to(value.dtype))
    most = WEIGHT_MAX * step
    clipped = torch.minimum(torch.maximum(value, -most), most)
    return rounded(clipped, step), e
