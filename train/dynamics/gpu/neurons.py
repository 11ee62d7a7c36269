"""Neurons on a GPU that something else than a dense product drives: `gpu.feed_forward` without its products.

current[t] = synaptic[t−1] + memory[t], then the kernels of `basalt.train.dynamics.gpu.triton_lif`
"""

from typing import Any

import torch
from jaxtyping import Float

from basalt.kernels.neuron import RESET
from basalt.train.dynamics import leak
from basalt.train.dynamics.constants import Constants
from basalt.train.dynamics.gpu.feed_forward import BLOCK, WARPS, WHOLE, Decays, coarseness
from basalt.train.dynamics.scalars import STATE_SCALE


class _Fire(torch.autograd.Function):
    @staticmethod
    def forward(ctx, synaptic, memory, bias, keep, constants, decays, dtype, send):  # type: ignore[no-untyped-def]
        from basalt.train.dynamics.gpu.triton_lif import forward_kernel

        (batch, steps, neurons), device = synaptic.shape, synaptic.device
        decays = decays.with_keep(keep)
        ctx.set_materialize_grads(False)
        coarse = WHOLE if dtype == torch.float32 else coarseness(constants)
        spikes = torch.empty(batch, steps, neurons, dtype=dtype, device=device) if send else synaptic.new_empty(1)
        codes = torch.empty(batch, steps, neurons, dtype=torch.int32 if coarse == WHOLE else torch.int16, device=device)
        counts = torch.empty(batch, neurons, device=device)
        forward_kernel[(batch, -(-neurons // BLOCK))](
            synaptic, synaptic, synaptic if memory is None else memory, decays.zero if bias is None else bias,
            decays.keep_u, decays.keep_v, constants.threshold_state, coarse, spikes, codes, counts,
            steps, neurons, neurons, LEAK=decays.leak, SINGLE=False, MEMORY=memory is not None,
            RESET=RESET[constants.reset], SEND=send, BLOCK=BLOCK, num_warps=WARPS,
        )  # fmt: skip
        ctx.save_for_backward(codes)
        ctx.constants, ctx.decays, ctx.coarse = constants, decays, coarse
        ctx.has_memory, ctx.has_bias, ctx.learns = memory is not None, bias is not None, keep is not None
        return (spikes if send else None), counts

    @staticmethod
    def backward(ctx, grad, grad_count):  # type: ignore[no-untyped-def]
        from basalt.train.dynamics.gpu.triton_lif_backward import backward_kernel

        (codes,) = ctx.saved_tensors
        (batch, steps, neurons), constants, decays = codes.shape, ctx.constants, ctx.decays
        out = torch.empty(batch, steps, neurons, device=codes.device)
        first, grad_bias, single = torch.empty(3, batch, neurons, device=codes.device)
        backward_kernel[(batch, -(-neurons // BLOCK))](
            codes if grad is None else grad.contiguous(), first if grad_count is None else grad_count.contiguous(),
            codes, codes, decays.keep_u, decays.keep_v, constants.scale / 2 / constants.tau,
            2.0 ** max(ctx.coarse, 0) / (constants.tau * STATE_SCALE), out, first, grad_bias, single, steps,
            neurons, neurons, LEAK=decays.leak, SPIKES=grad is not None, COUNTS=grad_count is not None, SINGLE=False,
            BLOCK=BLOCK, num_warps=WARPS,
        )  # fmt: skip
        grad_keep = leak.of_codes(out, codes, ctx.coarse, constants, decays.keep_u) if ctx.learns else None
        late = torch.nn.functional.pad(out, (0, 0, 0, 1))[:, 1:]
        # The kernel leaves the gradient of the first step's current apart, where no synaptic current flows.
        out[:, 0] = first
        memory, bias = out if ctx.has_memory else None, grad_bias.sum(0) if ctx.has_bias else None
        return late, memory, bias, grad_keep, None, None, None, None


def fire(
    synaptic: Float[torch.Tensor, "batch steps neurons"],
    memory: Float[torch.Tensor, "batch steps neurons"] | None,
    constants: Constants,
    decays: Decays,
    bias: Float[torch.Tensor, "neurons"] | None,
    keep: Float[torch.Tensor, "neurons"] | None,
    dtype: torch.dtype,
    send: bool = True,
) -> tuple[Any, Float[torch.Tensor, "batch neurons"]]:
    """Spikes (batch, steps, neurons) in `dtype`, or None unless `send`, and their counts before the last step.

    `keep` is that of a learned leakage.
    """
    together = None if memory is None else memory.contiguous()
    return _Fire.apply(synaptic.contiguous(), together, bias, keep, constants, decays, dtype, send)
