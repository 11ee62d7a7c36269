"""Memory pathways on a near-memory core: their memories, accesses and cycles in closed form, equal to the walk through
them (`pathway_walk.py`) in every number.

The pathway's paths work beside those of the layer, on the same input events. The neuron bank takes a group of neurons
as soon as its current is there: `first` cycles into the step for the first group, `beat` cycles later for each next
one; so a step lasts at least first + (G − 1)·max(beat, bank) + 3 cycles. With F = `fused`, M = `macs`, G = ⌈N/F⌉ groups
of neurons, S input events, g cycles of the bank a group, and `heard` the first cycle in which all events are known:

Gated recurrent memory (`GatedSizes`). An event adds a row of F weights for each gate, the three side by side, so that
the sums are there after S·G + b + 1 cycles, b = 1 if S > 0, else 0 (`arrival.bubbles`). When gated, each of N states k
meets rows of two recurrent matrices: N·G·⌈2F/M⌉ cycles from cycle 0 on. The gate bank then takes a group in
max(2F, ⌈5F/M⌉) cycles: two look-ups a unit in the one table that has the most of them, and five products a unit (four
when gated).

    first = max(S·G + b + 1, N·G·⌈2F/M⌉ when gated) + beat + 1,    beat = max(2F, ⌈5F/M⌉)

What bounds it: events, as long as S exceeds 2F; else the table; when gated, the recurrent product.

Associative memory (`AssociativeSizes`), m inputs, K patterns, I iterations, Gm = ⌈m/F⌉, c = ⌈F/M⌉. The events of a step
are bits; the traces pass by a group at a time, each is leaked, added to, written, and at a refresh multiplied with its
row of keys of every pattern, whose sums stay in a memory. A softmax looks K exponentials up, one a cycle, then a
reciprocal, and multiplies. A recall keeps a group's sums in registers while K rows go by.

    trace = heard + Gm·max(g, K·c) + 2,  softmax = K + ⌈K/M⌉ + 4
    first = trace + softmax + (I − 1)·(2·Gm·K·c + softmax) + K·c + 1,    beat = K·c        (modern)
    first = trace + 2·I·K·B·⌈R/M⌉ + 1,    beat = 1            (classical: rows of R = 8F keys of a bit, B = ⌈m/R⌉)

What bounds it: the products with keys and values, M a cycle. Any step lasts heard + Gm·g + 2 cycles at least, for the
traces; without a refresh the bank reads the currents of the last one.

Of the core's switches only `heterogeneous_stationarity` matters here: off, the rows of all inputs are read for the
gates, spike or not. Widths of states are those of Basalt's integers.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from basalt.near_memory.arrival import bubbles
from basalt.near_memory.steps import Flags, Steps

if TYPE_CHECKING:
    from basalt.near_memory.core import Core

HGRN, HOPFIELD = "hgrn", "hopfield"
"""The parts of a layer that these memories and paths belong to."""

OWNER = {
    **dict.fromkeys(("gate_weights", "gate_recurrent_weights", "gate_constants", "gate_sums", "gate_state"), HGRN),
    **dict.fromkeys(("trace", "query", "keys", "values", "similarities", "recalled"), HOPFIELD),
}
"""Every memory, and its part."""

WRITTEN = ("gate_sums", "gate_state", "trace", "query", "similarities", "recalled")
"""Memories that are written to."""

PATHS = {
    **dict.fromkeys(("gate_integration", "gate_product", "gate_bank"), HGRN),
    **dict.fromkeys(("trace_update", "similarity", "softmax", "recall"), HOPFIELD),
}
"""Every data path, and its part."""

Pair = tuple[int, int]
STATE_BITS, GATE_BITS = 24, 12
"""Widths of the states of Basalt's integers, and of gates, decays and shares."""
LOW_BITS, BIAS_BITS, SQUASHED_BITS, SIMILARITY_BITS = 13, 13, 8, 40
"""Of a lower bound of the forget gate, a gate's bias, a unit's squashed state, and a pattern's similarity."""


