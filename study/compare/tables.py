"""A comparison for people: tables, and sentences under them."""

from collections.abc import Callable, Sequence
from typing import Any

from rich.table import Column, Table

from basalt.deploy.energy.conventions import FULL_SPEED, REAL_TIME, STEP_FROM
from basalt.deploy.report.format import si_plain
from basalt.study.compare.entry import SCHEDULED, Entry


def ratio(value: float | None, first: float | None) -> str:
    """How many times the first, as text."""
    return "" if value is None or not first else f"{value / first:.2f}"


def figure(value: float | None, scale: float = 1.0, digits: int = 1) -> str:
    """A number as text, or that it is not known."""
    return "–" if value is None else f"{scale * value:,.{digits}f}"


def show(console: Any, entries: Sequence[Entry]) -> None:
    """For every price table the energies in real time, then those at full speed; and what all of it stands on."""
    for table in entries[0].machines:
        console.print(in_real_time(table, entries))
        if any(entry.machines[table].seconds for entry in entries):
            console.print(at_full_speed(table, entries))
        else:
            console.print(f"{table} has no durations, so at full speed nothing is known.")
    for note in notes(entries):
        console.print(note)


def in_real_time(table: str, entries: Sequence[Entry]) -> Table:
    """The headline."""
    network = Column("network", overflow="fold")
    shown = Table(network, "accuracy %", "nJ", "×", "dynamic", "leakage", title=f"{table}, {REAL_TIME}")
    first = entries[0].machines[table]
    for entry in entries:
        machine = entry.machines[table]
        shown.add_row(
            marked(entry, table),
            "–" if entry.accuracy is None else f"{100 * entry.accuracy:.2f}",
            figure(machine.joule, 1e9),
            ratio(machine.joule, first.joule),
            figure(machine.dynamic_joule, 1e9),
            figure(machine.leakage_joule, 1e9),
        )
    return shown


def at_full_speed(table: str, entries: Sequence[Entry]) -> Table:
    """The other convention, and time."""
    network = Column("network", overflow="fold")
    shown = Table(network, "nJ", "×", "inferences/s", "×", "busiest", title=f"{table}, {FULL_SPEED}")
    first = entries[0].machines[table]
    for entry in entries:
        machine = entry.machines[table]
        shown.add_row(
            marked(entry, table),
            figure(machine.full_speed_joule, 1e9),
            ratio(machine.full_speed_joule, first.full_speed_joule),
            figure(machine.rate, digits=0),
            ratio(machine.rate, first.rate),
            machine.busiest or "–",
        )
    return shown


def marked(entry: Entry, table: str) -> str:
    """A network's name, with a dagger where it is counted on a core that it does not fit."""
    return entry.name + (" †" if entry.misfits and table == SCHEDULED else "")


def notes(entries: Sequence[Entry]) -> list[str]:
    """Sentences under the tables: × and –, what the figures stand on, and what does not fit."""
    misfit = any(entry.misfits for entry in entries)
    return [
        "Per inference; × is against the first network; –: not known.",
        *basis(entries),
        *(["† does not fit into the core, and is counted as if it did."] if misfit else []),
    ]


def basis(entries: Sequence[Entry]) -> list[str]:
    """Samples, durations of steps, and which machine is too slow for them."""

    def lasts(entry: Entry) -> str:
        machines = entry.machines.values()
        return " / ".join(
            dict.fromkeys(f"{si_plain(m.step_seconds, 's')} ({STEP_FROM[m.step_seconds_from]})" for m in machines)
        )

    late = [f"{entry.name} on {table}" for entry in entries for table, m in entry.machines.items() if not m.keeps_up]
    return [
        by_value("Samples", entries, lambda entry: f"{entry.samples:,}"),
        by_value("A step lasts", entries, lasts),
        *([f"Not in real time, as the machine needs longer than the steps last: {', '.join(late)}."] if late else []),
    ]


def by_value(what: str, entries: Sequence[Entry], told: Callable[[Entry], str]) -> str:
    """A figure of all networks where it is the same, else of each."""
    values = {entry.name: told(entry) for entry in entries}
    if len(set(values.values())) == 1:
        return f"{what}: {next(iter(values.values()))}."
    return f"{what}: {', '.join(f'{name} {value}' for name, value in values.items())}."
