"""`basalt run`: a network on a backend, counted, priced and reported."""

from pathlib import Path
from typing import Any

from basalt.address import Address
from basalt.deadline import Deadline
from basalt.deploy.backends import find
from basalt.deploy.cores import DEFAULT, load_core
from basalt.deploy.distribute import share_out
from basalt.deploy.energy.conventions import in_words, step_entries
from basalt.deploy.energy.pricing import available_tables
from basalt.deploy.energy.tables import load_table
from basalt.deploy.inputs import Inputs, read_both
from basalt.deploy.job import Job, Outcome, check, run_checked
from basalt.deploy.mapping.counting import load_hops
from basalt.deploy.on_core import fit_notices
from basalt.deploy.options import RecordingOptions, RunOptions, net_file
from basalt.deploy.result import Done, forget, write_run
from basalt.deploy.session import SessionError, StallError
from basalt.deploy.stock import notices
from basalt.errors import BasaltError
from basalt.files import make_folder, write_json
from basalt.progress import progress_bar
from basalt.published import results
from basalt.recordings.read import is_recording
from basalt.records.network import Network
from basalt.shown import console as terminal

console = terminal()


def run_command(options: RunOptions, recording: RecordingOptions = RecordingOptions()) -> None:  # noqa: B008 frozen
    """`basalt run`."""
    named, input_ = net_and_input(options)
    file, backend, scheduler = net_file(named), find(options.backend), options.dask
    deadline = Deadline.after(options.timeout)
    folder = options.output or results(file) / f"deploy-{backend.name}"
    tables = options.table or available_tables()
    with deadline.held():
        network, inputs = read_both(
            file,
            input_,
            options.bias_start,
            options.input_shape,
            samples=options.samples,
            recording=recording,
            step_ms=options.step_ms,
        )
        for name in tables:
            load_table(name)  # a table with a fault is found before the run, not after it
        hops = None if options.mapping is None else load_hops(options.mapping, network)
    job = job_of(options, network, inputs, file)
    if options.timeline is not None and not job.scheduled:
        raise BasaltError(
            "--timeline shows near-memory cores; run with --backend near-memory, or --place a layer on it."
        )
    step_entries(network.step_seconds, options.step_ms)
    check(job)
    sentences = (*network.notices, *inputs.notices, *notices(network), *fit_notices(job.scheduled, job.core))
    for sentence in sentences:
        console.print(sentence, style="yellow")
    if options.dry_run:
        describe(job, folder)
        return
    make_folder(folder)
    done = Done(job, inputs, outcome_of(job, options, scheduler, deadline, folder))
    written = write_run(folder, done, done.counts(options.step_ms, hops), tables, options.strict, sentences)
    show_result(written.result, written.energy, folder, backend.table)
    if options.timeline is not None:
        write_timeline(job, options.timeline)


def net_and_input(options: RunOptions) -> tuple[Path | None, Path | None]:
    """The network and the input that are named; with --net the argument is the input.

    Raises:
        BasaltError: two inputs are named, or a recording without a network.
    """
    if options.net is None:
        if options.file is not None and is_recording(options.file):
            raise BasaltError(f"{options.file} is an input: name the network that it is for with --net.")
        return options.file, options.input_
    if options.file is not None and options.input_ is not None:
        raise BasaltError(f"{options.file} and --input {options.input_} are two inputs: name one.")
    return options.net, options.file or options.input_


def job_of(options: RunOptions, network: Network, inputs: Inputs, file: Path) -> Job:
    """The job that is asked for."""
    return Job(
        network,
        inputs.spikes,
        options.backend,
        options.batch,
        parse_places(options.place or []),
        file=file,
        block=options.block,
        core=load_core(options.core or DEFAULT),
        runtime=options.runtime,
    )


def outcome_of(job: Job, options: RunOptions, scheduler: Address | None, deadline: Deadline, folder: Path) -> Outcome:
    """Run a job that was checked: here, or shared out among workers."""
    title = f"Running {job.network.name} on {job.backend}"
    if options.workers is None and scheduler is None:
        return run_with_bar(job, deadline, folder, title)
    with progress_bar(title) as update:
        return share_out(job, options.workers, scheduler, options.timeout, update, deadline.spent)


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
    """Run a job that was checked with a progress bar; a failure's traceback is kept in the folder."""
    trace = folder / "failure.txt"
    forget(folder, trace.name)
    try:
        with progress_bar(title) as update:
            try:
                return run_checked(job, deadline.limit, update, folder, spent=deadline.spent)
            except StallError as stall:
                console.print(f"{stall} Running it again once.", style="yellow")
                return run_checked(job, deadline.limit, update, folder, spent=deadline.spent)
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
