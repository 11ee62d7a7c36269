"""How large a step's sums can become, from weights, fan-in, graded input, recurrence and memory.

Design rules keep every network within what kernels hold; a current that leaves 24 bits wraps, which is part of the
recurrence.
"""

from collections.abc import Iterator

from basalt.records.arithmetic import ALIGN, DECAY_BITS, DECAY_MAX, STATE_LIMIT
from basalt.records.layer import Layer
from basalt.records.network import Network
from basalt.records.reach import Sums
from basalt.records.readout import Readout
from basalt.records.synapses import Spiking

INPUT_MAX = 255
"""The largest value that an input may have; what layers send is 0 or 1."""

SUM_MAX = (1 << 31) - 1
"""What a step may bring to a neuron, in weight units."""


def step_sums(layer: Spiking | Readout, value: int) -> Sums:
    """Everything that a layer adds up in a step, in weight units, with a name, for inputs up to `value`."""
    yield "what a step brings to a neuron", layer.largest_sum(value)
    memory = getattr(layer, "memory", None)
    if memory is not None:
        yield from memory.sums(value)


def inputs_of(network: Network) -> Iterator[tuple[Layer, int]]:
    """Each layer with the largest value that reaches it."""
    for position, layer in enumerate(network.layers):
        yield layer, 1 if position else INPUT_MAX


def wraps_once(layer: Spiking, value: int) -> bool:
    """Whether the current u stays below 3·2²³ before it wraps, so that one wrap suffices.

    |u| ≤ 2²³ leaves 2²³·(4096 − d)/4096 of itself, to which a step adds |a| << 6 at most.
    """
    kept = DECAY_MAX - int(layer.neuron.current_decay.min())
    return ((STATE_LIMIT * kept) >> DECAY_BITS) + (layer.largest_sum(value) << ALIGN) < 3 * STATE_LIMIT
