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
    reset: int


def neuron_constants(
    layer: Spiking, inside: Callable[[Int[np.ndarray, "#neurons"]], Int[np.ndarray, "neurons"]]
) -> NeuronConstants:
    """Of a layer; `inside` brings a value per neuron into the kernel's order."""

    def keep(decay: Int[np.ndarray, "#neurons"]) -> Float[np.ndarray, "neurons"]:
        return 1.0 - inside(decay) / (1 << DECAY_BITS)

    neuron = layer.neuron
    return NeuronConstants(
        bias=inside(axis(0) if layer.bias is None else layer.bias) * float(1 << ALIGN),
        start=layer.start,
        current_keep=keep(neuron.current_decay),
        voltage_keep=keep(neuron.voltage_decay),
        level=float(neuron.threshold << ALIGN),
        reset=RESET[neuron.reset],
    )


def no_states(batch: int, neuron: Neuron, neurons: int) -> Int[np.ndarray, "batch states neurons"]:
    """The states before the first step of a sample."""
    return np.zeros((batch, len(neuron.states), neurons), dtype=np.int32)


@njit(**OPTIONS)
def fire(state, total, scale, current, bias, neuron, fired):  # type: ignore[no-untyped-def]
    """One step of the neurons of a sample, whose states are (states, neurons).

    Returns how many spiked, and how many states wrapped or saturated.

    What arrived counts `scale` units of u; `current` (of size 0 if there is none) and `bias` are in those units.
    """
    u, v = state[0], state[1]
    current_keep, voltage_keep, level, reset = neuron.current_keep, neuron.voltage_keep, neuron.level, neuron.reset
    extra = current.shape[0] > 0
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
        spike = z > level
        fired[n] = spike
        spikes += spike
        v[n] = z if not spike or reset == 2 else (0.0 if reset == 0 else z - level)
    return spikes, wraps
