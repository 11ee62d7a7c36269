"""Fixed stratified splits."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int64


def stratified(labels: Int64[np.ndarray, "n"], held_out: Sequence[int], seed: int) -> list[Int64[np.ndarray, "_part"]]:
    """Cut the positions 0..n-1 into what is left, then parts with held_out[0], held_out[1].. positions of each class.

    The parts are disjoint and depend on labels and seed alone (numpy's RandomState, whose stream is frozen).
    Each part takes the classes in turn, so a beginning of a part is as balanced as the part.
    """
    random = np.random.RandomState(seed)
    parts: list[list[tuple[int, int, int]]] = [[] for _ in range(len(held_out) + 1)]
    for label in np.unique(labels):
        positions = random.permutation(np.flatnonzero(labels == label))
        cuts = np.cumsum(held_out)
        for part, chosen in zip((*parts[1:], parts[0]), np.split(positions, cuts), strict=True):
            part.extend((rank, int(label), int(position)) for rank, position in enumerate(chosen))
    return [np.array([position for *_, position in sorted(part)], np.int64) for part in parts]
