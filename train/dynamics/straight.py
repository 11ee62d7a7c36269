"""Straight-through gradients: what is shown forwards is rounded or looked up, what is trained is smooth."""

import torch
from jaxtyping import Float


class _Instead(torch.autograd.Function):
    @staticmethod
    def forward(ctx, value, shown):  # type: ignore[no-untyped-def]
        return shown

    @staticmethod
    def backward(ctx, grad):  # type: ignore[no-untyped-def]
        return grad, None


def instead(
    value: Float[torch.Tensor, "*shape"], shown: Float[torch.Tensor, "*shape"]
) -> Float[torch.Tensor, "*shape"]:
    """`shown`, with the gradient of `value`."""
    return _Instead.apply(value, shown.detach())


def within(value: Float[torch.Tensor, "*shape"], low: float, high: float) -> Float[torch.Tensor, "*shape"]:
    """`value` limited to low … high; the gradient passes from low to high, limits included."""
    return torch.where((value >= low) & (value <= high), value, value.detach().clamp(low, high))


def rounded(
    value: Float[torch.Tensor, "*shape"], step: float | Float[torch.Tensor, ""]
) -> Float[torch.Tensor, "*shape"]:
    """Multiples of `step`, halves up, with the gradient of `value`."""
    return instead(value, torch.floor(value.detach() / step + 0.5) * step)
