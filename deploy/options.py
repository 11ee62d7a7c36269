"""What the deployment commands are asked for, and the file that is meant where none is named."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from basalt import published
from basalt.address import Address, TlsCa, TlsCert, TlsKey, address
from basalt.errors import BasaltError
from basalt.opening import there
from basalt.paths import CHECKPOINT, newest
from basalt.shown import say

NET = typer.Argument(
    help="A .net file, a run folder that holds one, or the name of a model (`basalt list models`); the newest export "
    "if none is named."
)
NET_OR_RECORDING = typer.Argument(
    help="A .net file, a run folder that holds one, or the name of a model (`basalt list models`); the newest export "
    "if none is named. With --net: the input, such as a recording of an event camera."
)
INPUT = typer.Option(
    "--input",
    "-i",
    help="An .npz file with `spikes` (samples × features × steps, or samples × C × H × W × steps) and, if known, "
    "`labels`, or a recording of an event camera; the test.npz beside the .net file if none is named.",
)
SAMPLES = typer.Option("--samples", "-n", min=1, help="Use only the first N samples.")
TIMEOUT = typer.Option("--timeout", min=0.1, help="End the run after this many seconds; no limit if not given.")
STEP_MS = typer.Option(
    "--step-ms",
    min=1e-6,
    max=1e12,
    help="Milliseconds that a step lasts, where the network's file does not say; decides the leakage in real time.",
)
BATCH = typer.Option("--batch", "-b", min=1, help="Samples that run side by side in one build.")
RUNTIME = typer.Option(
    "--runtime",
    metavar="[lava|direct]",
    help="What steps the processes: Lava, which is taken where it is installed, or the same process models directly, "
    "in this process.",
)
STRICT = typer.Option("--strict", help="An event without a price is an error.")

TRAINING = "training"
"""The reading of a file that is taken where none is named; `convert.reading.TRAINING`, without importing numpy."""

BIAS_START = typer.Option(
    "--bias-start",
    metavar="READING",
    help="From which step biases act where the file does not say, as those of lava-dl: training (step 1, as SLAYER "
    "trains), unshifted (trained with delay_shift=False) or lava (step 0, as stock netx runs).",
)
INPUT_SHAPE = typer.Option(
    "--input-shape",
    metavar="C,H,W",
    help="Channels, height and width of the input of a network that begins with a convolution or pool, where neither "
    "the file nor the input says.",
)


RECORDING = "Recordings of event cameras"
"""Heading of their options."""


@dataclass(frozen=True)
class RecordingOptions:
    """How an input that is a recording is looked at; see docs/data.md."""

    bin_ms: Annotated[
        float | None,
        typer.Option(
            min=1e-3, max=1e6, help="Milliseconds of a step; the network's own if not given.", rich_help_panel=RECORDING
        ),
    ] = None
    duration_ms: Annotated[
        float | None,
        typer.Option(min=1e-3, max=1e9, help="How much is seen; all if not given.", rich_help_panel=RECORDING),
    ] = None
    start_ms: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1e15,
            help="When step 0 begins on the recorder's clock; with the first event if not given.",
            rich_help_panel=RECORDING,
        ),
    ] = None
    sensor: Annotated[
        str | None,
        typer.Option(
            metavar="WIDTH,HEIGHT", help="The sensor's size, where the file does not say it.", rich_help_panel=RECORDING
        ),
    ] = None
    crop: Annotated[
        str | None,
        typer.Option(metavar="LEFT,TOP,WIDTH,HEIGHT", help="The part that is seen.", rich_help_panel=RECORDING),
    ] = None
    pool: Annotated[
        int,
        typer.Option(min=1, max=65536, help="So many pixels, on each axis, are one input.", rich_help_panel=RECORDING),
    ] = 1
    polarity: Annotated[
        str, typer.Option(help="both (as inputs of their own), merge, on or off.", rich_help_panel=RECORDING)
    ] = "both"
    denoise_ms: Annotated[
        float,
        typer.Option(
            min=0,
            max=1e6,
            help="Keep an event only if a pixel beside its own had one at most so long before; 0 for all.",
            rich_help_panel=RECORDING,
        ),
    ] = 0.0


@dataclass(frozen=True)
class RunOptions:
    """What `basalt run` is asked for."""

    file: Annotated[Path | None, NET_OR_RECORDING] = None
    input_: Annotated[Path | None, INPUT] = None
    net: Annotated[
        Path | None,
        typer.Option(help="The .net file or run folder, where the argument is a recording or an .npz file."),
    ] = None
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Folder for the results; deploy-BACKEND beside the .net file, or in runs/MODEL, if none is named.",
        ),
    ] = None
    backend: Annotated[str, typer.Option(help="Where to run; `basalt list` lists the backends.")] = "fixed"
    runtime: Annotated[str | None, RUNTIME] = None
    batch: Annotated[int, BATCH] = 256
    samples: Annotated[int | None, SAMPLES] = None
    timeout: Annotated[float | None, TIMEOUT] = None
    place: Annotated[
        list[str] | None,
        typer.Option(help="LAYER=BACKEND: run one layer on another backend; may be repeated."),
    ] = None
    block: Annotated[
        int | None,
        typer.Option(min=1, help="Time steps that processes exchange at once; the backend's choice if not given."),
    ] = None
    workers: Annotated[
        int | None, typer.Option(min=1, help="Share the samples out among this many workers on this machine.")
    ] = None
    scheduler: Annotated[
        str | None,
        typer.Option(help="Share them out among the workers of a Dask scheduler, tcp://HOST:PORT or tls://HOST:PORT."),
    ] = None
    tls_ca_file: TlsCa = None
    tls_cert: TlsCert = None
    tls_key: TlsKey = None
    table: Annotated[
        list[str] | None, typer.Option(help="Price table; may be repeated; all of them if none is named.")
    ] = None
    strict: Annotated[bool, STRICT] = False
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would run, and stop.")] = False
    core: Annotated[
        str | None,
        typer.Option(
            metavar="CORE.toml", help="The core of the backend near-memory; our default one if none is named."
        ),
    ] = None
    timeline: Annotated[
        Path | None,
        typer.Option(
            metavar="TRACE.json",
            help="Write what every data path and memory of each core of the backend near-memory did for the first "
            "sample, step by step; ui.perfetto.dev opens it.",
        ),
    ] = None
    mapping: Annotated[
        Path | None,
        typer.Option(
            metavar="MAPPING.json",
            help="Count, and price, the hops of all spikes on a mesh, as `basalt map` placed them.",
        ),
    ] = None
    step_ms: Annotated[float | None, STEP_MS] = None
    bias_start: Annotated[str, BIAS_START] = TRAINING
    input_shape: Annotated[str | None, INPUT_SHAPE] = None

    @property
    def dask(self) -> Address | None:
        """What --scheduler names."""
        return address(self.scheduler, "--scheduler", self.tls_ca_file, self.tls_cert, self.tls_key)


@dataclass(frozen=True)
class VerifyOptions:
    """What `basalt verify` is asked for."""

    file: Annotated[Path | None, NET] = None
    input_: Annotated[Path | None, INPUT] = None
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for verify.json; beside the .net file if none is named."),
    ] = None
    backend: Annotated[str, typer.Option(help="The backend to compare with the reference.")] = "fixed"
    runtime: Annotated[str | None, RUNTIME] = None
    batch: Annotated[int, BATCH] = 256
    samples: Annotated[int, SAMPLES] = 200
    timeout: Annotated[float | None, TIMEOUT] = None
    trace: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.npz",
            help="What training sent for this input, an array per layer by the layer's name or layer0, layer1, …",
        ),
    ] = None
    bias_start: Annotated[str, BIAS_START] = TRAINING
    input_shape: Annotated[str | None, INPUT_SHAPE] = None


@dataclass(frozen=True)
class PriceOptions:
    """What `basalt price` is asked for."""

    run_: Annotated[
        Path | None,
        typer.Argument(
            metavar="[RUN]",
            help="A result folder with counts.json, or that file; the newest if none is named.",
        ),
    ] = None
    table: Annotated[
        list[str] | None,
        typer.Option(help="Price table, or a TOML file of your own; may be repeated; all if none is named."),
    ] = None
    strict: Annotated[bool, STRICT] = False
    sensitivity: Annotated[
        bool, typer.Option("--sensitivity", help="Show what doubling each entry of a table does to the total.")
    ] = False
    step_ms: Annotated[float | None, STEP_MS] = None


def net_file(named: Path | None) -> Path:
    """The .net file meant by an argument; warns if the run was trained after this export."""
    if named is None:
        file = newest("*/model.net", "exported network", "basalt export")
    elif there(named) and named.is_dir():
        file = named / "model.net"
        if not there(file):
            raise BasaltError(f"{named} holds no model.net; export it with `basalt export {named}`.")
    else:
        return named if named.suffix or there(named) else published.found(named)
    trained = file.with_name(CHECKPOINT)
    if not published.published(file) and there(trained) and trained.stat().st_mtime > file.stat().st_mtime:
        say(
            f"{file} is older than the checkpoint beside it: export its weights with `basalt export {file.parent}`.",
            err=True,
        )
    return file
