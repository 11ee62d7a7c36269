"""The associative memory on a near-memory core; symbols are those of `memory.py`.

For m inputs, K patterns, I iterations, Gm = ⌈m/F⌉, c = ⌈F/M⌉. The events of a step
are bits; the traces pass by a group at a time, each is leaked, added to, written, and at a refresh multiplied with its
row of keys of every pattern, whose sums stay in a memory. A softmax looks up K exponentials, one per cycle, then a
reciprocal, and multiplies. A recall keeps a group's sums in registers while K rows go by.

    trace = heard + Gm·max(g, K·c) + 2,  softmax = K + ⌈K/M⌉ + 4
    first = trace + softmax + (I − 1)·(2·Gm·K·c + softmax) + K·c + 1,    beat = K·c        (modern)
    first = trace + 2·I·K·B·⌈R/M⌉ + 1,    beat = 1            (classical: rows of R = 8F keys of a bit, B = ⌈m/R⌉)

What bounds it: the products with keys and values, M per cycle. Every step lasts at least heard + Gm·g + 2 cycles, for
the traces; without a refresh the bank reads the currents of the last one.

The walk through a step:

trace_update        event e is noted in the cycle after it entered; a group of traces every g cycles from `heard` on,
                    or as often as its keys allow: read, leaked and added to, written in the second cycle after.
similarity          the keys of a group of traces (later: of the query) go by, a row every c cycles; each adds to the
                    similarity of its pattern. Classical: a row of R ±1 keys every ⌈R/M⌉ cycles, pattern by pattern.
softmax             K similarities are read, one per cycle; two cycles later the exponential of each is added; then
                    the reciprocal's two cycles, and M products per cycle, written the cycle after.
recall              a row of keys, in the last iteration of values, and a weight every c cycles; a group of the query,
                    or of currents, is written when its K rows went by, and the neuron bank reads it a cycle later.
                    Classical: row by row of keys, and all currents when the last row went by, one group per cycle.

Similarities are registers. What is needed in the cycle in which it is written (a query of one group, the similarity of
one pattern) is forwarded. Registers within a path have no accesses: sums of the products, k[t−1], exponentials that
wait for their sum, bits of a classical query, and the gate bank's currents until the neuron bank takes them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from basalt.near_memory.core import Core
from basalt.near_memory.memory import GATE_BITS, STATE_BITS, Pair, PathwayCost, PathwayWalk, Rows
from basalt.near_memory.steps import Flags, Steps
from basalt.records.hopfield import Hopfield

SIMILARITY_BITS = 40
"""Of a pattern's similarity."""


