"""Unpack what AEDAT 4 packs its packets with: LZ4 by a loop of our own, Zstandard by the package `zstandard`."""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np

from basalt.errors import BasaltError
from basalt.opening import memory_limit, too_large
from basalt.recordings.events import damaged

MAGIC = 0x184D2204
BLOCKS = {4: 1 << 16, 5: 1 << 18, 6: 1 << 20, 7: 1 << 22}
"""A frame's code → the most bytes that a block of it unpacks to."""
RAW = 1 << 31


def plain(path: Path, packed: bytes) -> bytes:
    """What was not packed."""
    return packed


def lz4(path: Path, packed: bytes) -> bytes:
    """The content of an LZ4 frame; checksums are skipped.

    Source: github.com/lz4/lz4, doc/lz4_Frame_format.md.

    Raises:
        BasaltError: it is damaged, or unpacks to more than the limit of memory.
    """
    from basalt.recordings.lz4_kernel import unpack

    def part(code: str, at: int) -> int:
        if at + struct.calcsize(code) > len(packed):
            raise damaged(path, "a packet ends within its frame of LZ4")
        return int(struct.unpack_from(code, packed, at)[0])

    flags, code = part("<B", 4), part("<B", 5) >> 4 & 7
    if part("<I", 0) != MAGIC or flags >> 6 != 1 or flags & 1 or code not in BLOCKS:
        raise damaged(path, "a packet is no frame of LZ4")
    begin = 7 + 8 * (flags >> 3 & 1)
    found = []
    while size := part("<I", begin):
        begin, length = begin + 4, size & ~RAW
        if begin + length > len(packed):
            raise damaged(path, "a packet ends within its frame of LZ4")
        found.append((size >= RAW, begin, begin + length))
        begin += length + 4 * (flags >> 4 & 1)
    # A block unpacks to no more than 255 times its size.
    most = sum(min(BLOCKS[code], 255 * (end - start)) for _, start, end in found)
    if most > memory_limit():
        raise too_large(path, "a packet of it", most, memory_limit())
    source, out, at = np.frombuffer(packed, np.uint8), np.empty(most, np.uint8), 0
    for raw, start, end in found:
        if raw and at + end - start <= most:
            out[at : at + end - start] = source[start:end]
            at += end - start
        else:
            at = unpack(source[start:end], out, at)
            if at < 0:
                raise damaged(path, "a packet of LZ4 cannot be unpacked")
    return out[:at].tobytes()


def zstandard(path: Path, packed: bytes) -> bytes:
    """The content of a Zstandard frame.

    Raises:
        BasaltError: it is damaged, unpacks to more than the limit of memory, or nothing here can unpack it.
    """
    try:
        import zstandard as library
    except ModuleNotFoundError as error:
        raise BasaltError(
            f"The recording {path} is packed by Zstandard, which this needs a package for: `pip install zstandard`."
        ) from error
    try:
        size = library.frame_content_size(packed)
        if size > memory_limit():
            raise too_large(path, "a packet of it", size, memory_limit())
        unpacked: bytes = library.ZstdDecompressor().decompress(packed, max_output_size=memory_limit())
    except library.ZstdError as error:
        raise damaged(path, "a packet of Zstandard cannot be unpacked") from error
    return unpacked


PACKINGS: dict[int, Callable[[Path, bytes], bytes]] = {0: plain, 1: lz4, 2: lz4, 3: zstandard, 4: zstandard}
"""AEDAT 4's number of a packing → what unpacks it."""
