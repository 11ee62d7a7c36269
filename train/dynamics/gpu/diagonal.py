"""Neurons on a GPU that hear their own last spike, beside whatever else drives them: `gpu.triton_diagonal`.

current[t] = synaptic[t−1] + own·s[t−1] + memory[t]
"""

from typing import Any

import torch
from jaxtyping import Float, Int

from basalt.kernels.neuron import RESET
from basalt.train.dynamics import leak
from basalt.train.dynamics.constants import Constants
from basalt.train.dynamics.gpu.feed_forward import BLOCK, WARPS, WHOLE, Decays, coarseness, product
from basalt.train.dynamics.loops import LARGEST_GRADIENT
from basalt.train.dynamics.scalars import STATE_SCALE


def launch(
    synaptic: Float[torch.Tensor, "batch steps neurons"],
    memory: Float[torch.Tensor, "batch steps neurons"] | None,
    own: Int[torch.Tensor, "neurons"],
    shift: Int[torch.Tensor, "neurons"],
    decays: Decays,
    threshold: int,
    reset: str,
    coarse: int,
    dtype: torch.dtype,
) -> tuple[torch.Tensor, torch.Tensor, Float[torch.Tensor, "batch neurons"]]:
    """Spikes in `dtype`, codes (both batch, steps, neurons) and counts before the last step.

    `own`, `shift` (the bias) and `threshold` are in state units.
    """
    from basalt.train.dynamics.gpu.triton_diagonal import forward_kernel

    (batch, steps, neurons), device = synaptic.shape, synaptic.device
    spikes = torch.empty(batch, steps, neurons, dtype=dtype, device=device)
    codes = torch.empty(batch, steps, neurons, dtype=torch.int32 if coarse == WHOLE else torch.int16, device=device)
    counts = torch.empty(batch, neurons, device=device)
    forward_kernel[(batch, -(-neurons // BLOCK))](
        synaptic, synaptic if memory is None else memory, own, shift, decays.keep_u, decays.keep_v, threshold, coarse,
        spikes, codes, counts, steps, neurons, LEAK=decays.leak, MEMORY=memory is not None, RESET=RESET[reset],
        BLOCK=BLOCK, num_warps=WARPS,
    )  # fmt: skip
    return spikes, codes, counts


class _Fire(torch.autograd.Function):
    @staticmethod
    def forward(ctx, synaptic, memory, own, bias, keep, constants, decays, dtype):  # type: ignore[no-untyped-def]
        coarse = WHOLE if dtype == torch.float32 else coarseness(constants)
        decays = decays.with_keep(keep)
        shift = decays.zero if bias is None else _state(bias)
        spikes, codes, counts = launch(
            synaptic, memory, _state(own), shift, decays, constants.threshold_state, constants.reset, coarse, dtype
        )
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(own, spikes, codes)
        ctx.constants, ctx.decays, ctx.coarse = constants, decays, coarse
        ctx.has = memory is not None, bias is not None, keep is not None
        return spikes, counts

    @staticmethod
    def backward(ctx, grad, grad_count):  # type: ignore[no-untyped-def]
        from basalt.train.dynamics.gpu.triton_diagonal import backward_kernel

        own, spikes, codes = ctx.saved_tensors
        (batch, steps, neurons), constants, decays = codes.shape, ctx.constants, ctx.decays
        has_memory, has_bias, learns = ctx.has
        out = torch.empty(batch, steps, neurons, device=codes.device)
        grad_bias = torch.empty(batch, neurons, device=codes.device)
        backward_kernel[(batch, -(-neurons // BLOCK))](
            codes if grad is None else grad.contiguous(), codes if grad_count is None else grad_count.contiguous(),
            codes, own.detach().float().contiguous(), decays.keep_u, decays.keep_v, constants.scale / 2 / constants.tau,
            2.0 ** max(ctx.coarse, 0) / (constants.tau * STATE_SCALE), LARGEST_GRADIENT, out, grad_bias, steps, neurons,
            LEAK=decays.leak, SPIKES=grad is not None, COUNTS=grad_count is not None, BLOCK=BLOCK, num_warps=WARPS,
        )  # fmt: skip
        late = torch.nn.functional.pad(out, (0, 0, 0, 1))[:, 1:]
        grad_own = (out[:, 1:] * spikes[:, :-1]).sum((0, 1))
        grad_keep = leak.of_codes(out, codes, ctx.coarse, constants, decays.keep_u) if learns else None
        memory, bias = out if has_memory else None, grad_bias.sum(0) if has_bias else None
        return late, memory, grad_own, bias, grad_keep, None, None, None


def _state(value: Float[torch.Tensor, "neurons"]) -> Int[torch.Tensor, "neurons"]:
    return (value.detach() * STATE_SCALE).round().to(torch.int32)


def fire(
    synaptic: Float[torch.Tensor, "batch steps neurons"],
    memory: Float[torch.Tensor, "batch steps neurons"] | None,
    own: Float[torch.Tensor, "neurons"],
    constants: Constants,
    decays: Decays,
    bias: Float[torch.Tensor, "neurons"] | None,
    keep: Float[torch.Tensor, "neurons"] | None,
    dtype: torch.dtype,
) -> tuple[Any, Float[torch.Tensor, "batch neurons"]]:
    """Spikes in `dtype` and their counts before the last step, of neurons on a GPU.

    `synaptic` is W s_in[t], not yet delayed; `memory` the current of a memory at its own step; `keep` that of a learned
    leakage.
    """
    current = None if memory is None else memory.contiguous()
    return _Fire.apply(synaptic.contiguous(), current, own, bias, keep, constants, decays, dtype)


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx, s_in, weight):  # type: ignore[no-untyped-def]
        flat, rounded = s_in.detach().flatten(0, 1), weight.detach().to(s_in.dtype)
        ctx.save_for_backward(flat, rounded)
        ctx.shape = s_in.shape
        return product(flat, rounded.t(), torch.float32).view(*s_in.shape[:2], len(weight))

    @staticmethod
    def backward(ctx, grad):  # type: ignore[no-untyped-def]
        flat, rounded = ctx.saved_tensors
        rows = grad.flatten(0, 1).to(flat.dtype)
        grad_in = (rows @ rounded).view(ctx.shape) if ctx.needs_input_grad[0] else None
        return grad_in, product(rows.t(), flat, torch.float32)


def synapses(
    s_in: Float[torch.Tensor, "batch steps inputs"], weight: Float[torch.Tensor, "neurons inputs"]
) -> Float[torch.Tensor, "batch steps neurons"]:
    """W s_in[t] in float32, exact for spikes and weights on their grid in whatever type spikes travel."""
    return _Product.apply(s_in, weight)
