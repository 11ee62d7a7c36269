"""What a near-memory core is made of, and what a layer asks of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int

from basalt.near_memory.convolution import ConvSizes
from basalt.near_memory.memory import PathwaySizes

DELAY_BITS = 6
"""Delays reach 62 steps."""
DRIVE_BITS = 16
"""The drive x saturates at 16 bits."""
INPUT_MACS = 1
"""Multipliers of B̄ x: a state a cycle, beside its row of Ā."""


@dataclass(frozen=True)
class Core:
    """One core: `fused` adders for spikes, multipliers for the memory product and the memory's update, a bank of
    neurons, and SRAM beside them.

    The published register-transfer design has `state_bits` 16, `sum_bits` 24, `coefficient_bits` 8, a membrane memory
    with one port and an event buffer of 32. Basalt's integers need 24-bit states and products of up to 40 bits, so
    that these are the defaults; every width is a parameter.

    Attributes:
        name: for people.
        neurons, inputs, states: the largest layer that the core is made for.
        fused: neurons in a row of the memories, which are added to, multiplied for and updated at a time.
        macs: multipliers of the memory product P m; a row of `fused` weights takes ⌈fused/macs⌉ cycles.
        drive_macs: multipliers of ν x, which works beside P m; a group of `fused` neurons takes ⌈fused/drive_macs⌉
            cycles. Without dependency breaking there are none.
        update_macs: multipliers of the memory update Ā m; a row of Ā takes ⌈states/update_macs⌉ cycles. B̄ x has one
            of its own (`INPUT_MACS`).
        weight_bits: of W_f, W_x, P, ν and recurrent weights.
        coefficient_bits: of Ā and B̄.
        state_bits: of membrane u, current and slow state m.
        sum_bits, product_bits: of the accumulators of spikes, and of the sums of the memory product.
        current_bits: of the memory's currents, which are those sums in units of u.
        event_buffer: input events that wait in the core; when it is full the sender waits, and nothing is lost.
        membrane_ports: accesses a cycle of the neurons' memories; with 2 a fused bank takes a group a cycle, with 1
            three cycles a group.
        bank_kib: the largest SRAM macro; a larger memory is made of several, of which one is accessed at a time.
        sram_kib: how large the core's memories are, by name, for the design rules; those not named are made to measure.
        clock_mhz, node_nm: of the clock and of the process.
        dependency_breaking: W_m m[k] as P m[k−1] + ν x[k]. Off, one multiplies W_m with m[k], and waits for its update.
        operator_fusion: one pass over the neurons a step. Off, leak, spike current, memory current, threshold and reset
            are passes of their own, each reads and writes the membranes, three cycles a group and not pipelined, and
            starts when the one before, and what it adds, is complete.
        heterogeneous_stationarity: spikes with their inputs stationary (only rows of inputs that spiked are read), the
            dense product with its outputs stationary (sums stay in registers). Off, the other way round for both: all
            rows of weights are read for each group of neurons, spike or not, and the sums of the memory product are
            read from and written back to a memory of one port for each of the d states and for x.
    """

    name: str = "default"
    neurons: int = 128
    inputs: int = 700
    states: int = 8
    fused: int = 4
    macs: int = 4
    drive_macs: int = 4
    update_macs: int = 8
    weight_bits: int = 8
    coefficient_bits: int = 16
    state_bits: int = 24
    sum_bits: int = 24
    product_bits: int = 40
    current_bits: int = 32
    event_buffer: int = 32
    membrane_ports: int = 2
    bank_kib: int = 128
    sram_kib: Mapping[str, float] = field(default_factory=dict, hash=False)
    clock_mhz: float = 200.0
    node_nm: float = 22.0
    dependency_breaking: bool = True
    operator_fusion: bool = True
    heterogeneous_stationarity: bool = True

    @property
    def group_cycles(self) -> int:
        """Cycles from one group of neurons to the next in the neuron bank."""
        return 1 if self.operator_fusion and self.membrane_ports > 1 else 3

    @property
    def drive_cycles(self) -> int:
        """Cycles of a group in the product with x."""
        return -(-self.fused // self.drive_macs)


SWITCHES = ("dependency_breaking", "operator_fusion", "heterogeneous_stationarity")
"""The optimisations of a core that can be turned off."""


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

    @property
    def graded(self) -> bool:
        """Whether input events carry values, by which weights are multiplied."""
        return self.value_bits > 1

    @property
    def hears_itself(self) -> bool:
        """Whether spikes of the step before come back, one way or the other."""
        return self.recurrent or self.diagonal

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


def spiking_sizes(
    inputs: int,
    neurons: int,
    current_decay: Int[np.ndarray, "#neurons"],
    delay: Int[np.ndarray, "neurons"] | None,
    recurrent: bool,
    states: int = 0,
    update_interval: int = 1,
    pathway: PathwaySizes | None = None,
    conv: ConvSizes | None = None,
    diagonal: bool = False,
    value_bits: int = 1,
) -> Sizes:
    """Sizes of a layer of spiking neurons: with a slow memory of so many states, another pathway, or a convolution."""
    return Sizes(
        inputs=inputs,
        neurons=neurons,
        states=states,
        update_interval=update_interval,
        recurrent=recurrent and not diagonal,
        longest_delay=None if delay is None else int(np.max(delay)),
        current=bool(np.any(np.asarray(current_decay) < 1 << 12)),
        passes=Sizes.passes if states or pathway else WITHOUT_MEMORY,
        pathway=pathway,
        conv=conv,
        diagonal=diagonal,
        value_bits=value_bits,
    )


def readout_sizes(
    inputs: int, classes: int, voltage_decay: int | None, value_bits: int = 1, current_decay: int | None = None
) -> Sizes:
    """Sizes of a read-out: 32-bit sums, and 24-bit membranes beside them where those are summed; or membranes alone,
    and their currents where those outlive a step."""
    if current_decay is not None:
        outlives = current_decay < 1 << 12
        return Sizes(inputs, classes, passes=MEMBRANES, current=outlives, value_bits=value_bits, fires=False)
    summed = voltage_decay is None
    return Sizes(
        inputs,
        classes,
        passes=SUMS if summed else MEAN_MEMBRANES,
        membrane_bits=32 if summed else 56,
        value_bits=value_bits,
        fires=False,
    )
