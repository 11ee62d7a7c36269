"""Weights on their 8-bit grid in few kernels: what training computes on a GPU, equal to the processor's."""

from typing import TYPE_CHECKING

import torch
from jaxtyping import Float

from train.layers.fixed_point import WEIGHT_SCALE

if TYPE_CHECKING:
    from train.layers.slow_memory import SlowMemory

BLOCK = 1024


def weights(value: Float[torch.Tensor, "..."]) -> Float[torch.Tensor, "..."]:
    """SLAYER's `quantize_8bit`: multiples of 1/32 in −4 … 127/32; the gradient passes where nothing is clipped."""
    return torch.fake_quantize_per_tensor_affine(value, 2 / WEIGHT_SCALE, 0, -128, 127)


def bias(value: Float[torch.Tensor, "..."]) -> Float[torch.Tensor, "..."]:
    """Multiples of 1/64 in −64 … 4095/64; the gradient passes where nothing is clipped."""
    return torch.fake_quantize_per_tensor_affine(value, 1 / WEIGHT_SCALE, 0, -4096, 4095)


class _Projections(torch.autograd.Function):
    @staticmethod
    def forward(ctx, weight, system, shift):  # type: ignore[no-untyped-def]
        from train.layers.triton_drive import projections_kernel

        exact = weight.detach() @ system
        peak = torch.linalg.vector_norm(exact, torch.inf)
        out = torch.empty_like(exact)
        projections_kernel[(-(-exact.numel() // BLOCK),)](exact, peak, shift, out, exact.numel(), BLOCK=BLOCK)
        ctx.save_for_backward(exact, peak, system)
        ctx.shift = shift
        return out

    @staticmethod
    def backward(ctx, grad):  # type: ignore[no-untyped-def]
        from train.layers.triton_drive import projections_gradient_kernel

        exact, peak, system = ctx.saved_tensors
        out = torch.empty_like(exact)
        projections_gradient_kernel[(-(-exact.numel() // BLOCK),)](
            exact, peak, ctx.shift, grad.contiguous(), out, exact.numel(), BLOCK=BLOCK
        )
        return out @ system.t(), None, None


def projections(memory: "SlowMemory") -> Float[torch.Tensor, "neurons {memory.weight.shape[1]+1}"]:
    """[P, ν] on the grid, as `SlowMemory.projections`."""
    return _Projections.apply(memory.weight, memory.system, memory.shift)
