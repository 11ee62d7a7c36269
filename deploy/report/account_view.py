"""What a report says about the energy account as a whole: tables side by side, what matters, operations, shortcut."""

from collections.abc import Mapping
from typing import Any

from deploy.report.format import digits, percent, share, si

DELAYS = {
    "table": "as the table's durations say",
    "cycles": "by the cycles of the near-memory cores",
    "step_seconds": "the duration of its steps",
}
"""Where the delay of an energy-delay product is from."""

MOST_ENTRIES = 8
"""Entries of a table that are shown by name; the others together."""

OPERATIONS = ("Effective_ACs", "Effective_MACs", "Dense")


def comparison(energy: Mapping[str, Any]) -> list[dict[str, str]]:
    """One row a price table."""
    rows = []
    for table in energy["tables"].values():
        time = table["latency"]
        each = time["inferences_per_second"] if time else None
        rows.append(
            {
                "title": table["title"],
                "total": si(table["per_inference_joule"], "J"),
                "dynamic": si(table["dynamic_joule"], "J"),
                "static": "none known" if table["no_static"] else si(table["static_joule"], "J"),
                "step": si(table["per_step_joule"], "J"),
                "delay": si(table["delay_seconds"], "s"),
                "delay_from": DELAYS[table["delay_from"]],
                "full_speed": si(table["full_speed_joule"], "J"),
                "product": joule_seconds(table["energy_delay_joule_second"]),
                "throughput": f"{digits(each)} / s" if each else "–",
                "costliest": f"{table['costliest']['name']} ({share(table['costliest']['share'])})",
                "busiest": time["busiest"] if time else "–",
            }
        )
    return rows


def sensitivity_bars(table: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What doubling each entry adds to the total: the largest by name, the others together."""
    rows = table["sensitivity"]
    shown = [(entry_name(row["entry"]), row["percent"], row["kind"]) for row in rows[:MOST_ENTRIES]]
    rest = sum(row["percent"] for row in rows[MOST_ENTRIES:])
    if rest:
        shown.append((f"{len(rows) - MOST_ENTRIES} others", rest, ""))
    return [{"name": name, "width": part, "text": f"+ {share(part / 100)}", "kind": kind} for name, part, kind in shown]


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
