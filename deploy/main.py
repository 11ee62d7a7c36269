"""Command line: run a .net file on a backend, verify it, price a run, list what there is."""

import sys
from pathlib import Path
from typing import Annotated

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import typer

from basalt.address import TlsCa, TlsCert, TlsKey, address
from basalt.deploy.options import BIAS_START, INPUT_SHAPE, TRAINING, net_file
from basalt.errors import BasaltError
from basalt.opening import there
from basalt.paths import newest

NET = typer.Argument(help="A .net file, or a run folder that holds one; the newest export if none is named.")
INPUT = typer.Option(
    "--input",
    "-i",
    help="An .npz file with `spikes` (samples × features × steps, or samples × C × H × W × steps) and, if known, "
    "`labels`; the test.npz beside the .net file if none is named.",
)
SAMPLES = typer.Option("--samples", "-n", min=1, help="Use the first so many samples only.")
TIMEOUT = typer.Option("--timeout", min=0.1, help="End the run after so many seconds; no limit if not given.")
STEP_MS = typer.Option(
    "--step-ms",
    min=1e-6,
    max=1e12,
    help="Milliseconds that a step lasts, where the network's file does not say; decides the leakage in real time.",
)
BATCH = typer.Option("--batch", "-b", min=1, help="Samples that run side by side in one build.")


def run(
    file: Annotated[Path | None, NET] = None,
    input_: Annotated[Path | None, INPUT] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Folder for the results; deploy-BACKEND beside the .net file if none is named.",
        ),
    ] = None,
    backend: Annotated[str, typer.Option(help="Where to run; `basalt list` tells what there is.")] = "fixed",
    batch: Annotated[int, BATCH] = 256,
    samples: Annotated[int | None, SAMPLES] = None,
    timeout: Annotated[float | None, TIMEOUT] = None,
    place: Annotated[
        list[str] | None,
        typer.Option(help="LAYER=BACKEND: run one layer on another backend; may be repeated."),
    ] = None,
    block: Annotated[
        int | None,
        typer.Option(min=1, help="Time steps that processes exchange at once; the backend's choice if not given."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Share the samples out among so many workers on this machine.")
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(help="Share them out among the workers of a Dask scheduler, tcp://HOST:PORT or tls://HOST:PORT."),
    ] = None,
    tls_ca_file: TlsCa = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    table: Annotated[
        list[str] | None, typer.Option(help="Price table; may be repeated; all of them if none is named.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="An event without a price is an error.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would run, and stop.")] = False,
    core: Annotated[
        str | None,
        typer.Option(
            metavar="CORE.toml", help="The core of the backend near-memory; our default one if none is named."
        ),
    ] = None,
    timeline: Annotated[
        Path | None,
        typer.Option(
            metavar="TRACE.json",
            help="Write what every data path and memory of each core of the backend near-memory did for the first "
            "sample, step by step; ui.perfetto.dev opens it.",
        ),
    ] = None,
    mapping: Annotated[
        Path | None,
        typer.Option(
            metavar="MAPPING.json",
            help="Count, and price, the hops of all spikes on a mesh, as `basalt map` placed them.",
        ),
    ] = None,
    step_ms: Annotated[float | None, STEP_MS] = None,
    bias_start: Annotated[str, BIAS_START] = TRAINING,
    input_shape: Annotated[str | None, INPUT_SHAPE] = None,
) -> None:
    """Run a network in Lava, count every event, price it, and write a report.

    Writes spikes.npz, counts.json, energy.json, result.json and report.html into the output folder.
    """
    from basalt.deploy.commands.run import run_command

    run_command(
        net_file(file),
        input_,
        output,
        backend,
        batch,
        samples,
        timeout,
        place or [],
        block,
        workers,
        address(scheduler, "--scheduler", tls_ca_file, tls_cert, tls_key),
        table or [],
        strict,
        dry_run,
        core,
        timeline,
        mapping,
        step_ms,
        bias_start,
        input_shape,
    )


def verify(
    file: Annotated[Path | None, NET] = None,
    input_: Annotated[Path | None, INPUT] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for verify.json; beside the .net file if none is named."),
    ] = None,
    backend: Annotated[str, typer.Option(help="The backend to compare with the reference.")] = "fixed",
    batch: Annotated[int, BATCH] = 256,
    samples: Annotated[int, SAMPLES] = 200,
    timeout: Annotated[float | None, TIMEOUT] = None,
    trace: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.npz",
            help="What training sent for this input, an array per layer by the layer's name or layer0, layer1, …",
        ),
    ] = None,
    bias_start: Annotated[str, BIAS_START] = TRAINING,
    input_shape: Annotated[str | None, INPUT_SHAPE] = None,
) -> None:
    """Prove that training, reference and backend compute the same spikes: every layer, every step.

    Training's spikes come from the trace.npz that export leaves beside the .net file; without one, reference and
    backend are compared. Exit code 1 when anything differs.
    """
    from basalt.deploy.commands.verify import verify_command

    verify_command(net_file(file), input_, output, backend, batch, samples, timeout, trace, bias_start, input_shape)


def price(
    run_: Annotated[
        Path | None,
        typer.Argument(
            metavar="[RUN]",
            help="A result folder with counts.json, or that file; the newest if none is named.",
        ),
    ] = None,
    table: Annotated[
        list[str] | None,
        typer.Option(help="Price table, or a TOML file of your own; may be repeated; all if none is named."),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="An event without a price is an error.")] = False,
    sensitivity: Annotated[
        bool, typer.Option("--sensitivity", help="Show what doubling each entry of a table does to the total.")
    ] = False,
    step_ms: Annotated[float | None, STEP_MS] = None,
) -> None:
    """Price the counts of a run that is done: adds to energy.json beside them, and renews report.html.

    Tables that energy.json has already stay in it. Energy is dynamic + leakage [cyan]in real time[/cyan], over the
    duration of the steps, and beside it [cyan]at full speed[/cyan], for as long as the machine computes.
    """
    from basalt.deploy.commands.price import price_command

    counts = newest("*/deploy-*/counts.json", "counts", "basalt run") if run_ is None else run_
    file = counts / "counts.json" if there(counts) and counts.is_dir() else counts
    if not there(file):
        raise BasaltError(f"There is no {file}: name a result folder of `basalt run`, such as runs/NAME/deploy-fixed.")
    price_command(file, table or [], strict, sensitivity, step_ms)


def list_() -> None:
    """List recipes, runs, backends and price tables."""
    from basalt.deploy.commands.run import list_command

    list_command()


app = typer.Typer(no_args_is_help=True, add_completion=False, help="Run, verify and price a network in Lava.")
app.command("run")(run)
app.command("verify")(verify)
app.command("price")(price)
app.command("list")(list_)

if __name__ == "__main__":
    from basalt.cli import run_app

    run_app(app)
