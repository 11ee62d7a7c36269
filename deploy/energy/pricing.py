"""Counts → joules, exactly: the total is the sum over processes is the sum over actions.

    dynamic = Σ_process Σ_counter count · price            price in joule, count per inference
    static  = Σ_process KiB · (leakage of memory + of logic) · steps · step_seconds

The price of an access to a memory follows from the size and the row width of that memory of that process.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

from basalt.errors import BasaltError
from deploy.energy.counts import Counts, ProcessCounts, parse_counts
from deploy.energy.schema import Action, PriceTable, Sourced, action_of
from deploy.energy.sram import access
from deploy.energy.tables import available_tables, load_table
from deploy.energy.units import BITS_PER_KIB, JOULE, WATT_PER_KIB
from lava_procs.near_memory.counters import ROWS

__all__ = ["available_tables", "price", "price_with"]


class Term(NamedTuple):
    """One price that one count of an action pays, in joule, with where it comes from."""

    joule: float
    provenance: dict[str, Any]
    note: str | None = None


def price(counts: dict[str, Any], tables: Sequence[str], strict: bool = False) -> dict[str, Any]:
    """Price the counts of a run with each of the named tables.

    Args:
        counts: content of counts.json.
        tables: names from `available_tables()`, or paths of TOML files.
        strict: a counter above zero without a price is an error; otherwise it is listed under `unpriced`.

    Returns:
        Content of energy.json. All energies are per inference, in joule; counts are means over the samples.

    Raises:
        BasaltError: unknown or faulty table, faulty counts, or (strict) a counter without a price.
    """
    checked = parse_counts(counts)
    priced = {name: price_with(load_table(name), checked, name, strict) for name in tables}
    return {"format": "basalt-energy", "version": 1, "samples": checked.samples, "tables": priced}


def price_with(table: PriceTable, counts: Counts, name: str, strict: bool = False) -> dict[str, Any]:
    """Price the counts of a run with one table; `name` is the table's name in errors."""
    unpriced = _unpriced(table, counts)
    if unpriced and strict:
        raise BasaltError(
            f"The price table {name!r} has no price for {', '.join(unpriced)}: add it under [actions], "
            f"declare it free with a reason, or price without the strict mode."
        )
    step_seconds = counts.step_seconds or table.time.step_seconds
    bills = [(process, _bill(table, process)) for process in counts.processes]
    processes = [_process(table, process, bill, counts, step_seconds) for process, bill in bills]
    terms = [term for _, bill in bills for action in bill.values() for term in action]
    dynamic = math.fsum(process["dynamic_joule"] for process in processes)
    static = math.fsum(process["static_joule"] for process in processes)
    return {
        "title": table.title,
        "summary": table.summary,
        "node_nm": table.node_nm,
        "supply_volt": table.supply_volt,
        "step_seconds": step_seconds,
        "step_seconds_from": "counts" if counts.step_seconds else "table",
        "inference_seconds": step_seconds * counts.steps,
        "per_inference_joule": dynamic + static,
        "dynamic_joule": dynamic,
        "static_joule": static,
        "processes": processes,
        "unpriced": unpriced,
        "free": [{"action": key, "reason": action.free} for key, action in table.actions.items() if action.free],
        "notes": list(dict.fromkeys(term.note for term in terms if term.note)),
        "prices": _distinct(term.provenance for term in terms) + _static_prices(table),
    }


def _unpriced(table: PriceTable, counts: Counts) -> list[str]:
    used = [counter for process in counts.processes for counter, values in process.counters.items() if any(values)]
    return [counter for counter in dict.fromkeys(used) if action_of(counter) not in table.actions]


def _bill(table: PriceTable, process: ProcessCounts) -> dict[str, list[Term]]:
    """What one count of each counter above zero costs in this process, unless free or unpriced."""
    used = [counter for counter, values in process.counters.items() if any(values)]
    return {
        counter: _terms(table, table.actions[action_of(counter)], counter, process)
        for counter in used
        if action_of(counter) in table.actions and not table.actions[action_of(counter)].free
    }


