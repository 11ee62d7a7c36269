"""A layer of spiking neurons with dense synapses, or its spiking part when it has a slow memory too."""

from typing import Any

import numpy as np
from jaxtyping import Int
from lava.magma.core.process.ports.ports import InPort
from lava.magma.core.process.variable import Var

from basalt.lava_procs.process import NeuronProcess


class Spiking(NeuronProcess):
    """Dense synapses, perhaps recurrent ones too; the recurrence is in `lava_procs/spiking/reference.py`.

    Args:
        weight, recurrent_weight: the synapses; the latter a matrix, or for a diagonal one a weight a neuron.
        has_memory: whether a current arrives at `memory_in`.
        neurons_and_shared: as of `NeuronProcess`.

    Ports: `s_in`, `s_out` as those of `NeuronProcess`; `memory_in` (block, batch, neurons) a current in units of u.
    """

    def __init__(
        self,
        *,
        weight: Int[np.ndarray, "neurons inputs"],
        recurrent_weight: Int[np.ndarray, "neurons ..."] | None = None,
        has_memory: bool = False,
        **neurons_and_shared: Any,
    ) -> None:
        neurons, inputs = weight.shape
        super().__init__(
            inputs=inputs,
            neurons=neurons,
            weight=weight,
            recurrent=recurrent_weight is not None,
            diagonal=recurrent_weight is not None and recurrent_weight.ndim == 1,
            has_memory=has_memory,
            **neurons_and_shared,
        )
        self.memory_in = InPort(shape=(*self.frame, neurons))
        recurrence = np.zeros((1, 1), dtype=np.int64) if recurrent_weight is None else recurrent_weight
        self.recurrent_weight = Var(shape=recurrence.shape, init=recurrence)
