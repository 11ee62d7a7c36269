"""The deployed look-up tables (`records.tables`) in training: their values forwards, the smooth slope backwards."""

from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float, Int

from basalt.records import tables
from basalt.train.dynamics.scalars import WEIGHT_SCALE

FINEST, COARSEST = 0, 2
"""Index shifts that training uses: tables over ±2 … ±8, in steps of 1/64 … 1/16; σ(8) is 4095/4096."""

SLOPES = {"sigmoid": lambda value: value * (1 - value), "tanh": lambda value: 1 - value * value}
"""The derivative of a function by its value."""


@lru_cache(maxsize=16)
def _contents(kind: str, device: torch.device) -> Float[torch.Tensor, "entries"]:
    found = np.concatenate([getattr(tables, kind)(shift) for shift in range(FINEST, COARSEST + 1)])
    return torch.as_tensor(found / tables.UNITY, dtype=torch.float32, device=device)


class _Look(torch.autograd.Function):
    @staticmethod
    def forward(ctx, activation, shift, kind):  # type: ignore[no-untyped-def]
        nearest = torch.floor(activation * (WEIGHT_SCALE * torch.exp2(-shift.to(activation.dtype))) + 0.5)
        entry = (nearest + tables.ENTRIES // 2).clamp_(0, tables.ENTRIES - 1).long()
        value = _contents(kind, activation.device)[entry + (shift - FINEST) * tables.ENTRIES].to(activation.dtype)
        ctx.save_for_backward(value)
        ctx.kind = kind
        return value

    @staticmethod
    def backward(ctx, grad):  # type: ignore[no-untyped-def]
        (value,) = ctx.saved_tensors
        return grad * SLOPES[ctx.kind](value), None, None


def look(
    kind: str, activation: Float[torch.Tensor, "*shape"], shift: Int[torch.Tensor, ""]
) -> Float[torch.Tensor, "*shape"]:
    """The table `kind` ("sigmoid" or "tanh") of an activation in float units, at the index shift `shift`."""
    return _Look.apply(activation, shift, kind)


def index_shift(peak: float) -> int:
    """The finest table that covers activations up to `peak` (float units)."""
    reach = tables.ENTRIES / 2 / WEIGHT_SCALE
    return int(np.clip(np.ceil(np.log2(max(peak, 1e-9) / reach)), FINEST, COARSEST))
