"""Non-spiking integrators, one per class."""

from typing import Any

from basalt.kernels.bits import words
from basalt.lava_procs.framework import InPort, OutPort, Var
from basalt.lava_procs.process import MeteredProcess
from basalt.records.readout import Readout as ReadoutRecord


class Readout(MeteredProcess):
    """Sums of weighted spikes, or of leaky membranes, or the membranes themselves; the recurrence is the record's.

    Args:
        layer: the record.
        planes: bit planes of the input.
        shared: as of `MeteredProcess`.

    Ports: `s_in` (block, batch, words) spikes in `planes` bit planes; `y_out` (block, batch, classes) the sums after
    each step, or the membranes.
    """

    def __init__(self, *, layer: ReadoutRecord, planes: int = 1, **shared: Any) -> None:
        super().__init__(layer=layer, planes=planes, **shared)
        self.s_in = InPort(shape=(*self.frame, planes * words(layer.inputs)))
        self.y_out = OutPort(shape=(*self.frame, layer.neurons))
        for name in ("u", "v", "y"):
            setattr(self, name, Var(shape=(shared["batch"], layer.neurons), init=0))
