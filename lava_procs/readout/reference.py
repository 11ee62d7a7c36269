"""The specification of the read-out, a step at a time."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from basalt.records.arithmetic import ALIGN, decay, sat24, wrap24

SUM_MAX = (1 << 31) - 1


class ReadoutStep(NamedTuple):
    """What one step leaves: membranes v, if there are any, sums y, and how many of both saturated, a sample."""

    v: Int[np.ndarray, "batch classes"]
    y: Int[np.ndarray, "batch classes"]
    saturations: Int[np.ndarray, "batch"]


def sum_step(
    activation: Int[np.ndarray, "batch classes"],
    v: Int[np.ndarray, "batch classes"],
    y: Int[np.ndarray, "batch classes"],
) -> ReadoutStep:
    """y[t] = y[t−1] + W s_in[t−1], clipped to 32 bits (`activation` is W s_in[t−1])."""
    whole = y + activation
    clipped = np.clip(whole, -SUM_MAX, SUM_MAX)
    return ReadoutStep(v, clipped, np.sum(clipped != whole, axis=-1))


def membrane_step(
    activation: Int[np.ndarray, "batch classes"],
    v: Int[np.ndarray, "batch classes"],
    y: Int[np.ndarray, "batch classes"],
    *,
    voltage_decay: int,
) -> ReadoutStep:
    """One step of leaky membranes that are summed.

        v[t] = sat24(decay(v[t−1], voltage_decay) + (W s_in[t−1] << 6))
        y[t] = y[t−1] + (v[t] >> 6)                                          clipped to 32 bits

    The largest sum over time is that of the largest mean.
    """
    whole = decay(v, np.array([voltage_decay])) + (activation << ALIGN)
    membrane = sat24(whole)
    summed = sum_step(membrane >> ALIGN, membrane, y)
    return summed._replace(saturations=summed.saturations + np.sum(membrane != whole, axis=-1))


class CurrentStep(NamedTuple):
    """What one step leaves: currents u, membranes v, and how many of both wrapped or saturated, a sample."""

    u: Int[np.ndarray, "batch classes"]
    v: Int[np.ndarray, "batch classes"]
    saturations: Int[np.ndarray, "batch"]


def current_step(
    activation: Int[np.ndarray, "batch classes"],
    u: Int[np.ndarray, "batch classes"],
    v: Int[np.ndarray, "batch classes"],
    *,
    current_decay: int,
    voltage_decay: int,
) -> CurrentStep:
    """One step of leaky membranes behind leaky currents, which are what is read.

        u[t] = wrap24(decay(u[t−1], current_decay) + (W s_in[t−1] << 6))
        v[t] = sat24(decay(v[t−1], voltage_decay) + u[t])

    Source: SLAYER's `Affine` with dynamics, which has no threshold.
    """
    current = decay(u, np.array([current_decay])) + (activation << ALIGN)
    wrapped = wrap24(current)
    potential = decay(v, np.array([voltage_decay])) + wrapped
    membrane = sat24(potential)
    saturations = np.sum((wrapped != current).astype(np.int64) + (membrane != potential), axis=-1)
    return CurrentStep(wrapped, membrane, saturations)


def decide(y: Int[np.ndarray, "batch classes"]) -> Int[np.ndarray, "batch"]:
    """The class of each sample: the first largest sum after the last step."""
    return np.argmax(y, axis=-1)
