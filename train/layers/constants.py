"""What a layer's dynamics need beside its input."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from train.layers.fixed_point import STATE_SCALE


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
