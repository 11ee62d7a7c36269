"""Command line: run a .net file on a backend, verify it, price a run, list what can be named."""

import sys
from pathlib import Path
from typing import Annotated

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import typer

from basalt.deploy.options import PriceOptions, RecordingOptions, RunOptions, VerifyOptions
from basalt.options import opened


@opened
def run(options: RunOptions, recording: RecordingOptions) -> None:
    """Run a network in Lava, count every event, price it, and write a report.

    Writes spikes.npz, counts.json, energy.json, result.json and report.html into the output folder.
    """
    from basalt.deploy.commands.run import run_command

    run_command(options, recording)


@opened
def verify(options: VerifyOptions, recording: RecordingOptions) -> None:
    """Prove that training, reference and backend compute the same spikes: every layer, every step.

    Training's spikes come from the trace.npz that export leaves beside the .net file; without one, reference and
    backend are compared. Exit code 1 when anything differs.
    """
    from basalt.deploy.commands.verify import verify_command

    verify_command(options, recording)


@opened
def price(options: PriceOptions) -> None:
    """Price the counts of a run that is done: adds to energy.json beside them, and renews report.html.

    Tables that energy.json has already stay in it. Energy is dynamic + leakage [cyan]in real time[/cyan], over the
    duration of the steps, and beside it [cyan]at full speed[/cyan], for as long as the machine computes.
    """
    from basalt.deploy.commands.price import price_command

    price_command(options)


def list_(
    what: Annotated[
        str | None,
        typer.Argument(help="recipes, models, runs, recordings, backends, cores or tables; all if none is named."),
    ] = None,
) -> None:
    """List recipes, models, runs, formats of recordings, backends, cores and price tables."""
    from basalt.deploy.commands.list import list_command

    list_command(what)


app = typer.Typer(no_args_is_help=True, add_completion=False, help="Run, verify and price a network in Lava.")
app.command("run")(run)
app.command("verify")(verify)
app.command("price")(price)
app.command("list")(list_)

if __name__ == "__main__":
    from basalt.cli import run_app

    run_app(app)
