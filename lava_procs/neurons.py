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
    open_ended = False
    """Steps come one at a time, and nobody knows how many: they are counted when `settle` is called."""
    uncounted = 0
    """Steps that were computed and not counted yet."""

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
        self.uncounted += self.length
        if not self.open_ended:
            self.settle()
            self.show()

    def settle(self) -> None:
        """Count what the kernel did since it was last counted."""
        self.layer.first = self.first + self.length - self.uncounted
        self.account(self.uncounted)
        self.uncounted = 0

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
