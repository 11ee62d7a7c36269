"""Layers that take messages, or values from outside."""

from typing import Any

from basalt.kernels.bits import words
from basalt.lava_procs.framework import InPort, OutPort, Var
from basalt.lava_procs.process import MeteredProcess
from basalt.records.delta import Delta
from basalt.records.sigma_delta import SigmaOutput


class Messages(MeteredProcess):
    """A layer whose record is a `SigmaDelta`, a `DeltaInput` or a `SigmaOutput`; the recurrence is the record's.

    Args:
        layer: the record.
        planes: bit planes of the input, whose frames are words; 0 where messages arrive.
        shared: as of `MeteredProcess`.

    Ports: `s_in` (block, batch, inputs) messages or (block, batch, words) words; `y_out` (block, batch, neurons)
    messages or sums. Variables: `u` and `v`, what is summed up and what was sent last.
    """

    def __init__(self, *, layer: Delta | SigmaOutput, planes: int = 1, **shared: Any) -> None:
        super().__init__(layer=layer, planes=planes, **shared)
        self.s_in = InPort(shape=(*self.frame, planes * words(layer.inputs) if planes else layer.inputs))
        self.y_out = OutPort(shape=(*self.frame, layer.neurons))
        for name in ("u", "v"):
            setattr(self, name, Var(shape=(shared["batch"], layer.neurons), init=0))
