"""EVT3's words one after the other, compiled. Imported only where it is called, since numba takes a while to load."""

import numba
import numpy as np

ROW, EVENT, BASE, VECTOR_12, VECTOR_8, TIME_LOW, TIME_HIGH = 0, 2, 3, 4, 5, 6, 8


@numba.njit(cache=True)
def count(words):  # type: ignore[no-untyped-def]
    """How many events `decode` finds."""
    total = 0
    row, timed = False, False
    for word in words:
        kind = word >> 12
        if kind == ROW:
            row = True
        elif kind == TIME_HIGH:
            timed = True
        elif row and timed and kind == EVENT:
            total += 1
        elif row and timed and kind in (VECTOR_12, VECTOR_8):
            valid = word & (0xFFF if kind == VECTOR_12 else 0xFF)
            while valid:
                total += valid & 1
                valid >>= 1
    return total


@numba.njit(cache=True)
def decode(words, t, x, y, on):  # type: ignore[no-untyped-def]
    """Fill the four arrays, of as many values as `count` says."""
    at = 0
    row, timed = np.int64(-1), False
    base, base_on = np.int64(0), np.int64(0)
    high, low, turns = np.int64(0), np.int64(0), np.int64(0)
    for word in words:
        kind, value = word >> 12, np.int64(word & 0xFFF)
        if kind == ROW:
            row = value & 0x7FF
        elif kind == TIME_HIGH:
            if value < high - 2048:
                turns += 1
            if value != high:
                low = np.int64(0)
            high, timed = value, True
        elif kind == TIME_LOW:
            low = value
        elif kind == BASE:
            base, base_on = value & 0x7FF, value >> 11
        elif kind == EVENT:
            if row >= 0 and timed:
                t[at], x[at], y[at] = (turns << 24) | (high << 12) | low, value & 0x7FF, row
                on[at] = value >= 2048
                at += 1
        elif kind in (VECTOR_12, VECTOR_8):
            width = 12 if kind == VECTOR_12 else 8
            if row >= 0 and timed:
                for i in range(width):
                    if value >> i & 1:
                        t[at], x[at], y[at] = (turns << 24) | (high << 12) | low, base + i, row
                        on[at] = base_on
                        at += 1
            base += width
