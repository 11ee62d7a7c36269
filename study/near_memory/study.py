"""What the optimisations of a near-memory core are worth to a network on real input: `basalt ablate near-memory`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import typer

from basalt.deploy.options import BIAS_START, INPUT_SHAPE, TRAINING
from basalt.errors import BasaltError

NAME = "core-ablation"
SHORT = {
    "dependency_breaking": "dependency breaking",
    "operator_fusion": "operator fusion",
    "heterogeneous_stationarity": "heterogeneous stationarity",
}
BRIEF = {"dependency_breaking": "break", "operator_fusion": "fuse", "heterogeneous_stationarity": "station"}


@dataclass(frozen=True)
class Row:
    """What an inference takes on one of the cores; each layer has a core of its own.

    Attributes:
        switches: which optimisations are on.
        cycles: of a step, by layer; means over samples and steps.
        step_cycles: of a step of all layers, which ends with the slowest: then the next one can begin; mean.
        accesses: rows of SRAM read and written in an inference, mean.
        dynamic_joule: of an inference.
        leakage_joule: of all cores for as long as they compute: at full speed.
        real_time_joule: of an inference with leakage for as long as its steps last, the other convention.
    """

    switches: dict[str, bool]
    cycles: dict[str, float]
    step_cycles: float
    accesses: float
    dynamic_joule: float
    leakage_joule: float
    real_time_joule: float

    @property
    def joule(self) -> float:
        """Of an inference at full speed, leakage while it computes included."""
        return self.dynamic_joule + self.leakage_joule

    def plain(self) -> dict[str, Any]:
        """As JSON knows it."""
        return {**asdict(self), "joule": self.joule}


def combinations(core: Any) -> Iterator[Any]:
    """The core with every combination of its switches, from all on to all off."""
    from basalt.near_memory.core import SWITCHES

    for states in product((True, False), repeat=len(SWITCHES)):
        yield replace(core, **dict(zip(SWITCHES, states)))


def row_of(core: Any, counts: Mapping[str, Any], table: str) -> Row:
    """The figures of a run on `core` from the content of its counts.json, priced by `table`."""
    from basalt.deploy.energy.pricing import price
    from basalt.near_memory.core import SWITCHES
    from basalt.near_memory.counters import ROWS

    samples, steps = counts["samples"], counts["steps"]
    cycles: dict[str, float] = {}
    accesses = 0
    for process in counts["processes"]:
        counters = process["counters"]
        if "cycles" in counters:
            cycles[process["name"]] = sum(counters["cycles"]) / samples / steps
        accesses += sum(sum(values) for name, values in counters.items() if name in ROWS)
    priced = price(dict(counts), [table])["tables"][table]
    leakage = priced["full_speed_joule"] - priced["dynamic_joule"]
    switches = {name: getattr(core, name) for name in SWITCHES}
    together = 1e6 * core.clock_mhz * priced["latency"]["step_seconds"]
    dynamic, real_time = priced["dynamic_joule"], priced["real_time"]["joule"]
    return Row(
        switches,
        cycles,
        step_cycles=together,
        accesses=accesses / samples,
        dynamic_joule=dynamic,
        leakage_joule=leakage,
        real_time_joule=real_time,
    )


def ablate(job: Any, table: str, on_row: Callable[[int, int], None]) -> list[Row]:
    """Run the job on every combination.

    Raises:
        BasaltError: an optimisation changed a spike, which none may.
    """
    import numpy as np

    from basalt.deploy.counted import counts_file
    from basalt.deploy.job import run

    rows, first = [], None
    cores = list(combinations(job.core))
    for done, core in enumerate(cores, 1):
        this = replace(job, core=core)
        outcome = run(this)
        if first is None:
            first = outcome.sent
        for name, sent in outcome.sent.items():
            if not np.array_equal(sent, first[name]):
                raise BasaltError(f"Layer {name!r} sends different spikes on the core {core}: that is a bug in Basalt.")
        rows.append(row_of(core, counts_file(this, outcome), table))
        on_row(done, len(cores))
    return rows


def near_memory(
    file: Annotated[
        Path | None,
        typer.Argument(help="A .net file, or a run folder that holds one; the newest export if none is named."),
    ] = None,
    input_: Annotated[
        Path | None, typer.Option("--input", "-i", help="An .npz file with `spikes`; the test.npz beside the file.")
    ] = None,
    samples: Annotated[int | None, typer.Option("--samples", "-n", min=1, help="Use only the first N samples.")] = None,
    core: Annotated[str | None, typer.Option(metavar="CORE.toml", help="The core; our default one if none.")] = None,
    table: Annotated[str, typer.Option(help="Price table.")] = "near-memory-22nm",
    bias_start: Annotated[str, BIAS_START] = TRAINING,
    input_shape: Annotated[str | None, INPUT_SHAPE] = None,
) -> None:
    """What a near-memory core's three optimisations are worth: all eight combinations, on real input.

    Runs the network on cores with dependency breaking, operator fusion and heterogeneous stationarity on or off, checks
    that every spike is the same, and tells cycles, accesses and energy. Writes core-ablation.json and core-ablation.png
    beside the .net file.
    """
    from basalt import provenance
    from basalt.deploy.cores import DEFAULT, load_core
    from basalt.deploy.energy.tables import load_table
    from basalt.deploy.inputs import read_both
    from basalt.deploy.job import Job
    from basalt.deploy.on_core import description, fit_notices
    from basalt.deploy.options import net_file
    from basalt.files import write_json
    from basalt.progress import progress_bar
    from basalt.published import results
    from basalt.shown import console as terminal

    path = net_file(file)
    network, inputs = read_both(path, input_, bias_start, input_shape, labels=False)
    inputs = inputs.first(samples)
    load_table(table)
    job = Job(network, inputs.spikes, "near-memory", file=path, core=load_core(core or DEFAULT))
    console = terminal()
    misfits = fit_notices(job.scheduled, job.core)
    for notice in (*network.notices, *inputs.notices, *misfits):
        console.print(notice, style="yellow")
    with progress_bar("Running on eight cores") as update:
        rows = ablate(job, table, update)
    content = {
        "format": "basalt-core-ablation",
        "version": 1,
        "network": network.name,
        "samples": len(inputs.spikes),
        "steps": inputs.spikes.shape[2],
        "table": table,
        "core": description(job.core),
        "misfits": misfits,
        "rows": [row.plain() for row in rows],
        "date": provenance.now(),
        "command": provenance.command(),
        "commit": provenance.commit(),
    }
    folder = results(path)
    write_json(folder / f"{NAME}.json", content)
    fit = f"\nnot all layers fit into the core {job.core.name!r}; they are counted as if they did" if misfits else ""
    draw(folder / f"{NAME}.png", rows, f"{network.name}, {len(inputs.spikes)} samples, {table}{fit}")
    show(console, rows)
    console.print(f"Written to {folder / NAME}.json and .png.")


def label(row: Row) -> str:
    """What is off."""
    off = [SHORT[name] for name, on in row.switches.items() if not on]
    return "all on" if not off else "all off" if len(off) == len(SHORT) else "without " + ", ".join(off)


def show(console: Any, rows: Sequence[Row]) -> None:
    """A table, each row against all on."""
    from rich.table import Table

    from basalt.deploy.energy.conventions import FULL_SPEED, REAL_TIME

    best = rows[0]
    shown = Table(*BRIEF.values(), "cycles", "×", "accesses", f"nJ {REAL_TIME}", f"nJ {FULL_SPEED}", "×")
    for row in rows:
        shown.add_row(
            *("on" if row.switches[name] else "–" for name in BRIEF),
            f"{row.step_cycles:,.0f}",
            f"{row.step_cycles / best.step_cycles:.2f}",
            f"{row.accesses:,.0f}",
            f"{1e9 * row.real_time_joule:,.1f}",
            f"{1e9 * row.joule:,.1f}",
            f"{row.joule / best.joule:.2f}",
        )
    console.print(shown)
    console.print(
        "break: dependency breaking, fuse: operator fusion, station: heterogeneous stationarity. Cycles of a step, "
        "which ends with the slowest layer; SRAM accesses and energy of an inference: dynamic + leakage, in real time "
        "over its steps, at full speed for as long as they compute."
    )


def draw(path: Path, rows: Sequence[Row], title: str) -> None:
    """Cycles and energy against all on, one bar per core."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    from basalt.files import atomic

    figure, axes = pyplot.subplots(1, 2, figsize=(10, 3.6), sharey=True, layout="constrained")
    places = range(len(rows), 0, -1)
    for axis, what, values in (
        (axes[0], "cycles a step, until the slowest layer ends", [row.step_cycles for row in rows]),
        (axes[1], "nJ an inference at full speed", [1e9 * row.joule for row in rows]),
    ):
        axis.barh(places, values, color="#4a6fa5")
        axis.bar_label(axis.containers[0], [f"{v:,.0f} (×{v / values[0]:.2f})" for v in values], padding=3, fontsize=8)
        axis.set_xlabel(what)
        axis.set_xscale("log")
        axis.set_xlim(min(values) / 2, max(values) * 8)
    axes[0].set_yticks(places, [label(row) for row in rows], fontsize=8)
    figure.suptitle(title, fontsize=10)
    with atomic(path) as temporary:
        figure.savefig(temporary, dpi=120)
    pyplot.close(figure)
