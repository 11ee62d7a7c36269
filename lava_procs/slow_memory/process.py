"""The slow memory of a layer."""

from typing import Any

import numpy as np
from jaxtyping import Int
from lava.magma.core.process.variable import Var

from basalt.lava_procs.process import PathwayProcess


class SlowMemory(PathwayProcess):
    """d slow states driven by one scalar; the recurrence is in `lava_procs/slow_memory/reference.py`.

    Args: the fields of the record (`basalt/records/pathways.py`); the others as of `PathwayProcess`, with its ports.
    """

    def __init__(
        self,
        *,
        drive_weight: Int[np.ndarray, "inputs"],
        transition: Int[np.ndarray, "states states"],
        drive_input: Int[np.ndarray, "states"],
        memory_weight: Int[np.ndarray, "neurons states"],
        drive_memory_weight: Int[np.ndarray, "neurons"],
        drive_bias: int,
        drive_shift: int,
        coefficient_shift: int,
        memory_shift: int,
        update_interval: int = 1,
        **shared: Any,
    ) -> None:
        neurons, states = memory_weight.shape
        super().__init__(
            inputs=len(drive_weight),
            neurons=neurons,
            states=states,
            drive_bias=drive_bias,
            drive_shift=drive_shift,
            coefficient_shift=coefficient_shift,
            memory_shift=memory_shift,
            update_interval=update_interval,
            **shared,
        )
        self.drive_weight = Var(shape=drive_weight.shape, init=drive_weight)
        self.transition = Var(shape=transition.shape, init=transition)
        self.drive_input = Var(shape=drive_input.shape, init=drive_input)
        self.memory_weight = Var(shape=memory_weight.shape, init=memory_weight)
        self.drive_memory_weight = Var(shape=drive_memory_weight.shape, init=drive_memory_weight)
