"""A mesh of cores: how far they are from each other, and which links a packet takes."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from basalt.errors import BasaltError

PORT = 0
"""The core at whose router the network's input enters: the first of the first row."""

Link = tuple[int, int]
"""From a core to a neighbour."""


@dataclass(frozen=True)
class Mesh:
    """Cores in rows and columns, numbered row by row; each router is linked with its neighbours, in both directions.

    A packet takes X-Y routes: along its row to the column of its destination, then along that column. That is a
    shortest way, and cannot deadlock.
    """

    rows: int
    columns: int

    @property
    def cores(self) -> int:
        """How many there are."""
        return self.rows * self.columns

    def place(self, core: int) -> tuple[int, int]:
        """Row and column of a core."""
        return divmod(core, self.columns)

    def distances(self) -> Int[np.ndarray, "cores cores"]:
        """Hops from each core to each: |rows apart| + |columns apart|."""
        row, column = np.divmod(np.arange(self.cores), self.columns)
        return abs(row[:, None] - row) + abs(column[:, None] - column)

    def snake(self, height: int = 1) -> list[int]:
        """All cores along a band of `height` rows that winds down the mesh; each column of the band is gone through
        before the next, to and fro."""
        order: list[int] = []
        for band, top in enumerate(range(0, self.rows, height)):
            columns = range(self.columns) if band % 2 == 0 else range(self.columns - 1, -1, -1)
            for turn, column in enumerate(columns):
                rows = list(range(top, min(top + height, self.rows)))
                order += [row * self.columns + column for row in (rows if turn % 2 == 0 else rows[::-1])]
        return order

    def route(self, begin: int, end: int) -> Iterator[Link]:
        """The links from one core to another."""
        (row, column), (last_row, last_column) = self.place(begin), self.place(end)
        here = begin
        while here != end:
            if column != last_column:
                column += 1 if last_column > column else -1
            else:
                row += 1 if last_row > row else -1
            there = row * self.columns + column
            yield here, there
            here = there


def parse_mesh(text: str) -> Mesh:
    """ROWSxCOLUMNS, as in 4x8.

    Raises:
        BasaltError: it is something else.
    """
    found = re.fullmatch(r"\s*([1-9][0-9]*)\s*[x×X]\s*([1-9][0-9]*)\s*", text)
    if found is None:
        raise BasaltError(f"--mesh {text!r} is not ROWSxCOLUMNS; write it as in --mesh 4x8.")
    return Mesh(int(found[1]), int(found[2]))


def smallest_mesh(cores: int) -> Mesh:
    """The mesh closest to a square that has at least `cores` cores."""
    columns = math.isqrt(cores - 1) + 1
    return Mesh(-(-cores // columns), columns)
