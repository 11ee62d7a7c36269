"""What happens in every cycle of a step in the paths of a gated or an associative memory, access by access.

As in `walk.py`, beside the layer's own paths and on the same input events; symbols are those of `pathways.py`.

gate_integration    event e adds row g of the three gates' weights, one from each macro, in the cycle in which the
                    layer adds its own, and leaves the event buffer with its last row, as there.
gate_product        from cycle 0, a row of both recurrent matrices every ⌈2F/M⌉ cycles, all states k[t−1] for a group
                    before the next group; its sums stay in registers.
gate_bank           once all sums and products are there, `beat` cycles a group: constants, states and sums are read in
                    the first, the new states are written in the one after the last, and a cycle later the neuron bank
                    may take the group.

trace_update        event e is noted in the cycle after it entered; a group of traces every g cycles from `heard` on,
                    or as often as its keys allow: read, leaked and added to, written in the second cycle after.
similarity          the keys of a group of traces (later: of the query) go by, a row every c cycles; each adds to the
                    similarity of its pattern. Classical: a row of R ±1 keys every ⌈R/M⌉ cycles, pattern by pattern.
softmax             K similarities are read, one a cycle; two cycles behind each, its exponential is added; then
                    the reciprocal's two cycles, and M products a cycle, written the cycle after.
recall              a row of keys, in the last iteration of values, and a weight every c cycles; a group of the query,
                    or of currents, is written when its K rows went by, and the neuron bank reads it a cycle later.
                    Classical: row by row of keys, and all currents when the last row went by, a group a cycle.

Similarities are registers. What is needed in the cycle in which it is written (a query of one group, the similarity of
one pattern) is forwarded. Registers within a path have no accesses: sums of the products, k[t−1], exponentials that
wait for their sum, bits of a classical query, and the gate bank's currents until the neuron bank takes them.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from basalt.near_memory.memory import AssociativeSizes, GatedSizes

if TYPE_CHECKING:
    from basalt.near_memory.walk import Walk


def walk_gated(walk: "Walk", sizes: GatedSizes, seen: list[int]) -> int:
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


def add_gates(walk: "Walk", sizes: GatedSizes, events: int) -> int:
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


def multiply_gates(walk: "Walk", sizes: GatedSizes) -> int:
    """Outputs stationary: all states of the step before go by each group; when the last did."""
    beat = sizes.product_beat(walk.core)
    rows = sizes.neurons * walk.groups
    for row in range(rows):
        for matrix in range(2):
            walk.put(row * beat, "gate_product", "gate_recurrent_weights", "reads", matrix * rows + row)
    return rows * beat


def walk_associative(walk: "Walk", sizes: AssociativeSizes, seen: list[int]) -> int:
    """The same of an associative memory."""
    return AssociativeWalk(walk, sizes).step(seen)


class AssociativeWalk:
    """One step of an associative memory; its methods take the cycle in which a pass begins, and give that in which the
    next one may."""

    def __init__(self, walk: "Walk", sizes: AssociativeSizes) -> None:
        self.walk, self.sizes, self.core = walk, sizes, walk.core
        self.traces = sizes.trace_rows(walk.core)
        self.beat = sizes.beat(walk.core)
        self.row = self.beat // sizes.patterns

    def step(self, seen: list[int]) -> int:
        """Hear, trace, and recall where the step refreshes."""
        heard = self.hear(seen)
        updated = heard + self.traces * self.core.group_cycles + 2
        if not self.walk.events.refresh:
            self.trace(heard, self.core.group_cycles)
            return updated
        begin = self.modern(heard) if self.sizes.modern else self.classical(heard)
        for group in range(self.walk.groups):
            cycle = begin + (group + 1) * self.beat if self.sizes.modern else begin + group
            self.walk.put(cycle, "recall", "recalled", "writes", group)
            self.walk.current_at[group] = cycle + 2
        return updated

    def hear(self, seen: list[int]) -> int:
        """The events once they have entered, a bit each."""
        if not self.core.heterogeneous_stationarity:
            return self.walk.known(list(range(self.sizes.inputs)))
        for event, cycle in enumerate(seen):
            self.walk.put(cycle, "trace_update", "event_buffer", "reads", event % self.core.event_buffer)
        return self.walk.known(seen)

    def trace(self, begin: int, beat: int) -> int:
        """All traces, a group every so many cycles."""
        for group in range(self.traces):
            cycle = begin + group * beat
            self.walk.put(cycle, "trace_update", "trace", "reads", group)
            self.walk.put(cycle + 2, "trace_update", "trace", "writes", group)
        return begin + self.traces * beat + 2

    def modern(self, heard: int) -> int:
        """Similarities as the traces pass by, softmax, and both once more for each further iteration."""
        beat = max(self.core.group_cycles, self.beat)
        self.similar(heard + 1, beat)
        begin = self.softmax(self.trace(heard, beat))
        for _ in range(self.sizes.iterations - 1):
            again = self.recall(begin, "keys", self.traces)
            for group in range(self.traces):
                self.walk.put(begin + (group + 1) * self.beat, "recall", "query", "writes", group)
                self.walk.put(again + group * self.beat, "similarity", "query", "reads", group)
            begin = self.softmax(self.similar(again, self.beat))
        self.recall(begin, "values", self.walk.groups)
        return begin

    def similar(self, begin: int, beat: int) -> int:
        """A group of the query every so many cycles meets its row of each pattern's keys."""
        for group in range(self.traces):
            for pattern in range(self.sizes.patterns):
                cycle = begin + group * beat + pattern * self.row
                self.walk.put(cycle, "similarity", "keys", "reads", pattern * self.traces + group)
                if group:
                    self.walk.put(cycle + self.row, "similarity", "similarities", "reads", pattern)
                self.walk.put(cycle + self.row, "similarity", "similarities", "writes", pattern)
        return begin + self.traces * beat

    def softmax(self, begin: int) -> int:
        """Weights in place of similarities."""
        patterns, macs = self.sizes.patterns, self.core.macs
        for pattern in range(patterns):
            self.walk.put(begin + pattern, "softmax", "similarities", "reads", pattern)
            self.walk.put(begin + patterns + 4 + pattern // macs, "softmax", "similarities", "writes", pattern)
        return begin + patterns + 4 + -(-patterns // macs)

    def recall(self, begin: int, memory: str, groups: int) -> int:
        """The rows of each group, weighted."""
        for group in range(groups):
            for pattern in range(self.sizes.patterns):
                cycle = begin + (group * self.sizes.patterns + pattern) * self.row
                self.walk.put(cycle, "recall", memory, "reads", pattern * groups + group)
                self.walk.put(cycle, "recall", "similarities", "reads", pattern)
        return begin + groups * self.beat

    def classical(self, heard: int) -> int:
        """Signs of the traces to similarities and back, as often as there are iterations."""
        patterns, rows = self.sizes.patterns, self.sizes.bit_rows(self.core)
        beat = self.sizes.bit_beat(self.core)
        begin = self.trace(heard, self.core.group_cycles)
        for _ in range(self.sizes.iterations):
            for number in range(patterns * rows):
                self.walk.put(begin + number * beat, "similarity", "keys", "reads", number)
            begin += patterns * rows * beat
            for pattern in range(patterns):
                done = begin - (patterns - 1 - pattern) * rows * beat
                self.walk.put(done, "similarity", "similarities", "writes", pattern)
            for number in range(rows * patterns):
                row, pattern = divmod(number, patterns)
                self.walk.put(begin + number * beat, "recall", "keys", "reads", pattern * rows + row)
                self.walk.put(begin + number * beat, "recall", "similarities", "reads", pattern)
            begin += rows * patterns * beat
        return begin


PATHWAY_WALKS: dict[type, Callable[["Walk", Any, list[int]], int]] = {
    GatedSizes: walk_gated,
    AssociativeSizes: walk_associative,
}
"""Sizes of a memory pathway → the walk through its paths, from the cycles from which input events can be read."""
