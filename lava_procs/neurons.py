"""What the process models of spiking neurons share, whatever their synapses."""

from typing import Any

import numpy as np

from basalt.lava_procs.framework import LavaPyType, ProcessParameters, PyOutPort
from basalt.lava_procs.metering import MeteredModel
from basalt.lava_procs.ports import BlockInPort


class NeuronModel(MeteredModel):
    """Ports and record of a layer of spiking neurons."""

    s_in: BlockInPort = LavaPyType(BlockInPort, np.uint64)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.uint64)

    def __init__(self, proc_params: ProcessParameters) -> None:
        super().__init__(proc_params)
        self.record: Any = proc_params["layer"]
        self.planes: int = proc_params["planes"]


class CompiledModel(NeuronModel):
    """A layer that a compiled kernel steps; the subclass's `prepare` makes the `layer` (`basalt/kernels`)."""

    layer: Any

    @property
    def kernel_steps(self) -> int:
        """Time steps that the kernel is called with at most."""
        return self.block

    def clear(self) -> None:
        """The state before the first step of a sample."""
        self.layer.clear()

    def advance(self) -> None:
        """Receive a block, run the kernel, send what fired."""
        self.s_out.send(self.layer.advance(self.s_in.recv(), self.first, self.length))
        self.note_fired(self.layer.fired_steps[:, : self.length].T)
        if self.since is None:
            self.account(self.length)
            self.show()

    def defer(self) -> None:
        """As of `MeteredModel`."""
        self.since = 0

    def settle(self) -> None:
        """As of `MeteredModel`."""
        if self.since is not None and self.since < self.first + self.length:
            self.layer.first = self.since
            self.account(self.first + self.length - self.since)
            self.since = self.first + self.length

    def show(self) -> None:
        """After the sample's last step, show the states, and keep how often membranes changed."""
        if self.first + self.length == self.steps:
            for name, value in self.layer.variables().items():
                setattr(self, name, value)
            self.note_changed(self.layer.take_changes())

    def account(self, length: int) -> None:
        """Count what the kernel did in `length` steps."""
        self.count(**self.layer.take_spiking_counts(length))


class CompiledNeuronModel(CompiledModel):
    """A layer of a `NeuronProcess` that a compiled kernel steps."""

    u: np.ndarray = LavaPyType(np.ndarray, np.int32)
    v: np.ndarray = LavaPyType(np.ndarray, np.int32)
