"""Loihi's fixed-point arithmetic on int64 arrays."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Int, Num

STATE_BITS = 24
STATE_LIMIT = 1 << (STATE_BITS - 1)
STATE_MAX = STATE_LIMIT - 1
DRIVE_MAX = (1 << 15) - 1
DECAY_BITS = 12
DECAY_MAX = 1 << DECAY_BITS
ALIGN = 6
"""Activation, threshold and bias enter the 24-bit state shifted left by this many bits."""


def decay(state: Int[np.ndarray, "..."], rate: Int[np.ndarray, "#neurons"]) -> Int[np.ndarray, "..."]:
    """sign(x)·((|x|·(4096 − rate)) >> 12): leak a state by rate/4096, rounding towards zero."""
    return np.sign(state) * ((np.abs(state) * ((1 << DECAY_BITS) - rate)) >> DECAY_BITS)


def wrap24(state: Int[np.ndarray, "..."]) -> Int[np.ndarray, "..."]:
    """What is congruent to the state modulo 2²⁴ from −(2²³ − 1) to 2²³: all bits above the 24th are dropped.

    Lava's bit-accurate model takes the same range, with one wrap, which suffices below 3·2²³ alone. In two's complement
    the one pattern 100…0 stands for 2²³, not for −2²³.
    """
    return ((state + STATE_MAX) & (2 * STATE_LIMIT - 1)) - STATE_MAX


def sat24(state: Int[np.ndarray, "..."]) -> Int[np.ndarray, "..."]:
    """Clip to ±(2²³ − 1)."""
    return np.clip(state, -STATE_MAX, STATE_MAX)


def round_shift(value: Int[np.ndarray, "..."], bits: int) -> Int[np.ndarray, "..."]:
    """Arithmetic right shift, rounding half up."""
    return (value + (1 << (bits - 1)) >> bits) if bits > 0 else value


def dense_sum(
    spikes: Num[np.ndarray, "batch inputs"], weight: Num[np.ndarray, "neurons inputs"]
) -> Int[np.ndarray, "batch neurons"]:
    """weight · spikes for each sample. Float64 holds integers below 2⁵³ exactly, so the product may use BLAS; weights
    may be integers in float64 already."""
    return np.rint(spikes.astype(np.float64) @ weight.T.astype(np.float64, copy=False)).astype(np.int64)


def recurrent_sum(
    spikes: Num[np.ndarray, "batch neurons"], weight: Num[np.ndarray, "neurons ..."]
) -> Int[np.ndarray, "batch neurons"]:
    """V · spikes for each sample; `weight` is V, or its diagonal where all else is 0."""
    return spikes.astype(np.int64) * weight if weight.ndim == 1 else dense_sum(spikes, weight)


def recurrent_product(
    weight: Int[np.ndarray, "neurons ..."],
) -> Callable[[Num[np.ndarray, "batch neurons"]], Int[np.ndarray, "batch neurons"]]:
    """`recurrent_sum` for a weight that stays."""
    return dense_product(weight) if weight.ndim == 2 else lambda spikes: recurrent_sum(spikes, weight)


def dense_product(
    weight: Int[np.ndarray, "neurons inputs"],
) -> Callable[[Num[np.ndarray, "batch inputs"]], Int[np.ndarray, "batch neurons"]]:
    """`dense_sum` for a weight that stays: converted once, applied every step."""
    transposed = np.ascontiguousarray(weight.T, dtype=np.float64)
    return lambda spikes: np.rint(spikes @ transposed).astype(np.int64)
