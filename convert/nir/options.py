"""What `basalt import` is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated

import typer

from basalt.errors import BasaltError


@dataclass(frozen=True)
class ImportOptions:
    """The options, declared once."""

    file: Annotated[
        Path,
        typer.Argument(
            help="A .nir file; a .net file of lava-dl or Basalt; or a module of snnTorch or SLAYER in a script of "
            "yours, which is run: model.py:network."
        ),
    ]
    data: Annotated[
        Path | None,
        typer.Option(
            help="An .npz file with `spikes` (samples × features × steps, or samples × C × H × W × steps) and, if "
            "known, `labels`: what scales are calibrated on, and what the account of losses is of."
        ),
    ] = None
    writer: Annotated[
        str | None,
        typer.Option(
            help="How the file's numbers are meant: snntorch, norse, sinabs, sinabs-sum, rockpool, spikingjelly, nir "
            "or nir-exact."
        ),
    ] = None
    dt: Annotated[str | None, typer.Option(help="How long a step lasts, as 1ms, 100us or 0.001.")] = None
    reset: Annotated[
        str | None,
        typer.Option(
            help="What a spike does: hard (to 0), soft (takes the threshold), none, snntorch-subtract, snntorch-zero, "
            "snntorch-subtract-at-once, several or sinabs."
        ),
    ] = None
    nearest: Annotated[
        bool, typer.Option("--nearest", help="Where a neuron here lacks the reset, take the nearest; not exact.")
    ] = False
    scale: Annotated[
        str,
        typer.Option(help="How the scale of a layer is chosen: max, percentile or search (needs --data)."),
    ] = "max"
    scales: Annotated[
        str,
        typer.Option(
            help="A scale for each neuron, or channel of a convolution (neuron), or one for each layer (layer), whose "
            "neurons then share a threshold, as stock netx asks for."
        ),
    ] = "neuron"
    fit: Annotated[
        bool,
        typer.Option(
            "--fit",
            help="Fit leak and threshold of each layer so that the outputs are as in the float network: for neurons "
            "that stand in for others (--nearest); needs samples.",
        ),
    ] = False
    samples: Annotated[int, typer.Option("--samples", "-n", min=1, help="Samples kept for deployment.")] = 1000
    account: Annotated[int, typer.Option(min=1, help="Samples that the account is of, and that verify compares.")] = 200
    calibration: Annotated[int, typer.Option(min=1, help="Samples that --scale search and --fit look at.")] = 64
    calibrate: Annotated[
        Path | None, typer.Option(help="An .npz file as of --data that these are taken from; --data if none is named.")
    ] = None
    finetune: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="EPOCHS",
            help="Train the integers for some epochs on the samples of --calibrate, which has to have labels and be "
            "another file than --data; a quarter of them is held out and chooses the epoch. Needs torch.",
        ),
    ] = None
    seed: Annotated[int, typer.Option(min=0, help="Of --finetune: which samples are held out, and the order.")] = 1
    activity: Annotated[
        Path | None,
        typer.Option(
            help="An .npz file of spikes that the framework sent for the first samples of --data, an array (samples × "
            "neurons × steps) per neuron node, by its name; or a NIRGraphData of a script, which is run: "
            "record.py:recorded. Says where the import first differs, and why."
        ),
    ] = None
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for the files; runs/NAME if none is named.")
    ] = None


def refuse_others(options: ImportOptions, takes: Sequence[str], why: str) -> None:
    """Raise where an option is given that a file has no use for.

    Args:
        takes: names of those that it has a use for. why: what the file does instead.

    Raises:
        BasaltError: there is one.
    """
    given = [
        f"--{option.name}"
        for option in fields(options)
        if option.name not in ("file", *takes) and getattr(options, option.name) != option.default
    ]
    if given:
        raise BasaltError(f"{options.file} {why}; leave out {' and '.join(given)}.")
