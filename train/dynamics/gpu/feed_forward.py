"""A whole spiking layer as one differentiable operation on a GPU: products, slow memory and dynamics.

    synaptic[t] = W s_in[t−1]          x[t] = min(relu(w s_in[t−1] + b), limit)
    current     = synaptic + memory(x) (train.dynamics.gpu.chunks)          spikes: basalt.train.dynamics.gpu.triton_lif

Spikes and gradients travel in `dtype`. In bfloat16 the spikes and the weights' 8-bit grid are exact and sums are
float32, so a layer without slow memory still spikes exactly as SLAYER's; where there is one, its current is rounded
to float16, and all gradients to bfloat16. In float32 nothing is.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int

from basalt.kernels.neuron import RESET
from basalt.train.dynamics import leak
from basalt.train.dynamics.constants import Constants
from basalt.train.dynamics.gpu.chunks import Chunks
from basalt.train.dynamics.scalars import STATE_SCALE

BLOCK, WARPS = 64, 2
ALIGN = 8
REACH = 12.0
"""Widths of the surrogate gradient that 16 bits of distance must cover: e^−12 of its peak is left there."""


@dataclass(frozen=True, eq=False)
class Memory:
    """The slow memory's part: constants, and k of the drive's grid."""

    chunks: Chunks
    shift: Int[torch.Tensor, ""]


def product(a: torch.Tensor, b: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """a @ b in `dtype`, summed in float32, whatever the inputs' type."""
    if a.dtype == dtype:
        return a @ b
    try:
        return torch.mm(a, b, out_dtype=dtype)
    except (TypeError, RuntimeError):  # torch before 2.8, or a processor
        return (a.float() @ b.float()).to(dtype)


WHOLE = -1
"""In place of a coarseness: distances from the threshold as they are, in 32 bits."""


def coarseness(constants: Constants) -> int:
    """The least k such that distances from the threshold in units of 2^k/4096, in 16 bits, reach `REACH` widths."""
    return max(0, math.ceil(math.log2(REACH * constants.tau * STATE_SCALE / 2**15)))


