"""A spiking layer with a memory pathway."""

from typing import Any

from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.variable import Var

from basalt.kernels.bits import words
from basalt.lava_procs.process import MeteredProcess


class PathwayLayer(MeteredProcess):
    """A spiking layer with a memory pathway: one process to the network, `Spiking` and the pathway's process inside.

    Args:
        spiking: arguments of `Spiking` beyond those that every process takes.
        kind: of the pathway ("slow_memory", "hgrn", "hopfield").
        memory: arguments of its process, likewise.
        states: size of its state.
        meters: paths of the counters of the two parts, "spiking" and the kind, or None.

    Ports: `s_in`, `s_out` as those of `Spiking`. Variables: `u`, `v` of the neurons, `m` of the pathway.
    """

    def __init__(
        self,
        *,
        spiking: dict,
        kind: str,
        memory: dict,
        states: int,
        planes: int = 1,
        meters: dict[str, str] | None = None,
        **shared: Any,
    ) -> None:
        super().__init__(planes=planes, spiking=spiking, kind=kind, memory=memory, meters=meters or {}, **shared)
        neurons, inputs = spiking["weight"].shape
        self.s_in = InPort(shape=(*self.frame, planes * words(inputs)))
        self.s_out = OutPort(shape=(*self.frame, words(neurons)))
        self.u = Var(shape=(shared["batch"], neurons), init=0)
        self.v = Var(shape=(shared["batch"], neurons), init=0)
        self.m = Var(shape=(shared["batch"], states), init=0)
