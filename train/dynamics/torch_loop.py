"""The dynamics of `basalt.train.dynamics.cpu` as a loop of torch operations: slow, for any device.

Used on GPUs for what no kernel computes (recurrence in large layers or beside a slow memory), and by the tests.
"""

import torch
from jaxtyping import Float

from basalt.records.arithmetic import STATE_MAX
from basalt.train.dynamics import leak
from basalt.train.dynamics.constants import Constants
from basalt.train.dynamics.loops import LARGEST_GRADIENT
from basalt.train.dynamics.scalars import STATE_SCALE


def _decayed(state: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
    return torch.sign(state) * ((state.abs() * keep) >> 12)


def _wrapped(value: torch.Tensor) -> torch.Tensor:
    return ((value + STATE_MAX) & (2 * STATE_MAX + 1)) - STATE_MAX


class _Loop(torch.autograd.Function):
    @staticmethod
    def forward(ctx, current, bias, recurrent, keep, constants):  # type: ignore[no-untyped-def]
        device = current.device
        keep_u = torch.as_tensor(4096 - constants.current_decay, device=device)
        keep_v = torch.as_tensor(4096 - constants.voltage_decay, device=device)
        if keep is not None:
            keep_v = leak.integers(keep).long()
        shift = 0 if bias is None else (bias * STATE_SCALE).round().long()
        threshold, amount = (
            torch.as_tensor(state, device=device) for state in (constants.threshold_state, constants.amount_state)
        )
        keep_b, keep_r, rise = torch.as_tensor(constants.adaptation, device=device)
        b = r = torch.zeros(max(keep_b.numel(), 1), dtype=torch.int64, device=device)
        spikes, voltage = torch.zeros_like(current), torch.zeros_like(current)
        u = v = resting = torch.zeros_like(current[:, 0], dtype=torch.int64)
        for t in range(current.shape[1]):
            drive = current[:, t]
            if recurrent is not None and t > 0:
                drive = drive + _fed(spikes[:, t - 1], recurrent.t())
            u = _wrapped(_decayed(u, keep_u) + (drive * STATE_SCALE).long())
            free = (_decayed(v, keep_v) + u + shift).clamp(-STATE_MAX, STATE_MAX)
            if keep_b.numel():
                b, r = _decayed(b, keep_b), _decayed(r, keep_r)
            free = torch.where(resting > 0, v, free)
            left = free - b - r
            spike = ((left > threshold) & (resting == 0)).long()
            resting = (resting - 1).clamp(min=0) + spike * constants.refractory
            spikes[:, t], voltage[:, t] = spike, left / STATE_SCALE
            if keep_b.numel():
                r = (r + 2 * spike * (threshold + 1 + b)).clamp(max=STATE_MAX)
                b = (b + spike * rise).clamp(max=STATE_MAX)
            v = {"hard": free * (1 - spike), "soft": free - spike * amount, "none": free}[constants.reset]
        ctx.save_for_backward(voltage, spikes, recurrent, keep_u, keep_v)
        ctx.constants, ctx.has_bias, ctx.learns = constants, bias is not None, keep is not None
        ctx.mark_non_differentiable(voltage)
        return spikes, voltage

    @staticmethod
    def backward(ctx, grad, _):  # type: ignore[no-untyped-def]
        voltage, spikes, recurrent, keep_u, keep_v = ctx.saved_tensors
        surrogate = ctx.constants.surrogate(voltage)
        passed = ctx.constants.passed(spikes, keep_v / 4096)
        link, awake = (
            passed
            if passed is not None
            else ((keep_v / 4096).expand_as(grad), torch.ones_like(grad[:1, :1]).expand_as(grad))
        )
        grad_current = torch.empty_like(grad)
        grad_bias = torch.zeros_like(grad[:, 0])
        gu = gv = torch.zeros_like(grad[:, 0])
        for t in reversed(range(grad.shape[1])):
            fed = grad[:, t] if recurrent is None else grad[:, t] + _fed(gu, recurrent)
            gv = link[:, t] * gv + awake[:, t] * surrogate[:, t] * fed
            gv = gv.clamp(-LARGEST_GRADIENT, LARGEST_GRADIENT)
            gu = keep_u / 4096 * gu + awake[:, t] * gv
            grad_current[:, t] = gu
            grad_bias = grad_bias + awake[:, t] * gv
        grad_recurrent = None
        if recurrent is not None:
            after, before = grad_current[:, 1:].flatten(0, 1), spikes[:, :-1].flatten(0, 1)
            grad_recurrent = (after * before).sum(0) if recurrent.dim() == 1 else after.t() @ before
        grad_keep = None
        if ctx.learns:
            grad_keep = leak.gradient(grad_current, leak.after_reset(voltage, ctx.constants), keep_u / 4096)
        return grad_current, grad_bias.sum(0) if ctx.has_bias else None, grad_recurrent, grad_keep, None


def _fed(rows: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """rows @ weight, or for a diagonal one, which is a vector, what that would be."""
    return rows * weight if weight.dim() == 1 else rows @ weight


def lif(
    current: Float[torch.Tensor, "batch steps neurons"],
    constants: Constants,
    bias: Float[torch.Tensor, "neurons"] | None = None,
    recurrent: Float[torch.Tensor, "neurons ..."] | None = None,
    keep: Float[torch.Tensor, "neurons"] | None = None,
) -> tuple[Float[torch.Tensor, "batch steps neurons"], Float[torch.Tensor, "batch steps neurons"]]:
    """What `basalt.train.dynamics.cpu.lif` computes, one step at a time, on the device of `current`."""
    return _Loop.apply(current, bias, recurrent, keep, constants)
