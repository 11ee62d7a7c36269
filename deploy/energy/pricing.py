"""Counts → joules, exactly: the total is the sum over processes is the sum over actions.

    dynamic = Σ_process Σ_counter count · price            price in joule, count per inference
    static  = Σ_process KiB · (leakage of memory + of logic) · seconds

In real time, which is the headline (conventions.py), the seconds of an inference are steps · step_seconds, or what the
machine computes where that is longer.

The price of an access to a memory follows from the size and the row width of that memory of that process.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from basalt.deploy.energy.bill import Bill, bill_of, provenance
from basalt.deploy.energy.conventions import FULL_SPEED, HEADLINE, REAL_TIME, Stated
from basalt.deploy.energy.counts import Counts, ProcessCounts, parse_counts
from basalt.deploy.energy.latency import latency
from basalt.deploy.energy.schema import PriceTable
from basalt.deploy.energy.sensitivity import sensitivity
from basalt.deploy.energy.shortcut import shortcut
from basalt.deploy.energy.tables import available_tables, load_table
from basalt.deploy.energy.units import BITS_PER_KIB, WATT_PER_KIB
from basalt.errors import BasaltError

__all__ = ["available_tables", "price", "price_with"]

ROUNDING = 1e-9
"""Of durations that are sums of others."""


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
    priced = {}
    for name in tables:
        try:
            priced[name] = price_with(load_table(name), checked, name, strict)
        except ArithmeticError as error:
            raise BasaltError(
                f"The counts by the price table {name!r} make no finite energy ({error}): a price, a size or a count "
                f"is far beyond anything real; mend the table, or run the network again."
            ) from error
    return {
        "format": "basalt-energy",
        "version": 1,
        "headline": HEADLINE,
        "samples": checked.samples,
        "misfits": list(checked.misfits),
        "tables": priced,
        "shortcut": shortcut(checked),
    }


def price_with(table: PriceTable, counts: Counts, name: str, strict: bool = False) -> dict[str, Any]:
    """Price the counts of a run with one table; `name` is the table's name in errors.

    The delay of an inference is its modelled time, where there is one, else the duration of its steps. Where inferences
    follow each other at once, static power is spent for the delay only, and that is the energy that goes with it:

        full_speed_joule = dynamic + static · delay / seconds,    energy_delay = full_speed_joule · delay
    """
    unpriced = _unpriced(table, counts)
    if unpriced and strict:
        raise BasaltError(
            f"The price table {name!r} has no price for {', '.join(unpriced)}: add it under [actions], "
            f"declare it free with a reason, or price without the strict mode."
        )
    step_seconds = counts.step_seconds or table.time.step_seconds
    time = latency(table, counts)
    delay = step_seconds * counts.steps if time is None else time["inference_seconds"]
    seconds = max(step_seconds * counts.steps, delay)
    bills = [bill_of(table, process) for process in counts.processes]
    processes = [_process(table, process, bill, counts, seconds) for process, bill in zip(counts.processes, bills)]
    terms = [term for bill in bills for action in bill.values() for term in action]
    dynamic = math.fsum(process["dynamic_joule"] for process in processes)
    static = math.fsum(process["static_joule"] for process in processes)
    total = dynamic + static
    busy = delay / seconds
    for process in processes:
        joule = process["dynamic_joule"] + process["static_joule"]
        process |= {
            "share": joule / total if total else 0.0,
            "per_step_joule": joule / counts.steps,
            "energy_delay_joule_second": (process["dynamic_joule"] + process["static_joule"] * busy) * delay,
        }
    leaks = table.no_static is None
    fast = Stated(FULL_SPEED, dynamic + static * busy, dynamic, static * busy if leaks else None, delay)
    return {
        "title": table.title,
        "summary": table.summary,
        "node_nm": table.node_nm,
        "supply_volt": table.supply_volt,
        "steps": counts.steps,
        "step_seconds": step_seconds,
        "step_seconds_from": counts.step_seconds_from if counts.step_seconds else "table",
        "inference_seconds": seconds,
        "keeps_up": delay <= step_seconds * counts.steps * (1 + ROUNDING),
        "real_time": Stated(REAL_TIME, total, dynamic, static if leaks else None, seconds).plain(),
        "full_speed": None if time is None else fast.plain(),
        "per_inference_joule": total,
        "per_step_joule": total / counts.steps,
        "dynamic_joule": dynamic,
        "static_joule": static,
        "no_static": table.no_static,
        "delay_seconds": delay,
        "delay_from": "step_seconds" if time is None else time["from"],
        "full_speed_joule": fast.joule,
        "energy_delay_joule_second": fast.joule * delay,
        "latency": time,
        "costliest": _costliest(processes, total),
        "processes": processes,
        "sensitivity": sensitivity(table, counts, bills, [process["static"] for process in processes]),
        "unpriced": unpriced,
        "free": [{"action": key, "reason": action.free} for key, action in table.actions.items() if action.free],
        "notes": list(dict.fromkeys(term.note for term in terms if term.note)),
        "prices": _distinct(term.provenance for term in terms) + _static_prices(table),
    }


def _unpriced(table: PriceTable, counts: Counts) -> list[str]:
    used = [(process.kind, counter) for process in counts.processes for counter in process.used]
    return list(dict.fromkeys(counter for kind, counter in used if table.action(kind, counter) is None))


def _process(table: PriceTable, process: ProcessCounts, bill: Bill, counts: Counts, seconds: float) -> dict[str, Any]:
    """One process of energy.json, but what follows from the total; it leaks for `seconds`."""
    actions = {
        counter: {
            "count": (total := sum(process.counters[counter])) / counts.samples,
            "joule": math.fsum(term.joule for term in terms) * total / counts.samples,
        }
        for counter, terms in bill.items()
    }
    kib = sum(process.memory_bits.values()) / BITS_PER_KIB
    static = {what: kib * entry.value * WATT_PER_KIB[entry.unit] * seconds for what, entry in table.leakage.items()}
    return {
        "name": process.name,
        "part": process.part,
        "kib": kib,
        "dynamic_joule": math.fsum(action["joule"] for action in actions.values()),
        "static_joule": math.fsum(static.values()),
        "static": static,
        "actions": actions,
    }


def _costliest(processes: Sequence[dict[str, Any]], total: float) -> dict[str, Any]:
    """The process that needs most energy, all its parts together."""
    joules: dict[str, float] = {}
    for process in processes:
        joule = process["dynamic_joule"] + process["static_joule"]
        joules[process["name"]] = joules.get(process["name"], 0.0) + joule
    name = max(joules, key=lambda name: joules[name], default="")
    joule = joules.get(name, 0.0)
    return {"name": name, "joule": joule, "share": joule / total if total else 0.0}


def _static_prices(table: PriceTable) -> list[dict[str, Any]]:
    return [
        provenance("static", f"leakage, {what}", entry.value, 1.0, entry.unit, entry)
        for what, entry in table.leakage.items()
    ]


def _distinct(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows grouped by action in order of appearance, each once."""
    once = list({tuple(row.items()): row for row in rows}.values())
    order = list(dict.fromkeys(row["action"] for row in once))
    return sorted(once, key=lambda row: order.index(row["action"]))
