"""Axonal delays: how much later than the others the spikes of each neuron leave a layer.

    s_out[t, n] = s[t − ⌊d[n]⌋, n]

d is learned by the finite difference of what is sent, as `slayer.axon.Delay` learns it, and the gradient of the spikes
is that of the shift:

    ∂d[n] = Σ over samples and t of ∂s_out[t, n]·(s_out[t−1, n] − s_out[t, n])      ∂s[t, n] = ∂s_out[t + ⌊d[n]⌋, n]
"""

import numpy as np
import torch
from jaxtyping import Float, Int, Num
from numba import njit, prange

from basalt.train.dynamics import devices


@njit(parallel=True, nogil=True, cache=True)
def _shift(values, delay, out):  # type: ignore[no-untyped-def]
    batch, steps, neurons = values.shape
    for b in prange(batch):
        for t in range(steps):
            for n in range(neurons):
                at = t - delay[n]
                out[b, t, n] = values[b, at, n] if 0 <= at < steps else 0


def shifted(
    values: Num[np.ndarray, "batch steps neurons"], delay: Int[np.ndarray, "neurons"]
) -> Num[np.ndarray, "batch steps neurons"]:
    """values[t − delay], zero from outside; a negative delay shifts to earlier steps."""
    out = np.empty_like(values, order="C")
    _shift(values, delay, out)
    return out


def gathered(
    values: Float[torch.Tensor, "batch steps neurons"], delay: Int[torch.Tensor, "neurons"]
) -> Float[torch.Tensor, "batch steps neurons"]:
    """`shifted` on any device, by torch."""
    steps = values.shape[1]
    at = torch.arange(steps, device=values.device)[:, None] - delay
    return values.gather(1, at.clamp(0, steps - 1).expand(values.shape)) * ((at >= 0) & (at < steps))


def _shifted(values: torch.Tensor, delay: torch.Tensor) -> torch.Tensor:
    if values.device.type == "cpu":
        return torch.from_numpy(shifted(values.detach().numpy(), delay.numpy()))
    return gathered(values, delay)


def gradients(
    grad: Float[torch.Tensor, "batch steps neurons"],
    sent: Float[torch.Tensor, "batch steps neurons"],
    delay: Int[torch.Tensor, "neurons"],
) -> tuple[Float[torch.Tensor, "batch steps neurons"], Float[torch.Tensor, "neurons"]]:
    """The gradients above, of the spikes and of the delays, by torch."""
    before = torch.nn.functional.pad(sent, (0, 0, 1, 0))[:, :-1]
    return _shifted(grad.contiguous(), -delay), (grad * (before - sent)).sum((0, 1), dtype=torch.float32)


def _by_triton(values: torch.Tensor) -> bool:
    return values.device.type in devices.DEVICES and devices.available()


class _Delayed(torch.autograd.Function):
    @staticmethod
    def forward(ctx, spikes, delay):  # type: ignore[no-untyped-def]
        steps = delay.detach().long()
        if _by_triton(spikes):
            from basalt.train.dynamics.gpu import triton_delay

            sent = triton_delay.shifted(spikes, steps)
        else:
            sent = _shifted(spikes, steps)
        ctx.save_for_backward(sent, steps)
        return sent

    @staticmethod
    def backward(ctx, grad):  # type: ignore[no-untyped-def]
        sent, steps = ctx.saved_tensors
        if _by_triton(grad):
            from basalt.train.dynamics.gpu import triton_delay

            return triton_delay.gradients(grad, sent, steps)
        return gradients(grad, sent, steps)


class Delay(torch.nn.Module):
    """One learned delay per neuron, with the values and gradients of `slayer.axon.Delay`.

    Args:
        neurons: their number.
        largest: delay in steps, beyond which none grows.
        spread: delays start uniformly between 0 and this.
        rate: steps that a change of the parameter by one makes. Adam moves every parameter by about as much, and a
            delay of tens of steps has further to go than a weight.
    """

    def __init__(self, neurons: int, largest: int, spread: float, rate: float) -> None:
        super().__init__()
        self.largest, self.rate = largest, rate
        self.scaled = torch.nn.Parameter(spread / rate * torch.rand(neurons))

    @property
    def delay(self) -> Float[torch.Tensor, "neurons"]:
        """The delays in steps, not yet rounded down."""
        return self.scaled * self.rate

    def clamp(self) -> None:
        """Bring the parameter back to where its delay is allowed."""
        with torch.no_grad():
            self.scaled.clamp_(0, self.largest / self.rate)

    def steps(self) -> Int[np.ndarray, "neurons"]:
        """The deployed delays: rounded down, as SLAYER does."""
        return self.delay.detach().cpu().long().clamp(0, self.largest).numpy()

    def forward(self, spikes: Float[torch.Tensor, "batch neurons steps"]) -> Float[torch.Tensor, "batch neurons steps"]:
        """The spikes as they leave the layer."""
        self.clamp()
        return _Delayed.apply(spikes.transpose(1, 2), self.delay).transpose(1, 2)
