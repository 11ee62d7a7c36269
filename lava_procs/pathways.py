"""What the step-by-step process models of memory pathways share, whatever their kind."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from lava.magma.core.model.py.ports import PyOutPort
from lava.magma.core.model.py.type import LavaPyType

from basalt.kernels.bits import unpack
from basalt.kernels.pathway import PathwayStep
from basalt.lava_procs.metering import MeteredModel
from basalt.lava_procs.ports import BlockInPort


class PathwayModel(MeteredModel):
    """Ports of a `PathwayProcess`, and its way through a block; the subclass's `step` computes and counts a step."""

    s_in: BlockInPort = LavaPyType(BlockInPort, np.uint64)
    current_out: PyOutPort
    m: np.ndarray

    def clear(self) -> None:
        """An empty memory."""
        self.m = np.zeros_like(self.m)
        self.current = np.zeros((self.batch, self.proc_params["neurons"]), dtype=self.m.dtype)
        self.received = np.zeros((self.batch, self.proc_params["inputs"]), dtype=np.uint8)

    def advance(self) -> None:
        """Receive a block, work through its steps, send the currents."""
        arrived = unpack(self.s_in.recv(), self.proc_params["inputs"], self.proc_params["planes"])
        currents = np.zeros((self.block, *self.current.shape), dtype=self.m.dtype)
        for k in range(self.length):
            after = self.step(self.first + k)
            self.current, self.m = after.current, after.m
            currents[k] = self.current
            self.received = arrived[k]
        self.current_out.send(currents)

    def step(self, t: int) -> PathwayStep:
        """Step `t` of the sample, from what was received the step before."""
        raise NotImplementedError

    def refreshes(self, t: int) -> bool:
        """Whether the current is computed anew at step `t`."""
        return t % self.proc_params["update_interval"] == 0


class IntegerPathway(PathwayModel):
    """Current and state in integers."""

    current_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int64)
    m: np.ndarray = LavaPyType(np.ndarray, np.int64)


class RealPathway(PathwayModel):
    """Current and state in real numbers."""

    current_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.float64)
    m: np.ndarray = LavaPyType(np.ndarray, np.float64)


def real_matrices(constants: Mapping[str, Any]) -> dict[str, Any]:
    """Constants with their matrices as integers in float64, which products need not convert at every step."""
    return {
        name: value.astype(np.float64) if isinstance(value, np.ndarray) and value.ndim == 2 else value
        for name, value in constants.items()
    }
