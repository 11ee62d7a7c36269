"""Any recording, by the ending of its name."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from basalt.errors import BasaltError
from basalt.recordings.events import LATEST, Events, damaged


@dataclass(frozen=True)
class Format:
    """A format of recordings.

    Attributes:
        about: what it is, for people.
        module: in `basalt.recordings`.
        function: of the module: a path → its `Events`.
    """

    about: str
    module: str
    function: str = "read"

    def load(self) -> Callable[[Path], Events]:
        """The reader."""
        found: Callable[[Path], Events] = getattr(import_module(f"basalt.recordings.{self.module}"), self.function)
        return found


READERS = {
    ".bin": Format("N-MNIST, N-Caltech101", "nmnist"),
    ".dat": Format("Prophesee DAT, version 2", "prophesee", "read_dat"),
    ".raw": Format("Prophesee EVT2 and EVT3", "prophesee", "read_raw"),
    ".aedat": Format("AEDAT 2.0 (DVS128, DAVIS) and 3.1", "aedat"),
    ".aedat4": Format("AEDAT 4.0", "aedat4"),
    ".npy": Format("records of x, y, t, p, or rows of them", "arrays", "read_npy"),
    ".npz": Format("arrays x, y, t, p", "arrays", "read_npz"),
    ".h5": Format("data sets x, y, t, p", "hdf5"),
    ".hdf5": Format("data sets x, y, t, p", "hdf5"),
}
"""Ending of a file's name → its format."""


def is_recording(path: Path) -> bool:
    """Whether a name ends as those of recordings do."""
    return path.suffix.lower() in READERS


def read(path: Path) -> Events:
    """The events of a recording.

    Raises:
        BasaltError: its name's ending is of no format, it cannot be read, is damaged, or has no events.
    """
    if not is_recording(path):
        raise BasaltError(f"{path} is no recording: the names of those end with {', '.join(READERS)}.")
    found = READERS[path.suffix.lower()].load()(path)
    if not len(found):
        raise BasaltError(f"The recording {path} has no events: leave it out.")
    if found.t.min() < 0 or found.t.max() >= LATEST:
        raise damaged(path, "an event's time is none of a clock")
    return found
