"""What one step of any memory pathway leaves."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int


class PathwayStep(NamedTuple):
    """The current into the neurons, the pathway's state m, and how many values saturated, a sample."""

    current: Int[np.ndarray, "batch neurons"]
    m: Int[np.ndarray, "batch states"]
    saturations: Int[np.ndarray, "batch"]
