"""What the deployment commands do, once their arguments are read."""

import platform
import re
from contextlib import suppress
from importlib.metadata import version
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.table import Table

from basalt import __version__, provenance
from basalt.address import Address
from basalt.convert.reading import TRAINING
from basalt.deadline import Deadline
from basalt.deploy.backends import BACKENDS, find
from basalt.deploy.cores import DEFAULT, available_cores, load_core
from basalt.deploy.distribute import distribute
from basalt.deploy.energy.conventions import in_words, result_entries, step_entries, with_step
from basalt.deploy.energy.pricing import available_tables
from basalt.deploy.energy.pricing import price as price_counts
from basalt.deploy.energy.tables import load_table
from basalt.deploy.inputs import Inputs, read_both
from basalt.deploy.job import Job, Outcome, check, counts_file, predict, run, saturations
from basalt.deploy.mapping.counting import add_hops, load_hops
from basalt.deploy.on_core import fit_notices, summary
from basalt.deploy.operations import operations_of
from basalt.deploy.report.environment import processor
from basalt.deploy.session import SessionError, StallError
from basalt.deploy.stock import notices
from basalt.documents import understood
from basalt.errors import BasaltError
from basalt.files import atomic, make_folder, read_object, write_json
from basalt.paths import RUNS
from basalt.progress import progress_bar
from basalt.records.network import Network
from basalt.shown import console as terminal

if TYPE_CHECKING:
    from basalt.deploy.report.arrays import SampleTrace

console = terminal()

PRICED = ("energy.json", "result.json", "report.html")
"""What a run writes once its counts are priced."""


def run_command(
    file: Path,
    input_: Path | None,
    output: Path | None,
    backend: str,
    batch: int,
    samples: int | None,
    timeout: float | None,
    places: list[str],
    block: int | None,
    workers: int | None,
    scheduler: Address | None,
    tables: list[str],
    strict: bool,
    dry_run: bool,
    core: str | None = None,
    timeline_file: Path | None = None,
    mapping: Path | None = None,
    step_ms: float | None = None,
    bias_start: str = TRAINING,
    input_shape: str | None = None,
) -> None:
    """`basalt run`."""
    chosen = find(backend)
    deadline = Deadline.after(timeout)
    folder = output or file.parent / f"deploy-{backend}"
    priced = tables or available_tables()
    with deadline.held():
        network, inputs = read_both(file, input_, bias_start, input_shape, samples=samples)
        for name in priced:
            load_table(name)  # a table with a fault is found before the run, not after it
        hops = None if mapping is None else load_hops(mapping, network)
    job = Job(
        network,
        inputs.spikes,
        backend,
        batch,
        parse_places(places),
        file=file,
        block=block,
        core=load_core(core or DEFAULT),
    )
    if timeline_file is not None and not job.scheduled:
        raise BasaltError(
            "--timeline shows near-memory cores; run with --backend near-memory, or --place a layer on it."
        )
    step_entries(network.step_seconds, step_ms)
    check(job)
    told = (*network.notices, *inputs.notices, *notices(network), *fit_notices(job.scheduled, job.core))
    for notice in told:
        console.print(notice, style="yellow")
    if dry_run:
        describe(job, folder)
        return
    make_folder(folder)
    title = f"Running {network.name} on {backend}"
    if workers is None and scheduler is None:
        outcome = run_with_bar(job, deadline, folder, title)
    else:
        with progress_bar(title) as update:
            outcome = distribute(job, workers, scheduler, timeout, update, deadline.spent)
    predicted = predict(network, outcome.sent)
    accuracy = None if inputs.labels is None else float(np.mean(predicted == inputs.labels))
    counts = with_step(counts_file(job, outcome), step_ms)
    if hops is not None:
        add_hops(counts, hops, {"input": job.spikes, **outcome.sent})
    counts["operations"] = operations_of(job, outcome, counts)
    forget(folder, *PRICED)  # should pricing fail, they would stand beside other counts
    with atomic(folder / "spikes.npz") as temporary:
        np.savez_compressed(temporary, allow_pickle=False, **spike_arrays(network, outcome, predicted))
    write_json(folder / "counts.json", counts)
    energy = price_counts(counts, priced, strict=strict)
    result = {**result_file(job, inputs, outcome, accuracy, energy), "notices": list(told)}
    write_json(folder / "energy.json", energy)
    write_json(folder / "result.json", result)
    write_html(folder, file, job, inputs, outcome, predicted, result, counts, energy)
    show_result(result, energy, folder, chosen.table)
    if timeline_file is not None:
        write_timeline(job, timeline_file)


