"""`basalt price`: the counts of a run that is done, priced by any table."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from rich.table import Column, Table

from basalt.deploy.energy.conventions import REAL_TIME, in_words, result_entries, with_step
from basalt.deploy.energy.pricing import available_tables, price
from basalt.deploy.options import PriceOptions
from basalt.deploy.report.account_view import COMPARED, leakage
from basalt.deploy.report.format import share, si
from basalt.deploy.report.renew import renew
from basalt.documents import understood
from basalt.errors import BasaltError
from basalt.files import read_object, write_json
from basalt.opening import there
from basalt.paths import newest
from basalt.published import meant, results_of
from basalt.shown import console as terminal

console = terminal()


def price_command(options: PriceOptions) -> None:
    """Price, add to energy.json beside the counts, renew the report, and show the processes, the tables side by side,
    and on demand what each entry's doubling does.

    A duration of a step that the user gives goes into the counts too, so that all that is priced from them agrees.
    """
    counts = counts_of(options.run_)
    read = read_object(counts)
    content = with_step(read, options.step_ms)
    asked = options.table or available_tables()
    energy = price(content, asked, strict=options.strict)
    path = counts.parent / "energy.json"
    written = {**energy, "tables": {**priced_before(path, content, asked), **energy["tables"]}}
    if content != read:
        write_json(counts, content)
    write_json(path, written)
    renew_result(counts.parent / "result.json", written)
    for misfit in energy["misfits"]:
        console.print(misfit, style="yellow")
    for name, table in energy["tables"].items():
        console.print(processes_table(name, table))
    console.print(totals_table(energy))
    if options.sensitivity:
        console.print(sensitivity_table(energy))
    for name, table in energy["tables"].items():
        headline, beside = in_words(table)
        console.print(f"{name}: {headline}; {beside}.")
        if table["no_static"]:
            console.print(f"{name}: {table['no_static']}.")
        if table["unpriced"]:
            console.print(f"{name}: no price for {', '.join(table['unpriced'])}.", style="yellow")
    also = [name for name in written["tables"] if name not in energy["tables"]]
    kept = f", which has {', '.join(also)} too" if also else ""
    console.print(f"Per inference. Written to {path}{kept}.")
    renewed = renew(counts.parent)
    if renewed is not None:
        console.print(renewed)


def counts_of(named: Path | None) -> Path:
    """The counts.json that is meant by a result folder, by itself, or by nothing.

    Raises:
        BasaltError: there is none.
    """
    counts = newest("*/deploy-*/counts.json", "counts", "basalt run") if named is None else results_of(named)
    if counts != named and named is not None:
        counts = newest("deploy-*/counts.json", "counts", f"basalt run {named}", counts)
    file = counts / "counts.json" if there(counts) and counts.is_dir() else counts
    if not there(file):
        near = "" if named is None else meant(named)
        raise BasaltError(
            f"There is no {file}: {near}name a result folder of `basalt run`, such as runs/NAME/deploy-fixed."
        )
    return file


def priced_before(path: Path, counts: dict[str, Any], asked: Collection[str]) -> dict[str, Any]:
    """The entries of an energy.json whose tables are not asked for now, priced anew by the counts as they are.

    One whose table is gone or has a fault by now stays as it was, where a step still lasts as long; a warning names it.
    """
    if not path.is_file():
        return {}
    found: dict[str, Any] = {}
    with understood(str(path), "remove it, and price the run again"):
        tables = {str(name): dict(before) for name, before in read_object(path)["tables"].items()}
    for name, before in tables.items():
        if name in asked:
            continue
        try:
            found |= price(counts, [name])["tables"]
        except BasaltError as error:
            same = "real_time" in before and counts.get("step_seconds") in (None, before.get("step_seconds"))
            found |= {name: before} if same else {}
            what = "as it was priced before" if same else "left out, as it cannot be priced anew"
            console.print(f"{name} is {what}: {error}", style="yellow")
    return found


def renew_result(path: Path, energy: dict[str, Any]) -> None:
    """The energies in result.json, where there is one of a run that counted anything."""
    if path.is_file():
        result = read_object(path)
        with understood(str(path), "run the network again"):
            counted = any(joule is not None for joule in result.get("energy_per_inference_joule", {}).values())
            entries = result_entries(energy, counted)
        write_json(path, {**result, **entries})


def processes_table(name: str, table: dict[str, Any]) -> Table:
    """Energy of each part of each process, by the table of that name, in real time."""
    shown = Table(
        "process", "part", "dynamic", "leakage", "share", "per step", "energy·delay", title=f"{name}, {REAL_TIME}"
    )
    for entry in table["processes"]:
        shown.add_row(
            entry["name"],
            entry["part"],
            si(entry["dynamic_joule"], "J"),
            leakage(table, entry["static_joule"]),
            share(entry["share"]),
            si(entry["per_step_joule"], "J"),
            product(entry["energy_delay_joule_second"]),
        )
    return shown


def totals_table(energy: dict[str, Any]) -> Table:
    """All tables side by side."""
    shown = Table("an inference", *(Column(name, overflow="fold") for name in energy["tables"]))
    for name, told in COMPARED.items():
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
