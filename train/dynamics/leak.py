"""Learned leakage: the fraction k of the membrane that each neuron keeps, on the grid of 1/4096 that is deployed.

    k = 1 − ⌊4096·σ(p) + 1/2⌋/4096,   p the parameter; rounding is no part of the gradient

Every implementation of the dynamics gets its gradient here, from that of the current and from the membranes:

    gv[t] = gu[t] − (1 − du/4096)·gu[t+1]        ∂k = Σ over samples and t of gv[t]·v[t−1]

with v the membrane after its reset (which, as everywhere, is itself no part of the gradient).
"""

import torch
from jaxtyping import Float, Int

from basalt.train.dynamics.constants import Constants
from basalt.train.dynamics.scalars import DECAY_UNIT, STATE_SCALE


class Leak(torch.nn.Module):
    """The parameter p of every neuron, or of neurons side by side that share it.

    Args:
        decay: fraction lost per step that training starts with, for each parameter; within 1/4096 of 0 and 1.
        alike: neurons that share one.
    """

    def __init__(self, decay: Float[torch.Tensor, "parameters"], alike: int) -> None:
        super().__init__()
        self.alike = alike
        self.logit = torch.nn.Parameter(torch.logit(decay.clamp(1 / DECAY_UNIT, 1 - 1 / DECAY_UNIT)))

    def keep(self) -> Float[torch.Tensor, "neurons"]:
        """k of every neuron."""
        lost = torch.sigmoid(self.logit)
        lost = lost + (torch.floor(lost * DECAY_UNIT + 0.5) / DECAY_UNIT - lost).detach()
        return (1 - lost).repeat_interleave(self.alike)

    @torch.no_grad()
    def decay(self) -> Int[torch.Tensor, "neurons"]:
        """4096·(1 − k), as deployed."""
        return ((1 - self.keep()) * DECAY_UNIT).round().long()


def integers(keep: Float[torch.Tensor, "neurons"]) -> Int[torch.Tensor, "neurons"]:
    """4096·k, as the kernels take it."""
    return (keep.detach() * DECAY_UNIT).round().to(torch.int32)


def after_reset(
    voltage: Float[torch.Tensor, "batch steps neurons"], constants: Constants
) -> Float[torch.Tensor, "batch steps neurons"]:
    """The membranes that the next step starts from; `voltage` is that before the reset."""
    if constants.reset == "none":
        return voltage
    spike = voltage > constants.level
    return torch.where(spike, voltage - constants.level if constants.reset == "soft" else 0.0, voltage)


def gradient(
    grad_current: Float[torch.Tensor, "batch steps neurons"],
    membrane: Float[torch.Tensor, "batch steps neurons"],
    keep_u: Float[torch.Tensor, "neurons"],
) -> Float[torch.Tensor, "neurons"]:
    """∂k, from gu and the membranes after reset; `keep_u` is 1 − du/4096. Step 0 of gu is not looked at."""
    later = grad_current[:, 1:].float()
    of_voltage = later - keep_u * torch.nn.functional.pad(later, (0, 0, 0, 1))[:, 1:]
    return (of_voltage * membrane[:, :-1].float()).sum((0, 1))


def of_codes(
    grad_current: Float[torch.Tensor, "batch steps neurons"],
    codes: Int[torch.Tensor, "batch steps neurons"],
    coarse: int,
    constants: Constants,
    keep_u: Int[torch.Tensor, "neurons"],
) -> Float[torch.Tensor, "neurons"]:
    """∂k from the codes of `train.dynamics.gpu.triton_lif`: distances from the threshold in units of 2^coarse/4096.

    In 16 bits they are rounded, and clipped where the surrogate gradient has vanished: so is the membrane here.
    """
    voltage = constants.level + codes.float() * (2.0 ** max(coarse, 0) / STATE_SCALE)
    return gradient(grad_current, after_reset(voltage, constants), keep_u.float() / DECAY_UNIT)
