"""Spikes to run, from a file."""

import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int, UInt8

from basalt.errors import BasaltError

DAMAGES = (
    OSError, ValueError, EOFError, KeyError, SyntaxError, NotImplementedError, RuntimeError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What NumPy, zipfile and zlib raise over damaged .npz files."""


@dataclass(frozen=True, eq=False)
class Inputs:
    """What a network is run on.

    Attributes:
        spikes: events, 0 or 1, or graded up to 255.
        labels: the true classes, None when they are not known.
    """

    spikes: UInt8[np.ndarray, "samples features steps"]
    labels: Int[np.ndarray, "samples"] | None

    def first(self, samples: int | None) -> "Inputs":
        """The first so many samples; all of them for None."""
        return Inputs(self.spikes[:samples], None if self.labels is None else self.labels[:samples])


def read_arrays(path: Path, names: Sequence[str] | None = None) -> dict[str, np.ndarray]:
    """The arrays of an .npz file by name; only those of `names` that are there, if given.

    Raises:
        BasaltError: the file cannot be read, is damaged, or is no .npz file.
    """
    try:
        found = np.load(path, allow_pickle=False)
        if isinstance(found, np.lib.npyio.NpzFile):
            with found:
                return {name: found[name] for name in found.files if names is None or name in names}
    except DAMAGES as error:
        raise BasaltError(f"{path} is not a readable .npz file ({error}); make it again.") from error
    raise BasaltError(f"{path} holds one array without a name (.npy); write it with numpy.savez(file, spikes=array).")


def load_inputs(path: Path, features: int, classes: int | None = None) -> Inputs:
    """Read an .npz file with `spikes` (uint8, samples × features × steps) and, if known, `labels` (samples).

    Args:
        features: inputs of the network.
        classes: that it tells apart, so that labels stay below; None where labels are not looked at.

    Raises:
        BasaltError: the file is missing or damaged, or its arrays do not fit the network.
    """
    if not Path(path).exists():
        raise BasaltError(f"{path} does not exist; name an .npz file with `spikes` (samples × features × steps).")
    arrays = read_arrays(path, ("spikes", "labels"))
    if "spikes" not in arrays:
        raise BasaltError(f"{path} has no array `spikes` (uint8, samples × features × steps).")
    spikes = arrays["spikes"]
    if spikes.ndim != 3 or spikes.size == 0:
        raise BasaltError(f"{path}: `spikes` has the shape {spikes.shape}, not (samples, features, steps).")
    if spikes.shape[1] != features:
        raise BasaltError(f"{path}: `spikes` has {spikes.shape[1]} features, the network takes {features}.")
    if spikes.dtype.kind not in "bui" or spikes.min() < 0 or spikes.max() > 255:
        raise BasaltError(f"{path}: `spikes` must be integers from 0 to 255 (uint8), and is {spikes.dtype}.")
    labels = arrays.get("labels")
    if labels is not None and (labels.shape != (len(spikes),) or labels.dtype.kind not in "ui"):
        raise BasaltError(f"{path}: `labels` must be {len(spikes)} integers, and is {labels.dtype} {labels.shape}.")
    if labels is not None and classes is not None and not 0 <= labels.min() <= labels.max() < classes:
        raise BasaltError(
            f"{path}: `labels` are {labels.min()} … {labels.max()}, the network has the classes 0 … {classes - 1}; "
            f"name another input, or leave `labels` out."
        )
    return Inputs(spikes.astype(np.uint8, copy=False), None if labels is None else labels.astype(np.int64))
