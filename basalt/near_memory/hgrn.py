"""The gated recurrent memory on a near-memory core; symbols are those of `memory.py`.

An event adds a row of F weights for each gate, the three side by side, so that
the sums are there after S·G + b + 1 cycles, b = 1 if S > 0, else 0 (`arrival.bubbles`). When gated, each of N states k
meets rows of two recurrent matrices: N·G·⌈2F/M⌉ cycles from cycle 0 on. The gate bank then takes a group in
max(2F, ⌈5F/M⌉) cycles: two look-ups a unit in the one table that has the most of them, and five products a unit (four
when gated).

    first = max(S·G + b + 1, N·G·⌈2F/M⌉ when gated) + beat + 1,    beat = max(2F, ⌈5F/M⌉)

What bounds it: events, as long as S exceeds 2F; else the table; when gated, the recurrent product.

The walk through a step:

gate_integration    event e adds row g of the three gates' weights, one from each macro, in the cycle in which the
                    layer adds its own, and leaves the event buffer with its last row, as there.
gate_product        from cycle 0, a row of both recurrent matrices every ⌈2F/M⌉ cycles, all states k[t−1] for a group
                    before the next group; its sums stay in registers.
gate_bank           once all sums and products are there, `beat` cycles per group: constants, states and sums are read
                    in the first, the new states are written in the one after the last, and a cycle later the neuron
                    bank may take the group.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from basalt.near_memory.arrival import bubbles
from basalt.near_memory.core import Core
from basalt.near_memory.memory import GATE_BITS, STATE_BITS, Pair, PathwayCost, PathwayWalk, Rows
from basalt.near_memory.steps import Flags, Steps
from basalt.records.hgrn import Hgrn

LOW_BITS, BIAS_BITS, SQUASHED_BITS = 13, 13, 8
"""Of a lower bound of the forget gate, a gate's bias, and a unit's squashed state."""


@dataclass(frozen=True)
class GatedSizes:
    """A gated recurrent memory of `neurons` units, which hears itself when `gated`."""

    inputs: int
    neurons: int
    gated: bool

    part: ClassVar[str] = "hgrn"
    owned: ClassVar[tuple[str, ...]] = (
        "gate_weights",
        "gate_recurrent_weights",
        "gate_constants",
        "gate_sums",
        "gate_state",
    )
    written: ClassVar[tuple[str, ...]] = ("gate_sums", "gate_state")
    paths: ClassVar[tuple[str, ...]] = ("gate_integration", "gate_product", "gate_bank")
    current: ClassVar[str | None] = None

    @property
    def weights_of_event(self) -> int:
        """Weights that an event meets: one of each gate of every unit."""
        return 3 * self.neurons

    @property
    def whole(self) -> bool:
        """Its neurons are not parted: when gated, each hears the states of all within the step."""
        return self.gated

    def of_neurons(self, neurons: int) -> "GatedSizes":
        """The memory of `neurons` of its neurons: their units."""
        return replace(self, neurons=neurons)

    def groups(self, core: Core) -> int:
        """G = ⌈N/F⌉."""
        return -(-self.neurons // core.fused)

    def beat(self, core: Core) -> int:
        """Cycles of a group in the gate bank."""
        return max(2 * core.fused, -(-(4 if self.gated else 5) * core.fused // core.macs))

    def multipliers(self, core: Core, value_bits: int) -> Iterator[tuple[str, tuple[int, Pair]]]:
        """Data path, how many multipliers it has, and their widths: gates' products share `macs`, the widest of which
        meet a gate with a state; graded events need F for each gate."""
        if value_bits > 1:
            yield "gate_integration", (3 * core.fused, (core.weight_bits, value_bits))
        yield "gate_bank", (core.macs, (GATE_BITS, STATE_BITS))

    def product_beat(self, core: Core) -> int:
        """Cycles of a row of both recurrent matrices."""
        return -(-2 * core.fused // core.macs)

    def memories(self, core: Core) -> Iterator[Rows]:
        """Rows of F weights, constants, sums and states."""
        fused, groups = core.fused, self.groups(core)
        yield Rows("gate_weights", 3 * self.inputs * groups, fused * core.weight_bits, macros=3, ports=3)
        if self.gated:
            words = 2 * self.neurons * groups
            yield Rows("gate_recurrent_weights", words, fused * core.weight_bits, macros=2, ports=2)
        yield Rows("gate_constants", groups, fused * (LOW_BITS + core.weight_bits + 3 * BIAS_BITS))
        yield Rows("gate_sums", 3 * groups, fused * core.sum_bits, registers=True, ports=6)
        yield Rows("gate_state", groups, fused * (STATE_BITS + (SQUASHED_BITS if self.gated else 0)), ports=2)

    def cost(self, core: Core, spikes: Steps, heard: Steps, refresh: Flags) -> PathwayCost:
        """The cost of steps with `spikes` input events."""
        groups = self.groups(core)
        none = np.zeros_like(spikes)
        rows = (spikes if core.heterogeneous_stationarity else none + self.inputs) * groups
        product = self.neurons * groups * self.product_beat(core) if self.gated else 0
        beat = self.beat(core)
        work = {"gate_integration": rows, "gate_bank": none + groups * beat}
        accesses = {
            "gate_weights_reads": 3 * rows,
            "gate_constants_reads": none + groups,
            "gate_sums_reads": 3 * rows,
            "gate_sums_writes": 3 * rows,
            "gate_state_reads": none + groups,
            "gate_state_writes": none + groups,
        }
        if self.gated:
            work["gate_product"] = none + product
            accesses["gate_recurrent_weights_reads"] = none + 2 * self.neurons * groups
        first = np.maximum(rows + bubbles(core, spikes) + 1, product) + beat + 1
        return PathwayCost(first, none + beat, {}, work, accesses)

    def walk(self, walk: PathwayWalk, seen: list[int]) -> int:
        """The paths of a step."""
        return walk_gated(walk, self, seen)


def gated_sizes(memory: Hgrn) -> GatedSizes:
    """Of a record."""
    neurons, inputs = memory.shape
    return GatedSizes(inputs, neurons, memory.gated)


def walk_gated(walk: PathwayWalk, sizes: GatedSizes, seen: list[int]) -> int:
    """The paths of a gated memory; sets when each group's current is there, and gives the cycle in which all else is
    done."""
    events = len(seen) if walk.core.heterogeneous_stationarity else sizes.inputs
    begin = max(add_gates(walk, sizes, events), multiply_gates(walk, sizes) if sizes.gated else 0)
    beat = sizes.beat(walk.core)
    for group in range(walk.groups):
        cycle = begin + group * beat
        walk.put(cycle, "gate_bank", "gate_constants", "reads", group)
        walk.put(cycle, "gate_bank", "gate_state", "reads", group)
        for gate in range(3 if events else 0):
            walk.put(cycle, "gate_bank", "gate_sums", "reads", gate * walk.groups + group)
        walk.put(cycle + beat, "gate_bank", "gate_state", "writes", group)
        walk.current_at[group] = cycle + beat + 2
    return begin + walk.groups * beat + 1


def add_gates(walk: PathwayWalk, sizes: GatedSizes, events: int) -> int:
    """Inputs stationary: each event adds its rows to the sums of the three gates; when all are there."""
    path, groups = "gate_integration", walk.groups
    buffered = walk.core.heterogeneous_stationarity
    walk.products += 3 * walk.events.spikes * walk.sizes.neurons
    end = 0
    for event in range(events):
        begin = walk.starts[event] if buffered else event * groups
        end = begin + groups
        if buffered:
            walk.put(begin, path, "event_buffer", "reads", event % walk.core.event_buffer)
        for group in range(groups):
            cycle = begin + group
            for gate in range(3):
                walk.put(cycle, path, "gate_weights", "reads", (gate * sizes.inputs + event) * groups + group)
                if event:
                    walk.put(cycle + 1, path, "gate_sums", "reads", gate * groups + group)
                walk.put(cycle + 1, path, "gate_sums", "writes", gate * groups + group)
    return end + 1


def multiply_gates(walk: PathwayWalk, sizes: GatedSizes) -> int:
    """Outputs stationary: all states of the step before go by each group; when the last did."""
    beat = sizes.product_beat(walk.core)
    rows = sizes.neurons * walk.groups
    for row in range(rows):
        for matrix in range(2):
            walk.put(row * beat, "gate_product", "gate_recurrent_weights", "reads", matrix * rows + row)
    return rows * beat
