"""What a near-memory core is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field

DELAY_BITS = 6
"""Delays reach 62 steps."""
DRIVE_BITS = 16
"""The drive x saturates at 16 bits."""
INPUT_MACS = 1
"""Multipliers of B̄ x: one state per cycle, beside its row of Ā."""


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
        membrane_ports: accesses per cycle of the neurons' memories; with 2 a fused bank takes one group per cycle, with
            1 it takes three cycles per group.
        bank_kib: the largest SRAM macro; a larger memory is made of several, of which one is accessed at a time.
        sram_kib: how large the core's memories are, by name, for the design rules; those not named are made to measure.
        clock_mhz, node_nm: of the clock and of the process.
        dependency_breaking: W_m m[k] as P m[k−1] + ν x[k]. Off, one multiplies W_m with m[k], and waits for its update.
        operator_fusion: one pass over the neurons per step. Off, leak, spike current, memory current, threshold and
            reset are passes of their own, each reads and writes the membranes, three cycles per group and not
            pipelined, and starts when the one before, and what it adds, is complete.
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
