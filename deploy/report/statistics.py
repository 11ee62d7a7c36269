"""The statistics of a report."""

import math

import numpy as np
from jaxtyping import Int

Z_95 = 1.959963984540054


def wilson(accuracy: float, samples: int) -> tuple[float, float]:
    """95 % Wilson score interval of an accuracy measured on `samples` samples.

        (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n)

    Source: Wilson, JASA 22 (1927).
    """
    spread = Z_95**2 / samples
    centre = accuracy + spread / 2
    half = math.sqrt(accuracy * (1 - accuracy) * spread + spread**2 / 4)
    return max((centre - half) / (1 + spread), 0.0), min((centre + half) / (1 + spread), 1.0)


def confusion(
    labels: Int[np.ndarray, "samples"], predicted: Int[np.ndarray, "samples"], classes: int
) -> Int[np.ndarray, "classes classes"]:
    """How often each true class (row) was taken for each class (column)."""
    matrix = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(matrix, (labels, predicted), 1)
    return matrix
