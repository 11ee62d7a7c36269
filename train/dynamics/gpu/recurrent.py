"""A whole recurrent spiking layer as one differentiable operation on a GPU, like `train.dynamics.gpu.feed_forward`.

    current[t] = W s_in[t−1] + V s[t−1]          spikes: basalt.train.dynamics.gpu.triton_recurrent

In bfloat16 the gradients are rounded as they travel between layers and back through V; in float32 nothing is.
"""

from typing import Any

import torch
from jaxtyping import Float, Int, Int8

from basalt.kernels.neuron import RESET
from basalt.train.dynamics import leak
from basalt.train.dynamics.constants import Constants
from basalt.train.dynamics.gpu.feed_forward import ALIGN, Decays, product
from basalt.train.dynamics.loops import LARGEST_GRADIENT
from basalt.train.dynamics.scalars import DECAY_UNIT, STATE_SCALE

ROWS = 16
"""Samples of a program: the least that a product on tensor cores takes."""
MOST = 256
"""Neurons of a layer, at most: V, in bfloat16, stays in shared memory."""
LANES_PER_WARP = 32
SCALE = 32
"""Weights are multiples of 1/32, from −4 to 127/32."""


def fits(neurons: int, device: torch.device) -> bool:
    """Whether V of `neurons` neurons, `MOST` at most, fits in the shared memory of a multiprocessor there."""
    if device.type != "cuda":
        return True
    block, about = _block(neurons), torch.cuda.get_device_properties(device)
    usual = (
        227 << 10 if (about.major, about.minor) in ((9, 0), (10, 0)) else 163 << 10 if about.major == 8 else 99 << 10
    )
    return 2 * block**2 + 8 * ROWS * block <= getattr(about, "shared_memory_per_block_optin", usual)


def _block(neurons: int) -> int:
    return max(32, 1 << (neurons - 1).bit_length())


