"""Spikes as bits: 64 neurons a word, so that a frame is an eighth of a byte a neuron on its way between processes.

Graded values (a small integer an input) travel as bit planes: plane p holds the bits of weight 2^p, words of plane 0
first. Bytes take up to 8 planes; wider values are in two's complement, the last plane their sign.
"""

import numpy as np
from jaxtyping import Int, Integer, UInt64

WORD = 64
BYTE = 8


def words(neurons: int) -> int:
    """Words that hold a bit for each neuron."""
    return -(-neurons // WORD)


def planes_of(values: Integer[np.ndarray, "..."]) -> int:
    """Bit planes that the largest value needs; 1 for spikes, more than 8 for what are no bytes."""
    if values.dtype == np.uint8:
        return max(1, int(values.max(initial=0)).bit_length())
    furthest = max(int(values.max(initial=0)), ~int(values.min(initial=0)))
    return max(BYTE + 1, furthest.bit_length() + 1)


def pack(values: Integer[np.ndarray, "*frames neurons"], planes: int = 1) -> UInt64[np.ndarray, "*frames words"]:
    """Values below 2^planes to words; bits beyond the last neuron are zero."""
    *frames, neurons = values.shape
    bits = np.zeros((*frames, planes, words(neurons) * WORD), dtype=np.uint8)
    for plane in range(planes):
        bits[..., plane, :neurons] = (values >> plane) & 1
    packed = np.packbits(bits, axis=-1, bitorder="little").view(np.uint64)
    return packed.reshape(*frames, planes * words(neurons))


def unpack(
    packed: UInt64[np.ndarray, "*frames words"], neurons: int, planes: int = 1
) -> Integer[np.ndarray, "*frames neurons"]:
    """Words to values: bytes, or integers of 32 bits where there are more than 8 planes."""
    *frames, width = packed.shape
    octets = np.ascontiguousarray(packed).view(np.uint8).reshape(*frames, planes, width // planes * 8)
    bits = np.unpackbits(octets, axis=-1, count=neurons, bitorder="little")
    if planes == 1:
        return bits[..., 0, :]
    if planes > BYTE:
        found = np.zeros((*frames, neurons), dtype=np.int32)
        for plane in range(planes):
            found += bits[..., plane, :] * np.int32(-(1 << plane) if plane == planes - 1 else 1 << plane)
        return found
    weights = (1 << np.arange(planes, dtype=np.uint8))[:, None]
    return (bits * weights).sum(axis=-2, dtype=np.uint8)


ONES = np.unpackbits(np.arange(1 << 16, dtype=np.uint16).view(np.uint8).reshape(-1, 2), axis=-1).sum(
    axis=-1, dtype=np.uint8
)
"""Bits set in each 16-bit number."""


def count_events(packed: UInt64[np.ndarray, "*frames words"], planes: int = 1) -> Int[np.ndarray, "*frames"]:
    """How many values are not 0 in each frame: an eighth of a byte is read per neuron, nothing unpacked."""
    *frames, width = packed.shape
    any_plane = np.bitwise_or.reduce(packed.reshape(*frames, planes, width // planes), axis=-2)
    return ONES[any_plane.view(np.uint16)].sum(axis=-1, dtype=np.int64)