def forget(folder: Path, *names: str) -> None:
    """Remove what an earlier run left; where that cannot be done, writing says so."""
    for name in names:
        with suppress(OSError):
            (folder / name).unlink()


def write_timeline(job: Job, path: Path) -> None:
    """The first sample's timeline on the cores of a run."""
    from basalt.deploy.timeline import timeline

    with progress_bar("Writing the timeline") as update:
        write_json(path, timeline(job.core, job.network, job.scheduled, job.spikes[0], update))
    console.print(f"Timeline of the first sample: {path}; open it in ui.perfetto.dev.")


def parse_places(places: list[str]) -> dict[str, str]:
    """LAYER=BACKEND entries."""
    for entry in places:
        if entry.count("=") != 1:
            raise BasaltError(f"--place {entry!r} is not LAYER=BACKEND.")
    return {entry.split("=")[0]: entry.split("=")[1] for entry in places}


def run_with_bar(job: Job, deadline: Deadline, folder: Path, title: str) -> Outcome:
    """Run with a progress bar; a failure's traceback is kept in the folder."""
    trace = folder / "failure.txt"
    forget(folder, trace.name)
    try:
        with progress_bar(title) as update:
            try:
                return run(job, deadline.limit, update, folder, spent=deadline.spent)
            except StallError as stall:
                console.print(f"{stall} Running it again once.", style="yellow")
                return run(job, deadline.limit, update, folder, spent=deadline.spent)
    except SessionError as error:
        if error.traceback:
            trace.write_text(error.traceback)
            raise SessionError(f"{error} The traceback is in {trace}.", error.traceback) from error
        raise


def describe(job: Job, folder: Path) -> None:
    """What a run would do."""
    samples, features, steps = job.spikes.shape
    console.print(
        f"Would run {job.network.name} ({len(job.network.layers)} layers) on {job.backend}: {samples} samples of "
        f"{features} features × {steps} steps, {min(job.batch, samples)} side by side, into {folder}.",
        markup=False,
    )
    for layer in job.network.layers:
        where = job.places.get(layer.name, job.backend)
        console.print(f"  {layer.name}: {layer.kind}, {layer.inputs} → {layer.neurons}, on {where}")


def result_file(
    job: Job, inputs: Inputs, outcome: Outcome, accuracy: float | None, energy: dict[str, Any]
) -> dict[str, Any]:
    """Content of result.json."""
    samples, _, steps = job.spikes.shape
    return {
        "backend": job.backend,
        "network": job.network.name,
        "file": str(job.file),
        "file_digest": None if job.file is None else provenance.digest(job.file),
        "samples": samples,
        "steps": steps,
        "batch": min(job.batch, samples),
        "accuracy": accuracy,
        "correct": None if accuracy is None else round(accuracy * samples),
        "seconds": outcome.seconds,
        "build_seconds": outcome.build_seconds,
        "sample_steps_per_second": samples * steps / outcome.seconds,
        **result_entries(energy, counted(outcome)),
        "saturations": saturations(outcome),
        "spike_rate": {layer.name: float(outcome.sent[layer.name].mean()) for layer in job.network.spiking},
        "machine": machine(),
        "origin": job.network.origin,
        "reading": job.network.reading,
        "command": provenance.command(),
        "commit": provenance.commit(),
        "written": provenance.now(),
    }


def counted(outcome: Outcome) -> bool:
    """Whether any process counted anything; stock processes do not."""
    return any(table.any() for name, table in outcome.counts.items() if name != "input.source")


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    import psutil

    return {
        "processor": processor(),
        "architecture": platform.machine(),
        "cores": psutil.cpu_count(logical=True),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "system": platform.system(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("numpy", "lava-nc", "lava-dl")},
        "basalt": __version__,
    }


def spike_arrays(network: Network, outcome: Outcome, predicted: np.ndarray) -> dict[str, np.ndarray]:
    """What spikes.npz holds: the predicted labels, what the last layer before a read-out sent, and its last sums, if
    any; of a read-out that sends its membranes, those of every step, 4096 to SLAYER's 1.0."""
    arrays = {"labels": predicted}
    before = [layer.name for layer in network.layers if layer is not network.readout]
    if before:
        arrays["spikes"] = outcome.sent[before[-1]]
    if network.readout is not None:
        arrays["readout"] = outcome.sent[network.readout.name][:, :, -1]
        if network.readout.membranes:
            arrays["membranes"] = outcome.sent[network.readout.name]
    return arrays


