"""Write recordings of every format, as their makers' documents have them; the fewest words that can say it."""

import struct
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from basalt.recordings.events import Events, events

LZ4, STORED = 1, 0


def drawn(count: int, seed: int = 0, width: int = 34, height: int = 34, end: int = 300_000) -> Events:
    """Random events of a sensor, in order of time."""
    rng = np.random.default_rng(seed)
    t = np.sort(rng.integers(0, end, count))
    return events(t, rng.integers(0, width, count), rng.integers(0, height, count), rng.integers(0, 2, count))


def to_bin(path: Path, given: Events) -> None:
    """40 bits per event; an event of row 240 whenever 2¹³ µs are over that 23 bits do not hold."""
    rows, added = [], 0
    for t, x, y, on in zip(given.t, given.x, given.y, given.on, strict=True):
        while t - added >= 1 << 23:
            added += 1 << 13
            rows.append((0, 240, 0, 0, 0))
        left = int(t) - added
        rows.append((x, y, int(on) << 7 | left >> 16, left >> 8 & 255, left & 255))
    path.write_bytes(np.array(rows, np.uint8).tobytes())


def to_dat(path: Path, given: Events, head: str = "% Version 2\n") -> None:
    """Words of 8 bytes behind their type and size."""
    words = np.stack(
        [given.t & 0xFFFFFFFF, given.x | given.y.astype(np.int64) << 14 | given.on.astype(np.int64) << 28], 1
    )
    path.write_bytes(head.encode() + b"\x00\x08" + words.astype("<u4").tobytes())


def to_evt2(path: Path, given: Events, head: str = "% evt 2.0\n") -> None:
    """A word for the higher bits of time whenever they change."""
    words, high = [], None
    for t, x, y, on in zip(given.t.tolist(), given.x.tolist(), given.y.tolist(), given.on.tolist(), strict=True):
        if t >> 6 != high:
            high = t >> 6
            words.append(8 << 28 | high & 0xFFFFFFF)
        words.append(int(on) << 28 | (t & 63) << 22 | x << 11 | y)
    path.write_bytes(head.encode() + np.array(words, "<u4").tobytes())


def to_evt3(path: Path, given: Events, head: str = "% evt 3.0\n", vectors: bool = True) -> None:
    """Neighbours of one time, row and polarity, in rising order, become bits of a vector."""
    words: list[int] = []
    state: list[int | None] = [None, None, None]
    rows = list(zip(given.t.tolist(), given.x.tolist(), given.y.tolist(), given.on.tolist(), strict=True))
    at = 0
    while at < len(rows):
        t, x, y, on = rows[at]
        for i, (kind, value) in enumerate(((8, t >> 12 & 0xFFF), (6, t & 0xFFF), (0, y))):
            if state[i] != value:
                words.append(kind << 12 | value)
                state[i] = value
                if kind == 8:
                    state[1] = None
        bits, then = 1, at + 1
        while then < len(rows) and rows[then][0] == t and rows[then][2:] == (y, on) and 0 < rows[then][1] - x < 12:
            if 1 << (rows[then][1] - x) <= bits:
                break
            bits |= 1 << (rows[then][1] - x)
            then += 1
        if vectors and bits > 1:
            words += [3 << 12 | int(on) << 11 | x, (5 if bits < 256 else 4) << 12 | bits]
            at = then
        else:
            words.append(2 << 12 | int(on) << 11 | x)
            at += 1
    path.write_bytes(head.encode() + np.array(words, "<u2").tobytes())


def to_aedat2(path: Path, given: Events, davis: bool = False) -> None:
    """Addresses and times, high bytes first."""
    x, y, on = given.x.astype(np.int64), given.y.astype(np.int64), given.on.astype(np.int64)
    at = (345 - x) << 12 | (259 - y) << 22 | on << 11 if davis else x << 8 | y << 1 | on
    chip = "# AEChip: eu.seebetter.ini.chips.davis.Davis346\r\n" if davis else ""
    path.write_bytes(f"#!AER-DAT2.0\r\n{chip}".encode() + np.stack([at, given.t], 1).astype(">u4").tobytes())


def to_aedat3(path: Path, given: Events, size: int = 50) -> None:
    """Packets of events of polarity, and one of something else between them."""
    body = b"#!AER-DAT3.1\r\n#Format: RAW\r\n#!END-HEADER\r\n"
    x, y, on = given.x.astype(np.int64), given.y.astype(np.int64), given.on.astype(np.int64)
    rows = np.stack([1 | on << 1 | y << 2 | x << 17, given.t & 0x7FFFFFFF], 1).astype("<u4")
    for begin in range(0, len(rows), size):
        some = rows[begin : begin + size]
        body += struct.pack("<hhiiiiii", 1, 0, 8, 4, int(given.t[begin] >> 31), len(some), len(some), len(some))
        body += some.tobytes()
    path.write_bytes(body)


def buffer(fields: list[tuple[str, object]], name: bytes = b"") -> bytes:
    """A FlatBuffer behind its size: a table of numbers, and of vectors given as (count, bytes)."""
    head = 4 + (4 if name else 0)
    listed = struct.pack(
        f"<HH{len(fields)}H", 4 + 2 * len(fields), 4 + 8 * len(fields), *range(4, 4 + 8 * len(fields), 8)
    )
    listed += bytes(-len(listed) % 8)
    table = head + len(listed)
    begin = table + 4 + 8 * len(fields)
    inner, behind = b"", b""
    for place, (code, value) in enumerate(fields):
        if isinstance(value, tuple):
            at = table + 4 + 8 * place
            inner += struct.pack("<q", begin + len(behind) - at)
            behind += struct.pack("<I", value[0]) + value[1]
            behind += bytes(-len(behind) % 8)
        else:
            inner += struct.pack(f"<{code}", value).ljust(8, b"\0")
    whole = struct.pack("<I", table) + name + listed + struct.pack("<i", table - head) + inner + behind
    return struct.pack("<I", len(whole)) + whole


