"""What one count of each counter of a process costs, term by term, with where each price comes from."""

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from basalt.deploy.energy.counts import ProcessCounts
from basalt.deploy.energy.entries import Sourced
from basalt.deploy.energy.schema import Action, PriceTable
from basalt.deploy.energy.sram import access
from basalt.deploy.energy.units import BITS_PER_KIB, JOULE
from basalt.near_memory.counters import ROWS


class Term(NamedTuple):
    """One price that one count of an action pays.

    Attributes:
        joule: the price.
        entry: the entry of the table that it is from, as in "prices.event_hop" or "sram.read".
        provenance: the row of energy.json that states where it comes from.
        note: the remark where a memory lay outside the table's grid.
    """

    joule: float
    entry: str
    provenance: dict[str, Any]
    note: str | None = None


Bill = dict[str, list[Term]]
"""Counter → what one count of it pays."""


def bill_of(table: PriceTable, process: ProcessCounts) -> Bill:
    """The terms of each counter above zero that has a price."""
    found = ((counter, table.action(process.kind, counter)) for counter in process.used)
    return {
        counter: list(_terms(table, action, counter, process))
        for counter, action in found
        if action and not action.free
    }


def provenance(action: str, name: str, value: float, times: float, unit: str, entry: Sourced) -> dict[str, Any]:
    """A row of `prices` in energy.json."""
    return {
        "action": action,
        "name": name,
        "value": value,
        "times": times,
        "unit": unit,
        "source": entry.source,
        "node": entry.node_nm,
        "kind": entry.kind,
    }


def _terms(table: PriceTable, action: Action, counter: str, process: ProcessCounts) -> Iterator[Term]:
    accesses = 1.0
    if action.memory is not None and action.access is not None:
        memory = table.memories[action.memory]
        accesses = process.word_bits.get(action.memory, memory.word_bits) / memory.row_bits
        yield _access_term(table, action.memory, action.access, accesses, counter, process)
    if action.rows is not None and counter in ROWS:
        yield _row_term(table, ROWS[counter][0], action.rows, counter, process)
    for use in action.uses:
        entry = table.prices[use.price]
        times = use.times * accesses
        row = provenance(counter, use.price.replace("_", " "), entry.value, times, entry.unit, entry)
        yield Term(entry.value * JOULE[entry.unit] * times, f"prices.{use.price}", row)


def _access_term(
    table: PriceTable,
    name: str,
    which: Literal["read", "write"],
    accesses: float,
    counter: str,
    process: ProcessCounts,
) -> Term:
    """The share of a row that one word is."""
    memory = table.memories[name]
    own = process.memory_bits.get(name, 0) / BITS_PER_KIB
    kib = own if memory.kib is None else memory.kib
    owner = f"{name} of {process.name} ({process.part})" if memory.kib is None else f"{name} memory"
    return _sram_term(table, which, kib=kib, bits=memory.row_bits, accesses=accesses, counter=counter, owner=owner)


def _row_term(
    table: PriceTable, name: str, which: Literal["read", "write"], counter: str, process: ProcessCounts
) -> Term:
    """An access to one macro of a memory, a row of its own width."""
    kib = process.memory_bits.get(name, 0) / BITS_PER_KIB / process.banks.get(name, 1)
    owner = f"{name.replace('_', ' ')} of {process.name} ({process.part})"
    return _sram_term(
        table,
        which,
        kib=kib,
        bits=process.row_bits[name],
        accesses=1.0,
        counter=counter,
        owner=owner,
        ports=process.ports.get(name, 1),
    )


def _sram_term(
    table: PriceTable,
    which: Literal["read", "write"],
    kib: float,
    bits: int,
    accesses: float,
    counter: str,
    owner: str,
    ports: int = 1,
) -> Term:
    sram = table.sram
    assert sram is not None  # the schema refuses accesses without it
    cost = access(sram, which, kib, bits, ports)
    many = f", {ports} ports" if ports > 1 else ""
    label = f"SRAM {which}, {bits}-bit rows{many}: {owner}, {kib:.3g} KiB"
    row = provenance(counter, label, cost.joule / JOULE[sram.unit], accesses, sram.unit, sram)
    return Term(cost.joule * accesses, f"sram.{which}", row, f"{owner}: {cost.note}." if cost.note else None)
