"""How compiled memory pathways are run, whatever their kind."""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, Int, UInt64

from basalt.records.counts import Counts
from basalt.records.memory import MemoryPathway


class PathwayKernel:
    """A memory pathway, compiled: constants as its kernel takes them, and the states of a batch.

    A subclass sets what is declared here.

    Attributes:
        memory: the record.
        block: the kernel, called with what `run` passes.
        planes: bit planes of the input.
        constants: its parameters, as the kernel takes them.
        m: the state that is shown.
        kept: the states from step to step, m the first.
        counts: events and saturations of each sample since they were last taken.
    """

    block: ClassVar[Callable[..., None]]
    memory: MemoryPathway
    planes: int
    constants: tuple[Any, ...]
    m: Float[np.ndarray, "batch states"]
    kept: tuple[np.ndarray, ...]
    counts: Int[np.ndarray, "batch 2"]

    def __init__(self, batch: int, memory: Any, planes: int = 1) -> None:
        raise NotImplementedError

    @staticmethod
    def smallest(weight: Int[np.ndarray, "1 1"]) -> tuple[MemoryPathway, ...]:
        """The smallest records of this weight; compiling for them compiles all that the kernel has."""
        raise NotImplementedError

    def keep(self, batch: int, *sizes: int) -> None:
        """Make empty states of these sizes, and counts."""
        self.kept = tuple(np.zeros((batch, size), dtype=np.float64) for size in sizes)
        self.m = self.kept[0]
        self.counts = np.zeros((batch, 2), dtype=np.int64)

    def clear(self) -> None:
        """The state before the first step of a sample."""
        for state in self.kept:
            state[:] = 0

    def run(
        self,
        low: int,
        high: int,
        first: int,
        length: int,
        arrived: UInt64[np.ndarray, "block batch words"],
        before: UInt64[np.ndarray, "batch words"],
        currents: Float[np.ndarray, "samples block neurons"],
    ) -> None:
        """The currents of samples low … high in the steps of a block; `before` is the input of the step before it."""
        given = (low, high, first, length, arrived, self.planes, before)
        type(self).block(*given, *self.constants, *self.kept, currents, self.counts)

    def taken(self) -> Int[np.ndarray, "2 batch"]:
        """Events and saturations since the last call."""
        counts = self.counts.T.copy()
        self.counts[:] = 0
        return counts

    def take_counts(self, first: int, length: int) -> Counts:
        """What it did since the last call, in `length` steps from step `first` on."""
        refreshes = self.memory.refreshes(first, length)
        events, saturations = self.taken()
        return self.memory.counts(events, saturations, length, refreshes, self.planes)
