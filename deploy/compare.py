"""Networks of one task on the same machines, side by side: `basalt compare`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from basalt.errors import BasaltError

NAME = "comparison"
TABLES = ("near-memory-22nm", "loihi1-davies", "loihi1-sanafe")
SCHEDULED = "near-memory-22nm"
"""Prices what near-memory cores counted; the other tables price the counts of the backend compiled."""


@dataclass(frozen=True)
class Machine:
    """What an inference takes on what a price table describes.

    Attributes:
        dynamic_joule: of an inference.
        joule: the same with leakage for as long as it computes, where the table knows both; else `dynamic_joule`.
        seconds: that an inference computes; None where the table has no durations.
        busiest: the process that decides the time.
    """

    dynamic_joule: float
    joule: float
    seconds: float | None
    busiest: str | None

    @property
    def energy_delay(self) -> float | None:
        """Joule times second of an inference."""
        return None if self.seconds is None else self.joule * self.seconds


@dataclass(frozen=True)
class Entry:
    """A network: accuracy, trained parameters (None if unknown), spike rates by layer, and what it takes by table."""

    name: str
    accuracy: float | None
    parameters: int | None
    rates: Mapping[str, float]
    machines: Mapping[str, Machine]

    def plain(self) -> dict[str, Any]:
        """As JSON knows it."""
        machines = {
            table: {**asdict(machine), "joule_seconds": machine.energy_delay}
            for table, machine in self.machines.items()
        }
        return {**asdict(self), "rates": dict(self.rates), "machines": machines}


def machine_of(priced: Mapping[str, Any]) -> Machine:
    """The figures of a table in energy.json."""
    time = priced["latency"]
    if time is None:
        return Machine(priced["dynamic_joule"], priced["dynamic_joule"], None, None)
    return Machine(
        priced["dynamic_joule"], priced["full_speed_joule"], float(time["inference_seconds"]), time["busiest"]
    )


def entry_of(folder: Path, samples: int | None, core: Any, tables: Sequence[str]) -> Entry:
    """Run an exported network on near-memory cores and on the backend compiled, and price both.

    Raises:
        BasaltError: it cannot be run, or the two send other spikes.
    """
    import numpy as np

    from basalt.files import read_json
    from convert import netx
    from deploy.energy.pricing import price
    from deploy.inputs import load_inputs
    from deploy.main import net_file
    from deploy.run import Job, counts_file, predict, run

    path = net_file(folder)
    network = netx.read(path)
    inputs = load_inputs(path.parent / "test.npz", network.inputs, network.layers[-1].neurons).first(samples)
    scheduled = Job(network, inputs.spikes, "near-memory", file=path, core=core)
    plain = Job(network, inputs.spikes, "compiled", file=path)
    outcomes = {job.backend: run(job) for job in (scheduled, plain)}
    for name, sent in outcomes["near-memory"].sent.items():
        if not np.array_equal(sent, outcomes["compiled"].sent[name]):
            raise BasaltError(f"Layer {name!r} of {folder} sends other spikes on near-memory: a fault of Basalt's.")
    counts = {job.backend: counts_file(job, outcomes[job.backend]) for job in (scheduled, plain)}
    machines = {}
    for table in tables:
        of = counts["near-memory" if table == SCHEDULED else "compiled"]
        machines[table] = machine_of(price(of, [table])["tables"][table])
    predicted = predict(network, outcomes["compiled"].sent)
    metrics = path.parent / "metrics.json"
    return Entry(
        name=path.parent.name,
        accuracy=None if inputs.labels is None else float(np.mean(predicted == inputs.labels)),
        parameters=read_json(metrics).get("parameters") if metrics.exists() else None,
        rates={layer.name: float(outcomes["compiled"].sent[layer.name].mean()) for layer in network.spiking},
        machines=machines,
    )


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Exported runs; the others are compared with the first.")],
    samples: Annotated[int | None, typer.Option("--samples", "-n", min=1, help="Only the first so many.")] = None,
    core: Annotated[str | None, typer.Option(metavar="CORE.toml", help="The near-memory core of every layer.")] = None,
    table: Annotated[
        list[str] | None, typer.Option(help=f"Price table; may be repeated; {', '.join(TABLES)} if none.")
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for comparison.json and .png.")] = Path(),
) -> None:
    """Networks of one task on the same machines: accuracy, energy and time of an inference, side by side.

    Each runs on near-memory cores (a core a layer, priced by near-memory-22nm) and on the backend compiled, whose
    counts the other tables price. Energy is dynamic, with leakage for as long as an inference computes where the table
    knows static power; time is the busiest layer's, where the table or the schedule knows durations.
    """
    from rich.console import Console

    from basalt.files import make_folder, write_json
    from basalt.progress import progress_bar
    from deploy.cores import DEFAULT, load_core
    from deploy.energy.tables import load_table
    from deploy.near_memory import description

    tables = table or list(TABLES)
    for name in tables:
        load_table(name)
    chosen = load_core(core or DEFAULT)
    make_folder(output)
    entries = []
    with progress_bar("Running networks") as update:
        for done, folder in enumerate(runs, 1):
            entries.append(entry_of(folder, samples, chosen, tables))
            update(done, len(runs))
    content = {
        "format": "basalt-comparison",
        "version": 1,
        "core": description(chosen),
        "entries": [entry.plain() for entry in entries],
    }
    write_json(output / f"{NAME}.json", content)
    draw(output / f"{NAME}.png", entries)
    show(Console(), entries)


def ratio(value: float | None, first: float | None) -> str:
    """How many times the first, as text."""
    return "" if value is None or not first else f"{value / first:.2f}"


def show(console: Any, entries: Sequence[Entry]) -> None:
    """A table for every price table."""
    from rich.table import Table

    for table in entries[0].machines:
        shown = Table("network", "accuracy %", "nJ", "×", "inferences/s", "×", "busiest", title=table)
        first = entries[0].machines[table]
        speed: Callable[[Machine], float | None] = lambda m: None if not m.seconds else 1 / m.seconds  # noqa: E731
        for entry in entries:
            machine = entry.machines[table]
            rate = speed(machine)
            shown.add_row(
                entry.name,
                "" if entry.accuracy is None else f"{100 * entry.accuracy:.2f}",
                f"{1e9 * machine.joule:,.1f}",
                ratio(machine.joule, first.joule),
                "" if rate is None else f"{rate:,.0f}",
                ratio(rate, speed(first)),
                machine.busiest or "",
            )
        console.print(shown)
    console.print("× is against the first network.")


def draw(path: Path, entries: Sequence[Entry]) -> None:
    """Energy against time of an inference, a panel a table, a point a network."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    from basalt.files import atomic

    tables = list(entries[0].machines)
    figure, axes = pyplot.subplots(
        1, len(tables), figsize=(4.2 * len(tables), 3.6), squeeze=False, layout="constrained"
    )
    for axis, table in zip(axes[0], tables):
        for entry in entries:
            machine = entry.machines[table]
            accuracy = "" if entry.accuracy is None else f" {100 * entry.accuracy:.1f} %"
            x = 1e6 * (machine.seconds or 1e-6)
            axis.scatter(x, 1e9 * machine.joule, label=f"{entry.name}{accuracy}")
        axis.set(title=table, xlabel="µs an inference", ylabel="nJ an inference")
        axis.set_xlim(left=0)
        axis.set_ylim(bottom=0)
        axis.legend(fontsize=7)
    with atomic(path) as temporary:
        figure.savefig(temporary, dpi=120)
    pyplot.close(figure)
