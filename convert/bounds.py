"""How large a step's sums can become, from weights, fan-in, graded input, recurrence and memory.

Kernels hold what arrives at a neuron in a step in 32 bits, and products of memory pathways in float64, exact below 2⁵³.
Design rules keep every network within both; a current that leaves 24 bits wraps, which is part of the recurrence.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from jaxtyping import Int

from basalt.records.arithmetic import STATE_MAX
from basalt.records.hgrn import GATES, Hgrn
from basalt.records.hopfield import Hopfield
from basalt.records.layer import Layer
from basalt.records.network import Network
from basalt.records.readout import Readout
from basalt.records.slow_memory import SlowMemory
from basalt.records.synapses import Encoder, Spiking

INPUT_MAX = 255
"""The largest value that an input may have; what layers send is 0 or 1."""

SUM_MAX = (1 << 31) - 1
"""What a step may bring to a neuron, in weight units."""

PRODUCT_MAX = (1 << 52) - 1
"""What the products of a memory pathway may reach; float64 is exact to twice as much."""

DRIVE_MAX = (1 << 15) - 1
SQUASHED_MAX = 127

Sums = Iterator[tuple[str, int]]


def rows_reach(weight: Int[np.ndarray, "rows columns"], value: int = 1) -> int:
    """The largest |weight · x| of any row over all x from 0 to `value`."""
    if not weight.size:
        return 0
    above = np.maximum(weight, 0).sum(axis=1, dtype=np.int64).max()
    below = np.minimum(weight, 0).sum(axis=1, dtype=np.int64).min()
    return int(max(above, -below)) * value


def signed_reach(weight: Int[np.ndarray, "rows columns"], value: int) -> int:
    """The largest |weight · x| of any row over all x from −`value` to `value`."""
    return int(np.abs(weight.astype(np.int64)).sum(axis=1).max(initial=0)) * value


def synapses_reach(layer: Spiking | Readout, value: int) -> int:
    """The largest |a[t]| of a layer, in weight units, for inputs up to `value`."""
    if isinstance(layer, Encoder):
        return abs(layer.weight.item()) * value + abs(layer.offset)
    weight = layer.weight.reshape(len(layer.weight), -1)
    own = getattr(layer, "recurrent_weight", None)
    if own is None:
        return rows_reach(weight, value)
    heard = own[:, None] if own.ndim == 1 else own
    return rows_reach(np.concatenate([weight * value, heard], axis=1))


def drive_sums(memory: SlowMemory, value: int) -> Sums:
    """What a slow memory adds up in a step."""
    yield "the drive of its slow memory", rows_reach(memory.drive_weight[None], value)


def gate_sums(memory: Hgrn, value: int) -> Sums:
    """What the gates of a gated memory add up in a step, what they hear of the state included."""
    heard = {"forget": memory.forget_recurrent, "gate": memory.update_recurrent}
    for gate in GATES:
        own = heard.get(gate)
        more = 0 if own is None else signed_reach(own, SQUASHED_MAX)
        total = rows_reach(getattr(memory, f"{gate}_weight"), value) + more
        yield f"the {gate} gate of its memory", total + int(np.abs(getattr(memory, f"{gate}_bias")).max(initial=0))


def no_sums(memory: Hopfield, value: int) -> Sums:
    """A query is a trace that saturates."""
    yield from ()


SUMS: dict[str, Callable[[Any, int], Sums]] = {
    SlowMemory.kind: drive_sums,
    Hgrn.kind: gate_sums,
    Hopfield.kind: no_sums,
}
"""Kind of a memory pathway → its sums of a step, each with a name."""


def step_sums(layer: Layer, value: int) -> Sums:
    """Everything that a layer adds up in a step, in weight units, with a name, for inputs up to `value`."""
    if isinstance(layer, Spiking | Readout):
        yield "what a step brings to a neuron", synapses_reach(layer, value)
    memory = getattr(layer, "memory", None)
    if memory is not None:
        yield from SUMS[memory.kind](memory, value)


def slow_products(memory: SlowMemory) -> Sums:
    """[Ā B̄] and [P ν] on a full state and a full drive."""
    pairs = {"transition": memory.drive_input, "memory_weight": memory.drive_memory_weight}
    for name, forced in pairs.items():
        driven = int(np.abs(forced).max(initial=0)) * DRIVE_MAX
        yield f"product of {name}", signed_reach(getattr(memory, name), STATE_MAX) + driven


def query_products(memory: Hopfield) -> Sums:
    """The keys on a full query."""
    yield "product of keys", signed_reach(memory.keys, STATE_MAX)


def inputs_of(network: Network) -> Iterator[tuple[Layer, int]]:
    """Each layer with the largest value that reaches it."""
    for position, layer in enumerate(network.layers):
        yield layer, 1 if position else INPUT_MAX


def wraps_once(layer: Spiking, value: int) -> bool:
    """Whether the current u stays below 3·2²³ before it wraps, so that one wrap suffices.

    |u| ≤ 2²³ leaves 2²³·(4096 − d)/4096 of itself, to which a step adds |a| << 6 at most.
    """
    kept = 4096 - int(layer.neuron.current_decay.min())
    return (((STATE_MAX + 1) * kept) >> 12) + (synapses_reach(layer, value) << 6) < 3 * (STATE_MAX + 1)