def block(content: bytes) -> bytes:
    """A block of LZ4: what comes again within 64 KiB is copied, if a table of 4 bytes at every place finds it."""
    out, at, begin, known = b"", 0, 0, dict[bytes, int]()

    def more(length: int) -> bytes:
        return bytes([255] * (length // 255) + [length % 255])

    while at < len(content) - 12:
        word = content[at : at + 4]
        before = known.get(word, -1)
        known[word] = at
        if before < 0 or at - before > 65535:
            at += 1
            continue
        length = 4
        while at + length < len(content) - 5 and content[before + length] == content[at + length]:
            length += 1
        fresh = content[begin:at]
        out += bytes([min(len(fresh), 15) << 4 | min(length - 4, 15)])
        out += (more(len(fresh) - 15) if len(fresh) >= 15 else b"") + fresh + struct.pack("<H", at - before)
        out += more(length - 19) if length >= 19 else b""
        at += length
        begin = at
    fresh = content[begin:]
    return out + bytes([min(len(fresh), 15) << 4]) + (more(len(fresh) - 15) if len(fresh) >= 15 else b"") + fresh


def frame(content: bytes) -> bytes:
    """A frame of LZ4: packed blocks and stored ones in turn. The checksum of its header is the one of these flags."""
    out = struct.pack("<I", 0x184D2204) + b"\x40\x40\xc0"
    for number, begin in enumerate(range(0, len(content), 1 << 16)):
        some = content[begin : begin + (1 << 16)]
        packed = block(some)
        stored = number % 2 == 1 or len(packed) >= len(some)
        out += struct.pack("<I", len(some) | 1 << 31) + some if stored else struct.pack("<I", len(packed)) + packed
    return out + bytes(4)


XML = """<dv version="2.0"><node name="outInfo" path="/mainloop/Recorder/outInfo/">
<node name="0" path="/mainloop/Recorder/outInfo/0/"><attr key="compression" type="string">{packing}</attr>
<attr key="typeIdentifier" type="string">EVTS</attr><node name="info" path="/mainloop/Recorder/outInfo/0/info/">
<attr key="sizeX" type="int">{width}</attr><attr key="sizeY" type="int">{height}</attr>
<attr key="source" type="string">x</attr></node></node>
<node name="1" path="/mainloop/Recorder/outInfo/1/"><attr key="compression" type="string">{packing}</attr>
<attr key="typeIdentifier" type="string">TRIG</attr><node name="info" path="/mainloop/Recorder/outInfo/1/info/">
<attr key="source" type="string">x</attr></node></node></node></dv>"""


def to_aedat4(path: Path, given: Events, packing: int = LZ4, size: tuple[int, int] = (34, 34), each: int = 700) -> None:
    """Packets of events, and one of triggers."""
    said = XML.format(packing="LZ4" if packing else "NONE", width=size[0], height=size[1]).encode()
    head = buffer([("i", packing), ("q", -1), ("", (len(said), said + b"\0"))], b"IOHE")
    body = b"#!AER-DAT4.0\r\n" + head
    rows = np.zeros(len(given), np.dtype({"names": list("txyp"), "formats": ["<i8", "<i2", "<i2", "u1"],
                                          "offsets": [0, 8, 10, 12], "itemsize": 16}))  # fmt: skip
    rows["t"], rows["x"], rows["y"], rows["p"] = given.t, given.x, given.y, given.on
    packets = [(1, buffer([("", (0, b""))], b"TRIG"))]
    for begin in range(0, len(rows), each):
        some = rows[begin : begin + each]
        packets.append((0, buffer([("", (len(some), some.tobytes()))], b"EVTS")))
    for stream, content in packets:
        packed = frame(content) if packing else content
        body += struct.pack("<ii", stream, len(packed)) + packed
    path.write_bytes(body)


def records(given: Events) -> np.ndarray:
    """A structured array, as tonic has them."""
    rows = np.zeros(len(given), [("x", "<i2"), ("y", "<i2"), ("t", "<i8"), ("p", "?")])
    rows["t"], rows["x"], rows["y"], rows["p"] = given.t, given.x, given.y, given.on
    return rows


def to_npy(path: Path, given: Events) -> None:
    """Records of x, y, t, p."""
    np.save(path, records(given))


def to_npz(path: Path, given: Events) -> None:
    """An array each."""
    np.savez(path, x=given.x, y=given.y, t=given.t, p=given.on)


def to_h5(path: Path, given: Events) -> None:
    """Data sets in a group."""
    with h5py.File(path, "w") as file:
        for name, values in (("x", given.x), ("y", given.y), ("t", given.t), ("p", given.on)):
            file[f"events/{name}"] = values.astype(np.int64)


WRITERS: dict[str, tuple[str, Callable[[Path, Events], None]]] = {
    "bin": (".bin", to_bin),
    "dat": (".dat", to_dat),
    "evt2": (".raw", to_evt2),
    "evt3": (".raw", to_evt3),
    "aedat2": (".aedat", to_aedat2),
    "aedat3": (".aedat", to_aedat3),
    "aedat4": (".aedat4", to_aedat4),
    "npy": (".npy", to_npy),
    "npz": (".npz", to_npz),
    "h5": (".h5", to_h5),
}
"""Name of a format → its ending and what writes it."""
