"""What a report says about the energy account as a whole: tables side by side, what matters, operations, shortcut."""

from collections.abc import Callable, Mapping
from typing import Any

from basalt.deploy.energy.conventions import FULL_SPEED, REAL_TIME, STEP_FROM, Stated, full_speed, real_time
from basalt.deploy.report.format import digits, percent, share, si, si_plain

DELAYS = {
    "table": "as the table's durations say",
    "cycles": "by the cycles of the near-memory cores",
    "step_seconds": "the duration of its steps",
}
"""Where the delay of an energy-delay product is from."""

MOST_ENTRIES = 8
"""Entries of a table that are shown by name; the others together."""

OPERATIONS = ("Effective_ACs", "Effective_MACs", "Dense")


def leakage(table: Mapping[str, Any], joule: float) -> str:
    """Leakage in joule, where the table knows any."""
    return "none known" if table["no_static"] else si(joule, "J")


def fast(table: Mapping[str, Any], told: Callable[[Stated], str]) -> str:
    """A figure of an inference at full speed, where that is known."""
    found = full_speed(table)
    return "–" if found is None else told(found)


def throughput(table: Mapping[str, Any]) -> str:
    """Inferences per second, where time is modelled."""
    each = table["latency"]["inferences_per_second"] if table["latency"] else None
    return f"{digits(each)} / s" if each else "–"


COMPARED: dict[str, Callable[[Mapping[str, Any]], str]] = {
    f"energy {REAL_TIME}": lambda table: si(real_time(table).joule, "J"),
    "dynamic": lambda table: si(table["dynamic_joule"], "J"),
    f"leakage {REAL_TIME}": lambda table: leakage(table, table["static_joule"]),
    "a step lasts": lambda table: f"{si_plain(table['step_seconds'], 's')}, {STEP_FROM[table['step_seconds_from']]}",
    "per step": lambda table: si(table["per_step_joule"], "J"),
    f"energy {FULL_SPEED}": lambda table: fast(table, lambda one: si(one.joule, "J")),
    f"leakage {FULL_SPEED}": lambda table: fast(table, lambda one: leakage(table, one.leakage_joule or 0.0)),
    "delay": lambda table: f"{si(table['delay_seconds'], 's')}, {DELAYS[table['delay_from']]}",
    "energy × delay": lambda table: joule_seconds(table["energy_delay_joule_second"]),
    "inferences": throughput,
    "costliest process": lambda table: f"{table['costliest']['name']} ({share(table['costliest']['share'])})",
    "busiest process": lambda table: table["latency"]["busiest"] if table["latency"] else "–",
}
"""The figures of a whole inference; the first is the headline."""


def comparison(energy: Mapping[str, Any]) -> dict[str, Any]:
    """The price tables side by side: a column for each, a row for each figure, so that no page cuts it."""
    tables = energy["tables"].values()
    rows = [{"name": name, "cells": [told(table) for table in tables]} for name, told in COMPARED.items()]
    return {"columns": [table["title"] for table in tables], "rows": rows}


def step_view(energy: Mapping[str, Any]) -> tuple[str, str]:
    """How long a step lasts, and who says so: "5 ms", "given by the network"."""
    tables = energy["tables"].values()
    lasts = {si_plain(table["step_seconds"], "s") for table in tables}
    origins = {STEP_FROM[table["step_seconds_from"]] for table in tables}
    if len(lasts) == len(origins) == 1:
        return lasts.pop(), origins.pop()
    return "–", "assumed by each price table; --step-ms sets it"


def sensitivity_bars(table: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What doubling each entry adds to the total: the largest by name, the others together."""
    rows = table["sensitivity"]
    shown = [(entry_name(row["entry"]), row["percent"], row["kind"]) for row in rows[:MOST_ENTRIES]]
    rest = sum(row["percent"] for row in rows[MOST_ENTRIES:])
    if rest:
        shown.append((f"{len(rows) - MOST_ENTRIES} others", rest, ""))
    return [
        {"name": name, "width": part, "text": f"+ {share(part / 100)}".replace("+ <", "<"), "kind": kind}
        for name, part, kind in shown
    ]


def entry_name(entry: str) -> str:
    """An entry of a table in words: "prices.event_hop" → "event hop", "sram.read" → "SRAM reads"."""
    section, _, name = entry.partition(".")
    words = {"prices": "{}", "sram": "SRAM {}s", "static": "leakage, {}"}
    return words[section].format(name.replace("_", " "))


def operations_view(counts: Mapping[str, Any]) -> dict[str, Any] | None:
    """Effective and dense-equivalent operations by layer, under NeuroBench's names; None where they are not known."""
    found = counts.get("operations")
    if not found:
        return None
    rows = [(name, layer) for name, layer in found["layers"].items()]
    membranes = found.get("MembraneUpdates")
    return {
        "columns": OPERATIONS,
        "rows": [{"name": name, "cells": [digits(layer[key]) for key in OPERATIONS]} for name, layer in rows],
        "totals": [digits(found[key]) for key in OPERATIONS],
        "sparsity": percent(found["ActivationSparsity"]),
        "membranes": None if membranes is None else digits(membranes),
        "membrane_samples": found.get("membrane_samples"),
    }


def shortcut_view(energy: Mapping[str, Any]) -> dict[str, str] | None:
    """The literature's shortcut, for a box of its own."""
    found = energy.get("shortcut")
    if not found:
        return None
    return {
        "label": found["label"],
        "explanation": found["explanation"],
        "joule": si(found["joule"], "J"),
        "spikes": digits(found["spikes"]),
        "sparsity": "–" if found["sparsity"] is None else percent(found["sparsity"]),
        "times": "–" if found["times_ann"] is None else f"{found['times_ann']:.1f} ×",
    }


def joule_seconds(value: float) -> str:
    """An energy-delay product: "29.2 nJ·s"."""
    return si(value, "J·s")
