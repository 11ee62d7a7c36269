"""The Legendre memory: a linear system whose d states hold a window of θ steps of its input.

    A_c[i, j] = (2i+1)/θ · (−1 if i < j else (−1)^(i−j+1))      B_c[i] = (2i+1)/θ · (−1)^i
    Ā = exp(A_c),   B̄ = A_c⁻¹ (Ā − 1) B_c                       (zero-order hold, one step)

Source: Voelker et al., NeurIPS 2019; arXiv 2512.07602.
"""

import numpy as np
import scipy.linalg
from jaxtyping import Float, Int

from basalt.errors import BasaltError


def legendre(states: int, window: float) -> tuple[Float[np.ndarray, "d d"], Float[np.ndarray, "d"]]:
    """Ā and B̄ for `states` states and a window of `window` steps, in float64."""
    i = np.arange(states)
    rate = (2 * i + 1) / window
    lower = (-1.0) ** (i[:, None] - i[None, :] + 1)
    continuous = rate[:, None] * np.where(i[:, None] < i[None, :], -1.0, lower)
    drive = rate * (-1.0) ** i
    transition = scipy.linalg.expm(continuous)
    return transition, np.linalg.solve(continuous, (transition - np.eye(states)) @ drive)


def quantised(states: int, window: float, bits: int) -> tuple[Int[np.ndarray, "d d"], Int[np.ndarray, "d"], int]:
    """Ā and B̄ as signed integers of `bits` bits with q = bits − 1 fraction bits, and q.

    Raises:
        BasaltError: the coefficients do not fit (one near 1 rounds to 1 where there are too few bits).
    """
    shift = bits - 1
    transition, drive = (np.rint(m * 2.0**shift) for m in legendre(states, window))
    if not max(np.abs(transition).max(), np.abs(drive).max()) < 2**shift:  # nor where they are no numbers
        more = ", or more `coefficient_bits`" if window > 2**shift else ""
        raise BasaltError(
            f"a slow memory of {states} states over {window:g} steps has coefficients that {bits} bits cannot hold: "
            f"choose a `window` from 2 to {2**shift} steps{more}."
        )
    return transition.astype(np.int64), drive.astype(np.int64), shift
