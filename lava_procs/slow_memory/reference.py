"""The specification of the slow memory of a layer, a step at a time."""

import numpy as np
from jaxtyping import Int, Num

from basalt.kernels.pathway import PathwayStep
from basalt.records.arithmetic import DRIVE_MAX, dense_sum, round_shift, sat24


def memory_step(
    activation: Int[np.ndarray, "batch"],
    current: Int[np.ndarray, "batch neurons"],
    m: Int[np.ndarray, "batch states"],
    *,
    refresh: bool,
    drive_bias: int,
    drive_shift: int,
    transition: Int[np.ndarray, "states states"],
    drive_input: Int[np.ndarray, "states"],
    coefficient_shift: int,
    memory_weight: Int[np.ndarray, "neurons states"],
    drive_memory_weight: Int[np.ndarray, "neurons"],
    memory_shift: int,
) -> PathwayStep:
    """One step of the slow memory.

        x[t]      = sat16(max(W_x s_in[t−1] + b, 0) << drive_shift)               (`activation` is W_x s_in[t−1])
        memory[t] = (P m[t−1] + ν x[t] + half) >> memory_shift on a refresh, else memory[t−1]
        m[t]      = sat24((Ā m[t−1] + B̄ x[t] + half) >> coefficient_shift)

    The current uses m[t−1] and x[t], never m[t], so the two products need not wait for each other.

    Source: arXiv 2512.07602, with P = W_m Ā and ν = W_m B̄.
    """
    wide = np.maximum(activation + drive_bias, 0) << drive_shift
    x = np.minimum(wide, DRIVE_MAX)
    if refresh:
        product = dense_sum(m, memory_weight) + x[:, None] * drive_memory_weight
        current = round_shift(product, memory_shift)
    update = round_shift(dense_sum(m, transition) + x[:, None] * drive_input, coefficient_shift)
    state = sat24(update)
    saturations = (x != wide).astype(np.int64) + np.sum(state != update, axis=-1)
    return PathwayStep(current, state, saturations)


def floating_step(
    activation: Num[np.ndarray, "batch"],
    current: Num[np.ndarray, "batch neurons"],
    m: Num[np.ndarray, "batch states"],
    *,
    refresh: bool,
    drive_bias: int,
    drive_shift: int,
    transition: Int[np.ndarray, "states states"],
    drive_input: Int[np.ndarray, "states"],
    coefficient_shift: int,
    memory_weight: Int[np.ndarray, "neurons states"],
    drive_memory_weight: Int[np.ndarray, "neurons"],
    memory_shift: int,
) -> PathwayStep:
    """The same step in real numbers: no rounding and no saturation."""
    x = np.maximum(activation + drive_bias, 0) * 2.0**drive_shift
    if refresh:
        current = (m @ memory_weight.T + x[:, None] * drive_memory_weight) * 2.0**-memory_shift
    state = (m @ transition.T + x[:, None] * drive_input) * 2.0**-coefficient_shift
    return PathwayStep(current, state, np.zeros(len(m), dtype=np.int64))
