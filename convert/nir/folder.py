"""The run folder of an import: where it may be, and what goes into it."""

from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np

from basalt.convert import netx
from basalt.convert.nir.account import lengthened
from basalt.convert.nir.data import Samples
from basalt.errors import BasaltError
from basalt.files import atomic, make_folder
from basalt.paths import CHECKPOINT, RUNS
from basalt.records.network import Network

MODEL = "model.net"
STALE = ("verify.json", "trace.npz", "test.npz", "import.json", "import.html")
"""Of an earlier import into the same folder."""


def folder_of(given: Path | None, name: str) -> Path:
    """The folder for an import, the given one or that of its name.

    Raises:
        BasaltError: a network was trained in it.
    """
    folder = given or RUNS / name
    if (folder / CHECKPOINT).exists():
        raise BasaltError(f"{folder} holds a network that was trained here; name another folder with --output.")
    return folder


def write_network(folder: Path, network: Network) -> None:
    """model.net alone, in a folder that is made where there is none."""
    make_folder(folder)
    for stale in STALE:
        (folder / stale).unlink(missing_ok=True)
    netx.write(folder / MODEL, network)


def copy_network(folder: Path, file: Path, step: float | None) -> None:
    """model.net alone, a copy of a file; `step` is how long one lasts in seconds, if the file is to say it."""
    make_folder(folder)
    content = file.read_bytes()
    for stale in STALE:
        (folder / stale).unlink(missing_ok=True)
    with atomic(folder / MODEL) as temporary:
        temporary.write_bytes(content)
        if step is not None:
            with h5py.File(temporary, "r+") as copy:
                copy.attrs["step_seconds"] = step


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """An .npz file."""
    with atomic(path) as temporary:
        np.savez_compressed(temporary, allow_pickle=False, **arrays)


def write_samples(
    folder: Path, samples: Samples, silent: int = 0, trace: Mapping[str, np.ndarray] | None = None
) -> None:
    """test.npz, each sample with `silent` steps after it; and trace.npz, what is to be sent for the first ones."""
    arrays = {"spikes": lengthened(samples.spikes, silent)}
    if samples.labels is not None:
        arrays["labels"] = samples.labels
    for name, content in (("test.npz", arrays), ("trace.npz", trace or {})):
        if content and all(map(len, content.values())):
            write_arrays(folder / name, content)
