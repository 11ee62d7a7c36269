"""The process model of `Readout`: integers need no rounding here, so every backend on a CPU shares it."""

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from lava_procs.kernels.fixed_point import dense_product
from lava_procs.metering import MeteredModel, events
from lava_procs.readout.process import Readout
from lava_procs.readout.reference import readout_step


@implements(proc=Readout, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt", "bit_accurate_loihi", "floating_pt")
class ReadoutModel(MeteredModel):
    """Integrate what was received the step before, send the sums, then receive."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.uint8)
    y_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    weight: np.ndarray = LavaPyType(np.ndarray, np.int64)
    y: np.ndarray = LavaPyType(np.ndarray, np.int64)

    def prepare(self) -> None:
        """Convert the weights once."""
        self.classes, inputs = self.weight.shape
        self.received = np.zeros((self.batch, inputs), dtype=np.uint8)
        self.product = dense_product(self.weight)

    def clear(self) -> None:
        """Empty sums."""
        self.y = np.zeros_like(self.y)
        self.received[:] = 0

    def step(self) -> None:
        """One step of the sums."""
        arrived = events(self.received)
        self.y = readout_step(self.product(self.received), self.y)
        self.y_out.send(self.y)
        self.received = self.s_in.recv()
        self.count(
            events_in=arrived,
            weight_words_read=arrived * self.classes,
            synaptic_operations=arrived * self.classes,
            neuron_updates=self.classes,
            state_reads=self.classes,
            state_writes=self.classes,
        )
