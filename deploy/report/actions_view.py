"""What every process did, and what each action cost by each price table, as one long table that no page cuts."""

from collections.abc import Iterable, Mapping
from typing import Any

from basalt.deploy.report.format import digits, si

ACTIONS = {
    "weight_words_read": "weight reads",
    "synaptic_operations": "synaptic operations",
    "dense_macs": "dense multiply-accumulates",
    "dense_mac_bits": "bits by bits of dense products",
    "graded_products": "products with graded values",
    "graded_product_bits": "bits by bits of products with graded values",
    "neuron_updates": "neuron updates",
    "state_reads": "state reads",
    "state_writes": "state writes",
    "lookups": "look-ups",
    "events_in": "events in",
    "spikes_out": "spikes out",
    "hops": "hops",
    "cycles": "cycles",
    "saturations": "saturations",
}
"""What a reader calls each counter, in the order in which they are shown."""


def action_name(counter: str) -> str:
    """A counter in words, with the kind of process where it is of one kind only: "slow_memory.events_in"."""
    kind, _, counter = counter.rpartition(".")
    name = ACTIONS.get(counter, "leakage" if counter == "static" else counter.replace("_", " "))
    return f"{name} ({kind.replace('_', ' ')})" if kind else name


def ordered(counters: Iterable[str]) -> list[str]:
    """Each counter once, known ones first and in their order."""
    found = list(dict.fromkeys(counters))
    order = list(ACTIONS)
    return sorted(found, key=lambda key: order.index(key) if key in order else len(order))


def actions_view(counts: Mapping[str, Any], energy: Mapping[str, Any]) -> dict[str, Any]:
    """A row for each action of each part of a process: how often per inference, and dynamic energy by table."""
    samples = max(counts["samples"], 1)
    joules = {name: _joules(table) for name, table in energy["tables"].items()}
    parts = []
    for process in counts["processes"]:
        counters, who = process["counters"], (process["name"], process["part"])
        bits = sum(process.get("memory_bits", {}).values())
        rows = [
            {
                "name": action_name(counter),
                "count": digits(sum(counters[counter]) / samples),
                "cells": [_cell(of.get((*who, counter))) for of in joules.values()],
            }
            for counter in ordered(counters)
            if any(counters[counter])
        ]
        if rows:
            parts.append(
                {"name": who[0], "part": who[1], "kib": f"{digits(bits / 8192)} KiB" if bits else "", "rows": rows}
            )
    totals = [si(table["dynamic_joule"], "J") for table in energy["tables"].values()]
    return {"columns": list(energy["tables"]), "parts": parts, "totals": totals}


def saturations(counts: Mapping[str, Any]) -> dict[str, int]:
    """How often each process saturated, over all samples; processes that never did are left out."""
    totals = {f"{p['name']} ({p['part']})": sum(p["counters"].get("saturations", [])) for p in counts["processes"]}
    return {name: total for name, total in totals.items() if total}


def _joules(table: Mapping[str, Any]) -> dict[tuple[str, str, str], float]:
    return {
        (process["name"], process["part"], counter): action["joule"]
        for process in table["processes"]
        for counter, action in process["actions"].items()
    }


def _cell(joule: float | None) -> str:
    """What an action costs: nothing where the table has no price for it, 0 where it is free."""
    return "–" if joule is None else "0" if joule == 0 else si(joule, "J")
