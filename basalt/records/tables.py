"""Look-up tables of the memory pathways: one content for training, records, references and compiled kernels.

A table follows from its kind and a shift alone, so files hold the shift and never the content. Entries are rounded half
up from float64; none is so close to a half that two machines' exponentials could round it differently.

    SIGMOID[i] = ⌊4096·σ(x_i) + ½⌋    TANH[i] = ⌊4096·tanh(x_i) + ½⌋    x_i = (i − 128)·2^index_shift / 64
    EXP[i]     = ⌊65535·exp(−i/16) + ½⌋                                  i = 0 … 255
    RECIPROCAL[j] = ⌊2²³ / (256 + j + ½)⌋                                 j = 0 … 255: of a mantissa 1 + j/256

An activation takes the nearest entry, so that 0 stays 0 under tanh: silence drives nothing.
"""

from functools import cache

import numpy as np
from jaxtyping import Float, Int

ENTRIES = 256
BITS = ENTRIES * 16
"""Of a table: entries of 16 bits."""
UNITY = 1 << 12
"""1.0 in the tables of sigmoid and tanh, and in a softmax."""
EXP_UNITY = 65535
STEPS_PER_FOLD = 16
"""Steps of `EXP` to a factor e."""
WEIGHT_UNITY = 64
"""1.0 in weight units."""
SHIFT_MAX = 7
"""The coarsest index: 256 entries of 2⁷ weight units reach over ±256."""


def index(activation: Int[np.ndarray, "..."], shift: int) -> Int[np.ndarray, "..."]:
    """The entry nearest to an activation: clamp(((activation + half) >> shift) + 128, 0, 255), half = ⌊2^(shift−1)⌋."""
    half = (1 << shift) >> 1
    return np.clip(((activation + half) >> shift) + ENTRIES // 2, 0, ENTRIES - 1)


@cache
def sigmoid(index_shift: int) -> Int[np.ndarray, "256"]:
    """SIGMOID: 12 fraction bits, 0 … 4096."""
    return frozen(np.floor(UNITY / (1 + np.exp(-middles(index_shift))) + 0.5))


@cache
def tanh(index_shift: int) -> Int[np.ndarray, "256"]:
    """TANH: 12 fraction bits, −4096 … 4096."""
    return frozen(np.floor(UNITY * np.tanh(middles(index_shift)) + 0.5))


@cache
def exponential() -> Int[np.ndarray, "256"]:
    """EXP: 16 bits, falling by a factor e in 16 entries; the last is 0."""
    return frozen(np.floor(EXP_UNITY * np.exp(-np.arange(ENTRIES) / STEPS_PER_FOLD) + 0.5))


@cache
def reciprocal() -> Int[np.ndarray, "256"]:
    """RECIPROCAL: 15 bits, 32704 … 16416."""
    return frozen(np.floor((1 << 23) / (ENTRIES + np.arange(ENTRIES) + 0.5)))


def middles(index_shift: int) -> Float[np.ndarray, "256"]:
    """x_i, the middle of what entry i stands for."""
    return (np.arange(ENTRIES) - ENTRIES // 2) * 2.0**index_shift / WEIGHT_UNITY


def frozen(values: Float[np.ndarray, "256"]) -> Int[np.ndarray, "256"]:
    """As integers that nobody can write to."""
    table = values.astype(np.int64)
    table.flags.writeable = False
    return table