class _Layer(torch.autograd.Function):
    @staticmethod
    def forward(  # type: ignore[no-untyped-def]
        ctx, s_in, weight, bias, drive_weight, drive_bias, rows, keep, constants, decays, memory, deployed, send, coarse
    ):
        from basalt.train.dynamics.gpu.triton_lif import forward_kernel

        batch, steps, features = s_in.shape
        neurons, dtype, device = len(weight), s_in.dtype, s_in.device
        half = torch.float16 if dtype == torch.bfloat16 and memory is not None else torch.float32
        decays = decays.with_keep(keep)
        single = features == 1
        width = -(-(neurons + (memory is not None)) // ALIGN) * ALIGN
        flat = s_in.detach().reshape(-1, features)
        every = flat.new_zeros(width, features)
        every[:neurons] = weight
        if memory is not None:
            every[neurons] = drive_weight[0]
        synaptic = flat if single else product(flat, every.t(), torch.float32)
        ctx.set_materialize_grads(False)
        current, x, z, folded = synaptic, None, None, None
        if memory is not None:
            x, z = _drive(flat if single else synaptic, drive_weight, drive_bias, memory, batch, steps, half, neurons)
            wide = torch.nn.functional.pad(rows, (0, 0, 0, width - neurons))
            folded = memory.chunks.weights(wide, half)
            current = product(z, folded, half)
            if deployed is not None:
                current = torch.nn.functional.pad(deployed, (0, width - neurons))
        spikes = torch.empty(batch, steps, neurons, dtype=dtype, device=device) if send else s_in.new_empty(1)
        codes = torch.empty(batch, steps, neurons, dtype=torch.int32 if coarse == WHOLE else torch.int16, device=device)
        counts = torch.empty(batch, neurons, device=device)
        forward_kernel[(batch, -(-neurons // BLOCK))](
            synaptic, weight, current, decays.zero if bias is None else bias, decays.keep_u, decays.keep_v,
            constants.threshold_state, coarse, spikes, codes, counts, steps, neurons, width,
            LEAK=decays.leak, SINGLE=single, MEMORY=memory is not None, RESET=RESET[constants.reset], SEND=send,
            BLOCK=BLOCK, num_warps=WARPS,
        )  # fmt: skip
        saved = (flat, every, codes, x, z, folded, rows)
        ctx.save_for_backward(*(value for value in saved if value is not None))
        ctx.present = tuple(value is not None for value in saved)
        ctx.shape, ctx.constants, ctx.decays, ctx.memory = (batch, steps, neurons, width), constants, decays, memory
        ctx.has_bias, ctx.coarse, ctx.learns = bias is not None, coarse, keep is not None
        return (spikes if send else None), counts

    @staticmethod
    def backward(ctx, grad, grad_count):  # type: ignore[no-untyped-def]
        from basalt.train.dynamics.gpu.triton_drive import drive_gradient_kernel
        from basalt.train.dynamics.gpu.triton_lif_backward import backward_kernel

        tensors = iter(ctx.saved_tensors)
        saved: list[Any] = [next(tensors) if there else None for there in ctx.present]
        flat, every, codes, x, z, folded, rows = saved
        batch, steps, neurons, width = ctx.shape
        constants, decays, memory = ctx.constants, ctx.decays, ctx.memory
        dtype, single = flat.dtype, flat.shape[1] == 1
        out = torch.empty(batch, steps, width, dtype=dtype, device=flat.device)
        every_sum = torch.empty(4, batch, width, device=flat.device)
        first, grad_bias, grad_single, grad_drive = every_sum
        backward_kernel[(batch, -(-width // BLOCK))](
            codes if grad is None else grad.contiguous(), first if grad_count is None else grad_count.contiguous(),
            codes, flat, decays.keep_u, decays.keep_v, constants.scale / 2 / constants.tau,
            2.0 ** max(ctx.coarse, 0) / (constants.tau * STATE_SCALE), out, first, grad_bias, grad_single, steps,
            neurons, width, LEAK=decays.leak, SPIKES=grad is not None, COUNTS=grad_count is not None, SINGLE=single,
            BLOCK=BLOCK, num_warps=WARPS,
        )  # fmt: skip
        grad_keep = None
        if ctx.learns:
            grad_keep = leak.of_codes(out[..., :neurons], codes, ctx.coarse, constants, decays.keep_u)
        grad_rows = None
        if memory is not None:
            chunks, grouped = memory.chunks, out.view(len(z), -1)
            # Gradients may be smaller than float16 can hold, so z and folded follow them into bfloat16.
            grad_rows = chunks.weights_gradient(product(z.to(dtype).t(), grouped, dtype), width)[:neurons]
            grad_z = product(grouped, folded.to(dtype).t(), dtype)
            grad_x = chunks.starts_gradient(grad_z, batch)
            drive_gradient_kernel[(batch,)](
                grad_z, grad_x, first, rows, x, flat, memory.shift, out, grad_drive, steps, chunks.states,
                chunks.length, chunks.width, width, neurons, rows.shape[1], SINGLE=single,
                BLOCK=_power(steps), LANES=_power(neurons), num_warps=4,
            )  # fmt: skip
        of_first, of_bias, of_single, of_drive = every_sum.sum(1)
        if grad_rows is not None:
            grad_rows[:, -1].addcmul_(of_first[:neurons], x[0, :1])
        rows_out = out.view(-1, width)
        grad_in = None
        if ctx.needs_input_grad[0]:
            grad_in = torch.empty_like(flat)
            torch.mm(rows_out[1:], every, out=grad_in[:-1])
            grad_in[-1] = 0
            grad_in = grad_in.view(batch, steps, -1)
        if single:
            grad_weight, grad_drive_weight = of_single[:neurons, None], of_drive[1:2, None]
        else:
            grad_every = product(rows_out[1:].t(), flat[:-1], torch.float32)
            grad_weight, grad_drive_weight = grad_every[:neurons], grad_every[neurons : neurons + 1]
        return (
            grad_in,
            grad_weight,
            of_bias[:neurons] if ctx.has_bias else None,
            None if memory is None else grad_drive_weight,
            None if memory is None else of_drive[:1],
            grad_rows,
            grad_keep,
            None, None, None, None, None, None,
        )  # fmt: skip


def _drive(
    sums: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor,
    memory: Memory,
    batch: int,
    steps: int,
    dtype: torch.dtype,
    column: int,
) -> tuple[Float[torch.Tensor, "batch T"], Float[torch.Tensor, "chunks K"]]:
    """The drive, and `Chunks.inputs` of it in `dtype`."""
    from basalt.train.dynamics.gpu.triton_drive import drive_kernel

    chunks, single = memory.chunks, sums.shape[1] == 1
    x = torch.empty(batch, steps, device=sums.device)
    z = torch.empty(batch * steps // chunks.length, chunks.width, dtype=dtype, device=sums.device)
    if chunks.width > chunks.states + chunks.length:
        z.zero_()
    drive_kernel[(batch, -(-steps // 256))](
        sums, weight, bias, memory.shift, x, z, steps, chunks.states, chunks.length, chunks.width, sums.shape[1],
        0 if single else column, SINGLE=single, BLOCK=256, num_warps=4,
    )  # fmt: skip
    z[:, : chunks.states] = chunks.before(x.to(dtype))
    return x, z


def _power(size: int) -> int:
    """The next power of two."""
    return 1 << (size - 1).bit_length()


@dataclass(frozen=True, eq=False)
class Decays:
    """A layer's decays on its device."""

    keep_u: torch.Tensor
    keep_v: torch.Tensor
    zero: torch.Tensor
    leak: bool

    def with_keep(self, keep: torch.Tensor | None) -> "Decays":
        """With the membranes' decays as they are learned, if they are."""
        return self if keep is None else replace(self, keep_v=leak.integers(keep))

    @staticmethod
    def of(constants: Constants, device: torch.device, neurons: int | None = None) -> "Decays":
        """From the layer's constants; `neurons` where one decay may stand for all."""
        keep_u, keep_v = (
            torch.as_tensor(np.broadcast_to(4096 - decay, neurons or decay.shape).astype("int32"), device=device)
            for decay in (constants.current_decay, constants.voltage_decay)
        )
        return Decays(keep_u, keep_v, torch.zeros_like(keep_u), bool((constants.current_decay < 4096).any()))


def layer(
    s_in: Float[torch.Tensor, "batch steps inputs"],
    weight: Float[torch.Tensor, "neurons inputs"],
    constants: Constants,
    decays: Decays,
    bias: Float[torch.Tensor, "neurons"] | None = None,
    drive_weight: Float[torch.Tensor, "1 inputs"] | None = None,
    drive_bias: Float[torch.Tensor, "1"] | None = None,
    rows: Float[torch.Tensor, "neurons columns"] | None = None,
    memory: Memory | None = None,
    deployed: Float[torch.Tensor, "batch steps neurons"] | None = None,
    keep: Float[torch.Tensor, "neurons"] | None = None,
    send: bool = True,
    coarse: int | None = None,
) -> tuple[Any, Float[torch.Tensor, "batch neurons"]]:
    """Spikes (None unless `send`) and their counts before the last step, of a layer on a GPU.

    `deployed` is the exact memory current, to be used instead of that of the chunks, whose gradient stays. Distances
    from the threshold are kept in units of 2^coarse/4096, by default what `coarseness` says, or whole in float32.
    `keep` is that of a learned leakage.
    """
    if coarse is None:
        coarse = WHOLE if s_in.dtype == torch.float32 else coarseness(constants)
    parts = (weight, bias, drive_weight, drive_bias, rows, keep, constants, decays, memory, deployed, send, coarse)
    return _Layer.apply(s_in, *parts)
