"""The slow memory of a layer, and the whole layer that it belongs to."""

from typing import Any

import numpy as np
from jaxtyping import Int
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.variable import Var

from lava_procs.kernels.bits import words
from lava_procs.process import MeteredProcess


class SlowMemory(MeteredProcess):
    """d slow states driven by one scalar; the recurrence is in `lava_procs/slow_memory/reference.py`.

    Ports: `s_in` (block, batch, words) spikes in `planes` bit planes; `current_out` (block, batch, neurons) the memory
    current of these steps, in units of u.
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
        planes: int = 1,
        **shared: Any,
    ) -> None:
        neurons, states = memory_weight.shape
        super().__init__(
            planes=planes,
            drive_bias=drive_bias,
            drive_shift=drive_shift,
            coefficient_shift=coefficient_shift,
            memory_shift=memory_shift,
            update_interval=update_interval,
            **shared,
        )
        self.s_in = InPort(shape=(*self.frame, planes * words(len(drive_weight))))
        self.current_out = OutPort(shape=(*self.frame, neurons))
        self.drive_weight = Var(shape=drive_weight.shape, init=drive_weight)
        self.transition = Var(shape=transition.shape, init=transition)
        self.drive_input = Var(shape=drive_input.shape, init=drive_input)
        self.memory_weight = Var(shape=memory_weight.shape, init=memory_weight)
        self.drive_memory_weight = Var(shape=drive_memory_weight.shape, init=drive_memory_weight)
        self.m = Var(shape=(shared["batch"], states), init=0)


class SlowMemoryLayer(MeteredProcess):
    """A spiking layer with a slow memory: one process to the network, `Spiking` and `SlowMemory` inside.

    Args:
        spiking: arguments of `Spiking` beyond those that every process takes.
        memory: arguments of `SlowMemory`, likewise.
        meters: paths of the two parts' counters, or None.

    Ports: `s_in`, `s_out` as those of `Spiking`. Variables: `u`, `v` of the neurons, `m` of the memory.
    """

    def __init__(
        self,
        *,
        spiking: dict,
        memory: dict,
        planes: int = 1,
        meters: dict[str, str] | None = None,
        **shared: Any,
    ) -> None:
        super().__init__(planes=planes, spiking=spiking, memory=memory, meters=meters or {}, **shared)
        neurons, inputs = spiking["weight"].shape
        self.s_in = InPort(shape=(*self.frame, planes * words(inputs)))
        self.s_out = OutPort(shape=(*self.frame, words(neurons)))
        self.u = Var(shape=(shared["batch"], neurons), init=0)
        self.v = Var(shape=(shared["batch"], neurons), init=0)
        self.m = Var(shape=(shared["batch"], memory["memory_weight"].shape[1]), init=0)
