"""Recordings in Prophesee's formats: `.dat` (version 2), `.raw` in EVT2 and EVT3.

A header of lines that begin with "% ", then words in little-endian order; bits from the highest:

    DAT     type, size (a byte each), then events of t: 32 (µs)   on: 4   y: 14   x: 14
    EVT2    32 bits    0000 OFF or 0001 ON   t: 6 (lowest bits)   x: 11   y: 11
                       1000 the higher 28 bits of t
    EVT3    16 bits    0000 y: 12 (11 used)      0010 an event: on: 1, x: 11
                       0011 base: on: 1, x: 11   0100 events at base + i for each bit i of 12; base += 12
                                                 0101 the same of 8
                       0110 the lower 12 bits of t   1000 the higher 12 bits of t

All counters begin anew when they are full. Other words (triggers, what cameras say of themselves) are no events.

Source: docs.prophesee.ai, "Data encoding formats".
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt16, UInt32

from basalt.errors import BasaltError
from basalt.recordings.events import Events, affordable, carried, content, damaged, events, unwrapped, words

LINE_MOST = 1 << 12
SIDE_MOST = 1 << 14
CD = (0x00, 0x0C)
"""Types of DAT whose events are changes of contrast."""


class Header(NamedTuple):
    """What stands before the words.

    Attributes:
        text: its lines.
        begin: the position after it.
    """

    text: str
    begin: int

    def size(self) -> tuple[int, int] | None:
        """(width, height), where a line says it."""
        for pattern in (r"% geometry[ :]+(\d+)x(\d+)", r"(?i)\bwidth[ =](\d+).*?\bheight[ =](\d+)"):
            if found := re.search(pattern, self.text, re.DOTALL):
                width, height = (int(side[:9]) for side in found.groups())
                return (width, height) if 0 < width <= SIDE_MOST and 0 < height <= SIDE_MOST else None
        if found := re.search(r"(?i)\bheight[ =](\d+).*?\bwidth[ =](\d+)", self.text, re.DOTALL):
            height, width = (int(side[:9]) for side in found.groups())
            return (width, height) if 0 < width <= SIDE_MOST and 0 < height <= SIDE_MOST else None
        return None


def header(body: bytes) -> Header:
    """The lines at the beginning, up to "% end" or to what is none."""
    begin = 0
    while body.startswith(b"% ", begin):
        end = body.find(b"\n", begin, begin + LINE_MOST)
        if end < 0:
            break
        line, begin = body[begin:end], end + 1
        if line.strip() == b"% end":
            break
    return Header(body[:begin].decode("latin-1"), begin)


def read_dat(path: Path) -> Events:
    """The events of a .dat file.

    Raises:
        BasaltError: it cannot be read, is damaged, or of another version or kind.
    """
    body = content(path)
    top = header(body)
    version = re.search(r"(?i)% version (\d+)", top.text)
    if version and version[1] != "2":
        raise BasaltError(
            f"The recording {path} is DAT of version {version[1][:20]}, and version 2 is read: convert it."
        )
    if len(body) < top.begin + 2:
        raise damaged(path, "it ends before its first event")
    kind, size = body[top.begin], body[top.begin + 1]
    if kind not in CD or size != 8:
        raise damaged(path, f"it holds events of type {kind} and {size} bytes, not changes of contrast of 8")
    rows = words(path, body[top.begin + 2 :], np.dtype([("t", "<u4"), ("at", "<u4")]))
    affordable(path, len(rows))
    at = rows["at"]
    return events(unwrapped(rows["t"].astype(np.int64), 32), at & 0x3FFF, at >> 14 & 0x3FFF, at >> 28 & 1, top.size())


def read_raw(path: Path) -> Events:
    """The events of a .raw file, in the format that its header names.

    Raises:
        BasaltError: it cannot be read, is damaged, or in another format.
    """
    body = content(path)
    top = header(body)
    named = re.search(r"(?i)% (?:evt |format EVT)([\d.]+)", top.text)
    if named is None:
        raise damaged(path, "no line at its beginning says which EVT format it has")
    version = re.sub(r"\.0$", "", named[1])
    if version not in FORMATS:
        raise BasaltError(f"The recording {path} is in EVT{version[:20]}, and EVT2 and EVT3 are read: convert it.")
    kind, decode = FORMATS[version]
    return decode(path, words(path, body[top.begin :], kind), top.size())


def evt2(path: Path, word: UInt32[np.ndarray, "k"], size: tuple[int, int] | None) -> Events:
    """Events of EVT2; those before the first time are left out, since nobody knows when they were."""
    affordable(path, len(word))
    kind = word >> 28
    clock = carried(kind == 8)
    told = unwrapped((word & 0x0FFFFFFF).astype(np.int64)[kind == 8], 28)
    high = np.zeros(len(word), np.int64)
    high[kind == 8] = told
    kept = (kind < 2) & (clock >= 0)
    event = word[kept]
    return events(
        high[clock[kept]] << 6 | (event >> 22 & 0x3F).astype(np.int64),
        event >> 11 & 0x7FF, event & 0x7FF, kind[kept], size,
    )  # fmt: skip


def evt3(path: Path, word: UInt16[np.ndarray, "k"], size: tuple[int, int] | None) -> Events:
    """Events of EVT3; those before the first row or time are left out."""
    from basalt.recordings.evt3_kernel import count, decode

    total = count(word)
    affordable(path, total)
    t, x = np.empty(total, np.int64), np.empty(total, np.int32)
    y, on = np.empty(total, np.int32), np.empty(total, np.bool_)
    decode(word, t, x, y, on)
    return Events(t, x, y, on, size)


FORMATS: dict[str, tuple[str, Callable[[Path, np.ndarray, tuple[int, int] | None], Events]]] = {
    "2": ("<u4", evt2),
    "3": ("<u2", evt3),
}
"""Version of EVT → its words and their reader."""
