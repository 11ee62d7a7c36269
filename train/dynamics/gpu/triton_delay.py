# mypy: ignore-errors
"""Axonal delays on a GPU: `basalt.train.dynamics.delay`'s shift, and its two gradients in one pass."""

import torch
import triton
import triton.language as tl
from jaxtyping import Float, Num, Shaped

STEPS, LANES = 16, 64
"""Steps and neurons of a block."""


@triton.jit
def shift_kernel(values, delay, out, steps, neurons: tl.constexpr, STEPS: tl.constexpr, LANES: tl.constexpr):
    """out[t, n] = values[t − delay[n], n], zero from before the first step; (batch, steps, neurons)."""
    sample = tl.program_id(0).to(tl.int64)
    t = tl.program_id(1) * STEPS + tl.expand_dims(tl.arange(0, STEPS), 1)
    lane = tl.program_id(2) * LANES + tl.expand_dims(tl.arange(0, LANES), 0)
    inside = (t < steps) & (lane < neurons)
    late = tl.load(delay + lane, mask=lane < neurons, other=0)
    base = sample * steps * neurons
    at = t - late
    found = tl.load(values + base + at * neurons + lane, mask=inside & (at >= 0), other=0)
    tl.store(out + base + t * neurons + lane, found, mask=inside)


@triton.jit
def shift_gradient_kernel(
    grad,
    sent,
    delay,
    grad_values,
    sums,
    steps,
    blocks,
    neurons: tl.constexpr,
    STEPS: tl.constexpr,
    LANES: tl.constexpr,
):
    """grad_values[t, n] = grad[t + delay[n], n], and sums (batch, blocks, neurons) of grad[t]·(sent[t−1] − sent[t])."""
    sample = tl.program_id(0).to(tl.int64)
    block = tl.program_id(1)
    t = block * STEPS + tl.expand_dims(tl.arange(0, STEPS), 1)
    lane = tl.program_id(2) * LANES + tl.expand_dims(tl.arange(0, LANES), 0)
    inside = (t < steps) & (lane < neurons)
    late = tl.load(delay + lane, mask=lane < neurons, other=0)
    base = sample * steps * neurons
    here = base + t * neurons + lane
    early = tl.load(grad + here + late * neurons, mask=inside & (t + late < steps), other=0)
    tl.store(grad_values + here, early, mask=inside)
    now = tl.load(sent + here, mask=inside, other=0).to(tl.float32)
    before = tl.load(sent + here - neurons, mask=inside & (t > 0), other=0).to(tl.float32)
    every = tl.load(grad + here, mask=inside, other=0).to(tl.float32) * (before - now)
    row = tl.program_id(2) * LANES + tl.arange(0, LANES)
    tl.store(sums + (sample * blocks + block) * neurons + row, tl.sum(every, axis=0), mask=row < neurons)


def _grid(values):
    batch, steps, neurons = values.shape
    return batch, -(-steps // STEPS), -(-neurons // LANES)


def shifted(
    values: Shaped[torch.Tensor, "batch steps neurons"], delay: Num[torch.Tensor, "neurons"]
) -> Shaped[torch.Tensor, "batch steps neurons"]:
    """values[t − delay], (batch, steps, neurons)."""
    # Not `detach`: Triton's interpreter writes arguments back, which autograd would see.
    values = values.data.contiguous()
    out = torch.empty_like(values)
    shift_kernel[_grid(values)](values, delay, out, values.shape[1], values.shape[2], STEPS=STEPS, LANES=LANES)
    return out


def gradients(
    grad: Float[torch.Tensor, "batch steps neurons"],
    sent: Num[torch.Tensor, "batch steps neurons"],
    delay: Num[torch.Tensor, "neurons"],
) -> tuple[Float[torch.Tensor, "batch steps neurons"], Float[torch.Tensor, "neurons"]]:
    """Those of the values and of the delays, from that of what was sent."""
    grad = grad.contiguous()
    grid = _grid(grad)
    grad_values = torch.empty_like(grad)
    sums = torch.empty(grid[0], grid[1], grad.shape[2], device=grad.device)
    shift_gradient_kernel[grid](
        grad, sent, delay, grad_values, sums, grad.shape[1], grid[1], grad.shape[2], STEPS=STEPS, LANES=LANES
    )
    return grad_values, sums.sum((0, 1))
