"""The memories and multipliers that a layer needs in a core, derived from its sizes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from basalt.near_memory import mechanisms
from basalt.near_memory.core import DELAY_BITS, DRIVE_BITS, INPUT_MACS, Core
from basalt.near_memory.memory import STATE_BITS, Rows
from basalt.near_memory.sizes import DELAY_WORD, Sizes
from basalt.records.arithmetic import DECAY_BITS

SPIKING, SLOW_MEMORY = "spiking", "slow_memory"
"""The parts of a layer that memories and data paths belong to."""

OWNER = {
    "event_buffer": SPIKING,
    "input_weights": SPIKING,
    "kernel_weights": SPIKING,
    "recurrent_weights": SPIKING,
    "accumulators": SPIKING,
    "touched": SPIKING,
    "membrane": SPIKING,
    **{memory: SPIKING for memory, _ in mechanisms.STATES.values()},
    **dict.fromkeys(mechanisms.CONSTANTS, SPIKING),
    "delays": SPIKING,
    "delay_line": SPIKING,
    "output_spikes": SPIKING,
    "drive_weights": SLOW_MEMORY,
    "memory_weights": SLOW_MEMORY,
    "drive_memory_weights": SLOW_MEMORY,
    "transition": SLOW_MEMORY,
    "memory_sums": SLOW_MEMORY,
    "memory_current": SLOW_MEMORY,
    "slow_state": SLOW_MEMORY,
    **mechanisms.OWNER,
}
"""Every memory, and the part that it belongs to."""


@dataclass(frozen=True)
class Memory:
    """One memory. A word is what one access moves: a row of `fused` neurons in most.

    Attributes:
        name: one of `OWNER`.
        words, bits: how many there are, and how wide each is.
        ports: accesses that it takes in a cycle.
        banks: macros that it is made of; an access goes to one of them.
        registers: made of registers, not of SRAM.
        parallel: macros that lie side by side, each with ports of its own.
    """

    name: str
    words: int
    bits: int
    ports: int = 1
    banks: int = 1
    registers: bool = False
    parallel: int = 1

    @property
    def size(self) -> int:
        """All its bits."""
        return self.words * self.bits

    @property
    def kib(self) -> float:
        """The same in KiB."""
        return self.size / 8192

    @property
    def macro_ports(self) -> int:
        """Ports of each of its macros."""
        return -(-self.ports // self.parallel)


def memories(core: Core, sizes: Sizes) -> dict[str, Memory]:
    """The memories of a layer by name, G = ⌈N/fused⌉ rows of F = fused words each:

        event_buffer            a number of an input each, and the value that it carries where it is graded
        input_weights (W_f)     inputs·G rows of F weights
        recurrent_weights (V)   N·G rows of F weights, with recurrence; G where it is diagonal
        kernel_weights          of a convolution instead: rows of F weights of the kernel (`ConvSizes.kernel_rows`)
        accumulators            G rows of F sums: the currents of this step's spikes; of a convolution SRAM
        touched                 of a convolution: a bit a row of sums that something was added to in this step
        membrane (u)            G rows of F states; so the synaptic current where it outlives a step
        thresholds              G rows of F thresholds, where neurons have one each; one port
        rest                    G rows of F counters of 6 bits, where neurons have refractory steps
        reset_amounts           likewise of what a soft reset subtracts, where that is not the threshold
        delays                  one delay per neuron
        delay_line              (longest + 1)·⌈N/32⌉ words of 32 bits: who fires in that many steps
        drive_weights (W_x)     one weight per input
        memory_weights (P)      d·G rows of F weights (W_m without dependency breaking)
        drive_memory_weights ν  G rows of F weights, with dependency breaking
        transition (Ā)          d rows of d coefficients
        memory_sums             G rows of F sums of P m, registers, which ν x is added to
        memory_current          G rows of F currents, registers that the bank reads; with inputs stationary an SRAM of
                                both, as wide as the sums
        output_spikes           2·G rows of F bits, registers: who fires in this step, and who did in the one before,
                                whose spikes leave meanwhile, one per cycle, and return if the layer is recurrent
        slow_state              m[k], m[k−1], B̄, x and the bias: registers that all are seen at once, with no accesses

    Those of other pathways are in `memory.py`.

    Weights and coefficients have one port. What is in the list but not needed has no entry.
    """
    rows, fused = sizes.groups(core), core.fused
    state_row = fused * (sizes.membrane_bits or core.state_bits)
    event_bits = max(1, (sizes.inputs - 1).bit_length()) + (sizes.value_bits if sizes.graded else 0)
    found = [
        Memory("event_buffer", core.event_buffer, event_bits, ports=3, registers=True),
        *synapse_memories(core, sizes),
        sram(core, "membrane", rows, state_row, core.membrane_ports),
    ]
    if sizes.fires:
        found.append(Memory("output_spikes", 2 * rows, fused, ports=2, registers=True))
    if sizes.hears_itself:
        words = rows if sizes.diagonal else sizes.neurons * rows
        found.append(sram(core, "recurrent_weights", words, fused * core.weight_bits))
    beside = (name for name in sizes.kept if name != "membrane")
    bits = {name: mechanisms.NARROW.get(name, core.state_bits) for name in beside}
    found += [sram(core, name, rows, fused * width, core.membrane_ports) for name, width in bits.items()]
    found += [sram(core, name, rows, fused * mechanisms.CONSTANTS[name]) for name, _ in sizes.constants]
    if sizes.longest_delay is not None:
        found.append(sram(core, "delays", sizes.neurons, DELAY_BITS))
        found.append(sram(core, "delay_line", (sizes.longest_delay + 1) * sizes.slots(core), DELAY_WORD))
    if sizes.states:
        found += list(memory_pathway(core, sizes))
    if sizes.pathway is not None:
        found += [memory_of(core, rows) for rows in sizes.pathway.memories(core)]
    return {memory.name: memory for memory in found}


def synapse_memories(core: Core, sizes: Sizes) -> Iterator[Memory]:
    """Weights and sums: a row of sums takes the rows of all inputs, or those of the kernel that move."""
    rows, fused = sizes.groups(core), core.fused
    if sizes.conv is None:
        yield sram(core, "input_weights", sizes.inputs * rows, fused * core.weight_bits)
        yield Memory("accumulators", rows, fused * core.sum_bits, ports=3, registers=True)
        return
    if sizes.conv.pool:
        yield Memory("kernel_weights", 1, core.weight_bits, registers=True)
    else:
        yield sram(core, "kernel_weights", sizes.conv.kernel_rows(core), fused * core.weight_bits)
    yield sram(core, "accumulators", rows, fused * core.sum_bits, ports=2)
    yield Memory("touched", 1, rows, registers=True)


def memory_pathway(core: Core, sizes: Sizes) -> Iterator[Memory]:
    """The memories of the slow memory."""
    rows, fused, states = sizes.groups(core), core.fused, sizes.states
    yield sram(core, "drive_weights", sizes.inputs, core.weight_bits)
    yield sram(core, "memory_weights", states * rows, fused * core.weight_bits)
    if core.dependency_breaking:
        yield sram(core, "drive_memory_weights", rows, fused * core.weight_bits)
    row = min(states, core.update_macs) * core.coefficient_bits
    yield sram(core, "transition", sizes.update_rows(core), row)
    if core.heterogeneous_stationarity:
        if core.dependency_breaking:
            yield Memory("memory_sums", rows, fused * core.product_bits, ports=2, registers=True)
        yield Memory("memory_current", rows, fused * core.current_bits, ports=2, registers=True)
    else:
        yield sram(core, "memory_current", rows, fused * core.product_bits)
    bits = states * (2 * core.state_bits + core.coefficient_bits) + 2 * DRIVE_BITS
    yield Memory("slow_state", 1, bits, registers=True)


def memory_of(core: Core, rows: Rows) -> Memory:
    """A pathway's memory: registers, or an SRAM of at least `rows.macros` macros."""
    if rows.registers:
        return Memory(rows.name, rows.words, rows.bits, rows.ports, registers=True)
    one = sram(core, rows.name, -(-rows.words // rows.macros), rows.bits, rows.ports)
    return replace(one, words=rows.words, banks=one.banks * rows.macros, parallel=rows.macros)


def sram(core: Core, name: str, words: int, bits: int, ports: int = 1) -> Memory:
    """An SRAM of as many macros as it needs."""
    banks = -(-words * bits // (core.bank_kib * 8192))
    return Memory(name, words, bits, ports, max(banks, 1))


@dataclass(frozen=True)
class Multipliers:
    """Multipliers of a data path: how many, and the widths of their two factors."""

    count: int
    bits: tuple[int, int]

    @property
    def cells(self) -> int:
        """Bits of one factor times bits of the other, of all: what an array multiplier grows with."""
        return self.count * self.bits[0] * self.bits[1]


def multipliers(core: Core, sizes: Sizes) -> dict[str, Multipliers]:
    """The multipliers that a layer needs, by data path, F = fused:

        spike_integration   F, of a weight with the value of a graded event; none for spikes
        drive               one such, of W_x
        memory_product      `macs`, of P with m
        drive_product       `drive_macs`, of ν with x, beside them; none without dependency breaking
        memory_update       `update_macs`, of Ā with m
        memory_input        one, of B̄ with x, beside them
        neuron_bank         F of a membrane with its decay, and F of a current that outlives a step; none where a
                            read-out sums spikes alone

    and those of other pathways (`memory.py`).
    """
    fused, state = core.fused, STATE_BITS
    found = {}
    if sizes.graded:
        found["spike_integration"] = Multipliers(fused, (core.weight_bits, sizes.value_bits))
    decaying = fused * (("leak" in sizes.passes) + len(sizes.kept) - 1)
    if decaying:
        found["neuron_bank"] = Multipliers(decaying, (DECAY_BITS, state))
    if sizes.states:
        if sizes.graded:
            found["drive"] = Multipliers(1, (core.weight_bits, sizes.value_bits))
        found["memory_product"] = Multipliers(core.macs, (core.weight_bits, core.state_bits))
        if core.dependency_breaking:
            found["drive_product"] = Multipliers(core.drive_macs, (core.weight_bits, DRIVE_BITS))
        found["memory_update"] = Multipliers(core.update_macs, (core.coefficient_bits, core.state_bits))
        found["memory_input"] = Multipliers(INPUT_MACS, (core.coefficient_bits, DRIVE_BITS))
    if sizes.pathway is not None:
        needed = sizes.pathway.multipliers(core, sizes.value_bits)
        found |= {path: Multipliers(count, bits) for path, (count, bits) in needed}
    return found


@dataclass(frozen=True)
class Misfit:
    """A design rule that a layer breaks in a core: `what` is `value`, the core has `limit`."""

    rule: str
    what: str
    value: float
    limit: float

    def __str__(self) -> str:
        over = self.value - self.limit
        return f"{self.rule}: {self.what} {self.value:g}, the core has {self.limit:g}: {over:g} more than fits"


def misfits(core: Core, sizes: Sizes) -> list[Misfit]:
    """The design rules that the layer breaks: what does not fit, and by how much.

    Rules: `neurons`, `inputs`, `states` (no more than the core has lanes, rows and registers for), `state_bits` (the
    integers of u, v and m have 24 bits), `product_bits` (those of P m + ν x are as wide as a weight, a state and the
    carries of d + 1 terms) and `sram` (a memory no larger than the core's of that name, in KiB).
    """
    product = core.weight_bits + STATE_BITS + sizes.states.bit_length()
    needed = {
        "neurons": ("neurons of the layer are", sizes.neurons),
        "inputs": ("inputs of the layer are", sizes.inputs),
        "states": ("states of the slow memory are", sizes.states),
        "state_bits": ("bits of a state are", STATE_BITS),
        "product_bits": ("bits of the memory product are", product if sizes.states else 0),
    }
    found = [
        Misfit(rule, what, value, getattr(core, rule))
        for rule, (what, value) in needed.items()
        if value > getattr(core, rule)
    ]
    for memory in memories(core, sizes).values():
        limit = core.sram_kib.get(memory.name)
        if limit is not None and memory.kib > limit:
            found.append(Misfit("sram", f"KiB of {memory.name} are", memory.kib, limit))
    return found
