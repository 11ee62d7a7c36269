"""What a layer asks of a near-memory core."""

from dataclasses import dataclass

import numpy as np

from basalt.near_memory.convolution import ConvSizes, conv_sizes
from basalt.near_memory.core import Core
from basalt.near_memory.mechanisms import SIZES, STATES
from basalt.near_memory.memory import PathwaySizes
from basalt.records.arithmetic import DECAY_MAX
from basalt.records.layer import Layer
from basalt.records.neuron import Neuron
from basalt.records.readout import Readout
from basalt.records.synapses import Conv, Encoder, Spiking


@dataclass(frozen=True)
class Sizes:
    """What the schedule of a layer depends on, beside its events.

    Attributes:
        inputs, neurons: of the layer.
        states: d of the slow memory, 0 without one.
        update_interval: steps between refreshes of the memory's current.
        recurrent: the layer hears the spikes that it fired the step before, as events.
        diagonal: each of its neurons hears its own, for which the bank reads a weight beside the membrane.
        longest_delay: of the spikes that leave, in steps; None for no delays.
        current: the synaptic current outlives a step, so that it is kept beside the membrane.
        passes: what is done to a neuron in a step, in order; one pass where they are fused.
        membrane_bits: of a neuron's membrane, None for the core's `state_bits`.
        pathway: of another memory pathway than a slow memory.
        conv: of a convolution, whose inputs and neurons are those of all its positions.
        value_bits: of the value that an input event carries; 1 for spikes, which carry none.
        fires: its neurons spike; those of a read-out do not.
        constants: of each of its neurons, as `mechanisms.CONSTANTS` has them, and the passes that read a row of them.
        more_states: of its neurons, beyond membrane and current, as `mechanisms.STATES` has them.
    """

    inputs: int
    neurons: int
    states: int = 0
    update_interval: int = 1
    recurrent: bool = False
    longest_delay: int | None = None
    current: bool = False
    passes: tuple[str, ...] = ("leak", "spikes", "memory", "threshold", "reset")
    membrane_bits: int | None = None
    pathway: PathwaySizes | None = None
    conv: ConvSizes | None = None
    diagonal: bool = False
    value_bits: int = 1
    fires: bool = True
    more_states: tuple[str, ...] = ()
    constants: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def graded(self) -> bool:
        """Whether input events carry values, by which weights are multiplied."""
        return self.value_bits > 1

    @property
    def hears_itself(self) -> bool:
        """Whether spikes of the step before come back, one way or the other."""
        return self.recurrent or self.diagonal

    @property
    def kept(self) -> dict[str, tuple[str, ...]]:
        """The memories of the neurons' states, and the passes that read and write each."""
        found = {"membrane": self.passes}
        for state in ("u", *self.more_states) if self.current else self.more_states:
            memory, passes = STATES[state]
            found[memory] = tuple(name for name in self.passes if name in passes)
        return found

    def groups(self, core: Core) -> int:
        """G = ⌈N / fused⌉, rows of a memory that has a word for each neuron; of a convolution a position begins a
        row."""
        return -(-self.neurons // core.fused) if self.conv is None else self.conv.sweep(core)

    def product_cycles(self, core: Core) -> int:
        """Cycles that the memory product of a group takes with its sums in registers."""
        return self.states * -(-core.fused // core.macs)

    def update_rows(self, core: Core) -> int:
        """Rows of Ā, each read in a cycle."""
        return self.states * -(-self.states // core.update_macs)

    def slots(self, core: Core) -> int:
        """Words of `DELAY_WORD` neurons in a step of the delay line; 0 without delays."""
        return 0 if self.longest_delay is None else -(-self.neurons // DELAY_WORD)


DELAY_WORD = 32
"""Neurons in a word of the delay line, a bit each."""

WITHOUT_MEMORY = ("leak", "spikes", "threshold", "reset")
SUMS = ("spikes",)
MEAN_MEMBRANES = ("leak", "spikes", "sum")
MEMBRANES = ("leak", "spikes")


def sizes_of(layer: Layer, value_bits: int = 1) -> Sizes:
    """What the schedule of a layer depends on; its input events carry values of `value_bits` bits, spikes none."""
    if isinstance(layer, Readout):
        return readout_sizes(layer, value_bits)
    assert isinstance(layer, Spiking)
    memory = layer.memory
    return Sizes(
        inputs=layer.inputs,
        neurons=layer.neurons,
        update_interval=1 if memory is None else memory.interval,
        recurrent=layer.recurrence == "full",
        longest_delay=None if layer.delay is None else int(layer.delay.max()),
        current=bool((layer.neuron.current_decay < DECAY_MAX).any()),
        passes=WITHOUT_MEMORY if memory is None else Sizes.passes,
        conv=conv_sizes(layer.convolution) if isinstance(layer, Conv | Encoder) else None,
        diagonal=layer.recurrence == "diagonal",
        value_bits=value_bits,
        more_states=layer.neuron.states[2:],
        constants=constants_of(layer.neuron),
        **({} if memory is None else SIZES[memory.kind](memory)),
    )


def constants_of(neuron: Neuron) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Thresholds that differ, which a reset that subtracts them needs again where passes are not fused; reset amounts
    that differ from them, and among each other."""
    found: list[tuple[str, tuple[str, ...]]] = []
    if neuron.own_thresholds:
        found.append(("thresholds", ("threshold", "reset") if neuron.subtracts else ("threshold",)))
    if neuron.own_amount and np.ptp(neuron.amount):
        found.append(("reset_amounts", ("reset",)))
    return tuple(found)


def readout_sizes(layer: Readout, value_bits: int = 1) -> Sizes:
    """32-bit sums, and 24-bit membranes beside them where those are summed; or membranes alone, and their currents
    where those outlive a step."""
    inputs, classes = layer.inputs, layer.neurons
    if layer.current_decay is not None:
        outlives = layer.current_decay < DECAY_MAX
        return Sizes(inputs, classes, passes=MEMBRANES, current=outlives, value_bits=value_bits, fires=False)
    summed = layer.voltage_decay is None
    return Sizes(
        inputs,
        classes,
        passes=SUMS if summed else MEAN_MEMBRANES,
        membrane_bits=32 if summed else 56,
        value_bits=value_bits,
        fires=False,
    )
