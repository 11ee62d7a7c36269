"""Arrays that a child process makes, in memory that its parent shares: they need not be made twice."""

import json
import mmap
from collections.abc import Sequence
from math import prod

import numpy as np
from numpy.typing import DTypeLike

TABLE_BYTES = 1 << 16
"""For names, places, shapes and types, at the beginning."""
PAGE = 4096
NO_RESERVE = getattr(mmap, "MAP_NORESERVE", 0x4000)


class Kept:
    """Room for arrays, by name; only what is written to takes memory.

    Args:
        room: bytes; where the system gives none, nothing is kept, and arrays are ordinary ones.
    """

    def __init__(self, room: int) -> None:
        self.room = TABLE_BYTES + room
        self.used = TABLE_BYTES
        self.table: dict[str, tuple[int, Sequence[int], str]] = {}
        self.places: dict[int, int] = {}
        self.memory: mmap.mmap | None = None
        try:
            self.memory = mmap.mmap(-1, self.room, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS | NO_RESERVE)
        except (OSError, ValueError, OverflowError):
            return

    def empty(self, shape: tuple[int, ...], kind: DTypeLike) -> np.ndarray:
        """A new array, in the shared memory where it has room."""
        size = prod(shape) * np.dtype(kind).itemsize
        if self.memory is None or self.used + size > self.room:
            return np.empty(shape, kind)
        array = self.at(self.used, shape, kind)
        self.places[array.__array_interface__["data"][0]] = self.used
        self.used += -(-size // PAGE) * PAGE
        return array

    def keep(self, name: str, array: np.ndarray) -> None:
        """Leave an array that `empty` made to the parent, under a name."""
        place = self.places.get(array.__array_interface__["data"][0])
        table = {} if place is None else {**self.table, name: (place, array.shape, array.dtype.str)}
        content = json.dumps(table).encode()
        if self.memory is not None and table and len(content) < TABLE_BYTES:
            self.table = table
            self.memory[: len(content) + 1] = content + b"\0"

    def get(self, name: str) -> np.ndarray | None:
        """What was kept under a name."""
        if self.memory is None:
            return None
        content = self.memory[:TABLE_BYTES].partition(b"\0")[0]
        place, shape, kind = json.loads(content or b"{}").get(name, (0, (), ""))
        return self.at(place, tuple(shape), kind) if place else None

    def at(self, place: int, shape: tuple[int, ...], kind: DTypeLike) -> np.ndarray:
        """The array that begins at a place."""
        assert self.memory is not None
        return np.frombuffer(self.memory, kind, prod(shape), place).reshape(shape)
