"""What a price table holds. Every number carries its unit, source, node and kind."""

from itertools import pairwise
from typing import Literal

from pydantic import Field, field_validator, model_validator

from basalt.counters import COUNTERS
from basalt.deploy.energy.entries import Entry, Price, Sourced, one_of
from basalt.deploy.energy.units import JOULE, SECOND, WATT_PER_KIB
from basalt.near_memory.counters import ROWS, WORK
from basalt.records.pathways import PATHWAYS
from basalt.schema import Amount, Positive

BITS_MOST = 1 << 30

ACTIONS = (*COUNTERS, "row_reads", "row_writes")
"""What tables price."""

PACKETS = "packets_out"
"""Spikes sent, once for each layer that hears them: takes time, and is priced where it arrives."""

KINDS = ("io", "spiking", "conv", "encoder", "readout", "delta_input", "sigma_delta", "sigma_output", *PATHWAYS)
"""Kinds of processes, whose actions a table may price apart: "slow_memory.state_writes"."""


def action_of(counter: str) -> str:
    """The action that a counter is priced as.

    A near-memory core counts rows of each of its memories, which are priced by their own size and width; and cycles of
    each data path, and those that senders waited, which are parts of `cycles`.
    """
    if counter in ROWS:
        return f"row_{ROWS[counter][1]}s"
    return "cycles" if counter in (*WORK, "stalls") else counter


class Use(Entry):
    """A price, and how many times one count of the action pays it."""

    price: str
    times: Positive = 1.0


class Action(Entry):
    """How one counter is priced: named prices, a share of a memory access, or free for a stated reason.

    Beside a memory access, the named prices are paid by each access; otherwise by each count. `rows` is an access to a
    row of the memory that the counter names, whose size and width are in the counts.
    """

    uses: tuple[Use, ...] = ()
    memory: str | None = None
    access: Literal["read", "write"] | None = None
    rows: Literal["read", "write"] | None = None
    free: str | None = Field(default=None, min_length=10)

    @model_validator(mode="after")
    def _one_meaning(self) -> "Action":
        if (self.memory is None) != (self.access is None):
            raise ValueError("`memory` and `access` go together")
        priced = bool(self.uses) or self.memory is not None or self.rows is not None
        if priced == (self.free is not None):
            raise ValueError("give either prices (`uses`, `memory` with `access`, `rows`) or why it is `free`")
        return self


class Memory(Entry):
    """The geometry of a memory. One access reads or writes a whole row; rows are used in full.

    Attributes:
        word_bits: width of what one count stands for, where the counts do not say.
        row_bits: width of a row; a count therefore costs word_bits / row_bits accesses.
        kib: size, where it does not follow from the layer.
    """

    word_bits: int = Field(gt=0, le=BITS_MOST)
    row_bits: int = Field(gt=0, le=BITS_MOST)
    kib: Positive | None = None


class Grid(Entry):
    """Energy of one access, a row for each size, a column for each word width."""

    read: tuple[tuple[Amount, ...], ...]
    write: tuple[tuple[Amount, ...], ...]


class Sram(Sourced):
    """Energy of one access to a memory of one port, on a grid of sizes (rows) and word widths (columns); `two_ports` is
    the same of one of two, where the table knows it."""

    unit: str
    kib: tuple[Positive, ...] = Field(min_length=2)
    word_bits: tuple[Positive, ...] = Field(min_length=2)
    read: tuple[tuple[Amount, ...], ...]
    write: tuple[tuple[Amount, ...], ...]
    two_ports: Grid | None = None

    @field_validator("unit")
    @classmethod
    def _known_unit(cls, unit: str) -> str:
        return one_of(unit, JOULE)

    @model_validator(mode="after")
    def _shape(self) -> "Sram":
        for name, axis in (("kib", self.kib), ("word_bits", self.word_bits)):
            if min(axis) <= 0 or any(low >= high for low, high in pairwise(axis)):
                raise ValueError(f"`{name}` must be positive and increase")
        grids = {"read": self.read, "write": self.write}
        if self.two_ports is not None:
            grids |= {"two_ports.read": self.two_ports.read, "two_ports.write": self.two_ports.write}
        for name, grid in grids.items():
            if len(grid) != len(self.kib) or any(len(row) != len(self.word_bits) for row in grid):
                raise ValueError(f"`{name}` must have {len(self.kib)} rows of {len(self.word_bits)} values")
            if min(min(row) for row in grid) < 0:
                raise ValueError(f"`{name}` must not be negative")
        return self


class Time(Entry):
    """The duration of a step where the counts do not give one."""

    step_seconds: Positive
    source: str = Field(min_length=10)


class Static(Entry):
    """Static power per KiB of a process's memories: of the memory itself, and of the logic beside it."""

    memory: Price
    logic: Price

    @model_validator(mode="after")
    def _known_units(self) -> "Static":
        for price in (self.memory, self.logic):
            one_of(price.unit, WATT_PER_KIB)
        return self


