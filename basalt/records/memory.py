"""What all memory pathways of a spiking layer share.

A pathway hears the layer's input spikes s_in[t−1], keeps a state m of its own over time, and gives memory[t], an
integer per neuron in units of the current u (4096 to a weight of 1.0). All states are zero before t = 0. `>>` is the
arithmetic shift, half(p) = 1 << (p − 1) if p > 0 else 0, so that shifts round half up; sat24 clips to ±(2²³ − 1), sat16
is min(·, 32767).
"""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from jaxtyping import Int, Num

from basalt.records.counts import Counts
from basalt.records.fields import Found, misshapen
from basalt.records.reach import Sums
from basalt.records.whole import Whole


class PathwayStep(NamedTuple):
    """The current into the neurons, the pathway's state m, and how many values saturated, per sample."""

    current: Num[np.ndarray, "batch neurons"]
    m: Num[np.ndarray, "batch states"]
    saturations: Int[np.ndarray, "batch"]


@dataclass(frozen=True, eq=False)
class MemoryPathway(Whole):
    """A memory pathway; a subclass is a frozen dataclass of its parameters, and says how it steps.

    Attributes:
        kind: its name, in files, counts and on the command line.
        title, titles: for people; the latter by variant, where it has some.
        rule: the design rule that its own fields break beyond their limits.
        since: version of the file format that it came with.
        symbol: of its state, in reports.
    """

    kind: ClassVar[str]
    title: ClassVar[str]
    titles: ClassVar[dict[str, str]] = {}
    rule: ClassVar[str]
    since: ClassVar[int] = 1
    symbol: ClassVar[str] = "m"

    @property
    def called(self) -> str:
        """What messages call it."""
        return f"{self.kind} memory"

    @property
    def interval(self) -> int:
        """Steps between refreshes of memory[t], which is held in between: `update_interval`, where the kind has it."""
        return int(getattr(self, "update_interval", 1))

    @property
    def shape(self) -> tuple[int, int]:
        """(neurons, inputs)."""
        raise NotImplementedError

    @property
    def states(self) -> int:
        """Size of the state m."""
        raise NotImplementedError

    @property
    def synapses(self) -> tuple[Int[np.ndarray, "rows inputs"], ...]:
        """What an event meets: matrices of weights, whose zeros are no synapses."""
        raise NotImplementedError

    def sums(self, value: int) -> Sums:
        """The largest |sum| that it forms of a step's input, in weight units, each with a name.

        Args:
            value: the largest input.
        """
        yield from ()

    def misshapen(self, neurons: int, inputs: int) -> Found:
        """Its arrays that do not fit a layer of these sizes, or that its variant does not have."""
        return misshapen(self, "memory ", neurons=neurons, inputs=inputs)

    @property
    def bits(self) -> dict[str, int]:
        """The memory that it needs, by use ("weights", "state", "table")."""
        raise NotImplementedError

    def step(
        self,
        arrived: Num[np.ndarray, "batch inputs"],
        current: Int[np.ndarray, "batch neurons"],
        m: Int[np.ndarray, "batch states"],
        t: int,
    ) -> PathwayStep:
        """Step `t`, from the spikes `arrived`, current and state of the step before: the specification, in integers."""
        raise NotImplementedError

    def real_step(
        self,
        arrived: Num[np.ndarray, "batch inputs"],
        current: Num[np.ndarray, "batch neurons"],
        m: Num[np.ndarray, "batch states"],
        t: int,
    ) -> PathwayStep:
        """The same step in real numbers: no rounding and no saturation."""
        raise NotImplementedError

    def refreshes(self, first: int, length: int = 1) -> int:
        """In how many of `length` steps from step `first` on the current is computed anew."""
        interval = self.interval
        return -(-(first + length) // interval) + (-first // interval)

    def counts(
        self,
        events: Int[np.ndarray, "*#batch"],
        saturations: Int[np.ndarray, "*#batch"] | int,
        steps: int = 1,
        refreshes: Int[np.ndarray, "*#batch"] | int = 1,
        value_bits: int = 1,
    ) -> Counts:
        """Its counters.

        Args:
            events: that arrived in these steps. refreshes: of the current. value_bits: of the input.
        """
        raise NotImplementedError