def write_html(
    folder: Path,
    file: Path,
    job: Job,
    inputs: Inputs,
    outcome: Outcome,
    predicted: np.ndarray,
    result: dict[str, Any],
    counts: dict[str, Any],
    energy: dict[str, Any],
) -> None:
    """The report; what training and verify left goes into it."""
    from basalt.deploy.report.arrays import ReportArrays
    from basalt.deploy.report.build import write_report
    from basalt.deploy.report.renew import known_beside

    with understood(f"metrics.json or verify.json beside {file}", "remove it, or renew it with `basalt verify`"):
        metrics, verify = known_beside(folder, file, result)
    spiking = [layer.name for layer in job.network.spiking]
    rates = {name: outcome.sent[name].mean(axis=(0, 1)) for name in spiking}
    arrays = ReportArrays(
        predicted=predicted,
        labels=inputs.labels,
        samples=tuple(sample_trace(job, outcome, index) for index in interesting(inputs, predicted)),
        rates={"input": job.spikes.mean(axis=(0, 1)), **rates},
    )
    with understood(f"metrics.json or verify.json beside {file}", "remove it, or renew it with `basalt verify`"):
        write_report(folder / "report.html", result, counts, energy, metrics, verify, arrays)


def interesting(inputs: Inputs, predicted: np.ndarray) -> list[int]:
    """Samples to show: the first one, and the first one that went wrong."""
    wrong = [] if inputs.labels is None else np.flatnonzero(predicted != inputs.labels)[:1].tolist()
    return sorted({0, *wrong})


def sample_trace(job: Job, outcome: Outcome, index: int) -> "SampleTrace":
    """What one sample did in every layer."""
    from basalt.deploy.report.arrays import SampleTrace

    readout = job.network.readout
    return SampleTrace(
        index=index,
        input=job.spikes[index],
        layers={layer.name: outcome.sent[layer.name][index] for layer in job.network.spiking},
        readout=None if readout is None else outcome.sent[readout.name][index],
    )


def show_result(result: dict[str, Any], energy: dict[str, Any], folder: Path, table: str) -> None:
    """The gist of a run, for people; energy by the table that suits the backend, or the first."""
    accuracy = result["accuracy"]
    console.print(
        f"{result['samples']} samples × {result['steps']} steps on {result['backend']} in {result['seconds']:.2f} s"
        + ("" if accuracy is None else f", accuracy {100 * accuracy:.2f} % ({result['correct']} right)")
    )
    shown = table if table in energy["tables"] else next(iter(energy["tables"]))
    if result["energy_per_inference"][shown] is None:
        console.print("Nothing was counted, so nothing is priced.")
    else:
        headline, beside = in_words(energy["tables"][shown])
        console.print(f"Energy of an inference by {shown}: {headline}; {beside}.")
    if result["saturations"]:
        console.print(f"{result['saturations']} saturations: a state left its range; see the report.", style="yellow")
    console.print(f"Report: {folder / 'report.html'}")


def list_command() -> None:
    """`basalt list`."""
    recipes = sorted((Path(__file__).parents[2] / "train" / "recipes").glob("*.toml"))
    rows: list[tuple[str, str, str]] = [("recipe", path.stem, first_comment(path)) for path in recipes]
    rows += [("run", str(path.parent), run_state(path.parent)) for path in sorted(RUNS.glob("*/recipe.toml"))]
    rows += [("backend", name, backend.about) for name, backend in BACKENDS.items()]
    rows += [("core", name, summary(load_core(name))) for name in available_cores()]
    rows += [("price table", name, load_table(name).title) for name in available_tables()]
    table = Table("what", "name", "about")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def first_comment(path: Path) -> str:
    """What a recipe says of itself in the first sentence of its opening comment."""
    opening = takewhile(lambda line: line.startswith("#"), path.read_text(encoding="utf-8").splitlines())
    words = " ".join(line.lstrip("# ") for line in opening)
    return re.split(r"(?<=\.) (?=[A-Z])", words)[0]


def run_state(folder: Path) -> str:
    """Accuracy of a run, and how far it got."""
    stages = {"exported": "model.net", "verified": "verify.json", "deployed": "deploy-*/result.json"}
    done = [stage for stage, pattern in stages.items() if list(folder.glob(pattern))]
    if not (folder / "metrics.json").exists():
        return "training has not ended"
    try:
        metrics = read_object(folder / "metrics.json")
        with understood(str(folder / "metrics.json"), "train the run to its end"):
            accuracy, floats = metrics.get("accuracy_integer"), metrics.get("accuracy_float")
            form = "" if accuracy is not None else " in floats, not deployable"
            known = floats if accuracy is None else accuracy
            return ", ".join(([] if known is None else [f"test accuracy {100 * float(known):.1f} %{form}"]) + done)
    except BasaltError as error:  # one damaged run hides no other
        return str(error)
