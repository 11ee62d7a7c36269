"""Recordings in HDF5 (`.h5`, `.hdf5`): data sets x, y, t, p in the file's root, in `events`, or in `CD/events`."""

from pathlib import Path

import h5py

from basalt.arrays import DAMAGES
from basalt.errors import BasaltError
from basalt.hdf5_guard import inspect
from basalt.opening import opened
from basalt.recordings.arrays import NAMES, of_columns
from basalt.recordings.events import Events, affordable, damaged
from basalt.rehearsal import rehearse

PLACES = ("/", "events", "CD/events")


def read(path: Path) -> Events:
    """The events of a file.

    Raises:
        BasaltError: it cannot be read, is damaged, or packed in a way that plain HDF5 is not.
    """
    with opened(path):  # a regular file
        pass

    def load() -> Events:
        try:
            with h5py.File(path, "r") as file:
                inspect(file, path)
                return found(path, file)
        except DAMAGES as error:
            raise damaged(path, "it is no file of HDF5 that can be read") from error

    rehearse(path, load)
    return load()


def found(path: Path, file: h5py.File) -> Events:
    """The events of an open file."""
    wanted = {name for names in NAMES.values() for name in names}
    for place in PLACES:
        group = file.get(place)
        if not isinstance(group, h5py.Group):
            continue
        sets = {key: item for key, item in group.items() if key in wanted and isinstance(item, h5py.Dataset)}
        if sets:
            affordable(path, max(item.size or 0 for item in sets.values()))
            return of_columns(path, {key: item[()] for key, item in sets.items() if item.ndim == 1})
    raise BasaltError(
        f"The recording {path} has no data sets x, y, t and p in its root or in `events`: save them so, or leave it "
        "out."
    )
