"""Recordings of iniVation's DV (`.aedat4`): AEDAT 4.0.

A first line, a header (a FlatBuffer), then packets: stream (int32), size (int32), a packed FlatBuffer. A packet of
events holds a vector of 16 bytes each: t (int64, µs), x, y (int16), on (a byte), padding. The header has the packing,
where the table behind the last packet begins, and XML that says of each stream what it is and how large its sensor.

Source: docs.inivation.com, "AEDAT 4.0", and the FlatBuffers specification.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from basalt.errors import BasaltError
from basalt.recordings.events import Events, affordable, content, damaged, events
from basalt.recordings.unpacking import PACKINGS

FIRST = b"#!AER-DAT4.0\r\n"
SIDE_MOST = 1 << 14
EVENT = np.dtype({"names": ["t", "x", "y", "on"], "formats": ["<i8", "<i2", "<i2", "u1"], "offsets": [0, 8, 10, 12],
                  "itemsize": 16})  # fmt: skip


@dataclass(frozen=True)
class Buffer:
    """A FlatBuffer behind its size; every place is looked at before it is read."""

    path: Path
    body: bytes

    def number(self, code: str, at: int) -> int:
        """A number at a place."""
        if not 0 <= at <= len(self.body) - struct.calcsize(code):
            raise damaged(self.path, "it points outside of itself")
        return int(struct.unpack_from(code, self.body, at)[0])

    def field(self, index: int) -> int | None:
        """The place of a field of the root table; None where it is left out."""
        table = self.number("<I", 0)
        listed = table - self.number("<i", table)
        entry = 4 + 2 * index
        if entry >= self.number("<H", listed):
            return None
        offset = self.number("<H", listed + entry)
        return table + offset if offset else None

    def vector(self, index: int, size: int) -> bytes:
        """The content of a field that is a vector of elements of `size` bytes."""
        place = self.field(index)
        if place is None:
            return b""
        begin = place + self.number("<I", place)
        length = self.number("<I", begin) * size
        if begin + 4 + length > len(self.body):
            raise damaged(self.path, "it points outside of itself")
        return self.body[begin + 4 : begin + 4 + length]


def read(path: Path) -> Events:
    """The events of a file: those of its first stream of events.

    Raises:
        BasaltError: it cannot be read, is damaged, or has no stream of events.
    """
    body = content(path)
    if not body.startswith(FIRST):
        raise damaged(path, "its first line does not say AEDAT 4.0")
    whole = Buffer(path, body)
    size = whole.number("<I", len(FIRST))
    begin = len(FIRST) + 4 + size
    head = Buffer(path, body[len(FIRST) + 4 : begin])
    packing, table = head.field(0), head.field(1)
    code = 0 if packing is None else head.number("<i", packing)
    if code not in PACKINGS:
        raise damaged(path, f"its packing {code} is unknown")
    stated = -1 if table is None else head.number("<q", table)
    end = stated if stated > 0 else len(body)
    stream, sensor = described(path, head.vector(2, 1))
    if not begin <= end <= len(body):
        raise damaged(path, "it is cut off")
    parts: list[np.ndarray] = []
    total = 0
    while begin < end:
        if begin + 8 > end:
            raise damaged(path, "it ends within a packet's header")
        which, length = whole.number("<i", begin), whole.number("<i", begin + 4)
        begin += 8
        if length < 0 or begin + length > end:
            raise damaged(path, "it ends within a packet")
        if which == stream:
            parts.append(packet(path, PACKINGS[code](path, body[begin : begin + length])))
            total += len(parts[-1])
            affordable(path, total)
        begin += length
    rows = np.concatenate(parts) if parts else np.zeros(0, EVENT)
    return events(rows["t"], rows["x"], rows["y"], rows["on"], sensor)


def packet(path: Path, unpacked: bytes) -> np.ndarray:
    """The events of an unpacked packet."""
    if unpacked[8:12] != b"EVTS":
        raise damaged(path, "a packet of events holds something else")
    return np.frombuffer(Buffer(path, unpacked[4:]).vector(0, EVENT.itemsize), EVENT)


def described(path: Path, text: bytes) -> tuple[int, tuple[int, int] | None]:
    """The first stream of events, and (width, height) of its sensor."""
    if b"<!" in text:
        raise damaged(path, "its description is more than plain XML")
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise damaged(path, "its description is no XML") from error
    found = []
    for node in root.iter("node"):
        said = {attribute.get("key"): (attribute.text or "").strip() for attribute in node.findall("attr")}
        name = node.get("name", "")
        if said.get("typeIdentifier") == "EVTS" and name.isdecimal() and len(name) < 9:
            inner = {attribute.get("key"): (attribute.text or "").strip() for attribute in node.iter("attr")}
            found.append((int(name), side(inner.get("sizeX")), side(inner.get("sizeY"))))
    if not found:
        raise BasaltError(f"The recording {path} has no stream of events: export it from DV with one.")
    stream, width, height = min(found)
    return stream, (width, height) if width and height else None


def side(text: str | None) -> int:
    """A length in pixels; 0 where it is none."""
    known = text is not None and text.isascii() and text.isdecimal() and len(text) < 6 and int(text) <= SIDE_MOST
    return int(text) if known and text else 0
