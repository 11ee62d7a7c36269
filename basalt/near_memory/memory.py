"""What memory pathways on a near-memory core share; each kind has a module of its own with its memories, accesses and
cycles in closed form, and the walk through its paths, equal in every number.

The pathway's paths work beside those of the layer, on the same input events. The neuron bank takes a group of neurons
as soon as its current is there: `first` cycles into the step for the first group, `beat` cycles later for each next
one; so a step lasts at least first + (G − 1)·max(beat, bank) + 3 cycles. With F = `fused`, M = `macs`, G = ⌈N/F⌉ groups
of neurons, S input events, g cycles of the bank per group, and `heard` the first cycle in which all events are known:

Of the core's switches only `heterogeneous_stationarity` matters here: off, the rows of all inputs are read for the
gates, spike or not. Widths of states are those of Basalt's integers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

from basalt.near_memory.core import Core
from basalt.near_memory.steps import Flags, Steps

Pair = tuple[int, int]
STATE_BITS, GATE_BITS = 24, 12
"""Widths of the states of Basalt's integers, and of gates, decays and shares."""


@dataclass(frozen=True)
class Rows:
    """A memory: `words` words of `bits` bits in at least `macros` macros; `ports` accesses per cycle to all of it."""

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


@runtime_checkable
class PathwayWalk(Protocol):
    """What a pathway sees of the walk through a step (`walk.Walk`)."""

    core: Core
    groups: int
    starts: list[int]
    current_at: list[int]
    products: int

    @property
    def sizes(self) -> Any:
        """Of the layer."""

    @property
    def events(self) -> Any:
        """Of the step."""

    def put(self, cycle: int, path: str, memory: str, which: str, row: int) -> None:
        """Note an access."""

    def known(self, seen: list[int]) -> int:
        """The first cycle in which all events are known."""


@runtime_checkable
class PathwaySizes(Protocol):
    """What the schedule of a memory pathway depends on.

    Attributes:
        part: of the layer, its kind.
        owned, written, paths: all of its memories, those that are written to, and its data paths.
        current: the memory that the neuron bank reads its currents from, if any.
        inputs, neurons: of the layer.
        whole: its neurons are not parted among cores.
        weights_of_event: weights that an event meets.
    """

    part: ClassVar[str]
    owned: ClassVar[tuple[str, ...]]
    written: ClassVar[tuple[str, ...]]
    paths: ClassVar[tuple[str, ...]]
    current: ClassVar[str | None]

    @property
    def inputs(self) -> int: ...
    @property
    def neurons(self) -> int: ...
    @property
    def whole(self) -> bool: ...
    @property
    def weights_of_event(self) -> int: ...

    def of_neurons(self, neurons: int) -> "PathwaySizes":
        """The memory of `neurons` of its neurons."""

    def multipliers(self, core: Core, value_bits: int) -> Iterator[tuple[str, tuple[int, Pair]]]:
        """Data path, how many multipliers it has, and their widths."""

    def memories(self, core: Core) -> Iterator[Rows]:
        """What it keeps."""

    def cost(self, core: Core, spikes: Steps, heard: Steps, refresh: Flags) -> PathwayCost:
        """Of steps whose events are known from cycle `heard` on."""

    def walk(self, walk: PathwayWalk, seen: list[int]) -> int:
        """The paths of a step; sets when each group's current is there, and gives the cycle when all else is done."""
