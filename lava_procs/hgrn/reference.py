"""The specification of the hierarchically gated recurrent memory of a layer, a step at a time."""

import numpy as np
from jaxtyping import Float, Int, Num

from basalt.kernels.pathway import PathwayStep
from basalt.records import tables
from basalt.records.arithmetic import dense_sum, round_shift, sat24

FRACTION = 12
"""Fraction bits of tables and gates."""
CANDIDATE = 8
"""Bits that a candidate is shifted by into units of h, 2⁻²⁰."""
SQUASHED = 16
"""log₂ of the units of h that an entry of the table of k stands for: 2⁻⁴."""
SQUASHED_SHIFT = 2
"""index_shift of the table of k, which has the same steps."""
SQUASHED_BITS = 7
"""Fraction bits of k."""


def hgrn_step(
    arrived: Num[np.ndarray, "batch inputs"],
    h: Int[np.ndarray, "batch neurons"],
    *,
    variant: str,
    forget_weight: Num[np.ndarray, "neurons inputs"],
    candidate_weight: Num[np.ndarray, "neurons inputs"],
    gate_weight: Num[np.ndarray, "neurons inputs"],
    forget_bias: Int[np.ndarray, "neurons"],
    candidate_bias: Int[np.ndarray, "neurons"],
    gate_bias: Int[np.ndarray, "neurons"],
    low: Int[np.ndarray, "neurons"],
    gain: Int[np.ndarray, "neurons"],
    output_shift: int,
    index_shift: int,
    forget_recurrent: Num[np.ndarray, "neurons neurons"] | None = None,
    update_recurrent: Num[np.ndarray, "neurons neurons"] | None = None,
) -> PathwayStep:
    """One step of the memory, from the spikes `arrived` of the step before.

        a_f = W_f s[t−1] + b_f,  a_c and a_g likewise                             (weight units)
        λ    = low + (((4096 − low)·SIGMOID[a_f] + 2048) >> 12)
        h[t] = sat24((λ·h[t−1] + (4096 − λ)·(TANH[a_c] << 8) + 2048) >> 12)
        o    = (SIGMOID[a_g]·h[t] + 2048) >> 12
        memory[t] = (gain·o + half) >> output_shift

    The variant "gated" hears k = `squashed`(h), and `gate_weight` is its update gate's:

        a_f += (R_f k[t−1] + 64) >> 7,  a_g += (R_u k[t−1] + 64) >> 7
        h[t] = sat24((λ·h[t−1] + SIGMOID[a_g]·(TANH[a_c] << 8) + 2048) >> 12)
        memory[t] = (gain·(k[t] << 13) + half) >> output_shift

    In the published variant h is between −1 and 1 and never saturates; in the other one it is clipped at 8. Weights may
    be integers in float64, which need not be converted at every step.

    Source: Qin, Yang, Zhong, NeurIPS 2023 (arXiv 2311.04823); the gates of the variant are those of arXiv 2603.08730.
    """
    forget = dense_sum(arrived, forget_weight) + forget_bias
    candidate = dense_sum(arrived, candidate_weight) + candidate_bias
    gate = dense_sum(arrived, gate_weight) + gate_bias
    gated = variant == "gated"
    if gated and forget_recurrent is not None and update_recurrent is not None:
        k = squashed(h)
        forget = forget + round_shift(dense_sum(k, forget_recurrent), SQUASHED_BITS)
        gate = gate + round_shift(dense_sum(k, update_recurrent), SQUASHED_BITS)
    sigmoid, tanh = tables.sigmoid(index_shift), tables.tanh(index_shift)
    kept = low + round_shift((tables.UNITY - low) * sigmoid[tables.index(forget, index_shift)], FRACTION)
    opened = sigmoid[tables.index(gate, index_shift)]
    entering = tanh[tables.index(candidate, index_shift)] << CANDIDATE
    wide = round_shift(kept * h + (opened if gated else tables.UNITY - kept) * entering, FRACTION)
    after = sat24(wide)
    out = squashed(after) << (FRACTION + CANDIDATE - SQUASHED_BITS) if gated else round_shift(opened * after, FRACTION)
    return PathwayStep(round_shift(gain * out, output_shift), after, np.sum(after != wide, axis=-1))


def squashed(h: Int[np.ndarray, "*any"]) -> Int[np.ndarray, "*any"]:
    """k = clip((TANH[h to the nearest 2⁻⁴] + 16) >> 5, ±127): tanh in 8 bits, unit 2⁻⁷."""
    return squash(tables.tanh(SQUASHED_SHIFT)[tables.index(h, SQUASHED)])


def squash(value: Int[np.ndarray, "*any"]) -> Int[np.ndarray, "*any"]:
    """12 fraction bits rounded to 7, clipped to ±127."""
    return np.clip(round_shift(value, FRACTION - SQUASHED_BITS), -127, 127)


def floating_step(
    arrived: Num[np.ndarray, "batch inputs"],
    h: Num[np.ndarray, "batch neurons"],
    *,
    variant: str,
    forget_weight: Num[np.ndarray, "neurons inputs"],
    candidate_weight: Num[np.ndarray, "neurons inputs"],
    gate_weight: Num[np.ndarray, "neurons inputs"],
    forget_bias: Int[np.ndarray, "neurons"],
    candidate_bias: Int[np.ndarray, "neurons"],
    gate_bias: Int[np.ndarray, "neurons"],
    low: Int[np.ndarray, "neurons"],
    gain: Int[np.ndarray, "neurons"],
    output_shift: int,
    index_shift: int,
    forget_recurrent: Num[np.ndarray, "neurons neurons"] | None = None,
    update_recurrent: Num[np.ndarray, "neurons neurons"] | None = None,
) -> PathwayStep:
    """The same step in real numbers: σ and tanh themselves, no rounding and no saturation."""
    unity = float(1 << (FRACTION + CANDIDATE))
    forget = arrived @ forget_weight.T + forget_bias
    candidate = arrived @ candidate_weight.T + candidate_bias
    gate = arrived @ gate_weight.T + gate_bias
    gated = variant == "gated"
    if gated and forget_recurrent is not None and update_recurrent is not None:
        forget = forget + np.tanh(h / unity) @ forget_recurrent.T
        gate = gate + np.tanh(h / unity) @ update_recurrent.T
    bound = low / tables.UNITY
    kept = bound + (1 - bound) * logistic(forget)
    opened = logistic(gate)
    after = kept * h + (opened if gated else 1 - kept) * np.tanh(candidate / tables.WEIGHT_UNITY) * unity
    out = np.tanh(after / unity) * unity if gated else opened * after
    return PathwayStep(gain * out * 2.0**-output_shift, after, np.zeros(len(h), dtype=np.int64))


def logistic(activation: Num[np.ndarray, "batch neurons"]) -> Float[np.ndarray, "batch neurons"]:
    """σ of an activation in weight units."""
    return 0.5 + 0.5 * np.tanh(activation / (2 * tables.WEIGHT_UNITY))
