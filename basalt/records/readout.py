"""The read-out."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Int

from basalt.records.arithmetic import ALIGN, decay, sat24, wrap24
from basalt.records.counts import Counts, graded_counts
from basalt.records.fields import Found, decay_rate, relation, weights
from basalt.records.layer import Layer
from basalt.records.reach import rows_reach
from basalt.records.whole import Whole

SUM_MAX = (1 << 31) - 1


class ReadoutStep(NamedTuple):
    """What one step leaves: currents u, membranes v, what is sent y, and how many values wrapped or saturated."""

    u: Int[np.ndarray, "batch classes"]
    v: Int[np.ndarray, "batch classes"]
    y: Int[np.ndarray, "batch classes"]
    saturations: Int[np.ndarray, "batch"]


@dataclass(frozen=True, eq=False)
class Readout(Whole, Layer):
    """Non-spiking integrators, one per class; the class is the first largest sum after the last step.

        y[t] = y[t−1] + weight s_in[t−1]                                                        (32 bit)

    With a `voltage_decay`, what is summed are leaky membranes, so that the class is the first with the largest mean:

        v[t] = sat24(decay(v[t−1], voltage_decay) + (weight s_in[t−1] << 6))                   (decay as in `Neuron`)
        y[t] = y[t−1] + (v[t] >> 6)

    With a `current_decay` too, it is SLAYER's `Affine` with dynamics, and sends its membranes. What is made of them is
    not in the network; the class is taken to be the first with the largest mean over all steps:

        u[t] = wrap24(decay(u[t−1], current_decay) + (weight s_in[t−1] << 6))
        y[t] = sat24(decay(y[t−1], voltage_decay) + u[t])
    """

    kind: ClassVar[str] = "readout"
    narrow: ClassVar[tuple[str, ...]] = ("weight",)

    name: str
    weight: Annotated[Int[np.ndarray, "classes inputs"], weights("of the synapses")]
    voltage_decay: Annotated[int | None, decay_rate("of membranes; without, weighted spikes are summed")] = None
    current_decay: Annotated[int | None, decay_rate("of currents; with it, membranes are sent as they are")] = None

    @property
    def since(self) -> int:
        """Membranes themselves came with version 4."""
        return 4 if self.membranes else 1

    @property
    def inputs(self) -> int:
        """Size of the input."""
        return self.weight.shape[1]

    @property
    def neurons(self) -> int:
        """Number of classes, the size of the output."""
        return self.weight.shape[0]

    @property
    def unit(self) -> int:
        """How many of what is sent are 1.0 of SLAYER's."""
        return 1 << 6 if self.current_decay is None else 1 << 12

    @property
    def membranes(self) -> bool:
        """Membranes are sent as they are at each step, not sums."""
        return self.current_decay is not None

    @property
    def every_step(self) -> str | None:
        """What it sends at every step is called, where not only the last step counts."""
        return "membranes" if self.membranes else None

    def largest_sum(self, value: int) -> int:
        """The largest |weight s_in|, for inputs up to `value`."""
        return rows_reach(self.weight, value)

    @relation("decay_range")
    def decays(self) -> Found:
        """Currents without membranes are none of the three."""
        if self.current_decay is not None and self.voltage_decay is None:
            yield "current_decay of a read-out without voltage_decay", self.current_decay, "none"

    def step(
        self,
        activation: Int[np.ndarray, "batch classes"],
        u: Int[np.ndarray, "batch classes"],
        v: Int[np.ndarray, "batch classes"],
        y: Int[np.ndarray, "batch classes"],
    ) -> ReadoutStep:
        """One step: the specification; `activation` is weight s_in[t−1], and sums are clipped to 32 bits."""
        if self.voltage_decay is None:
            return summed(u, v, y, activation)
        if self.current_decay is None:
            whole = decay(v, np.array([self.voltage_decay])) + (activation << ALIGN)
            membrane = sat24(whole)
            after = summed(u, membrane, y, membrane >> ALIGN)
            return after._replace(saturations=after.saturations + np.sum(membrane != whole, axis=-1))
        current = decay(u, np.array([self.current_decay])) + (activation << ALIGN)
        wrapped = wrap24(current)
        potential = decay(v, np.array([self.voltage_decay])) + wrapped
        membrane = sat24(potential)
        saturations = np.sum((wrapped != current).astype(np.int64) + (membrane != potential), axis=-1)
        return ReadoutStep(wrapped, membrane, membrane, saturations)

    def counts(
        self,
        events: Int[np.ndarray, "*#batch"],
        saturations: Int[np.ndarray, "*#batch"] | int,
        steps: int = 1,
        value_bits: int = 1,
    ) -> Counts:
        """Its counters; a class has one state, its sum, or two with its membrane."""
        classes, states = self.neurons, 1 if self.voltage_decay is None else 2
        counts: Counts = {
            "events_in": events,
            "weight_words_read": events * classes,
            "synaptic_operations": events * classes,
            "neuron_updates": steps * classes,
            "state_reads": steps * classes * states,
            "state_writes": steps * classes * states,
            "saturations": saturations,
        }
        return counts | graded_counts(events * classes, value_bits)


def summed(
    u: Int[np.ndarray, "batch classes"],
    v: Int[np.ndarray, "batch classes"],
    y: Int[np.ndarray, "batch classes"],
    added: Int[np.ndarray, "batch classes"],
) -> ReadoutStep:
    """y + added, clipped to 32 bits."""
    whole = y + added
    clipped = np.clip(whole, -SUM_MAX, SUM_MAX)
    return ReadoutStep(u, v, clipped, np.sum(clipped != whole, axis=-1))


def decide(y: Int[np.ndarray, "batch classes"]) -> Int[np.ndarray, "batch"]:
    """The class of each sample: the first largest sum after the last step."""
    return np.argmax(y, axis=-1)
