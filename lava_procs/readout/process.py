"""Non-spiking integrators, one a class."""

from typing import Any

import numpy as np
from jaxtyping import Int
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.variable import Var

from basalt.kernels.bits import words
from basalt.lava_procs.process import MeteredProcess


class Readout(MeteredProcess):
    """Sums of weighted spikes, or of leaky membranes, or the membranes themselves.

    The recurrences are in `lava_procs/readout/reference.py`.

    Args:
        weight: of the synapses.
        voltage_decay: of the membranes, 0 … 4096; None where weighted spikes are summed.
        current_decay: of their currents, where the membranes are sent and not their sums; else None.
        planes: bit planes of the input.
        shared: as of `MeteredProcess`.

    Ports: `s_in` (block, batch, words) spikes in `planes` bit planes; `y_out` (block, batch, classes) the sums after
    each step, or the membranes.
    """

    def __init__(
        self,
        *,
        weight: Int[np.ndarray, "classes inputs"],
        voltage_decay: int | None = None,
        current_decay: int | None = None,
        planes: int = 1,
        **shared: Any,
    ) -> None:
        super().__init__(planes=planes, voltage_decay=voltage_decay, current_decay=current_decay, **shared)
        classes, inputs = weight.shape
        self.s_in = InPort(shape=(*self.frame, planes * words(inputs)))
        self.y_out = OutPort(shape=(*self.frame, classes))
        self.weight = Var(shape=weight.shape, init=weight)
        self.u = Var(shape=(shared["batch"], classes), init=0)
        self.v = Var(shape=(shared["batch"], classes), init=0)
        self.y = Var(shape=(shared["batch"], classes), init=0)
