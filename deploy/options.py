"""Options that every command which reads a .net file shares."""

import typer

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
