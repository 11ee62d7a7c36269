"""Element-wise linear recurrences over time, h[t] = λ[t]·h[t−1] + x[t], and their gradients.

    ∂x[t] = ∂h[t] + λ[t+1]·∂x[t+1]        ∂λ[t] = ∂x[t]·h[t−1]

On a GPU all steps at once, in ⌈log₂ T⌉ passes (Hillis and Steele's scan): after the pass with distance d, h[t] holds
what the last 2d steps have left. Every product is of factors λ, so nothing grows beyond what the loop computes. On the
processor a compiled loop does less work.
"""

import numpy as np
import torch
from jaxtyping import Float
from numba import njit, prange


def doubled(
    factor: Float[torch.Tensor, "batch steps units"], drive: Float[torch.Tensor, "batch steps units"]
) -> Float[torch.Tensor, "batch steps units"]:
    """h in ⌈log₂ T⌉ passes, on any device."""
    state, distance, steps = drive, 1, drive.shape[1]
    while distance < steps:
        reached = factor[:, distance:] * state[:, :-distance]
        state = torch.cat([state[:, :distance], state[:, distance:] + reached], 1)
        if 2 * distance < steps:
            factor = torch.cat([factor[:, :distance], factor[:, distance:] * factor[:, :-distance]], 1)
        distance *= 2
    return state


@njit(parallel=True, nogil=True, cache=True)
def _loop(factor, drive, state):  # type: ignore[no-untyped-def]
    batch, steps, units = drive.shape
    for b in prange(batch):
        held = np.zeros(units, drive.dtype)
        for t in range(steps):
            for n in range(units):
                held[n] = factor[b, t, n] * held[n] + drive[b, t, n]
                state[b, t, n] = held[n]


def looped(
    factor: Float[torch.Tensor, "batch steps units"], drive: Float[torch.Tensor, "batch steps units"]
) -> Float[torch.Tensor, "batch steps units"]:
    """h one step after the other, on the processor."""
    state = torch.empty_like(drive, memory_format=torch.contiguous_format)
    _loop(factor.contiguous().numpy(), drive.contiguous().numpy(), state.numpy())
    return state


def _scan(factor: torch.Tensor, drive: torch.Tensor) -> torch.Tensor:
    return (looped if drive.device.type == "cpu" else doubled)(factor, drive)


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx, factor, drive):  # type: ignore[no-untyped-def]
        state = _scan(factor.detach(), drive.detach())
        ctx.save_for_backward(factor, state)
        return state

    @staticmethod
    def backward(ctx, grad):  # type: ignore[no-untyped-def]
        factor, state = ctx.saved_tensors
        following = torch.nn.functional.pad(factor[:, 1:], (0, 0, 0, 1))
        grad_drive = _scan(following.flip(1), grad.flip(1)).flip(1)
        before = torch.nn.functional.pad(state, (0, 0, 1, 0))[:, :-1]
        return grad_drive * before if ctx.needs_input_grad[0] else None, grad_drive


def scan(
    factor: Float[torch.Tensor, "batch steps units"], drive: Float[torch.Tensor, "batch steps units"]
) -> Float[torch.Tensor, "batch steps units"]:
    """h[t] = factor[t]·h[t−1] + drive[t], zero before the first step; differentiable in both."""
    return _Scan.apply(factor, drive)
