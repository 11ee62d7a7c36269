"""What all of Basalt's processes share."""

from typing import Any

import numpy as np
from jaxtyping import Int
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var

from basalt.kernels.bits import words
from basalt.lava_procs.metering import COUNTERS
from basalt.near_memory.core import Core


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
        meter: path of an int64 .npy file (rounds·batch, len(COUNTERS)) that the counters are kept in, or None.
        fired: path of an int32 .npy file (rounds·batch, steps) for how many neurons fire in each step, or None.
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
        core: Core | None = None,
        **parameters: object,
    ) -> None:
        shared = {"batch": batch, "steps": steps, "block": block, "rounds": rounds, "meter": meter, "held": held}
        super().__init__(name=name, core=core, fired=fired, **shared, **parameters)
        self.frame = (block, batch)
        shape = (rounds * batch, len(COUNTERS))
        self.counters = Var(shape=shape, init=np.zeros(shape, dtype=np.int64))


class NeuronProcess(MeteredProcess):
    """Integer leaky integrate-and-fire neurons, whatever their synapses; see `lava_procs/spiking/reference.py`.

    Args:
        inputs: features that arrive.
        neurons: features that leave.
        weight: of the synapses, in the shape that their kind has.
        threshold, current_decay, voltage_decay, reset: of the neurons.
        bias: added to the membrane from step `start` on.
        delay: steps that the spikes take beyond the one that every layer takes.
        planes: bit planes of the input.
        shared: as of `MeteredProcess`.

    Ports: `s_in` (block, batch, words) spikes in `planes` bit planes; `s_out` (block, batch, words) spikes.
    """

    def __init__(
        self,
        *,
        inputs: int,
        neurons: int,
        weight: Int[np.ndarray, "..."],
        threshold: int,
        current_decay: Int[np.ndarray, "#neurons"],
        voltage_decay: Int[np.ndarray, "#neurons"],
        reset: str = "hard",
        bias: Int[np.ndarray, "neurons"] | None = None,
        delay: Int[np.ndarray, "neurons"] | None = None,
        start: int = 0,
        planes: int = 1,
        **shared: Any,
    ) -> None:
        super().__init__(
            threshold=threshold, reset=reset, start=start, delayed=delay is not None, planes=planes, **shared
        )
        self.s_in = InPort(shape=(*self.frame, planes * words(inputs)))
        self.s_out = OutPort(shape=(*self.frame, words(neurons)))
        self.weight = Var(shape=weight.shape, init=weight)
        self.bias = Var(shape=(neurons,), init=np.zeros(neurons, dtype=np.int64) if bias is None else bias)
        self.delay = Var(shape=(neurons,), init=np.zeros(neurons, dtype=np.int64) if delay is None else delay)
        self.current_decay = Var(shape=current_decay.shape, init=current_decay)
        self.voltage_decay = Var(shape=voltage_decay.shape, init=voltage_decay)
        self.u = Var(shape=(shared["batch"], neurons), init=0)
        self.v = Var(shape=(shared["batch"], neurons), init=0)


class PathwayProcess(MeteredProcess):
    """A memory pathway of a layer of spiking neurons; see `basalt/records/pathways.py` and the kinds' `reference.py`.

    Args:
        inputs: features that arrive.
        neurons: that the current feeds.
        states: size of the state m.
        planes: bit planes of the input.
        shared: as of `MeteredProcess`.

    Ports: `s_in` (block, batch, words) spikes in `planes` bit planes; `current_out` (block, batch, neurons) the
    current of these steps, in units of u.
    """

    def __init__(self, *, inputs: int, neurons: int, states: int, planes: int = 1, **shared: Any) -> None:
        super().__init__(planes=planes, neurons=neurons, inputs=inputs, **shared)
        self.s_in = InPort(shape=(*self.frame, planes * words(inputs)))
        self.current_out = OutPort(shape=(*self.frame, neurons))
        self.m = Var(shape=(shared["batch"], states), init=0)
