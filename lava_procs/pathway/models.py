"""Process models of `Pathway`: `fixed_pt` by the record's step, `floating_pt` by its step in real numbers. Whole layers
have others (`lava_procs/pathway_layer`)."""

import numpy as np

from basalt.kernels.bits import unpack
from basalt.lava_procs.framework import (
    CPU,
    LavaPyType,
    LoihiProtocol,
    ProcessParameters,
    PyOutPort,
    implements,
    requires,
    tag,
)
from basalt.lava_procs.metering import MeteredModel, events
from basalt.lava_procs.pathway.process import Pathway
from basalt.lava_procs.ports import BlockInPort
from basalt.records.memory import MemoryPathway, PathwayStep


class AbstractPathwayModel(MeteredModel):
    """A pathway's way through a block, step by step."""

    s_in: BlockInPort = LavaPyType(BlockInPort, np.uint64)
    current_out: PyOutPort
    m: np.ndarray

    def __init__(self, proc_params: ProcessParameters) -> None:
        super().__init__(proc_params)
        self.memory: MemoryPathway = proc_params["memory"]
        self.planes: int = proc_params["planes"]

    def clear(self) -> None:
        """An empty memory."""
        neurons, inputs = self.memory.shape
        self.m = np.zeros_like(self.m)
        self.current = np.zeros((self.batch, neurons), dtype=self.m.dtype)
        self.received = np.zeros((self.batch, inputs), dtype=np.uint8)

    def advance(self) -> None:
        """Receive a block, work through its steps, send the currents."""
        arrived = unpack(self.s_in.recv(), self.received.shape[1], self.planes)
        currents = np.zeros((self.block, *self.current.shape), dtype=self.m.dtype)
        for k in range(self.length):
            t = self.first + k
            after = self.step(t)
            self.current, self.m = after.current, after.m
            refreshes = self.memory.refreshes(t)
            counts = self.memory.counts(events(self.received), after.saturations, 1, refreshes, self.planes)
            self.count(**counts)
            currents[k] = self.current
            self.received = arrived[k]
        self.current_out.send(currents)

    def step(self, t: int) -> PathwayStep:
        """Step `t` of the sample, from what was received the step before."""
        raise NotImplementedError


@implements(proc=Pathway, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt", "bit_accurate_loihi")
class FixedPathwayModel(AbstractPathwayModel):
    """Current and state in integers."""

    current_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int64)
    m: np.ndarray = LavaPyType(np.ndarray, np.int64)

    def step(self, t: int) -> PathwayStep:
        """The specification."""
        return self.memory.step(self.received, self.current, self.m, t)


@implements(proc=Pathway, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class FloatPathwayModel(AbstractPathwayModel):
    """Current and state in real numbers."""

    current_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.float64)
    m: np.ndarray = LavaPyType(np.ndarray, np.float64)

    def step(self, t: int) -> PathwayStep:
        """The same without rounding or saturation."""
        return self.memory.real_step(self.received, self.current, self.m, t)
