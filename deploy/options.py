"""Options that every command which reads a .net file shares."""

from pathlib import Path

import typer

from basalt.errors import BasaltError
from basalt.opening import there
from basalt.paths import CHECKPOINT, newest
from basalt.shown import say

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
    "the file nor the input tells them.",
)


def net_file(named: Path | None) -> Path:
    """The .net file meant by an argument; one that the run was trained on after its export is told of."""
    if named is None:
        file = newest("*/model.net", "exported network", "python convert/export.py")
    elif there(named) and named.is_dir():
        file = named / "model.net"
        if not there(file):
            raise BasaltError(f"{named} holds no model.net; export it with `python convert/export.py {named}`.")
    else:
        return named
    trained = file.with_name(CHECKPOINT)
    if there(trained) and trained.stat().st_mtime > file.stat().st_mtime:
        say(
            f"{file} is older than the checkpoint beside it: export its weights with `basalt export {file.parent}`.",
            err=True,
        )
    return file
