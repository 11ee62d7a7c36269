"""A memory pathway of a spiking layer, of any kind."""

from typing import Any

from basalt.kernels.bits import words
from basalt.lava_procs.framework import InPort, OutPort, Var
from basalt.lava_procs.process import MeteredProcess
from basalt.records.memory import MemoryPathway


class Pathway(MeteredProcess):
    """A memory pathway of a layer of spiking neurons, of any kind; the recurrence is that of the record.

    Args:
        memory: the record.
        planes: bit planes of the input.
        shared: as of `MeteredProcess`.

    Ports: `s_in` (block, batch, words) spikes in `planes` bit planes; `current_out` (block, batch, neurons) the
    current of these steps, in units of u. Variable: its state `m`.
    """

    def __init__(self, *, memory: MemoryPathway, planes: int = 1, **shared: Any) -> None:
        super().__init__(memory=memory, planes=planes, **shared)
        neurons, inputs = memory.shape
        self.s_in = InPort(shape=(*self.frame, planes * words(inputs)))
        self.current_out = OutPort(shape=(*self.frame, neurons))
        self.m = Var(shape=(shared["batch"], memory.states), init=0)