def _warps(block: int) -> int:
    return max(4, block // LANES_PER_WARP)


def matrix(recurrent: Float[torch.Tensor, "neurons neurons"]) -> Int8[torch.Tensor, "block block"]:
    """32·V, for `fire`."""
    gap = _block(len(recurrent)) - len(recurrent)
    return torch.nn.functional.pad(recurrent.detach() * SCALE, (0, gap, 0, gap)).round().to(torch.int8)


def fire(
    synaptic: Float[torch.Tensor, "batch steps width"],
    weight: Float[torch.Tensor, "neurons 1"] | None,
    recurrent: Int8[torch.Tensor, "block block"],
    shift: Int[torch.Tensor, "neurons"],
    decays: Decays,
    threshold: int,
    per_tau: float,
    reset: str,
    dtype: torch.dtype,
    membranes: Int[torch.Tensor, "batch steps neurons"] | None = None,
) -> tuple[torch.Tensor, torch.Tensor, Float[torch.Tensor, "batch neurons"]]:
    """Spikes in `dtype`, surrogate codes (both batch, steps, neurons) and counts before the last step.

    Args:
        synaptic: W s_in[t], or with `weight` the only input (batch, steps, 1).
        recurrent: `matrix` of V.
        shift, threshold: bias and threshold in state units.
        per_tau: 1/tau of the surrogate gradient in state units.
        membranes: to be filled with those after each step, in int32.
    """
    from basalt.train.dynamics.gpu.triton_recurrent import forward_kernel

    (batch, steps, width), neurons, block = synaptic.shape, len(decays.keep_u), len(recurrent)
    spikes = torch.empty(batch, steps, neurons, dtype=dtype, device=synaptic.device)
    codes = torch.empty(batch, steps, neurons, dtype=torch.int16, device=synaptic.device)
    counts = torch.empty(batch, neurons, device=synaptic.device)
    forward_kernel[(-(-batch // ROWS),)](
        synaptic, synaptic if weight is None else weight, recurrent, shift, decays.keep_u, decays.keep_v, threshold,
        per_tau, spikes, codes, counts, codes if membranes is None else membranes, batch, steps, neurons, width,
        LEAK=decays.leak, SINGLE=weight is not None, RESET=RESET[reset], SHOW=membranes is not None, ROWS=ROWS,
        BLOCK=block, num_warps=_warps(block), num_stages=1,
    )  # fmt: skip
    return spikes, codes, counts


class _Layer(torch.autograd.Function):
    @staticmethod
    def forward(ctx, s_in, weight, recurrent, bias, keep, constants, decays, send):  # type: ignore[no-untyped-def]
        (batch, steps, features), neurons, dtype = s_in.shape, len(weight), s_in.dtype
        single, width = features == 1, -(-neurons // ALIGN) * ALIGN
        decays = decays.with_keep(keep)
        membranes = None
        if keep is not None:
            membranes = torch.empty(batch, steps, neurons, dtype=torch.int32, device=s_in.device)
        flat = s_in.detach().reshape(-1, features)
        every = torch.nn.functional.pad(weight.detach(), (0, 0, 0, width - neurons)).to(dtype)
        synaptic = flat if single else product(flat, every.t(), torch.float32)
        integers = matrix(recurrent)
        shift = decays.zero if bias is None else (bias.detach() * STATE_SCALE).round().to(torch.int32)
        spikes, codes, counts = fire(
            synaptic.view(batch, steps, -1),
            weight.detach() if single else None,
            integers,
            shift,
            decays,
            constants.threshold_state,
            1 / (constants.tau * STATE_SCALE),
            constants.reset,
            dtype,
            membranes,
        )
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(flat, every, integers, spikes, codes, membranes)
        ctx.shape, ctx.constants, ctx.decays, ctx.has_bias = (batch, steps), constants, decays, bias is not None
        return (spikes if send else None), counts

    @staticmethod
    def backward(ctx, grad, grad_count):  # type: ignore[no-untyped-def]
        from basalt.train.dynamics.gpu.triton_recurrent import backward_kernel

        flat, every, integers, spikes, codes, membranes = ctx.saved_tensors
        (batch, steps), (width, features), neurons, block = ctx.shape, every.shape, spikes.shape[2], len(integers)
        dtype, device, single = flat.dtype, flat.device, features == 1
        constants, decays = ctx.constants, ctx.decays
        out = torch.empty(batch, steps, width, dtype=dtype, device=device)
        grad_bias, grad_single = torch.empty(2, batch, neurons, device=device)
        # Triton's interpreter, on a processor, does not support bfloat16.
        exact = torch.bfloat16 if device.type == "cuda" else torch.float32
        backward_kernel[(-(-batch // ROWS),)](
            codes if grad is None else grad.contiguous(), codes if grad_count is None else grad_count.contiguous(),
            codes, flat, integers.to(exact) / SCALE, decays.keep_u, decays.keep_v,
            constants.scale / 2 / constants.tau / 65535, LARGEST_GRADIENT, out, grad_bias, grad_single, batch, steps,
            neurons, width, LEAK=decays.leak, SPIKES=grad is not None, COUNTS=grad_count is not None, SINGLE=single,
            PIECES=1 if dtype == torch.bfloat16 else 3, ROWS=ROWS, BLOCK=block, num_warps=_warps(block), num_stages=1,
        )  # fmt: skip
        rows = out.view(-1, width)
        grad_in = None
        if ctx.needs_input_grad[0]:
            grad_in = torch.empty_like(flat)
            torch.mm(rows[1:], every, out=grad_in[:-1])
            grad_in[-1] = 0
            grad_in = grad_in.view(batch, steps, features)
        late = rows[1:].t()
        grad_keep = None
        if membranes is not None:
            # The kernel leaves the first step out, which no membrane precedes.
            of_current, keep_u = out[..., :neurons], decays.keep_u.float() / DECAY_UNIT
            grad_keep = leak.gradient(of_current, membranes.float() / STATE_SCALE, keep_u)
        return (
            grad_in,
            grad_single.sum(0)[:, None] if single else product(late, flat[:-1], torch.float32)[:neurons],
            product(late, spikes.view(-1, neurons)[:-1], torch.float32)[:neurons],
            grad_bias.sum(0) if ctx.has_bias else None,
            grad_keep,
            None, None, None,
        )  # fmt: skip


def layer(
    s_in: Float[torch.Tensor, "batch steps inputs"],
    weight: Float[torch.Tensor, "neurons inputs"],
    recurrent: Float[torch.Tensor, "neurons neurons"],
    constants: Constants,
    decays: Decays,
    bias: Float[torch.Tensor, "neurons"] | None = None,
    keep: Float[torch.Tensor, "neurons"] | None = None,
    send: bool = True,
) -> tuple[Any, Float[torch.Tensor, "batch neurons"]]:
    """Spikes (None unless `send`) and their counts before the last step, of a recurrent layer on a GPU.

    The recurrent weights lie on the grid of 1/32, from −4 to 127/32, as SLAYER's quantisation leaves them. `keep` is
    that of a learned leakage.
    """
    return _Layer.apply(s_in, weight, recurrent, bias, keep, constants, decays, send)
