"""Events in words of spikes: where they are, what they are worth, how many there are, what they reach."""

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

OPTIONS = {"nogil": True, "cache": True, "boundscheck": False, "error_model": "numpy"}


@intrinsic
def trailing_zeros(context, word):  # type: ignore[no-untyped-def]
    """Index of the lowest set bit of a word that is not 0."""
    from llvmlite import ir

    def build(_, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), build


@intrinsic
def set_bits(context, word):  # type: ignore[no-untyped-def]
    """Number of set bits of a word."""

    def build(_, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), build


@njit(**OPTIONS)
def any_plane(bits, planes, w):  # type: ignore[no-untyped-def]
    """Word w of a frame: a bit for each value that is not 0."""
    word = np.uint64(0)
    for plane in range(planes):
        word |= bits[plane * (bits.shape[0] // planes) + w]
    return word


@njit(**OPTIONS)
def value_at(bits, planes, w, lowest):  # type: ignore[no-untyped-def]
    """The value whose bits stand at place `lowest` of word w of each plane."""
    value = np.int32(0)
    for plane in range(planes):
        value |= np.int32((bits[plane * (bits.shape[0] // planes) + w] >> lowest) & np.uint64(1)) << plane
    return value


@njit(**OPTIONS)
def count_block(packed, planes, length, counts):  # type: ignore[no-untyped-def]
    """Add to counts[b] how many values of sample b in the first `length` frames are not 0."""
    for k in range(length):
        for b in range(packed.shape[1]):
            for w in range(packed.shape[2] // planes):
                counts[b] += np.int64(set_bits(any_plane(packed[k, b], planes, w)))


@njit(**OPTIONS)
def reach_block(  # type: ignore[no-untyped-def]
    packed, planes, length, table, reach, places, rows, slots, entered, synapses
):
    """Add up what the events of each frame (k, b) meet, as `near_memory.convolution.Reached` has it.

    `table` holds the rows that an event of each input meets, `reach` its synapses, `places` is how many events wait in
    the buffer.
    """
    for k in range(length):
        for b in range(packed.shape[1]):
            bits = packed[k, b]
            early = -places
            for w in range(bits.shape[0] // planes):
                early += np.int64(set_bits(any_plane(bits, planes, w)))
            for w in range(bits.shape[0] // planes):
                word = any_plane(bits, planes, w)
                while word:
                    feature = w * 64 + np.int64(trailing_zeros(word))
                    met = table[feature]
                    synapses[k, b] += reach[feature]
                    word &= word - np.uint64(1)
                    rows[k, b] += met
                    slots[k, b] += max(met, 1)
                    if early > 0:
                        entered[k, b] += max(met, 1)
                    early -= 1
