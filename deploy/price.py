"""`basalt price`: the counts of a run that is done, priced by any table."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Column, Table

from basalt.files import read_json, write_json
from deploy.energy.pricing import available_tables, price
from deploy.report.format import share, si

DELAYS = {"table": "modelled", "cycles": "by cycles", "step_seconds": "of steps"}
"""Where the delay of an energy-delay product is from."""

console = Console()


def price_command(counts: Path, tables: list[str], strict: bool, sensitive: bool = False) -> None:
    """Price, write energy.json beside the counts, and show the processes, the tables side by side, and on demand what
    each entry's doubling does."""
    energy = price(read_json(counts), tables or available_tables(), strict=strict)
    write_json(counts.parent / "energy.json", energy)
    for name, table in energy["tables"].items():
        console.print(processes_table(name, table))
    console.print(totals_table(energy))
    if sensitive:
        console.print(sensitivity_table(energy))
    for name, table in energy["tables"].items():
        if table["no_static"]:
            console.print(f"{name}: {table['no_static']}.")
        if table["unpriced"]:
            console.print(f"[yellow]{name}: no price for {', '.join(table['unpriced'])}.[/yellow]")
    console.print(f"Per inference. Written to {counts.parent / 'energy.json'}.", markup=False)


def processes_table(name: str, table: dict[str, Any]) -> Table:
    """Energy of each part of each process, by the table of that name."""
    shown = Table("process", "part", "dynamic", "static", "share", "per step", "energy·delay", title=name)
    for entry in table["processes"]:
        shown.add_row(
            entry["name"],
            entry["part"],
            si(entry["dynamic_joule"], "J"),
            si(entry["static_joule"], "J"),
            share(entry["share"]),
            si(entry["per_step_joule"], "J"),
            product(entry["energy_delay_joule_second"]),
        )
    return shown


TOTALS: dict[str, Callable[[dict[str, Any]], str]] = {
    "energy": lambda table: si(table["per_inference_joule"], "J"),
    "dynamic": lambda table: si(table["dynamic_joule"], "J"),
    "static": lambda table: "–" if table["no_static"] else si(table["static_joule"], "J"),
    "per step": lambda table: si(table["per_step_joule"], "J"),
    "delay": lambda table: f"{si(table['delay_seconds'], 's')} {DELAYS[table['delay_from']]}",
    "at full speed": lambda table: si(table["full_speed_joule"], "J"),
    "energy·delay": lambda table: product(table["energy_delay_joule_second"]),
    "costliest": lambda table: table["costliest"]["name"],
    "busiest": lambda table: table["latency"]["busiest"] if table["latency"] else "–",
}
"""What is told of a whole inference."""


def totals_table(energy: dict[str, Any]) -> Table:
    """All tables side by side."""
    shown = Table("an inference", *(Column(name, overflow="fold") for name in energy["tables"]))
    for name, told in TOTALS.items():
        shown.add_row(name, *map(told, energy["tables"].values()))
    return shown


def sensitivity_table(energy: dict[str, Any]) -> Table:
    """What doubling each entry of each table adds to the total."""
    shown = Table("table", "entry", "kind", "doubled, adds")
    for name, table in energy["tables"].items():
        for row in table["sensitivity"]:
            shown.add_row(name, row["entry"], row["kind"], f"{row['percent']:.2f} %")
    return shown


def product(joule_seconds: float) -> str:
    """An energy-delay product, in a power of ten, as its SI prefixes say little."""
    return f"{joule_seconds:.3g} J·s"