@dataclass(frozen=True)
class AssociativeSizes:
    """An associative memory of `patterns` over `inputs`, recalled `iterations` times for `neurons`."""

    inputs: int
    neurons: int
    patterns: int
    iterations: int
    modern: bool

    part: ClassVar[str] = "hopfield"
    owned: ClassVar[tuple[str, ...]] = ("trace", "query", "keys", "values", "similarities", "recalled")
    written: ClassVar[tuple[str, ...]] = ("trace", "query", "similarities", "recalled")
    paths: ClassVar[tuple[str, ...]] = ("trace_update", "similarity", "softmax", "recall")
    current: ClassVar[str | None] = "recalled"
    whole: ClassVar[bool] = False
    weights_of_event: ClassVar[int] = 0

    def of_neurons(self, neurons: int) -> "AssociativeSizes":
        """The memory of `neurons` of its neurons: all traces, keys and similarities, and the values of these."""
        return replace(self, neurons=neurons)

    def groups(self, core: Core) -> int:
        """G = ⌈N/F⌉."""
        return -(-self.neurons // core.fused)

    def trace_rows(self, core: Core) -> int:
        """Gm = ⌈m/F⌉."""
        return -(-self.inputs // core.fused)

    def beat(self, core: Core) -> int:
        """K·c, cycles of a group of keys or values."""
        return self.patterns * -(-core.fused // core.macs)

    def multipliers(self, core: Core, value_bits: int) -> Iterator[tuple[str, tuple[int, Pair]]]:
        """Data path, how many multipliers it has, and their widths: F leak a group of traces; similarities, softmax and
        recall share `macs`, and need none for ±1. A graded value is added to a trace as it is."""
        yield "trace_update", (core.fused, (GATE_BITS, STATE_BITS))
        if self.modern:
            yield "similarity", (core.macs, (core.weight_bits, STATE_BITS))

    def bit_beat(self, core: Core) -> int:
        """⌈R/M⌉, cycles of a row of ±1 keys."""
        return -(-core.fused * core.weight_bits // core.macs)

    def bit_rows(self, core: Core) -> int:
        """B, rows of ±1 keys of a pattern."""
        return -(-self.inputs // (core.fused * core.weight_bits))

    def memories(self, core: Core) -> Iterator[Rows]:
        """Rows of F keys, values, traces and currents; one similarity per pattern."""
        fused, groups, traces = core.fused, self.groups(core), self.trace_rows(core)
        row = fused * core.weight_bits
        yield Rows("trace", traces, fused * STATE_BITS, ports=core.membrane_ports)
        yield Rows("keys", self.patterns * (traces if self.modern else self.bit_rows(core)), row)
        yield Rows("similarities", self.patterns, SIMILARITY_BITS, registers=True, ports=max(3, core.macs))
        if self.modern:
            yield Rows("values", self.patterns * groups, row)
            if self.iterations > 1:
                yield Rows("query", traces, fused * STATE_BITS, ports=2)
        yield Rows("recalled", groups, fused * STATE_BITS, ports=2)

    def cost(self, core: Core, spikes: Steps, heard: Steps, refresh: Flags) -> PathwayCost:
        """Of steps whose events are known from cycle `heard` on, of which some refresh the recall."""
        found = self.modern_work(core) if self.modern else self.classical_work(core)
        none = np.zeros_like(spikes)
        groups, traces = self.groups(core), self.trace_rows(core)
        passing = traces * core.group_cycles
        work = {"trace_update": none + passing, **{name: refresh * value for name, value in found["paths"].items()}}
        accesses = {name: refresh * value for name, value in found["accesses"].items()}
        accesses |= {
            "trace_reads": none + traces,
            "trace_writes": none + traces,
            "recalled_writes": refresh * groups,
            "recalled_reads": none + groups,
        }
        first = np.where(refresh, heard + found["first"], 0)
        bounds = {"trace_update": heard + passing + 2}
        return PathwayCost(first, np.where(refresh, found["beat"], 0), bounds, work, accesses)

    def modern_work(self, core: Core) -> dict[str, Any]:
        """What a refresh takes."""
        groups, traces = self.groups(core), self.trace_rows(core)
        patterns, times, beat = self.patterns, self.iterations, self.beat(core)
        softmax = patterns + -(-patterns // core.macs) + 4
        trace = traces * max(core.group_cycles, beat) + 2
        more = times - 1
        accesses = {
            "keys_reads": patterns * traces * (2 * times - 1),
            "similarities_writes": times * patterns * (traces + 1),
            "similarities_reads": patterns * (times * traces + more * traces + groups),
            "values_reads": patterns * groups,
        }
        if more:
            accesses |= {"query_writes": more * traces, "query_reads": more * traces}
        return {
            "first": trace + softmax + more * (2 * traces * beat + softmax) + beat + 1,
            "beat": beat,
            "paths": {
                "similarity": times * traces * beat,
                "softmax": times * softmax,
                "recall": (more * traces + groups) * beat,
            },
            "accesses": accesses,
        }

    def classical_work(self, core: Core) -> dict[str, Any]:
        """The same of ±1 patterns, whose sums of a row of keys stay in registers."""
        rows = self.patterns * self.bit_rows(core)
        each = self.iterations * rows * self.bit_beat(core)
        trace = self.trace_rows(core) * core.group_cycles + 2
        return {
            "first": trace + 2 * each + 1,
            "beat": 1,
            "paths": {"similarity": each, "recall": each},
            "accesses": {
                "keys_reads": 2 * self.iterations * rows,
                "similarities_writes": self.iterations * self.patterns,
                "similarities_reads": self.iterations * rows,
            },
        }

    def walk(self, walk: PathwayWalk, seen: list[int]) -> int:
        """The paths of a step."""
        return AssociativeWalk(walk, self).step(seen)


def associative_sizes(memory: Hopfield) -> AssociativeSizes:
    """Of a record."""
    neurons, inputs = memory.shape
    return AssociativeSizes(inputs, neurons, len(memory.keys), memory.iterations, memory.variant == "modern")


class AssociativeWalk:
    """One step of an associative memory; its methods take the cycle in which a pass begins, and give that in which the
    next one may."""

    def __init__(self, walk: PathwayWalk, sizes: AssociativeSizes) -> None:
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
        """All traces, a group every `beat` cycles."""
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
        """A group of the query meets its row of each pattern's keys every `beat` cycles."""
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
