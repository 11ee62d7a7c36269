"""What all of Basalt's processes share."""

import numpy as np
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var

from lava_procs.metering import COUNTERS


class MeteredProcess(AbstractProcess):
    """A process over a batch of samples, with counters.

    Spikes travel as words of 64 bits (`lava_procs/kernels/bits.py`): a port of spikes has the shape
    (block, batch, words).

    Args:
        name: of the process, unique in a network.
        batch: samples that run side by side.
        steps: time steps of a sample; the state is cleared before each first step.
        block: time steps that are exchanged at once, in one Lava step.
        rounds: how many batches run one after another.
        meter: path of an int64 .npy file (rounds·batch, len(COUNTERS)) that the counters are kept in, or None.
        parameters: handed on to the process models.
    """

    def __init__(
        self,
        *,
        name: str,
        batch: int,
        steps: int,
        block: int = 1,
        rounds: int = 1,
        meter: str | None = None,
        **parameters: object,
    ) -> None:
        super().__init__(name=name, batch=batch, steps=steps, block=block, rounds=rounds, meter=meter, **parameters)
        shape = (rounds * batch, len(COUNTERS))
        self.counters = Var(shape=shape, init=np.zeros(shape, dtype=np.int64))
