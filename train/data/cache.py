"""Binned events kept on disk, so that a data set is simulated or read once."""

import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Callable, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from basalt.arrays import read_arrays
from basalt.errors import BasaltError
from basalt.files import atomic
from basalt.opening import memory_limit, opened, there, unreadable
from basalt.paths import cache_dir
from basalt.train.data.events import EventSet, feature_type

_CODE = ("camera.py", "camera_kernel.py", "events.py", "kernels.py", "splitmix.py")
DAMAGED = (OSError, ValueError, TypeError, KeyError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error)
"""What reading a damaged archive of arrays, or a compressed array, may raise."""

_ARRAYS = {"offsets": np.int64, "features": np.uint32, "times": np.uint16, "labels": np.int64, "index": np.int64}
"""Of an event set → their types; features of fewer bits where `feature_type` says so."""
_BESIDE = ("sensor", "steps", "step_ms")


def key_of(**parts: Any) -> str:
    """A hash of the given parameters (anything JSON takes) and of the code that makes events."""
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode())
    for name in _CODE:
        digest.update((Path(__file__).parent / name).read_bytes())
    return digest.hexdigest()[:20]


def fingerprint(*paths: Path) -> str:
    """A hash of the files' contents.

    Raises:
        BasaltError: one cannot be read, or is no regular file.
    """
    digest = hashlib.sha256()
    for path in paths:
        with opened(path) as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def state_of(files: Sequence[Path], root: Path) -> str:
    """A fingerprint of many or large files without reading them: names under `root`, sizes and times of change.

    Raises:
        BasaltError: one is not there.
    """
    digest = hashlib.sha256()
    for path in files:
        try:
            status = path.stat()
        except OSError as error:
            raise BasaltError(unreadable(path, error)) from error
        digest.update(os.fsencode(path.relative_to(root)) + f" {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def hash_of(array: np.ndarray) -> str:
    """A hash of an array's shape, type and contents."""
    digest = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def cached(name: str, key: str, build: Callable[[], EventSet]) -> EventSet:
    """The event set stored as `name` under `key`, else built and stored.

    A file that can't be read is built again, a folder that can't be written leaves the set uncached; both with a
    note on standard error.
    """
    found = stored(name, key)
    if found is not None:
        return found
    events = build()
    try:
        write(_path(name, key), events)
    except BasaltError as error:
        note(f"{error} Going on without the cache.")
    return events


def stored(name: str, key: str) -> EventSet | None:
    """The event set stored as `name` under `key`; None if there is none that can be read."""
    path = _path(name, key)
    try:
        return read(path) if there(path) else None
    except BasaltError as error:
        note(f"{error} Building it again.")
        return None


def _path(name: str, key: str) -> Path:
    return cache_dir() / "events" / f"{name}-{key}.npz"


def write(path: Path, events: EventSet) -> None:
    """Store an event set as plain arrays, atomically.

    Raises:
        BasaltError: the file can't be written.
    """
    arrays: dict[str, Any] = {name: getattr(events, name) for name in _ARRAYS}
    with atomic(path) as temporary:
        np.savez(temporary, sensor=events.sensor, steps=events.steps, step_ms=events.step_ms, **arrays)


def read(path: Path) -> EventSet:
    """Read an event set; the archive's checksums and the arrays' types and bounds are checked.

    A large data set has a large cache, which is this machine's own: it may take as much memory as it takes of the disk,
    if that is free.

    Raises:
        BasaltError: the file is missing, damaged or not an event set.
    """
    try:
        stored = read_arrays(path, (*_ARRAYS, *_BESIDE), limit=max(memory_limit(), min(_size(path), _free())))
        sensor = tuple(int(axis) for axis in stored["sensor"])
        kinds = {**_ARRAYS, "features": feature_type(prod(sensor))}
        arrays = {name: _vector(stored[name], kind) for name, kind in kinds.items()}
        events = EventSet(**arrays, steps=int(stored["steps"]), step_ms=float(stored["step_ms"]), sensor=sensor)
    except (BasaltError, *DAMAGED) as error:
        raise BasaltError(f"The event cache {path} is damaged ({error}).") from error
    count = len(events.features)
    sound = (
        len(events.offsets) == len(events.labels) + 1 == len(events.index) + 1
        and events.offsets[0] == 0
        and events.offsets[-1] == count == len(events.times)
        and bool((np.diff(events.offsets) >= 0).all())
        and (count == 0 or (events.features.max() < events.features_count and events.times.max() < events.steps))
    )
    if not sound:
        raise BasaltError(f"The event cache {path} is damaged (its arrays don't fit together).")
    return events


def _size(path: Path) -> int:
    with opened(path) as file:
        return os.fstat(file.fileno()).st_size


def _free() -> int:
    import psutil

    available: int = psutil.virtual_memory().available
    return available


def _vector(array: np.ndarray, kind: type) -> np.ndarray:
    """An array as it must be.

    Raises:
        ValueError: it is another.
    """
    if array.dtype != kind or array.ndim != 1:
        raise ValueError(f"an array of {array.ndim} axes of {array.dtype}, not one of {np.dtype(kind)}")
    return array


def note(text: str) -> None:
    """One line on standard error."""
    from basalt.shown import console

    console(stderr=True, soft_wrap=True, highlight=False).print(text, style="yellow")
