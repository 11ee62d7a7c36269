"""Recordings as arrays: `.npy` (records, or rows of numbers), `.npz` (x, y, t, p, or one array as of `.npy`)."""

from pathlib import Path

import numpy as np

from basalt.arrays import KINDS, read_array, read_arrays
from basalt.errors import BasaltError
from basalt.recordings.events import LATEST, Events, damaged, events

NAMES = {
    "x": ("x", "xs"),
    "y": ("y", "ys"),
    "t": ("t", "ts", "timestamp", "timestamps", "time", "times"),
    "p": ("p", "ps", "pol", "polarity", "polarities", "on"),
}
"""What x, y, time and polarity are called."""
WANTED = "x, y, t and p"


def read_npy(path: Path) -> Events:
    """The events of an .npy file: fields named x, y, t, p, or rows of x, y, t, p.

    Raises:
        BasaltError: it cannot be read, is damaged, or holds something else.
    """
    return of_array(path, read_array(path, KINDS + "V"))


def read_npz(path: Path) -> Events:
    """The events of an .npz file: arrays named x, y, t, p, or a single one as of `read_npy`.

    Raises:
        BasaltError: it cannot be read, is damaged, or holds something else.
    """
    arrays = read_arrays(path, kinds=KINDS + "V")
    if len(arrays) == 1:
        return of_array(path, next(iter(arrays.values())))
    return of_columns(path, {key: array for key, array in arrays.items() if array.ndim == 1})


def of_array(path: Path, array: np.ndarray) -> Events:
    """Events of a structured array, or of rows of four numbers."""
    if array.dtype.names and array.ndim == 1:
        return of_columns(path, {name: array[name] for name in array.dtype.names})
    if array.dtype.names is None and array.dtype.kind != "V" and array.ndim == 2 and array.shape[1] == 4:
        return of_columns(path, dict(zip("xytp", array.T, strict=True)))
    raise BasaltError(
        f"The recording {path} holds an array of {array.dtype} {array.shape}, not events with the fields {WANTED} or "
        f"rows of {WANTED}: save them so, or leave it out."
    )


def of_columns(path: Path, columns: dict[str, np.ndarray]) -> Events:
    """Events of named arrays of whole numbers.

    Raises:
        BasaltError: one is missing, or they are not of one length, or hold what is no place or time.
    """
    found = {}
    for key, names in NAMES.items():
        known = next((name for name in names if name in columns), None)
        if known is None:
            raise BasaltError(f"The recording {path} has no {key!r}: events are arrays named {WANTED}.")
        values = columns[known]
        if values.ndim != 1 or values.dtype.kind not in KINDS:
            raise damaged(path, f"{known!r} is not one row of numbers")
        found[key] = values
    if len({len(values) for values in found.values()}) > 1:
        raise damaged(path, f"{WANTED} have different lengths")
    for key, values in found.items():
        if len(values) and not (values.min() >= (-1 if key == "p" else 0) and values.max() < LATEST):
            raise damaged(path, f"{key!r} holds numbers that are none of an event")
        if key in "xy" and len(values) and values.max() >= 1 << 31:
            raise damaged(path, f"{key!r} holds numbers that are none of a pixel")
        if values.dtype.kind == "f" and (np.floor(values) != values).any():
            raise BasaltError(
                f"The recording {path} holds fractions in {key!r}, and events are whole numbers: save times in µs."
            )
    if not np.isin(found["p"], (-1, 0, 1)).all():
        raise BasaltError(
            f"The recording {path} holds other polarities than −1, 0 and 1: save {WANTED} in this order, or by name."
        )
    return events(found["t"], found["x"], found["y"], found["p"] > 0)
