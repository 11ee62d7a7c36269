"""A recording of an event camera as a network's input: one sample, in the network's own steps or those asked for."""

import os
from dataclasses import fields
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from basalt.arrays import archive
from basalt.deploy.options import RecordingOptions
from basalt.errors import BasaltError
from basalt.opening import opened
from basalt.progress import progress_bar
from basalt.recordings.read import is_recording, read
from basalt.recordings.view import POLARITIES, View, look, spikes, steps_of
from basalt.records.network import Network

LARGE = 1 << 24
"""Bytes of a file whose reading is worth a bar."""
EVENTS = {"x", "t"}


def holds_events(path: Path) -> bool:
    """Whether an input is a recording: by its ending, and an .npz by its arrays."""
    if path.suffix.lower() != ".npz":
        return is_recording(path)
    with archive(path) as found:
        return "spikes" not in found.names and set(found.names) >= EVENTS


def refuse_asked(options: RecordingOptions, path: Path) -> None:
    """Refuse options of recordings for an input that is none.

    Raises:
        BasaltError: one is given.
    """
    for one in fields(options):
        if getattr(options, one.name) != one.default:
            name = f"--{one.name.replace('_', '-')}"
            raise BasaltError(f"{name} is for recordings, and {path} is none: leave it out.")


def seen_by(
    path: Path, file: Path, network: Network, options: RecordingOptions, step_ms: float | None
) -> tuple[UInt8[np.ndarray, "1 features steps"], str]:
    """What a network sees of a recording, and a sentence that says so.

    Args:
        file: of the network.
        step_ms: how long a step lasts, where the network does not say it.

    Raises:
        BasaltError: the recording cannot be read, or does not have the network's inputs.
    """
    bin_ms = options.bin_ms or (network.step_seconds * 1000 if network.step_seconds else step_ms)
    if bin_ms is None:
        raise BasaltError(f"{file} does not say how long a step lasts: say how {path} is cut into steps with --bin-ms.")
    if options.polarity not in POLARITIES:
        raise BasaltError(f"--polarity {options.polarity!r} is none of {', '.join(POLARITIES)}.")
    view = View(
        numbers(options.sensor, "--sensor", ("WIDTH", "HEIGHT")),  # type: ignore[arg-type]
        options.polarity,
        numbers(options.crop, "--crop", ("LEFT", "TOP", "WIDTH", "HEIGHT")),  # type: ignore[arg-type]
        options.pool,
        options.denoise_ms * 1000.0,
        None if options.start_ms is None else round(options.start_ms * 1000),
        "--sensor WIDTH,HEIGHT",
    )
    with opened(path) as one:
        size = os.fstat(one.fileno()).st_size
    if size < LARGE:
        events = read(path)
    else:
        with progress_bar(f"Reading {path.name}"):
            events = read(path)
    seen = look(events, view, path)
    check_inputs(path, file, network, seen.shape)
    steps = None if options.duration_ms is None else steps_of(options.duration_ms, bin_ms)
    found = spikes(seen, steps, bin_ms * 1000.0, path)
    told = (
        f"{path.name}: {len(seen.times):,} of {len(events):,} events as {seen.shape[0]} × {seen.shape[1]} × "
        f"{seen.shape[2]} inputs in {found.shape[1]:,} steps of {bin_ms:g} ms, {int(found.sum()):,} spikes."
    )
    own = network.step_seconds and network.step_seconds * 1000
    if own and own != bin_ms:
        told += f" The network's own steps are {own:g} ms, which energy in real time goes by."
    return found[None], told


def check_inputs(path: Path, file: Path, network: Network, shape: tuple[int, int, int]) -> None:
    """Refuse a recording that does not have the network's inputs.

    Raises:
        BasaltError: the number is another, or the shape where the network has one.
    """
    first = network.layers[0]
    wanted = getattr(first, "features", None) or getattr(first, "input_shape", None)
    known = tuple(wanted) if isinstance(wanted, tuple) and len(wanted) == 3 else None
    count = shape[0] * shape[1] * shape[2]
    if count != network.inputs or (known is not None and known != shape):
        takes = f"{network.inputs:,}" + ("" if known is None else f" ({' × '.join(map(str, known))})")
        raise BasaltError(
            f"{path} has {shape[0]} × {shape[1]} × {shape[2]} = {count:,} inputs (polarities × rows × columns), and "
            f"{file} takes {takes}: make them equal with --crop LEFT,TOP,WIDTH,HEIGHT, --pool PIXELS or --polarity "
            "merge."
        )


def numbers(given: str | None, option: str, names: tuple[str, ...]) -> tuple[int, ...] | None:
    """The whole numbers of "A,B"; None for None.

    Raises:
        BasaltError: it is something else.
    """
    if given is None:
        return None
    words = [word.strip() for word in given.replace("x", ",").split(",")]
    if len(words) != len(names) or not all(word.isascii() and word.isdecimal() and len(word) < 6 for word in words):
        raise BasaltError(f"{option} {given!r} is not {','.join(names)} in pixels.")
    found = tuple(map(int, words))
    if 0 in found[-2:]:
        raise BasaltError(f"{option} {given!r}: a width and height of 0 pixels have no inputs.")
    return found
