"""The specification of the read-out, a step at a time."""

import numpy as np
from jaxtyping import Int

SUM_MAX = (1 << 31) - 1


def readout_step(
    activation: Int[np.ndarray, "batch classes"], y: Int[np.ndarray, "batch classes"]
) -> Int[np.ndarray, "batch classes"]:
    """y[t] = y[t−1] + W s_in[t−1], clipped to 32 bits (`activation` is W s_in[t−1])."""
    return np.clip(y + activation, -SUM_MAX, SUM_MAX)


def decide(y: Int[np.ndarray, "batch classes"]) -> Int[np.ndarray, "batch"]:
    """The class of each sample: the first largest sum after the last step."""
    return np.argmax(y, axis=-1)