def _terms(table: PriceTable, action: Action, counter: str, process: ProcessCounts) -> list[Term]:
    accesses = 1.0
    terms = []
    if action.memory is not None and action.access is not None:
        memory = table.memories[action.memory]
        accesses = process.word_bits.get(action.memory, memory.word_bits) / memory.row_bits
        terms.append(_access_term(table, action.memory, action.access, accesses, counter, process))
    if action.rows is not None and counter in ROWS:
        terms.append(_row_term(table, ROWS[counter][0], action.rows, counter, process))
    for use in action.uses:
        entry = table.prices[use.price]
        times = use.times * accesses
        provenance = _provenance(counter, use.price.replace("_", " "), entry.value, times, entry.unit, entry)
        terms.append(Term(entry.value * JOULE[entry.unit] * times, provenance))
    return terms


def _access_term(
    table: PriceTable,
    name: str,
    which: Literal["read", "write"],
    accesses: float,
    counter: str,
    process: ProcessCounts,
) -> Term:
    memory = table.memories[name]
    own = process.memory_bits.get(name, 0) / BITS_PER_KIB
    kib = own if memory.kib is None else memory.kib
    owner = f"{name} of {process.name} ({process.part})" if memory.kib is None else f"{name} memory"
    cost = access(table.sram, which, kib, memory.row_bits)
    label = f"SRAM {which}, {memory.row_bits}-bit rows: {owner}, {kib:.3g} KiB"
    value = cost.joule / JOULE[table.sram.unit]
    provenance = _provenance(counter, label, value, accesses, table.sram.unit, table.sram)
    return Term(cost.joule * accesses, provenance, f"{owner}: {cost.note}." if cost.note else None)


def _row_term(
    table: PriceTable, name: str, which: Literal["read", "write"], counter: str, process: ProcessCounts
) -> Term:
    """An access to one macro of a memory, a row of its own width."""
    bits, banks = process.row_bits[name], process.banks.get(name, 1)
    kib = process.memory_bits.get(name, 0) / BITS_PER_KIB / banks
    cost = access(table.sram, which, kib, bits)
    owner = f"{name.replace('_', ' ')} of {process.name} ({process.part})"
    label = f"SRAM {which}, {bits}-bit rows: {owner}, {kib:.3g} KiB"
    value = cost.joule / JOULE[table.sram.unit]
    provenance = _provenance(counter, label, value, 1.0, table.sram.unit, table.sram)
    return Term(cost.joule, provenance, f"{owner}: {cost.note}." if cost.note else None)


def _process(
    table: PriceTable,
    process: ProcessCounts,
    bill: dict[str, list[Term]],
    counts: Counts,
    step_seconds: float,
) -> dict[str, Any]:
    """One process of energy.json."""
    actions = {
        counter: {
            "count": (total := sum(process.counters[counter])) / counts.samples,
            "joule": math.fsum(term.joule for term in terms) * total / counts.samples,
        }
        for counter, terms in bill.items()
    }
    kib = sum(process.memory_bits.values()) / BITS_PER_KIB
    leakage = {"memory": table.static.memory, "logic": table.static.logic}
    seconds = step_seconds * counts.steps
    static = {what: kib * entry.value * WATT_PER_KIB[entry.unit] * seconds for what, entry in leakage.items()}
    return {
        "name": process.name,
        "part": process.part,
        "kib": kib,
        "dynamic_joule": math.fsum(action["joule"] for action in actions.values()),
        "static_joule": math.fsum(static.values()),
        "static": static,
        "actions": actions,
    }


def _static_prices(table: PriceTable) -> list[dict[str, Any]]:
    leakage = {"memory": table.static.memory, "logic": table.static.logic}
    return [
        _provenance("static", f"leakage, {what}", entry.value, 1.0, entry.unit, entry)
        for what, entry in leakage.items()
    ]


def _provenance(action: str, name: str, value: float, times: float, unit: str, entry: Sourced) -> dict[str, Any]:
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


def _distinct(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows grouped by action in order of appearance, each once."""
    once = list({tuple(row.items()): row for row in rows}.values())
    order = list(dict.fromkeys(row["action"] for row in once))
    return sorted(once, key=lambda row: order.index(row["action"]))