class Barrier(Entry):
    """What ends each step of all cores, where they are on at least this many tiles: the name of a time."""

    tiles: int = Field(gt=0, le=BITS_MOST)
    time: str


class Latency(Entry):
    """How long actions keep a machine busy, whose cores have stages that work side by side, each through its actions
    one by one; a step ends with the slowest stage of the slowest core.

    Attributes:
        source: what is modelled, and what is not.
        times: durations by name.
        stages: by name, the names of the times that one count of an action takes in it; other actions take none.
        cores_per_tile: cores, of a layer each, that share a tile.
        barriers: by tiles, from 1 on.
    """

    source: str = Field(min_length=10)
    times: dict[str, Price]
    stages: dict[str, dict[str, tuple[str, ...]]] = Field(min_length=1)
    cores_per_tile: int = Field(gt=0, le=BITS_MOST)
    barriers: tuple[Barrier, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _references(self) -> "Latency":
        for name, price in self.times.items():
            if price.unit not in SECOND:
                raise ValueError(f"times.{name}.unit: {price.unit!r} is not one of {', '.join(SECOND)}")
        for stage in self.stages.values():
            for action in stage:
                _refuse_unknown(action, (*ACTIONS, PACKETS))
        for name in self.used:
            if name not in self.times:
                raise ValueError(f"{name!r} is not under [latency.times]")
        tiles = [barrier.tiles for barrier in self.barriers]
        if tiles[0] != 1 or sorted(set(tiles)) != tiles:
            raise ValueError("`barriers` begin with 1 tile, and their tiles increase")
        return self

    @property
    def used(self) -> set[str]:
        """The names of all times that anything takes."""
        named = {name for stage in self.stages.values() for names in stage.values() for name in names}
        return named | {barrier.time for barrier in self.barriers}

    def seconds(self, name: str) -> float:
        """A duration."""
        return self.times[name].value * SECOND[self.times[name].unit]

    def one(self, stage: str, kind: str, counter: str) -> float:
        """The seconds that one count takes a stage of a process of that kind."""
        actions, action = self.stages[stage], action_of(counter)
        return sum(self.seconds(name) for name in actions.get(f"{kind}.{action}", actions.get(action, ())))

    def barrier(self, cores: int) -> float:
        """The seconds of the barrier of this many cores: that of the largest number of tiles that they reach."""
        tiles = max(1, -(-cores // self.cores_per_tile))
        return self.seconds([barrier.time for barrier in self.barriers if barrier.tiles <= tiles][-1])


class PriceTable(Entry):
    """A price table as its TOML file says it.

    Where no static power is published, `no_static` says so instead, and the sums hold dynamic energy only.
    """

    format: Literal["basalt-prices"]
    version: Literal[1]
    title: str = Field(min_length=3)
    summary: str = Field(min_length=20)
    node_nm: Positive
    supply_volt: Positive
    time: Time
    static: Static | None = None
    no_static: str | None = Field(default=None, min_length=10)
    sram: Sram | None = None
    memories: dict[str, Memory] = Field(default={})
    latency: Latency | None = None
    prices: dict[str, Price]
    actions: dict[str, Action]

    @model_validator(mode="after")
    def _references(self) -> "PriceTable":
        if (self.static is None) == (self.no_static is None):
            raise ValueError("give either [static] or, in `no_static`, why there is none")
        for name, price in self.prices.items():
            if price.unit not in JOULE:
                raise ValueError(f"prices.{name}.unit: {price.unit!r} is not one of {', '.join(JOULE)}")
        for key, action in self.actions.items():
            _refuse_unknown(key)
            if action.memory is not None and action.memory not in self.memories:
                raise ValueError(f"actions.{key}.memory: {action.memory!r} is not under [memories]")
            if self.sram is None and (action.memory is not None or action.rows is not None):
                raise ValueError(f"actions.{key}: accesses a memory, and there is no [sram] to price it by")
            for use in action.uses:
                if use.price not in self.prices:
                    raise ValueError(f"actions.{key}.uses: {use.price!r} is not under [prices]")
        return self

    def action(self, kind: str, counter: str) -> Action | None:
        """How a counter of a process of that kind is priced: as of its kind, or else as of all; None if not at all."""
        return self.actions.get(f"{kind}.{action_of(counter)}", self.actions.get(action_of(counter)))

    @property
    def leakage(self) -> dict[str, Price]:
        """Static power by what leaks; empty where none is known."""
        return {} if self.static is None else {"memory": self.static.memory, "logic": self.static.logic}


def _refuse_unknown(key: str, known: tuple[str, ...] = ACTIONS) -> None:
    kind, _, action = key.rpartition(".")
    if action not in known:
        raise ValueError(f"actions.{key}: not a counter; there are {', '.join(known)}")
    if kind and kind not in KINDS:
        raise ValueError(f"actions.{key}: {kind!r} is not a kind of process; there are {', '.join(KINDS)}")
