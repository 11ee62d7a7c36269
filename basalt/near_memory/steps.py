"""Counts of each step, as the cost formula takes and gives them."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Int

if TYPE_CHECKING:
    Steps = Int[np.ndarray, "*steps"]
    Flags = Bool[np.ndarray, "*steps"]
else:  # numpy makes a scalar of a sum of zero-dimensional arrays, so one step alone may be that
    Steps = Int[np.ndarray | np.integer, "*steps"]
    Flags = Bool[np.ndarray | np.bool_, "*steps"]
