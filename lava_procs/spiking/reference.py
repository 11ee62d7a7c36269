"""The specification of a spiking layer, a step at a time."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int, Num

from basalt.records.arithmetic import ALIGN, DECAY_BITS, decay, sat24, wrap24


class SpikingStep(NamedTuple):
    """What one step leaves: spikes, current u, membrane v, and how many neurons wrapped or saturated, a sample."""

    spikes: Bool[np.ndarray, "batch neurons"]
    u: Num[np.ndarray, "batch neurons"]
    v: Num[np.ndarray, "batch neurons"]
    saturations: Int[np.ndarray, "batch"]


def spiking_step(
    activation: Int[np.ndarray, "batch neurons"],
    memory: Int[np.ndarray, "batch neurons"] | int,
    u: Int[np.ndarray, "batch neurons"],
    v: Int[np.ndarray, "batch neurons"],
    *,
    bias: Int[np.ndarray, "neurons"] | int,
    threshold: int,
    current_decay: Int[np.ndarray, "#neurons"],
    voltage_decay: Int[np.ndarray, "#neurons"],
    reset: str,
) -> SpikingStep:
    """One step of integer leaky integrate-and-fire neurons.

        a[t] = W s_in[t−1] + V s[t−1]                                             (`activation`)
        u[t] = wrap24(decay(u[t−1], current_decay) + (a[t] << 6) + memory[t])
        v'   = sat24(decay(v[t−1], voltage_decay) + u[t] + (bias << 6))
        s[t] = v' > (threshold << 6)
        v[t] = v'·(1 − s[t]) (hard) | v' − s[t]·(threshold << 6) (soft) | v' (none)

    Source: Lava's `PyLifModelBitAcc`; soft and no reset after arXiv 2403.16674.
    """
    current = decay(u, current_decay) + (activation << ALIGN) + memory
    wrapped = wrap24(current)
    potential = decay(v, voltage_decay) + wrapped + (bias << ALIGN)
    membrane = sat24(potential)
    level = threshold << ALIGN
    spikes = membrane > level
    saturations = np.sum((wrapped != current).astype(np.int64) + (membrane != potential), axis=-1)
    return SpikingStep(spikes, wrapped, RESETS[reset](membrane, spikes, level), saturations)


def floating_step(
    activation: Num[np.ndarray, "batch neurons"],
    memory: Num[np.ndarray, "batch neurons"] | float,
    u: Num[np.ndarray, "batch neurons"],
    v: Num[np.ndarray, "batch neurons"],
    *,
    bias: Int[np.ndarray, "neurons"] | int,
    threshold: int,
    current_decay: Int[np.ndarray, "#neurons"],
    voltage_decay: Int[np.ndarray, "#neurons"],
    reset: str,
) -> SpikingStep:
    """The same step in real numbers: no rounding, wrapping or saturation. What fixed point costs is the difference."""
    unity = 1 << DECAY_BITS
    scale = 1 << ALIGN
    current = u * (1 - current_decay / unity) + activation * scale + memory
    membrane = v * (1 - voltage_decay / unity) + current + bias * scale
    level = threshold * scale
    spikes = membrane > level
    none = np.zeros(len(u), dtype=np.int64)
    return SpikingStep(spikes, current, RESETS[reset](membrane, spikes, level), none)


RESETS = {
    "hard": lambda membrane, spikes, level: np.where(spikes, 0, membrane),
    "soft": lambda membrane, spikes, level: membrane - spikes * level,
    "none": lambda membrane, spikes, level: membrane,
}
"""What a spike does to the membrane."""
