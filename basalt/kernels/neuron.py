"""A step of spiking neurons, compiled: the integers of `basalt/records/neuron.py`.

States are integers, in float64 registers while a step is computed: the products of the recurrences stay below 2⁵³,
where float64 is exact, and float64 lanes vectorise where 64-bit integer products do not. trunc(x·(4096 − d)/4096) is
sign(x)·((|x|·(4096 − d)) >> 12).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numba import njit

from basalt.kernels.events import OPTIONS
from basalt.records.adaptive import Adaptive
from basalt.records.arithmetic import ALIGN, DECAY_BITS
from basalt.records.neuron import Neuron, axis
from basalt.records.synapses import Spiking

RESET = {"hard": 0, "soft": 1, "none": 2}


class NeuronConstants(NamedTuple):
    """What the kernel takes of a layer's neurons: what states keep in a step, and the rest in units of the states."""

    bias: Float[np.ndarray, "neurons"]
    start: int
    current_keep: Float[np.ndarray, "neurons"]
    voltage_keep: Float[np.ndarray, "neurons"]
    level: float
    amount: float
    levels: Float[np.ndarray, "_neurons"]
    """Thresholds where these or reset amounts differ; else of size 0, and `level` is that of all: a load less."""
    amounts: Float[np.ndarray, "_neurons"]
    """Reset amounts, likewise."""
    reset: int
    refractory: int
    """Steps of rest after a spike."""
    adaptation: Float[np.ndarray, "parameters _neurons"]
    """Of adaptive neurons: what b and r keep in a step, and the threshold's step; else of size 0."""


def neuron_constants(
    layer: Spiking, inside: Callable[[Int[np.ndarray, "#neurons"]], Int[np.ndarray, "neurons"]]
) -> NeuronConstants:
    """Of a layer; `inside` brings a value per neuron into the kernel's order."""

    def keep(decay: Int[np.ndarray, "#neurons"]) -> Float[np.ndarray, "neurons"]:
        return 1.0 - inside(decay) / (1 << DECAY_BITS)

    neuron, adaptation = layer.neuron, np.zeros((0, 0))
    differ = neuron.own_thresholds or bool(np.ptp(neuron.amount))

    def each(value: int | Int[np.ndarray, "#neurons"]) -> Float[np.ndarray, "_neurons"]:
        return inside(axis(value)) * float(1 << ALIGN) if differ else np.zeros(0)

    if isinstance(neuron, Adaptive):
        step = np.full(layer.neurons, float(neuron.threshold_step << ALIGN))
        adaptation = np.stack([keep(neuron.threshold_decay), keep(neuron.refractory_decay), step])
    return NeuronConstants(
        bias=inside(axis(0) if layer.bias is None else layer.bias) * float(1 << ALIGN),
        start=layer.start,
        current_keep=keep(neuron.current_decay),
        voltage_keep=keep(neuron.voltage_decay),
        level=float(axis(neuron.threshold)[0] << ALIGN),
        amount=float(axis(neuron.amount)[0] << ALIGN),
        levels=each(neuron.threshold),
        amounts=each(neuron.amount),
        reset=RESET[neuron.reset],
        refractory=neuron.refractory,
        adaptation=adaptation,
    )


def no_states(batch: int, neuron: Neuron, neurons: int) -> Int[np.ndarray, "batch states neurons"]:
    """The states before the first step of a sample."""
    return np.zeros((batch, len(neuron.states), neurons), dtype=np.int32)


def plain(rests: bool) -> Callable[..., tuple[int, int]]:
    """`fire` for the states u and v, and for steps of rest as well if the neurons have any: two kernels of one text."""

    @njit(**OPTIONS)
    def fire_plain(  # type: ignore[no-untyped-def]
        u, v, rest, total, scale, current, bias, current_keep, voltage_keep, level, levels, amount, amounts, reset,
        refractory, fired,
    ):  # fmt: skip
        extra, own = current.shape[0] > 0, levels.shape[0] > 0
        spikes = wraps = 0
        for n in range(u.shape[0]):
            wide = np.trunc(u[n] * current_keep[n]) + total[n] * scale
            if extra:
                wide += current[n]
            x = wide - 16777216.0 * np.floor((wide + 8388607.0) * 2.0**-24)  # wrap24
            wraps += x != wide
            u[n] = x
            wide = np.trunc(v[n] * voltage_keep[n]) + x + bias[n]
            if rests:
                wide = float(v[n]) if rest[n] > 0 else wide
            z = min(max(wide, -8388607.0), 8388607.0)
            wraps += z != wide
            mine, taken = (levels[n], amounts[n]) if own else (level, amount)
            spike = z > mine
            if rests:
                spike = spike & (rest[n] == 0)
                rest[n] = refractory if spike else max(rest[n] - 1, 0)
            fired[n] = spike
            spikes += spike
            v[n] = z if not spike or reset == 2 else (0.0 if reset == 0 else z - taken)
        return spikes, wraps

    return fire_plain


fire_plain, fire_resting = plain(rests=False), plain(rests=True)


@njit(**OPTIONS)
def fire_adaptive(  # type: ignore[no-untyped-def]
    u, v, b, r, total, scale, current, bias, current_keep, voltage_keep, level, levels, adaptation, fired
):
    """`fire` for the states u, v, b and r of `basalt/records/adaptive.py`."""
    keep_b, keep_r, step = adaptation[0], adaptation[1], adaptation[2]
    extra, own = current.shape[0] > 0, levels.shape[0] > 0
    spikes = wraps = 0
    for n in range(u.shape[0]):
        wide = np.trunc(u[n] * current_keep[n]) + total[n] * scale
        if extra:
            wide += current[n]
        x = wide - 16777216.0 * np.floor((wide + 8388607.0) * 2.0**-24)  # wrap24
        wraps += x != wide
        u[n] = x
        wide = np.trunc(v[n] * voltage_keep[n]) + x + bias[n]
        z = min(max(wide, -8388607.0), 8388607.0)
        wraps += z != wide
        v[n] = z
        raised, rest = np.trunc(b[n] * keep_b[n]), np.trunc(r[n] * keep_r[n])
        resting = (levels[n] if own else level) + raised
        spike = z >= resting + rest
        more, rests = raised + spike * step[n], rest + spike * 2.0 * resting
        b[n], r[n] = min(more, 8388607.0), min(rests, 8388607.0)
        wraps += (b[n] != more) + (r[n] != rests)
        fired[n] = spike
        spikes += spike
    return spikes, wraps


@njit(**OPTIONS)
def fire(state, total, scale, current, bias, neuron, fired):  # type: ignore[no-untyped-def]
    """One step of the neurons of a sample, whose states are (states, neurons).

    What arrived counts `scale` units of u; `current` (of size 0 if there is none) and `bias` are in those units.
    Returns how many spiked, and how many states wrapped or saturated.
    """
    shared = (total, scale, current, bias, neuron.current_keep, neuron.voltage_keep, neuron.level, neuron.levels)
    if neuron.adaptation.shape[0] > 0:
        return fire_adaptive(state[0], state[1], state[2], state[3], *shared, neuron.adaptation, fired)
    spiking = (*shared, neuron.amount, neuron.amounts, neuron.reset, neuron.refractory, fired)
    if neuron.refractory > 0:
        return fire_resting(state[0], state[1], state[2], *spiking)
    return fire_plain(state[0], state[1], state[1], *spiking)
