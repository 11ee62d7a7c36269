"""What the process models tagged `near_memory` share: compiled integers, and beside them a near-memory core's
schedule."""

from typing import Any

import numpy as np
from jaxtyping import Int, UInt64

from basalt.lava_procs.metering import COLUMN, MeteredModel
from basalt.lava_procs.neurons import CompiledModel
from basalt.near_memory.convolution import Reached
from basalt.near_memory.core import Core
from basalt.near_memory.counters import WORDS, scheduled_counts
from basalt.near_memory.sizes import Sizes, sizes_of

Counts = dict[str, Int[np.ndarray, "batch"] | int]


class ScheduledModel(MeteredModel):
    """A model with a schedule; the subclass's `prepare` sets `sizes`."""

    sizes: Sizes

    @property
    def core(self) -> Core:
        """The core that it runs on: the process's, or the default one."""
        return self.proc_params["core"] or Core()

    def tables(self) -> dict[str, Int[np.ndarray, "batch counters"]]:
        """The counters of the samples that run now, by part; where a layer has one part, it is the first."""
        return {"spiking": self.round_counters}

    def defer(self) -> None:
        """Not here: a schedule is counted step by step."""

    def note(
        self,
        counted: dict[str, Counts],
        spikes: Int[np.ndarray, "steps batch"],
        own: Int[np.ndarray, "steps batch"],
        fired: Int[np.ndarray, "steps batch"],
        reached: Reached | None = None,
    ) -> None:
        """Count what the kernel did, by part, and what the schedule says of its steps."""
        scheduled = scheduled_counts(self.core, self.sizes, self.first, spikes, own, fired, reached)
        for part, table in self.tables().items():
            for counts in (counted[part], scheduled[part]):
                for name, amount in counts.items():
                    if name not in WORDS:
                        table[:, COLUMN[name]] += amount


class ScheduledLayerModel(ScheduledModel, CompiledModel):
    """A layer of spiking neurons that a compiled kernel steps, one step a call, so that each step's events are
    known."""

    layer: Any

    def prepare(self) -> None:
        """Lay weights and states out, and take the layer's sizes."""
        super().prepare()
        self.sizes = sizes_of(self.record, self.planes)

    @property
    def kernel_steps(self) -> int:
        """One."""
        return 1

    def clear(self) -> None:
        """The state before the first step of a sample: nothing fired."""
        super().clear()
        self.fired = np.zeros(self.batch, dtype=np.int64)

    def advance(self) -> None:
        """Receive a block, step the kernel through it, send what fired; after the last step, show the states."""
        arrived = self.s_in.recv()
        reached = self.reached(np.concatenate([self.layer.before[None], arrived[: self.length - 1]]))
        sent = np.zeros((self.block, *self.layer.out.shape[1:]), dtype=np.uint64)
        incoming, fired = np.zeros((2, self.length, self.batch), dtype=np.int64)
        for k in range(self.length):
            before = self.layer.activity
            sent[k] = self.layer.advance(arrived[k : k + 1], self.first + k, 1)[0]
            incoming[k], fired[k] = (self.layer.activity - before).T
        self.s_out.send(sent)
        self.note_fired(fired)
        own = np.zeros_like(fired)
        if self.sizes.hears_itself:
            own[0], own[1:] = self.fired, fired[:-1]
        self.fired = fired[-1]
        self.layer.first = self.first  # of the block, whose refreshes it counts
        counted = {"spiking": self.layer.take_spiking_counts(self.length)}
        if self.record.memory is not None:
            counted[self.record.memory.kind] = self.layer.take_memory_counts(self.length)
        self.note(counted, incoming - own, own, fired, reached)
        self.show()

    def reached(self, heard: UInt64[np.ndarray, "steps batch words"]) -> Reached | None:
        """What the events that each step hears meet, where that depends on which they are."""
        return None
