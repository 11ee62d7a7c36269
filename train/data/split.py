"""Fixed stratified splits."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Int64


def stratified(labels: Int64[np.ndarray, "n"], held_out: Sequence[int], seed: int) -> list[Int64[np.ndarray, "_part"]]:
    """Cut the positions 0..n-1 into what is left, then parts with held_out[0], held_out[1].. positions of each class.

    The parts are disjoint and depend on labels and seed alone (numpy's RandomState, whose stream is frozen).
    Each part takes the classes in turn, so a beginning of a part is as balanced as the part.
    """
    return _cut(labels, lambda count: held_out, seed)


def by_shares(labels: Int64[np.ndarray, "n"], shares: Sequence[float], seed: int) -> list[Int64[np.ndarray, "_part"]]:
    """As `stratified`, with parts of shares[0], shares[1].. of each class, rounded, of one position at least."""
    return _cut(labels, lambda count: [max(1, round(share * count)) for share in shares], seed)


def _cut(
    labels: Int64[np.ndarray, "n"], held_out: Callable[[int], Sequence[int]], seed: int
) -> list[Int64[np.ndarray, "_part"]]:
    """Parts with as many positions of each class as `held_out` says of their number."""
    random = np.random.RandomState(seed)
    parts: dict[int, list[tuple[int, int, int]]] = {part: [] for part in range(len(held_out(0)) + 1)}
    for label in np.unique(labels):
        positions = random.permutation(np.flatnonzero(labels == label))
        cuts = np.cumsum(held_out(len(positions)), dtype=np.int64)
        for part, chosen in zip((*list(parts)[1:], 0), np.split(positions, cuts), strict=True):
            parts[part].extend((rank, int(label), int(position)) for rank, position in enumerate(chosen))
    return [np.array([position for *_, position in sorted(part)], np.int64) for part in parts.values()]
