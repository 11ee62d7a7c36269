"""What a layer's dynamics need beside its input."""

from dataclasses import dataclass, field

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
        adaptation: (3, neurons) integers: what adaptive neurons keep of b and r in a step, of 4096, and the step of
            their threshold in state units; (3, 0) of others.
    """

    current_decay: Int[np.ndarray, "neurons"]
    voltage_decay: Int[np.ndarray, "neurons"]
    threshold: float
    tau: float
    scale: float
    reset: str = "hard"
    adaptation: Int[np.ndarray, "3 _neurons"] = field(default_factory=lambda: np.zeros((3, 0), np.int64))

    @property
    def threshold_state(self) -> int:
        """What the membrane exceeds in a spike, in state units (4096 to one); adaptive neurons spike at it, too."""
        return round(self.threshold * STATE_SCALE) - bool(self.adaptation.size)

    def surrogate(self, voltage: Float[torch.Tensor, "*shape"]) -> Float[torch.Tensor, "*shape"]:
        """ρ(v) = scale/(2·tau)·exp(−|v − threshold|/tau), SLAYER's stand-in for the derivative of a spike.

        Like SLAYER, it measures the distance to a threshold raised by a hundredth of a state unit.
        """
        distance = (voltage - (self.threshold + 0.01 / STATE_SCALE)).abs()
        return self.scale / 2 / self.tau * torch.exp(-distance / self.tau)
