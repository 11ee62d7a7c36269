"""Recordings of iniVation's older software (`.aedat`): AEDAT 2.0 of DVS128 and DAVIS cameras, and AEDAT 3.1.

Lines that begin with "#", then

    2.0    address, t (µs), 32 bits each, high bytes first.
           DVS128    y: 7 from bit 1, x: 7 from bit 8, on: bit 0 (as tonic has it)
           DAVIS     an event of the camera where bits 31 and 10 are 0; y: 9 from bit 22 and x: 10 from bit 12, both
                     counted from the far end; on: bit 11
    3.1    packets of 28 bytes of header, then events; of those of polarity (type 1): valid: bit 0, on: bit 1, y: 15
           from bit 2, x: 15 from bit 17, then t: 31 (µs), low bytes first; the header's overflow is t's higher bits

The cameras of 2.0 are told apart by the header's line "AEChip" or "HardwareInterface"; without one it is a DVS128.

Source: docs.inivation.com, "AEDAT file formats"; tonic's readers `read_dvs_128`, `read_davis_346`, `read_dvs_ibm`.
"""

import re
import struct
from pathlib import Path

import numpy as np

from basalt.errors import BasaltError
from basalt.recordings.events import Events, affordable, content, damaged, events, unwrapped, words

LINE_MOST = 1 << 16
END = b"#!END-HEADER"
PACKET = struct.Struct("<hhiiiiii")
POLARITY = 1
DAVIS = {"346": (346, 260), "240": (240, 180)}
"""What a DAVIS camera's name holds → its width and height."""


def read(path: Path) -> Events:
    """The events of a file.

    Raises:
        BasaltError: it cannot be read, is damaged, or of another version.
    """
    body = content(path)
    begin = 0
    while body.startswith(b"#", begin):
        end = body.find(b"\n", begin, begin + LINE_MOST)
        if end < 0:
            break
        line, begin = body[begin:end], end + 1
        if line.startswith(END):
            break
    text = body[:begin].decode("latin-1")
    version = re.search(r"#!AER-DAT(\d+)\.(\d+)", text)
    if version is None:
        raise damaged(path, "its first line does not name a version of AEDAT")
    if version[1] == "2":
        return version_2(path, body[begin:], text)
    if version[1] == "3":
        return version_3(path, memoryview(body)[begin:])
    raise BasaltError(
        f"The recording {path} is AEDAT {version[1][:9]}.{version[2][:9]}, and 2.0 and 3.1 are read here "
        f"(4.0 as .aedat4): convert it, or rename it."
    )


def version_2(path: Path, body: bytes, text: str) -> Events:
    """Events of AEDAT 2.0."""
    rows = words(path, body, np.dtype([("at", ">u4"), ("t", ">u4")]))
    affordable(path, len(rows))
    at, t = rows["at"].astype(np.int64), unwrapped(rows["t"].astype(np.int64), 32)
    named = re.search(r"(?i)davis", text)
    if not named:
        return events(t, at >> 8 & 0x7F, at >> 1 & 0x7F, at & 1, (128, 128))
    width, height = next((size for name, size in DAVIS.items() if f"{name}" in text), DAVIS["346"])
    kept = (at & 0x80000400) == 0
    at, t = at[kept], t[kept]
    x, y = width - 1 - (at >> 12 & 0x3FF), height - 1 - (at >> 22 & 0x1FF)
    return events(t, x, y, at >> 11 & 1, (width, height))


def version_3(path: Path, body: memoryview) -> Events:
    """Events of AEDAT 3.1: those of polarity that are valid."""
    parts, begin, total = [], 0, 0
    while begin < len(body):
        if begin + PACKET.size > len(body):
            raise damaged(path, "it ends within a packet's header")
        kind, _, size, offset, overflow, capacity, number, _ = PACKET.unpack_from(body, begin)
        begin += PACKET.size
        length = capacity * size
        if size <= 0 or capacity < 0 or not 0 <= number <= capacity or begin + length > len(body):
            raise damaged(path, "a packet is larger than what is left of it")
        if kind == POLARITY:
            if size != 8 or offset != 4 or overflow < 0:
                raise damaged(path, f"an event of polarity has {size} bytes, not 8")
            rows = np.frombuffer(body[begin : begin + number * 8], np.dtype([("at", "<u4"), ("t", "<i4")]))
            total += number
            affordable(path, total)
            rows = rows[rows["at"] & 1 == 1]
            parts.append(((np.int64(overflow) << 31) + rows["t"], rows["at"]))
        begin += length
    t, at = (np.concatenate([part[i] for part in parts] or [np.zeros(0, np.int64)]) for i in (0, 1))
    return events(t, at >> 17 & 0x7FFF, at >> 2 & 0x7FFF, at >> 1 & 1)
