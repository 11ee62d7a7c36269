"""A spiking layer with a memory pathway."""

from typing import Any

from basalt.kernels.bits import words
from basalt.lava_procs.framework import InPort, OutPort, Var
from basalt.lava_procs.process import MeteredProcess
from basalt.records.synapses import Spiking


class PathwayLayer(MeteredProcess):
    """A spiking layer with a memory pathway: one process to the network, `Spiking` and `Pathway` inside.

    Args:
        layer: the record.
        planes: bit planes of the input.
        meters: paths of the counters of the two parts, "spiking" and the pathway's kind, or None.

    Ports: `s_in`, `s_out` as those of `Spiking`. Variables: `u`, `v` of the neurons, `m` of the pathway.
    """

    def __init__(self, *, layer: Spiking, planes: int = 1, meters: dict[str, str] | None = None, **shared: Any) -> None:
        assert layer.memory is not None
        super().__init__(layer=layer, planes=planes, meters=meters or {}, **shared)
        self.s_in = InPort(shape=(*self.frame, planes * words(layer.inputs)))
        self.s_out = OutPort(shape=(*self.frame, words(layer.neurons)))
        self.u = Var(shape=(shared["batch"], layer.neurons), init=0)
        self.v = Var(shape=(shared["batch"], layer.neurons), init=0)
        self.m = Var(shape=(shared["batch"], layer.memory.states), init=0)
