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


COLUMNS = 256
"""Of a matrix that are widened at once."""


def pieces(matrix: Int[np.ndarray, "rows columns"]) -> Iterator[Int[np.ndarray, "rows few"]]:
    """A few columns at a time: adding them up needs no wider copy of the whole."""
    for first in range(0, matrix.shape[1], COLUMNS):
        yield matrix[:, first : first + COLUMNS]


def signed_sums(
    matrix: Int[np.ndarray, "rows columns"],
) -> tuple[Int[np.ndarray, "rows"], Int[np.ndarray, "rows"]]:
    """The sums of each row's entries above 0, and of those below."""
    above, below = np.zeros((2, len(matrix)), dtype=np.int64)
    for piece in pieces(matrix):
        above += np.maximum(piece, 0).sum(axis=1, dtype=np.int64)
        below += np.minimum(piece, 0).sum(axis=1, dtype=np.int64)
    return above, below


def rows_reach(
    weight: Int[np.ndarray, "rows columns"], value: int = 1, own: Int[np.ndarray, "rows _columns"] | None = None
) -> int:
    """The largest |weight · x + own · s| of any row over all x from 0 to `value` and all s of 0 and 1."""
    return sums_reach(signed_sums(weight), value, own)


def sums_reach(
    sums: tuple[Int[np.ndarray, "rows"], Int[np.ndarray, "rows"]],
    value: int,
    own: Int[np.ndarray, "rows _columns"] | None = None,
) -> int:
    """The same from the weight's `signed_sums`."""
    above, below = (part * value for part in sums)
    if own is not None:
        above, below = (part + more for part, more in zip((above, below), signed_sums(own), strict=True))
    return int(max(above.max(initial=0), -below.min(initial=0)))


def signed_reach(weight: Int[np.ndarray, "rows columns"], value: int) -> int:
    """The largest |weight · x| of any row over all x from −`value` to `value`."""
    above, below = signed_sums(weight)
    return int((above - below).max(initial=0)) * value
