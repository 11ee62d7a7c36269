"""The options of `basalt compare`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from basalt.deploy.options import BIAS_START, TRAINING

TABLES = ("near-memory-22nm", "loihi1-davies", "loihi1-sanafe")


@dataclass(frozen=True)
class CompareOptions:
    """What is compared, and how."""

    runs: Annotated[list[Path], typer.Argument(help="Exported runs; the others are compared with the first.")]
    samples: Annotated[int | None, typer.Option("--samples", "-n", min=1, help="Use only the first N samples.")] = None
    core: Annotated[str | None, typer.Option(metavar="CORE.toml", help="The near-memory core of every layer.")] = None
    table: Annotated[
        list[str] | None, typer.Option(help=f"Price table; may be repeated; {', '.join(TABLES)} if none.")
    ] = None
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for comparison-NAMES.json and .png; the current one if none.")
    ] = Path()
    step_ms: Annotated[
        float | None,
        typer.Option("--step-ms", min=1e-6, help="Milliseconds that a step lasts, of networks that do not say."),
    ] = None
    bias_start: Annotated[str, BIAS_START] = TRAINING
