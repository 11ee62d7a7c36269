"""What a layer's dynamics need beside its input."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from basalt.train.dynamics.scalars import STATE_SCALE


@dataclass(frozen=True)
class Constants:
    """Decays, threshold, reset and surrogate gradient of a layer.

    Attributes:
        current_decay, voltage_decay: (neurons,) integers, 0 (no leakage) … 4096 (complete leakage).
        threshold: in units of weight_float (spikes where v > threshold).
        tau, scale: width and height of the surrogate gradient, in the same units.
        reset: "hard", "soft" or "none".
    """

    current_decay: Int[np.ndarray, "neurons"]
    voltage_decay: Int[np.ndarray, "neurons"]
    threshold: float
    tau: float
    scale: float
    reset: str = "hard"

    @property
    def threshold_state(self) -> int:
        """The threshold in state units (4096 to one)."""
        return round(self.threshold * STATE_SCALE)

    def surrogate(self, voltage: Float[torch.Tensor, "*shape"]) -> Float[torch.Tensor, "*shape"]:
        """ρ(v) = scale/(2·tau)·exp(−|v − threshold|/tau), SLAYER's stand-in for the derivative of a spike.

        Like SLAYER, it measures the distance to a threshold raised by a hundredth of a state unit.
        """
        distance = (voltage - (self.threshold + 0.01 / STATE_SCALE)).abs()
        return self.scale / 2 / self.tau * torch.exp(-distance / self.tau)
