"""What all of Basalt's processes share."""

from typing import Any

import numpy as np

from basalt.kernels.bits import words
from basalt.lava_procs.framework import AbstractProcess, InPort, OutPort, Var
from basalt.lava_procs.metering import COLUMNS
from basalt.near_memory.core import Core
from basalt.records.synapses import Spiking


class MeteredProcess(AbstractProcess):
    """A process over a batch of samples, with counters.

    Spikes travel as words of 64 bits (`basalt/kernels/bits.py`): a port of spikes has the shape
    (block, batch, words).

    Args:
        name: of the process, unique in a network.
        batch: samples that run side by side.
        steps: time steps of a sample; the state is cleared before each first step.
        block: time steps that are exchanged at once, in one Lava step.
        rounds: how many batches run one after another.
        meter: path of an int64 .npy file (rounds·batch, len(COLUMNS)) that the counters are kept in, or None.
        fired: path of an int32 .npy file (rounds·batch, steps) for how many neurons fire in each step, or None.
        changed: path of an int64 .npy file (rounds·batch) for how often a membrane changed in a step, or None.
        held: beginning of the paths of the files that states are kept in (`lava_procs.metering.states_file`), or None.
        core: the near-memory core that models with a schedule run on; the default one if None.
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
        held: str | None = None,
        fired: str | None = None,
        changed: str | None = None,
        core: Core | None = None,
        **parameters: object,
    ) -> None:
        shared = {"batch": batch, "steps": steps, "block": block, "rounds": rounds, "meter": meter, "held": held}
        super().__init__(name=name, core=core, fired=fired, changed=changed, **shared, **parameters)
        self.frame = (block, batch)
        shape = (rounds * batch, len(COLUMNS))
        self.counters = Var(shape=shape, init=np.zeros(shape, dtype=np.int64))


class NeuronProcess(MeteredProcess):
    """A layer of spiking neurons, whatever their synapses; the recurrence is that of the record.

    Args:
        layer: the record; its memory pathway, if any, is another process's.
        planes: bit planes of the input.
        shared: as of `MeteredProcess`.

    Ports: `s_in` (block, batch, words) spikes in `planes` bit planes; `s_out` (block, batch, words) spikes.
    Variables: `u` and `v` of the neurons.
    """

    def __init__(self, *, layer: Spiking, planes: int = 1, **shared: Any) -> None:
        super().__init__(layer=layer, planes=planes, **shared)
        self.s_in = InPort(shape=(*self.frame, planes * words(layer.inputs)))
        self.s_out = OutPort(shape=(*self.frame, words(layer.neurons)))
        self.u = Var(shape=(shared["batch"], layer.neurons), init=0)
        self.v = Var(shape=(shared["batch"], layer.neurons), init=0)
