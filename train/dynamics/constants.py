"""What a layer's dynamics need beside its input."""

from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Float, Int

from basalt.train.dynamics.scalars import STATE_SCALE


@dataclass(frozen=True)
class Constants:
    """Decays, threshold, reset and surrogate gradient of a layer.

    Attributes:
        current_decay, voltage_decay: (neurons,) integers, 0 (no leakage) … 4096 (complete leakage).
        threshold: in units of weight_float (spikes where v > threshold), one for all or one per neuron.
        tau, scale: width and height of the surrogate gradient, in the same units; the width likewise.
        reset: "hard", "soft" or "none".
        adaptation: (3, neurons) integers: what adaptive neurons keep of b and r in a step, of 4096, and the step of
            their threshold in state units; (3, 0) of others.
        amount: what a soft reset subtracts, in the threshold's units; the threshold if None.
        refractory: steps of rest after a spike.
        forgets: gradients of a membrane end where a hard reset empties it; SLAYER's run on.
    """

    current_decay: Int[np.ndarray, "neurons"]
    voltage_decay: Int[np.ndarray, "neurons"]
    threshold: float | Float[np.ndarray, "neurons"]
    tau: float | Float[np.ndarray, "neurons"]
    scale: float
    reset: str = "hard"
    adaptation: Int[np.ndarray, "3 _neurons"] = field(default_factory=lambda: np.zeros((3, 0), np.int64))
    amount: Float[np.ndarray, "neurons"] | None = None
    refractory: int = 0
    forgets: bool = False

    @property
    def level(self) -> float:
        """The threshold where all neurons share one, as those that learn their leakage do."""
        assert not np.ndim(self.threshold)
        return cast(float, self.threshold)

    @property
    def threshold_state(self) -> Any:
        """What the membrane exceeds in a spike, in state units (4096 to one); adaptive neurons spike at it, too.

        An int, or int64 (neurons,).
        """
        return states(self.threshold) - bool(self.adaptation.size)

    @property
    def amount_state(self) -> Any:
        """What a soft reset subtracts, likewise."""
        return self.threshold_state if self.amount is None else states(self.amount)

    @property
    def rests(self) -> int | None:
        """Steps of rest, None where there are none, which the compiled loops then leave out."""
        return self.refractory or None

    def surrogate(self, voltage: Float[torch.Tensor, "*shape"]) -> Float[torch.Tensor, "*shape"]:
        """ρ(v) = scale/(2·tau)·exp(−|v − threshold|/tau), SLAYER's stand-in for the derivative of a spike.

        Like SLAYER, it measures the distance to a threshold raised by a hundredth of a state unit.
        """
        threshold, tau = (self._beside(value, voltage) for value in (self.threshold, self.tau))
        distance = (voltage - (threshold + 0.01 / STATE_SCALE)).abs()
        return self.scale / 2 / tau * torch.exp(-distance / tau)

    def passed(
        self, spikes: Float[torch.Tensor, "batch steps neurons"], keep: Float[torch.Tensor, "#neurons"]
    ) -> Float[torch.Tensor, "2 batch steps neurons"] | None:
        """What of the membrane's gradient at t + 1 reaches that at t, and what of that reaches the current; None where
        these are `keep` and 1 in all steps.

        A membrane that rests is that of the step before, and hears no current; one that was emptied is none.
        """
        if not self.refractory and not (self.forgets and self.reset == "hard"):
            return None
        awake = torch.ones_like(spikes)
        for after in range(1, min(self.refractory + 1, spikes.shape[1])):
            awake[:, after:] *= 1 - spikes[:, :-after]
        awakes = torch.nn.functional.pad(awake, (0, 0, 0, 1))[:, 1:]
        link = awakes * keep + (1 - awakes)
        if self.forgets and self.reset == "hard":
            link = link * (1 - spikes)
        return torch.stack([link, awake])

    @staticmethod
    def _beside(value: Any, voltage: torch.Tensor) -> Any:
        """One number, or a value per neuron on the device of `voltage`."""
        return torch.as_tensor(value, dtype=voltage.dtype, device=voltage.device) if np.ndim(value) else value


def states(value: Any) -> Any:
    """In units of the states: an int, or int64 (neurons,)."""
    found = np.rint(value * STATE_SCALE).astype(np.int64)
    return found if found.ndim else int(found)