@dataclass(frozen=True)
class Rows:
    """A memory: so many words, each so wide, in at least so many macros; accesses that all of it takes in a cycle."""

    name: str
    words: int
    bits: int
    macros: int = 1
    registers: bool = False
    ports: int = 1


@dataclass(frozen=True, eq=False)
class PathwayCost:
    """What a pathway's steps cost; see the module.

    Attributes:
        first, beat: when the current of the first group of neurons is there, and cycles from each to the next.
        bounds: by path, lengths of the step that the neurons do not wait for.
        paths: cycles in which each data path was at work.
        accesses: by "memory_reads" and "memory_writes".
    """

    first: Steps
    beat: Steps
    bounds: dict[str, Steps]
    paths: dict[str, Steps]
    accesses: dict[str, Steps]


@dataclass(frozen=True)
class GatedSizes:
    """A gated recurrent memory of `neurons` units, which hears itself when `gated`."""

    inputs: int
    neurons: int
    gated: bool

    current: ClassVar[str | None] = None
    """The memory that the neuron bank reads its currents from."""

    @property
    def weights_of_event(self) -> int:
        """Weights that an event meets: one of each gate of every unit."""
        return 3 * self.neurons

    @property
    def whole(self) -> bool:
        """Its neurons are not parted: when gated, each hears the states of all within the step."""
        return self.gated

    def of_neurons(self, neurons: int) -> "GatedSizes":
        """The memory of so many of its neurons: their units."""
        return replace(self, neurons=neurons)

    def groups(self, core: "Core") -> int:
        """G = ⌈N/F⌉."""
        return -(-self.neurons // core.fused)

    def beat(self, core: "Core") -> int:
        """Cycles of a group in the gate bank."""
        return max(2 * core.fused, -(-(4 if self.gated else 5) * core.fused // core.macs))

    def multipliers(self, core: "Core", value_bits: int) -> Iterator[tuple[str, tuple[int, Pair]]]:
        """Data path, how many multipliers it has, and their widths: gates' products share `macs`, the widest of which
        meet a gate with a state; graded events need F for each gate."""
        if value_bits > 1:
            yield "gate_integration", (3 * core.fused, (core.weight_bits, value_bits))
        yield "gate_bank", (core.macs, (GATE_BITS, STATE_BITS))

    def product_beat(self, core: "Core") -> int:
        """Cycles of a row of both recurrent matrices."""
        return -(-2 * core.fused // core.macs)

    def memories(self, core: "Core") -> Iterator[Rows]:
        """Rows of F weights, constants, sums and states."""
        fused, groups = core.fused, self.groups(core)
        yield Rows("gate_weights", 3 * self.inputs * groups, fused * core.weight_bits, macros=3, ports=3)
        if self.gated:
            words = 2 * self.neurons * groups
            yield Rows("gate_recurrent_weights", words, fused * core.weight_bits, macros=2, ports=2)
        yield Rows("gate_constants", groups, fused * (LOW_BITS + core.weight_bits + 3 * BIAS_BITS))
        yield Rows("gate_sums", 3 * groups, fused * core.sum_bits, registers=True, ports=6)
        yield Rows("gate_state", groups, fused * (STATE_BITS + (SQUASHED_BITS if self.gated else 0)), ports=2)

    def cost(self, core: "Core", spikes: Steps, heard: Steps, refresh: Flags) -> PathwayCost:
        """Of steps with so many input events."""
        groups = self.groups(core)
        none = np.zeros_like(spikes)
        rows = (spikes if core.heterogeneous_stationarity else none + self.inputs) * groups
        product = self.neurons * groups * self.product_beat(core) if self.gated else 0
        beat = self.beat(core)
        paths = {"gate_integration": rows, "gate_bank": none + groups * beat}
        accesses = {
            "gate_weights_reads": 3 * rows,
            "gate_constants_reads": none + groups,
            "gate_sums_reads": 3 * rows,
            "gate_sums_writes": 3 * rows,
            "gate_state_reads": none + groups,
            "gate_state_writes": none + groups,
        }
        if self.gated:
            paths["gate_product"] = none + product
            accesses["gate_recurrent_weights_reads"] = none + 2 * self.neurons * groups
        first = np.maximum(rows + bubbles(core, spikes) + 1, product) + beat + 1
        return PathwayCost(first, none + beat, {}, paths, accesses)


@dataclass(frozen=True)
class AssociativeSizes:
    """An associative memory of `patterns` over `inputs`, recalled `iterations` times for `neurons`."""

    inputs: int
    neurons: int
    patterns: int
    iterations: int
    modern: bool

    current: ClassVar[str | None] = "recalled"
    whole: ClassVar[bool] = False
    weights_of_event: ClassVar[int] = 0

    def of_neurons(self, neurons: int) -> "AssociativeSizes":
        """The memory of so many of its neurons: all traces, keys and similarities, and the values of these."""
        return replace(self, neurons=neurons)

    def groups(self, core: "Core") -> int:
        """G = ⌈N/F⌉."""
        return -(-self.neurons // core.fused)

    def trace_rows(self, core: "Core") -> int:
        """Gm = ⌈m/F⌉."""
        return -(-self.inputs // core.fused)

    def beat(self, core: "Core") -> int:
        """K·c, cycles of a group of keys or values."""
        return self.patterns * -(-core.fused // core.macs)

    def multipliers(self, core: "Core", value_bits: int) -> Iterator[tuple[str, tuple[int, Pair]]]:
        """Data path, how many multipliers it has, and their widths: F leak a group of traces; similarities, softmax and
        recall share `macs`, and need none for ±1. A graded value is added to a trace as it is."""
        yield "trace_update", (core.fused, (GATE_BITS, STATE_BITS))
        if self.modern:
            yield "similarity", (core.macs, (core.weight_bits, STATE_BITS))

    def bit_beat(self, core: "Core") -> int:
        """⌈R/M⌉, cycles of a row of ±1 keys."""
        return -(-core.fused * core.weight_bits // core.macs)

    def bit_rows(self, core: "Core") -> int:
        """B, rows of ±1 keys of a pattern."""
        return -(-self.inputs // (core.fused * core.weight_bits))

    def memories(self, core: "Core") -> Iterator[Rows]:
        """Rows of F keys, values, traces and currents; a similarity a pattern."""
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

    def cost(self, core: "Core", spikes: Steps, heard: Steps, refresh: Flags) -> PathwayCost:
        """Of steps whose events are known from cycle `heard` on, of which some refresh the recall."""
        found = self.modern_work(core) if self.modern else self.classical_work(core)
        none = np.zeros_like(spikes)
        groups, traces = self.groups(core), self.trace_rows(core)
        passing = traces * core.group_cycles
        paths = {"trace_update": none + passing, **{name: refresh * value for name, value in found["paths"].items()}}
        accesses = {name: refresh * value for name, value in found["accesses"].items()}
        accesses |= {
            "trace_reads": none + traces,
            "trace_writes": none + traces,
            "recalled_writes": refresh * groups,
            "recalled_reads": none + groups,
        }
        first = np.where(refresh, heard + found["first"], 0)
        bounds = {"trace_update": heard + passing + 2}
        return PathwayCost(first, np.where(refresh, found["beat"], 0), bounds, paths, accesses)

    def modern_work(self, core: "Core") -> dict[str, Any]:
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

    def classical_work(self, core: "Core") -> dict[str, Any]:
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


PathwaySizes = GatedSizes | AssociativeSizes


def gated_sizes(memory: Any) -> GatedSizes:
    """Sizes of a gated recurrent memory, from its fields by name."""
    neurons, inputs = memory["forget_weight"].shape
    return GatedSizes(inputs, neurons, memory["variant"] == "gated")


def associative_sizes(memory: Any) -> AssociativeSizes:
    """Sizes of an associative memory, from its fields by name."""
    patterns, inputs = memory["keys"].shape
    values = memory["values"]
    neurons = inputs if values is None else values.shape[1]
    return AssociativeSizes(inputs, neurons, patterns, memory["iterations"], values is not None)


SIZES: dict[str, Callable[[Any], PathwaySizes]] = {HGRN: gated_sizes, HOPFIELD: associative_sizes}
"""Kind of a memory pathway → its sizes; a slow memory's are those of `core.Sizes` itself."""
