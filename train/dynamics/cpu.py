"""Leaky integrate-and-fire dynamics on the CPU: the whole time loop of a layer as one compiled kernel.

The integers are SLAYER's (and, where a 24-bit state would overflow, Loihi's wrap and saturation):

    u[t] = wrap24(decay(u[t−1], du) + trunc(4096·current[t]))
    v'   = sat24(decay(v[t−1], dv) + u[t] + 4096·bias)
    s[t] = v' > 4096·threshold                      v'[t] = v[t−1] and s[t] = 0 in steps of rest

and so are the gradients, with ρ(v) = scale/(2·tau)·exp(−|v' − threshold|/tau), the reset being no part of them:

    gv[t] = (1 − dv/4096)·gv[t+1] + ρ(v'[t])·gs[t]        gu[t] = (1 − du/4096)·gu[t+1] + gv[t]
    ∂current = gu,   ∂bias = Σ gv;   that of a learned leakage is in `basalt.train.dynamics.leak`

In steps of rest ρ is 0, and gv passes them unchanged, and nothing of it to gu; `Constants.forgets` ends it at resets.
"""

import numpy as np
import torch
from jaxtyping import Float

from basalt.kernels.neuron import RESET
from basalt.train.dynamics import leak
from basalt.train.dynamics.constants import Constants
from basalt.train.dynamics.loops import backward_diagonal, backward_recurrent, forward_diagonal, forward_recurrent
from basalt.train.dynamics.scalars import STATE_SCALE, neuron_vector


def _own(recurrent: torch.Tensor | None, neurons: int) -> Float[np.ndarray, "neurons"]:
    """The weights of neurons to themselves; zero where nothing feeds back."""
    return np.zeros(neurons, np.float32) if recurrent is None else recurrent.detach().numpy()


class _Lif(torch.autograd.Function):
    @staticmethod
    def forward(ctx, current, bias, recurrent, keep, constants):  # type: ignore[no-untyped-def]
        neurons = current.shape[2]
        spikes = torch.empty_like(current)
        voltage = torch.empty_like(current)
        keep_u = 4096 - neuron_vector(constants.current_decay, neurons)
        keep_v = 4096 - neuron_vector(constants.voltage_decay, neurons)
        if keep is not None:
            keep_v = leak.integers(keep).long().numpy()
        shift = np.zeros(neurons, np.int64)
        if bias is not None:
            shift[:] = (bias.detach() * STATE_SCALE).round().numpy()
        adaptation = constants.adaptation if constants.adaptation.size else None
        levels = (neuron_vector(state, neurons) for state in (constants.threshold_state, constants.amount_state))
        shared = (shift, keep_u, keep_v, *levels, RESET[constants.reset], constants.rests, adaptation)
        outputs = (spikes.numpy(), voltage.numpy())
        if recurrent is None or recurrent.dim() == 1:
            forward_diagonal(current.detach().numpy(), _own(recurrent, neurons), *shared, *outputs)
        else:
            columns = recurrent.detach().t().contiguous().numpy()
            forward_recurrent(current.detach().numpy(), columns, *shared, *outputs)
        ctx.save_for_backward(voltage, spikes, recurrent)
        ctx.constants, ctx.keep, ctx.has_bias, ctx.learns = (
            constants,
            (keep_u, keep_v),
            bias is not None,
            keep is not None,
        )
        ctx.mark_non_differentiable(voltage)
        return spikes, voltage

    @staticmethod
    def backward(ctx, grad, _):  # type: ignore[no-untyped-def]
        voltage, spikes, recurrent = ctx.saved_tensors
        constants: Constants = ctx.constants
        grad = grad.contiguous()
        batch, _, neurons = grad.shape
        grad_current = torch.empty_like(grad)
        grad_bias = torch.zeros(batch, neurons)
        keep_u, keep_v = ((keep / 4096).astype(np.float32) for keep in ctx.keep)
        passed = constants.passed(spikes, torch.from_numpy(keep_v))
        rho = constants.surrogate(voltage)
        surrogate = (rho if passed is None else rho * passed[1]).numpy()
        through = None if passed is None else passed.numpy()
        arrays = (keep_u, keep_v, through, grad_current.numpy(), grad_bias.numpy())
        grad_recurrent = None
        if recurrent is None or recurrent.dim() == 1:
            backward_diagonal(grad.numpy(), surrogate, _own(recurrent, neurons), *arrays)
            if recurrent is not None:
                grad_recurrent = (grad_current[:, 1:] * spikes[:, :-1]).sum((0, 1))
        else:
            backward_recurrent(grad.numpy(), surrogate, recurrent.detach().numpy(), *arrays)
            after, before = grad_current[:, 1:], spikes[:, :-1]
            grad_recurrent = after.reshape(-1, neurons).t() @ before.reshape(-1, neurons)
        grad_keep = None
        if ctx.learns:
            grad_keep = leak.gradient(grad_current, leak.after_reset(voltage, constants), torch.from_numpy(keep_u))
        return grad_current, grad_bias.sum(0) if ctx.has_bias else None, grad_recurrent, grad_keep, None


def lif(
    current: Float[torch.Tensor, "batch steps neurons"],
    constants: Constants,
    bias: Float[torch.Tensor, "neurons"] | None = None,
    recurrent: Float[torch.Tensor, "neurons ..."] | None = None,
    keep: Float[torch.Tensor, "neurons"] | None = None,
) -> tuple[Float[torch.Tensor, "batch steps neurons"], Float[torch.Tensor, "batch steps neurons"]]:
    """Spikes and voltages before reset of a layer driven by `current` (CPU, float32, units of weight_float).

    `recurrent` (neurons, neurons), or (neurons,) for a diagonal one, feeds the spikes of the step before back into the
    current; its gradient is that of the whole recurrence (SLAYER's own recurrent utility cuts the membrane's part of
    it). `keep` is what `Leak.keep` gives, instead of the constants' voltage decay.
    """
    return _Lif.apply(current.contiguous(), bias, recurrent, keep, constants)
