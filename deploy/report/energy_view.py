"""The energy sections of a report: by process and action, dynamic against leakage, and the provenance of prices."""

from collections.abc import Mapping, Sequence
from typing import Any

from basalt.deploy.energy.conventions import FULL_SPEED, NO_TIME, REAL_TIME, full_speed, parts_in_words, steps_in_words
from basalt.deploy.report.account_view import joule_seconds, leakage, sensitivity_bars
from basalt.deploy.report.actions_view import action_name, ordered
from basalt.deploy.report.format import digits, share, si, si_plain, si_scale


def energy_views(energy: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One view for each price table, in the order given."""
    return [_table_view(name, table) for name, table in energy["tables"].items()]


def _table_view(name: str, table: Mapping[str, Any]) -> dict[str, Any]:
    processes = table["processes"]
    costing = (key for process in processes for key, action in process["actions"].items() if action["joule"])
    columns = ordered(costing)
    prefix, scale = si_scale(max([p["dynamic_joule"] + p["static_joule"] for p in processes], default=0.0))
    longest = max([p["dynamic_joule"] for p in processes], default=0.0) or 1.0
    costliest = max([p["dynamic_joule"] + p["static_joule"] for p in processes], default=0.0) or 1.0
    total = table["per_inference_joule"]
    rows = []
    for process in processes:
        spent = process["dynamic_joule"] + process["static_joule"]
        joules = {key: process["actions"].get(key, {}).get("joule", 0.0) for key in columns}
        rows.append(
            {
                "name": process["name"],
                "part": process["part"],
                "bars": [
                    {"key": key, "name": action_name(key), "width": 100 * joule / longest, "text": si(joule, "J")}
                    for key, joule in joules.items()
                    if joule
                ],
                "dynamic_text": si(process["dynamic_joule"], "J"),
                "static_text": leakage(table, process["static_joule"]),
                "total_text": si(spent, "J"),
                "dynamic_width": 100 * process["dynamic_joule"] / costliest,
                "static_width": 100 * process["static_joule"] / costliest,
                "dynamic": _in(process["dynamic_joule"], scale),
                "static": _in(process["static_joule"], scale),
                "total": _in(spent, scale),
                "share": share(process["share"]) if total else "–",
                "step": si(process["per_step_joule"], "J"),
                "product": joule_seconds(process["energy_delay_joule_second"]),
            }
        )
    sources = _sources(table["prices"])
    return {
        "name": name,
        "title": table["title"],
        "summary": table.get("summary", ""),
        "unit": f"{prefix}J",
        "per_inference": si(total, "J"),
        "dynamic": si(table["dynamic_joule"], "J"),
        "static": si(table["static_joule"], "J"),
        "dynamic_share": 100 * table["dynamic_joule"] / total if total else 0.0,
        "dynamic_share_text": share(table["dynamic_joule"] / total) if total else "–",
        "static_share_text": share(table["static_joule"] / total) if total else "–",
        "convention": REAL_TIME,
        "steps": steps_in_words(table),
        "fast": _fast(table),
        "no_static": table["no_static"],
        "latency": _latency(table),
        "step": si(table["per_step_joule"], "J"),
        "product": joule_seconds(table["energy_delay_joule_second"]),
        "sensitivity": sensitivity_bars(table),
        "break_even": _break_even(table),
        "columns": [{"key": key, "name": action_name(key)} for key in columns],
        "rows": rows,
        "dynamic_total": _in(table["dynamic_joule"], scale),
        "static_total": _in(table["static_joule"], scale),
        "total": _in(total, scale),
        "unpriced": [action_name(key) for key in table.get("unpriced", [])],
        "notes": [note.rstrip(".") for note in table.get("notes", [])],
        "free": [{"name": action_name(f["action"]), "reason": f["reason"]} for f in table.get("free", [])],
        "prices": _prices(table["prices"], sources),
        "sources": sources,
    }


def _fast(table: Mapping[str, Any]) -> str:
    """The other convention, in a sentence."""
    found = full_speed(table)
    if found is None:
        return f"{FULL_SPEED.capitalize()} not known, as {NO_TIME}."
    return (
        f"{FULL_SPEED.capitalize()} {si(found.joule, 'J')}: {parts_in_words(found)}, in "
        f"{si_plain(found.seconds, 's')} an inference."
    )


def _latency(table: Mapping[str, Any]) -> str:
    """How long an inference takes, what decides it, and what that holds for."""
    time = table["latency"]
    if not time:
        return ""
    processes = ", ".join(f"{name} {si(each, 's')}" for name, each in time["processes"].items())
    source = time["source"][:1].upper() + time["source"][1:].rstrip(".")
    barrier = f", and a barrier of {si(time['barrier_seconds'], 's')}" if time["barrier_seconds"] else ""
    totals = time["resolution"] == "totals"
    bound = " Only totals over all steps are known, so that this is a lower bound." if totals else ""
    return (
        f"An inference takes {si(time['inference_seconds'], 's')}, a step {si(time['step_seconds'], 's')}: each ends "
        f"with the slowest process{barrier}. Busy in a mean step: {processes}; {time['busiest']} is the busiest."
        f"{bound} {source}."
    )


def _break_even(table: Mapping[str, Any]) -> str:
    """The step duration at which leakage costs as much as the work."""
    if not table["static_joule"] or not table["dynamic_joule"]:
        return ""
    return si(table["inference_seconds"] / table["steps"] * table["dynamic_joule"] / table["static_joule"], "s")


def _prices(rows: Sequence[Mapping[str, Any]], sources: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """The rows of each action, by its name; memories that cost the same share a row."""
    actions = ordered(row["action"] for row in rows)
    return {action_name(key): _merged([row for row in rows if row["action"] == key], sources) for key in actions}


def _sources(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """All sources, in the order in which the rows are shown."""
    actions = ordered(row["action"] for row in rows)
    return list(dict.fromkeys(row["source"] for key in actions for row in rows if row["action"] == key))


def _merged(rows: Sequence[Mapping[str, Any]], sources: Sequence[str]) -> list[dict[str, Any]]:
    merged: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: not row.get("name", "").startswith("SRAM")):
        # "SRAM read, 64-bit rows: weights of hidden1 (spiking), 289 KiB": what, and which memory.
        what, _, where = row.get("name", row["action"]).partition(": ")
        shared = merged.setdefault(
            (what, row["value"], row["unit"], row.get("times", 1.0)),
            {
                "what": what,
                "where": [],
                "value": digits(row["value"]),
                "unit": row["unit"].replace("uW", "µW"),
                "times": f"{row.get('times', 1.0):.3g}",
                "node": f"{row['node']:g} nm",
                "kind": row["kind"],
                "source": sources.index(row["source"]) + 1,
            },
        )
        shared["where"] += [where] if where else []
    return list(merged.values())


def _in(joule: float, scale: float) -> str:
    value = joule / scale
    if value == 0:
        return ""
    return "< 0.001" if value < 0.0005 else f"{value:.3f}" if value < 10 else f"{value:.1f}"
