"""What doubling each entry of a price table would do to the total, in percent of it."""

from collections.abc import Sequence
from typing import Any

from basalt.deploy.energy.bill import Bill
from basalt.deploy.energy.counts import Counts, ProcessCounts
from basalt.deploy.energy.schema import PriceTable


def sensitivity(
    table: PriceTable, counts: Counts, bills: Sequence[Bill], static: Sequence[dict[str, float]]
) -> list[dict[str, Any]]:
    """Every entry that the total depends on, the one that matters most first.

    The total is linear in each entry, so that doubling entry e adds exactly what e contributes:

        percent_e = 100 · Σ_process Σ_counter count · joule_e(counter) / total

    and the percentages add up to 100. Both grids of a memory's table (reads, writes) are an entry each.

    Args:
        bills: of each process, in the order of the counts.
        static: joules of static energy of each process, by what leaks.

    Returns:
        Rows of `entry` ("prices.event_hop", "sram.read", "static.logic"), `joule`, `percent` and the entry's `kind`.
    """
    joules: dict[str, float] = {}
    for process, bill, leaked in zip(counts.processes, bills, static):
        for entry, joule in (*_dynamic(process, bill, counts.samples), *_static(leaked)):
            joules[entry] = joules.get(entry, 0.0) + joule
    total = sum(joules.values())
    rows = [
        {"entry": entry, "joule": joule, "percent": 100 * joule / total, "kind": kind_of(table, entry)}
        for entry, joule in joules.items()
        if joule
    ]
    return sorted(rows, key=lambda row: -row["joule"])


def kind_of(table: PriceTable, entry: str) -> str:
    """How an entry is known: measured, assumed, …"""
    section, _, name = entry.partition(".")
    if section == "sram":
        assert table.sram is not None
        return table.sram.kind
    return (table.prices if section == "prices" else table.leakage)[name].kind


def _dynamic(process: ProcessCounts, bill: Bill, samples: int) -> list[tuple[str, float]]:
    return [
        (term.entry, term.joule * sum(process.counters[counter]) / samples)
        for counter, terms in bill.items()
        for term in terms
    ]


def _static(leaked: dict[str, float]) -> list[tuple[str, float]]:
    return [(f"static.{what}", joule) for what, joule in leaked.items()]
