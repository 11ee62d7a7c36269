"""Networks of one task on the same machines, side by side: `basalt compare`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from basalt.deploy.options import BIAS_START, TRAINING
from basalt.errors import BasaltError

if TYPE_CHECKING:
    from rich.table import Table

TABLES = ("near-memory-22nm", "loihi1-davies", "loihi1-sanafe")
SCHEDULED = "near-memory-22nm"
"""Prices what near-memory cores counted; the other tables price the counts of the backend compiled."""


@dataclass(frozen=True)
class Machine:
    """What an inference takes on what a price table describes.

    Attributes:
        joule: in real time: dynamic, and leakage for as long as the steps last; the headline.
        dynamic_joule: of what was counted.
        leakage_joule: in real time; None where the table knows no static power.
        full_speed_joule: dynamic, and leakage for as long as it computes; None where the table has no durations.
        seconds: that an inference computes; None where the table has no durations.
        busiest: the process that is busy for longest.
        step_seconds: how long a step lasts in real time.
        step_seconds_from: who says so: "file", "option" or "table", which is an assumption.
        keeps_up: whether it computes an inference within its steps.
    """

    joule: float
    dynamic_joule: float
    leakage_joule: float | None
    full_speed_joule: float | None
    seconds: float | None
    busiest: str | None
    step_seconds: float
    step_seconds_from: str
    keeps_up: bool = True

    @property
    def energy_delay(self) -> float | None:
        """Joule times second of an inference at full speed."""
        if self.seconds is None or self.full_speed_joule is None:
            return None
        return self.full_speed_joule * self.seconds

    @property
    def rate(self) -> float | None:
        """Inferences a second at full speed."""
        return 1 / self.seconds if self.seconds else None


@dataclass(frozen=True)
class Entry:
    """A network and what it takes.

    Attributes:
        name: of its run.
        samples: that accuracy, rates and energies are means of.
        accuracy: None without labels.
        parameters: trained ones; None if unknown.
        rates: spikes per neuron and step, by layer.
        misfits: sentences about what does not fit into the near-memory core.
        machines: by price table.
        notices: sentences about how its file and its input were read.
    """

    name: str
    samples: int
    accuracy: float | None
    parameters: int | None
    rates: Mapping[str, float]
    misfits: tuple[str, ...]
    machines: Mapping[str, Machine]
    notices: tuple[str, ...] = ()

    def plain(self) -> dict[str, Any]:
        """As JSON knows it."""
        machines = {
            table: {**asdict(machine), "real_time_joule": machine.joule, "joule_seconds": machine.energy_delay}
            for table, machine in self.machines.items()
        }
        sentences = {"misfits": list(self.misfits), "notices": list(self.notices)}
        return {**asdict(self), **sentences, "rates": dict(self.rates), "machines": machines}


def machine_of(priced: Mapping[str, Any]) -> Machine:
    """The figures of a table in energy.json."""
    from basalt.deploy.energy.conventions import full_speed, real_time

    slow, fast = real_time(priced), full_speed(priced)
    return Machine(
        slow.joule,
        slow.dynamic_joule,
        slow.leakage_joule,
        None if fast is None else fast.joule,
        None if fast is None else fast.seconds,
        priced["latency"]["busiest"] if priced["latency"] else None,
        priced["step_seconds"],
        priced["step_seconds_from"],
        priced["keeps_up"],
    )


def entry_of(
    folder: Path,
    samples: int | None,
    core: Any,
    tables: Sequence[str],
    step_ms: float | None = None,
    name: str | None = None,
    bias_start: str = TRAINING,
) -> Entry:
    """Run an exported network on near-memory cores and on the backend compiled, and price both.

    Args:
        folder: a run, or its .net file.
        step_ms: of a step, where the network does not say.
        name: what it is called; as its folder if not given.
        bias_start: as of `basalt.convert.netx.read`.

    Raises:
        BasaltError: it cannot be run, or the two send other spikes.
    """
    import numpy as np

    from basalt.deploy.energy.conventions import with_step
    from basalt.deploy.energy.pricing import price
    from basalt.deploy.inputs import read_both
    from basalt.deploy.job import Job, counts_file, predict, run
    from basalt.deploy.main import net_file
    from basalt.deploy.near_memory import fit_notices
    from basalt.files import read_object

    path = net_file(folder)
    network, inputs = read_both(path, None, bias_start)
    inputs = inputs.first(samples)
    scheduled = Job(network, inputs.spikes, "near-memory", file=path, core=core)
    plain = Job(network, inputs.spikes, "compiled", file=path)
    outcomes = {job.backend: run(job) for job in (scheduled, plain)}
    for layer, sent in outcomes["near-memory"].sent.items():
        if not np.array_equal(sent, outcomes["compiled"].sent[layer]):
            raise BasaltError(f"Layer {layer!r} of {folder} sends other spikes on near-memory: a fault of Basalt's.")
    step = step_ms if network.step_seconds is None else None
    counts = {job.backend: with_step(counts_file(job, outcomes[job.backend]), step) for job in (scheduled, plain)}
    machines = {}
    for table in tables:
        of = counts["near-memory" if table == SCHEDULED else "compiled"]
        machines[table] = machine_of(price(of, [table])["tables"][table])
    predicted = predict(network, outcomes["compiled"].sent)
    metrics = path.parent / "metrics.json"
    return Entry(
        name=name or path.parent.name,
        samples=len(inputs.spikes),
        accuracy=None if inputs.labels is None else float(np.mean(predicted == inputs.labels)),
        parameters=read_object(metrics).get("parameters") if metrics.exists() else None,
        rates={layer.name: float(outcomes["compiled"].sent[layer.name].mean()) for layer in network.spiking},
        misfits=tuple(fit_notices(scheduled.scheduled, core)),
        machines=machines,
        notices=(*network.notices, *inputs.notices),
    )


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Exported runs; the others are compared with the first.")],
    samples: Annotated[int | None, typer.Option("--samples", "-n", min=1, help="Only the first so many.")] = None,
    core: Annotated[str | None, typer.Option(metavar="CORE.toml", help="The near-memory core of every layer.")] = None,
    table: Annotated[
        list[str] | None, typer.Option(help=f"Price table; may be repeated; {', '.join(TABLES)} if none.")
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for comparison-NAMES.json and .png; the current one if none.")
    ] = Path(),
    step_ms: Annotated[
        float | None,
        typer.Option("--step-ms", min=1e-6, help="Milliseconds that a step lasts, of networks that do not say."),
    ] = None,
    bias_start: Annotated[str, BIAS_START] = TRAINING,
) -> None:
    """Networks of one task on the same machines: accuracy, energy and time of an inference, side by side.

    Each runs on near-memory cores (a core a layer, priced by near-memory-22nm) and on the backend compiled, whose
    counts the other tables price. Energy is dynamic + leakage [cyan]in real time[/cyan], over the duration of the
    steps, and beside it [cyan]at full speed[/cyan], for as long as an inference computes; each step ends
    with the slowest layer, where the table or the schedule knows durations. What does not fit into the core is marked
    with †.
    """
    import os

    from basalt import provenance
    from basalt.deploy.cores import DEFAULT, load_core
    from basalt.deploy.energy.conventions import HEADLINE
    from basalt.deploy.energy.tables import load_table
    from basalt.deploy.main import net_file
    from basalt.deploy.near_memory import description
    from basalt.deploy.report.environment import versions
    from basalt.files import make_folder, write_json
    from basalt.progress import progress_bar
    from basalt.shown import console as terminal
    from basalt.study.compare.files import ending, names_of, place_for
    from basalt.study.compare.picture import draw

    tables = table or list(TABLES)
    for name in tables:
        load_table(name)
    chosen = load_core(core or DEFAULT)
    make_folder(output)
    files = [net_file(run) for run in runs]
    names = names_of(files)
    check_step(files, step_ms)
    entries = []
    with progress_bar("Running networks") as update:
        for done, (file, name) in enumerate(zip(files, names), 1):
            entries.append(entry_of(file, samples, chosen, tables, step_ms, name, bias_start))
            update(done, len(files))
    compared = {
        "runs": [os.path.relpath(file.resolve(), output.resolve()) for file in files],
        "samples": samples,
        "tables": tables,
        "core": description(chosen),
        "step_ms": step_ms,
        "bias_start": bias_start,
    }
    place = place_for(output, names, compared)
    content = {
        "format": "basalt-comparison",
        "version": 2,
        "headline": HEADLINE,
        "compared": compared,
        "samples": {entry.name: entry.samples for entry in entries},
        "core": description(chosen),
        "entries": [entry.plain() for entry in entries],
        "date": provenance.now(),
        "command": provenance.command(),
        "commit": provenance.commit(),
        "versions": versions(),
    }
    console = terminal()
    for entry in entries:
        for sentence in (*entry.notices, *entry.misfits):
            console.print(f"{entry.name}: {sentence}", style="yellow")
    show(console, entries)
    write_json(ending(place, ".json"), content)
    draw(ending(place, ".png"), entries, chosen.name)
    console.print(f"Written to {ending(place, '.json')} and {ending(place, '.png').name}.")


def check_step(files: Sequence[Path], step_ms: float | None) -> None:
    """Refuse `--step-ms` where all networks say themselves how long a step lasts, and another time."""
    from basalt.deploy.energy.conventions import step_entries
    from basalt.deploy.inputs import read_both

    if step_ms is not None:
        given = [read_both(file, None)[0].step_seconds for file in files]
        if None not in given:
            step_entries(given[0], step_ms)


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


def in_real_time(table: str, entries: Sequence[Entry]) -> "Table":
    """The headline."""
    from rich.table import Column, Table

    from basalt.deploy.energy.conventions import REAL_TIME

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


def at_full_speed(table: str, entries: Sequence[Entry]) -> "Table":
    """The other convention, and time."""
    from rich.table import Column, Table

    from basalt.deploy.energy.conventions import FULL_SPEED

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
    from basalt.deploy.energy.conventions import STEP_FROM
    from basalt.deploy.report.format import si_plain

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
