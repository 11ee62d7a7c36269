"""Loihi's fixed-point arithmetic for compiled loops: one neuron, one step, in 64-bit integers.

Numba compiles a loop anew when its own file changes: touch those that call what changes here.
"""

from typing import Any

import numpy as np
from numba import njit

from basalt.records.arithmetic import ALIGN, DECAY_BITS

DECAY_UNIT = 1 << DECAY_BITS
WEIGHT_SCALE = 64
"""1.0 in weight units."""
STATE_SCALE = WEIGHT_SCALE << ALIGN
"""1.0 in units of the states."""


@njit(inline="always")
def decayed(state: int, keep: int) -> int:
    """sign(x)·((|x|·keep) >> 12) with keep = 4096 − decay: truncation towards zero."""
    return (state * keep) >> 12 if state >= 0 else -((-state * keep) >> 12)


@njit(inline="always")
def wrap24(value: int) -> int:
    """Modulo 2²⁴ from −(2²³ − 1) to 2²³, the range of Lava's current: bits above the 24th are dropped."""
    return ((value + 8388607) & 16777215) - 8388607


@njit(inline="always")
def sat24(value: int) -> int:
    """Clip to ±(2²³ − 1)."""
    return min(max(value, -8388607), 8388607)


@njit(inline="always")
def after_reset(voltage: int, spike: bool, amount: int, reset: int) -> int:
    """The voltage that the next step starts from.

    Args:
        amount: what a soft reset subtracts, in units of the states.
        reset: a value of `basalt.kernels.neuron.RESET`.
    """
    if not spike or reset == 2:
        return voltage
    return 0 if reset == 0 else voltage - amount


@njit(inline="always")
def step(
    drive: int, u: int, v: int, bias: int, keep_u: int, keep_v: int, threshold: int, amount: int, reset: int
) -> tuple[int, int, bool, int]:
    """One step of a neuron: u, the membrane before its reset, whether it spikes, and the membrane after it."""
    u = wrap24(decayed(u, keep_u) + drive)
    free = sat24(decayed(v, keep_v) + u + bias)
    spike = free > threshold
    return u, free, spike, after_reset(free, spike, amount, reset)


@njit(inline="always")
def rested(more: Any, n: int, adaptation: Any) -> int:
    """What a spike of neuron n takes beyond the resting threshold: b' + r' of `basalt/records/adaptive.py`."""
    more[0, n], more[1, n] = decayed(more[0, n], adaptation[0, n]), decayed(more[1, n], adaptation[1, n])
    return more[0, n] + more[1, n]


@njit(inline="always")
def adapt(more: Any, n: int, threshold: int, adaptation: Any) -> None:
    """A spike of neuron n raises its threshold b, and its refractory state r."""
    more[1, n] = sat24(more[1, n] + 2 * (threshold + 1 + more[0, n]))
    more[0, n] = sat24(more[0, n] + adaptation[2, n])


def neuron_vector(value: Any, neurons: int) -> np.ndarray:
    """A scalar, 1-vector or n-vector as a contiguous int64 vector of length `neurons`."""
    flat = np.asarray(value, dtype=np.int64).reshape(-1)
    return np.ascontiguousarray(np.broadcast_to(flat, (neurons,)))
