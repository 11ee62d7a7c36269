"""Events as a camera sends them, and what all readers of them share."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int32, Int64

from basalt.errors import BasaltError
from basalt.opening import memory_limit, opened, too_large, unreadable

EVENT_BYTES = 17
"""Of an event in memory: time, x, y, polarity."""
LATEST = 1 << 62
"""µs; later than any clock."""


@dataclass(frozen=True, eq=False)
class Events:
    """Events of one recording, in the order of the file.

    Attributes:
        t: µs on the recorder's clock.
        x, y: column and row of the pixel, from 0.
        on: it became brighter.
        size: (width, height) of the sensor, where the file says it.
    """

    t: Int64[np.ndarray, "k"]
    x: Int32[np.ndarray, "k"]
    y: Int32[np.ndarray, "k"]
    on: Bool[np.ndarray, "k"]
    size: tuple[int, int] | None = None

    def __len__(self) -> int:
        return len(self.t)


def events(t: np.ndarray, x: np.ndarray, y: np.ndarray, on: np.ndarray, size: tuple[int, int] | None = None) -> Events:
    """Events of arrays of any integers."""
    return Events(t.astype(np.int64), x.astype(np.int32), y.astype(np.int32), on != 0, size)


def damaged(path: Path, why: str) -> BasaltError:
    """The error to raise about a recording."""
    return BasaltError(f"The recording {path} is damaged ({why}): put it there again, or leave it out.")


def content(path: Path) -> bytes:
    """All of a recording, if it is no larger than the limit of memory.

    Raises:
        BasaltError: it cannot be read, or is larger.
    """
    with opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > memory_limit():
            raise too_large(path, "the recording", size, memory_limit())
        try:
            return file.read(size)
        except OSError as error:
            raise BasaltError(unreadable(path, error)) from error


def affordable(path: Path, count: int) -> None:
    """Refuse a recording whose events take more memory than they may, before they take it.

    Raises:
        BasaltError: they do.
    """
    if count * EVENT_BYTES > memory_limit():
        raise too_large(path, f"the recording's {count:,} events", count * EVENT_BYTES, memory_limit())


def words(path: Path, body: bytes, kind: str | np.dtype) -> np.ndarray:
    """Bytes as records of one kind.

    Raises:
        BasaltError: they end within a record.
    """
    dtype = np.dtype(kind)
    if len(body) % dtype.itemsize:
        raise damaged(path, f"it ends within an event of {dtype.itemsize} bytes")
    return np.frombuffer(body, dtype)


def unwrapped(ticks: Int64[np.ndarray, "k"], bits: int) -> Int64[np.ndarray, "k"]:
    """A counter of `bits` bits that goes on counting where it began anew: whenever it falls by more than half.

    Smaller steps back are of clocks that differ by a little, and are kept.
    """
    turns = np.cumsum(np.diff(ticks, prepend=ticks[:1]) < -(1 << (bits - 1)))
    return ticks + (turns.astype(np.int64) << bits)


def carried(marks: Bool[np.ndarray, "k"]) -> Int64[np.ndarray, "k"]:
    """At each position the last one that is marked, up to there; −1 before the first."""
    return np.maximum.accumulate(np.where(marks, np.arange(len(marks)), -1))
