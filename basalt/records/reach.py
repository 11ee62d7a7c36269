"""How large sums of a step can become.

Kernels hold what arrives at a neuron in a step in 32 bits, and products of memory pathways in float64, exact below 2⁵³.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Int

PRODUCT_MAX = (1 << 52) - 1
"""What the products of a memory pathway may reach; float64 is exact to twice as much."""

Sums = Iterator[tuple[str, int]]
"""The largest |sum|, each with a name."""


def rows_reach(weight: Int[np.ndarray, "rows columns"], value: int = 1) -> int:
    """The largest |weight · x| of any row over all x from 0 to `value`."""
    if not weight.size:
        return 0
    above = np.maximum(weight, 0).sum(axis=1, dtype=np.int64).max()
    below = np.minimum(weight, 0).sum(axis=1, dtype=np.int64).min()
    return int(max(above, -below)) * value


def signed_reach(weight: Int[np.ndarray, "rows columns"], value: int) -> int:
    """The largest |weight · x| of any row over all x from −`value` to `value`."""
    return int(np.abs(weight.astype(np.int64)).sum(axis=1).max(initial=0)) * value
