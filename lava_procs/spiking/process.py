"""A layer of spiking neurons with dense synapses, or its spiking part when it has a slow memory too."""

import numpy as np
from jaxtyping import Int
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.variable import Var

from lava_procs.kernels.bits import words
from lava_procs.process import MeteredProcess


class Spiking(MeteredProcess):
    """Integer leaky integrate-and-fire neurons; the recurrence is in `lava_procs/spiking/reference.py`.

    Ports: `s_in` (block, batch, words) spikes in `planes` bit planes; `memory_in` (block, batch, neurons) a current in
    units of u, if `has_memory`; `s_out` (block, batch, words) spikes, delayed by `delay` steps beyond the one that
    every layer takes.
    """

    def __init__(
        self,
        *,
        name: str,
        batch: int,
        steps: int,
        weight: Int[np.ndarray, "neurons inputs"],
        threshold: int,
        current_decay: Int[np.ndarray, "#neurons"],
        voltage_decay: Int[np.ndarray, "#neurons"],
        reset: str = "hard",
        recurrent_weight: Int[np.ndarray, "neurons neurons"] | None = None,
        bias: Int[np.ndarray, "neurons"] | None = None,
        delay: Int[np.ndarray, "neurons"] | None = None,
        start: int = 0,
        has_memory: bool = False,
        planes: int = 1,
        block: int = 1,
        rounds: int = 1,
        meter: str | None = None,
    ) -> None:
        neurons, inputs = weight.shape
        super().__init__(
            name=name,
            batch=batch,
            steps=steps,
            block=block,
            rounds=rounds,
            meter=meter,
            planes=planes,
            threshold=threshold,
            reset=reset,
            start=start,
            recurrent=recurrent_weight is not None,
            delayed=delay is not None,
            has_memory=has_memory,
        )
        self.s_in = InPort(shape=(block, batch, planes * words(inputs)))
        self.memory_in = InPort(shape=(block, batch, neurons))
        self.s_out = OutPort(shape=(block, batch, words(neurons)))
        none = np.zeros((1, 1), dtype=np.int64)
        recurrence = none if recurrent_weight is None else recurrent_weight
        self.weight = Var(shape=weight.shape, init=weight)
        self.recurrent_weight = Var(shape=recurrence.shape, init=recurrence)
        self.bias = Var(shape=(neurons,), init=np.zeros(neurons, dtype=np.int64) if bias is None else bias)
        self.delay = Var(shape=(neurons,), init=np.zeros(neurons, dtype=np.int64) if delay is None else delay)
        self.current_decay = Var(shape=current_decay.shape, init=current_decay)
        self.voltage_decay = Var(shape=voltage_decay.shape, init=voltage_decay)
        self.u = Var(shape=(batch, neurons), init=0)
        self.v = Var(shape=(batch, neurons), init=0)
