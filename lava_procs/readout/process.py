"""Non-spiking integrators, one a class."""

import numpy as np
from jaxtyping import Int
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.variable import Var

from lava_procs.kernels.bits import words
from lava_procs.process import MeteredProcess


class Readout(MeteredProcess):
    """Sums of weighted spikes; the recurrence is in `lava_procs/readout/reference.py`.

    Ports: `s_in` (block, batch, words) spikes in `planes` bit planes; `y_out` (block, batch, classes) the sums after
    each step.
    """

    def __init__(
        self,
        *,
        name: str,
        batch: int,
        steps: int,
        weight: Int[np.ndarray, "classes inputs"],
        planes: int = 1,
        block: int = 1,
        rounds: int = 1,
        meter: str | None = None,
    ) -> None:
        super().__init__(name=name, batch=batch, steps=steps, block=block, rounds=rounds, meter=meter, planes=planes)
        classes, inputs = weight.shape
        self.s_in = InPort(shape=(block, batch, planes * words(inputs)))
        self.y_out = OutPort(shape=(block, batch, classes))
        self.weight = Var(shape=weight.shape, init=weight)
        self.y = Var(shape=(batch, classes), init=0)
