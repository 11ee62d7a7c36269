"""Process models of `Spiking`, by tag: `floating_pt` in real numbers, `fixed_pt` calls the reference."""

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from lava_procs.kernels.fixed_point import dense_product
from lava_procs.metering import MeteredModel, events
from lava_procs.spiking.process import Spiking
from lava_procs.spiking.reference import floating_step, spiking_step


class AbstractSpikingModel(MeteredModel):
    """What the models share: ports, delays, counting. A step needs the spikes of the step before only, so it sends
    before it receives and can stand in a loop."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.uint8)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.uint8)
    weight: np.ndarray = LavaPyType(np.ndarray, np.int64)
    recurrent_weight: np.ndarray = LavaPyType(np.ndarray, np.int64)
    bias: np.ndarray = LavaPyType(np.ndarray, np.int64)
    delay: np.ndarray = LavaPyType(np.ndarray, np.int64)
    current_decay: np.ndarray = LavaPyType(np.ndarray, np.int64)
    voltage_decay: np.ndarray = LavaPyType(np.ndarray, np.int64)

    memory_in: PyInPort
    u: np.ndarray
    v: np.ndarray
    integrate = staticmethod(spiking_step)

    def prepare(self) -> None:
        """Convert the weights once."""
        self.neurons, inputs = self.weight.shape
        self.received = np.zeros((self.batch, inputs), dtype=np.uint8)
        self.product = dense_product(self.weight)
        self.recurrent_product = dense_product(self.recurrent_weight)
        depth = int(self.delay.max()) + 1
        self.history = np.zeros((depth, self.batch, self.neurons), dtype=np.uint8)

    def clear(self) -> None:
        """No current, no membrane, no spikes."""
        self.u = np.zeros_like(self.u)
        self.v = np.zeros_like(self.v)
        self.received[:] = 0
        self.history[:] = 0
        self.fired = np.zeros((self.batch, self.neurons), dtype=np.uint8)

    def step(self) -> None:
        """Integrate what was received the step before, send, then receive."""
        arrived = events(self.received)
        activation = self.product(self.received)
        if self.proc_params["recurrent"]:
            activation = activation + self.recurrent_product(self.fired)
            arrived = arrived + events(self.fired)
        memory = self.memory_in.recv() if self.proc_params["has_memory"] else 0
        after = type(self).integrate(
            activation,
            memory,
            self.u,
            self.v,
            bias=self.bias,
            threshold=self.proc_params["threshold"],
            current_decay=self.current_decay,
            voltage_decay=self.voltage_decay,
            reset=self.proc_params["reset"],
        )
        self.u, self.v = after.u, after.v
        self.fired = after.spikes.astype(np.uint8)
        self.s_out.send(self.delayed() if self.proc_params["delayed"] else self.fired)
        self.received = self.s_in.recv()
        self.count(
            events_in=arrived,
            weight_words_read=arrived * self.neurons,
            synaptic_operations=arrived * self.neurons,
            neuron_updates=self.neurons,
            state_reads=2 * self.neurons,
            state_writes=2 * self.neurons,
            spikes_out=events(self.fired),
            saturations=after.saturations,
        )

    def delayed(self) -> np.ndarray:
        """The spikes of `delay` steps ago, for each neuron its own."""
        depth = len(self.history)
        self.history[self.step_index % depth] = self.fired
        return self.history[(self.step_index - self.delay) % depth, :, np.arange(self.neurons)].T


@implements(proc=Spiking, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt", "bit_accurate_loihi")
class FixedSpikingModel(AbstractSpikingModel):
    """Loihi's integers, by the reference."""

    memory_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    u: np.ndarray = LavaPyType(np.ndarray, np.int64)
    v: np.ndarray = LavaPyType(np.ndarray, np.int64)


@implements(proc=Spiking, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class FloatSpikingModel(AbstractSpikingModel):
    """The same equations without rounding, wrapping or saturation."""

    memory_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.float64)
    u: np.ndarray = LavaPyType(np.ndarray, np.float64)
    v: np.ndarray = LavaPyType(np.ndarray, np.float64)
    integrate = staticmethod(floating_step)
