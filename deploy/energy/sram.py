"""Energy of an access to a memory of any size and width, from a grid of a memory compiler's figures."""

import math
from bisect import bisect_right
from typing import Literal, NamedTuple

from basalt.deploy.energy.schema import Sram
from basalt.deploy.energy.units import JOULE


class Access(NamedTuple):
    """The energy of one access in joule, and the remark if the memory lay outside the grid."""

    joule: float
    note: str | None


def access(sram: Sram, which: Literal["read", "write"], kib: float, word_bits: float, ports: int = 1) -> Access:
    """Energy of one access, bilinear in log2 of size and of width between the points of the grid.

    A memory with more ports is priced as one with two, or with one if the table has no other, with a note.
    A memory outside the grid is priced as the nearest one on it, with a note: a larger one is made of the
    largest bank (of which one is active), a smaller one costs what the smallest macro costs.
    """
    size, size_note = _clamp(kib, sram.kib, "KiB", "size")
    width, width_note = _clamp(word_bits, sram.word_bits, "bit", "word")
    row, down = _between(size, sram.kib)
    column, across = _between(width, sram.word_bits)
    ported = sram.two_ports if ports > 1 and sram.two_ports is not None else sram
    grid = ported.read if which == "read" else ported.write
    upper = grid[row][column] * (1 - across) + grid[row][column + 1] * across
    lower = grid[row + 1][column] * (1 - across) + grid[row + 1][column + 1] * across
    known = 1 if ported is sram else 2
    port_note = f"{ports} ports priced as {known}, the most that the table knows" if ports > known else None
    notes = [note for note in (size_note, width_note, port_note) if note]
    return Access((upper * (1 - down) + lower * down) * JOULE[sram.unit], "; ".join(notes) or None)


def _clamp(value: float, axis: tuple[float, ...], unit: str, what: str) -> tuple[float, str | None]:
    inside = min(max(value, axis[0]), axis[-1])
    if inside == value:
        return value, None
    end = "smallest" if value < inside else "largest"
    return inside, f"{what} of {value:.4g} {unit} priced as {inside:g} {unit}, the {end}"


def _between(value: float, axis: tuple[float, ...]) -> tuple[int, float]:
    """Index of the grid point at or below `value`, and how far on to the next one it lies, in log2."""
    index = min(bisect_right(axis, value) - 1, len(axis) - 2)
    return index, math.log2(value / axis[index]) / math.log2(axis[index + 1] / axis[index])
