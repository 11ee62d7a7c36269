"""A slow memory's projections on their 8-bit grid in two kernels: on a GPU what the processor computes."""

import torch
from jaxtyping import Float, Int

BLOCK = 1024


class _Projections(torch.autograd.Function):
    @staticmethod
    def forward(ctx, weight, system, shift):  # type: ignore[no-untyped-def]
        from basalt.train.dynamics.gpu.triton_drive import projections_kernel

        exact = weight.detach() @ system
        peak = torch.linalg.vector_norm(exact, torch.inf)
        out = torch.empty_like(exact)
        projections_kernel[(-(-exact.numel() // BLOCK),)](exact, peak, shift, out, exact.numel(), BLOCK=BLOCK)
        ctx.save_for_backward(exact, peak, system)
        ctx.shift = shift
        return out

    @staticmethod
    def backward(ctx, grad):  # type: ignore[no-untyped-def]
        from basalt.train.dynamics.gpu.triton_drive import projections_gradient_kernel

        exact, peak, system = ctx.saved_tensors
        out = torch.empty_like(exact)
        projections_gradient_kernel[(-(-exact.numel() // BLOCK),)](
            exact, peak, ctx.shift, grad.contiguous(), out, exact.numel(), BLOCK=BLOCK
        )
        return out @ system.t(), None, None


def projections(
    weight: Float[torch.Tensor, "neurons d"], system: Float[torch.Tensor, "d d+1"], shift: Int[torch.Tensor, ""]
) -> Float[torch.Tensor, "neurons d+1"]:
    """[P, ν] on the grid, as `SlowMemory.projections`, from W_m, [Ā, B̄] and the drive's shift k."""
    return _Projections.apply(weight, system, shift)
