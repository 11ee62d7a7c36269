"""Process models of `Spiking`, by tag: `floating_pt` in real numbers, `fixed_pt` by the reference, `compiled`, and
`near_memory`, which is the compiled one with the schedule of a near-memory core."""

import numpy as np
from jaxtyping import Int, Num, UInt8
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from basalt.kernels.bits import pack, unpack
from basalt.lava_procs.metering import events
from basalt.lava_procs.neurons import CompiledNeuronModel, NeuronModel
from basalt.lava_procs.ports import BlockInPort
from basalt.lava_procs.scheduled import ScheduledLayerModel
from basalt.lava_procs.spiking.process import Spiking
from basalt.lava_procs.spiking.reference import floating_step, spiking_step
from basalt.near_memory.core import spiking_sizes
from basalt.records.arithmetic import dense_product, recurrent_product
from basalt.records.counts import graded_counts, spiking_counts


class AbstractSpikingModel(NeuronModel):
    """What the step-by-step models share: delays, counting."""

    recurrent_weight: np.ndarray
    memory_in: BlockInPort
    u: np.ndarray
    v: np.ndarray
    integrate = staticmethod(spiking_step)

    def prepare(self) -> None:
        """Convert the weights once."""
        self.connect()
        depth = int(self.delay.max()) + 1
        self.history = np.zeros((depth, self.batch, self.neurons), dtype=np.uint8)

    def connect(self) -> None:
        """The synapses, as functions of what arrived."""
        self.neurons, self.inputs = self.weight.shape
        self.product = dense_product(self.weight)
        self.recurrent_product = recurrent_product(self.recurrent_weight)

    def clear(self) -> None:
        """No current, no membrane, no spikes."""
        self.u = np.zeros_like(self.u)
        self.v = np.zeros_like(self.v)
        self.received = np.zeros((self.batch, self.inputs), dtype=np.uint8)
        self.fired = np.zeros((self.batch, self.neurons), dtype=np.uint8)
        self.history[:] = 0

    def advance(self) -> None:
        """Receive a block, work through its steps, send what fired."""
        arrived = unpack(self.s_in.recv(), self.inputs, self.proc_params["planes"])
        memory = self.memory_in.recv() if self.proc_params["has_memory"] else [0] * self.block
        sent = np.zeros((self.block, self.batch, self.neurons), dtype=np.uint8)
        fired = np.zeros((self.length, self.batch), dtype=np.int64)
        for k in range(self.length):
            self.now = self.first + k
            self.step(memory[k])
            fired[k] = events(self.fired)
            sent[k] = self.delayed(self.now) if self.proc_params["delayed"] else self.fired
            self.received = arrived[k]
        self.note_fired(fired)
        self.s_out.send(pack(sent))

    def step(self, memory: Num[np.ndarray, "batch neurons"] | int) -> None:
        """One time step, from what was received the step before."""
        activation, current = self.inflow()
        own = events(self.fired) if self.proc_params["recurrent"] else 0
        arrived = events(self.received) + own
        alone = own if self.proc_params["diagonal"] else 0
        operations = self.operations(arrived - alone) + alone
        after = type(self).integrate(
            activation,
            memory + current,
            self.u,
            self.v,
            bias=self.bias if self.now >= self.proc_params["start"] else 0,
            threshold=self.proc_params["threshold"],
            current_decay=self.current_decay,
            voltage_decay=self.voltage_decay,
            reset=self.proc_params["reset"],
        )
        self.u, self.v = after.u, after.v
        self.fired = after.spikes.astype(np.uint8)
        counts = spiking_counts(arrived, operations, events(self.fired), after.saturations, self.neurons)
        self.count(**counts)
        if self.proc_params["planes"] > 1:
            self.count(**graded_counts(self.operations(events(self.received)), self.proc_params["planes"]))

    def inflow(self) -> tuple[Int[np.ndarray, "batch neurons"], Num[np.ndarray, "batch neurons"] | int]:
        """Activation in weights, and current in units of u, from what was received the step before."""
        activation = self.product(self.received)
        if self.proc_params["recurrent"]:
            activation = activation + self.recurrent_product(self.fired)
        return activation, 0

    def operations(self, arrived: Int[np.ndarray, "batch"]) -> Int[np.ndarray, "batch"]:
        """Synapses that the events of the step before reach, a sample."""
        return arrived * self.neurons

    def delayed(self, t: int) -> UInt8[np.ndarray, "batch neurons"]:
        """The spikes of `delay` steps ago, for each neuron its own."""
        depth = len(self.history)
        self.history[t % depth] = self.fired
        return self.history[(t - self.delay) % depth, :, np.arange(self.neurons)].T


@implements(proc=Spiking, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt", "bit_accurate_loihi")
class FixedSpikingModel(AbstractSpikingModel):
    """Loihi's integers, by the reference."""

    recurrent_weight: np.ndarray = LavaPyType(np.ndarray, np.int64)
    memory_in: BlockInPort = LavaPyType(BlockInPort, np.int64)
    u: np.ndarray = LavaPyType(np.ndarray, np.int64)
    v: np.ndarray = LavaPyType(np.ndarray, np.int64)


@implements(proc=Spiking, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class FloatSpikingModel(AbstractSpikingModel):
    """The same equations without rounding, wrapping or saturation."""

    recurrent_weight: np.ndarray = LavaPyType(np.ndarray, np.int64)
    memory_in: BlockInPort = LavaPyType(BlockInPort, np.float64)
    u: np.ndarray = LavaPyType(np.ndarray, np.float64)
    v: np.ndarray = LavaPyType(np.ndarray, np.float64)
    integrate = staticmethod(floating_step)


class KernelSpikingModel(CompiledNeuronModel):
    """The reference's integers by a compiled, event-driven kernel: work grows with spikes, not with inputs."""

    memory_in: BlockInPort = LavaPyType(BlockInPort, np.int64)
    recurrent_weight: np.ndarray = LavaPyType(np.ndarray, np.int64)

    def prepare(self) -> None:
        """Lay weights and states out for the kernel."""
        from basalt.kernels.layer import WholeLayer

        parameters = self.proc_params
        spiking = self.arrays() | {name: parameters[name] for name in ("threshold", "reset", "start")}
        spiking["recurrent_weight"] = self.recurrent_weight if parameters["recurrent"] else None
        self.layer = WholeLayer(self.batch, self.kernel_steps, spiking, planes=parameters["planes"])


@implements(proc=Spiking, protocol=LoihiProtocol)
@requires(CPU)
@tag("compiled")
class CompiledSpikingModel(KernelSpikingModel):
    """The kernel, a block at a time."""


@implements(proc=Spiking, protocol=LoihiProtocol)
@requires(CPU)
@tag("near_memory")
class NearMemorySpikingModel(ScheduledLayerModel, KernelSpikingModel):
    """The kernel, and the schedule of a near-memory core."""

    def prepare(self) -> None:
        """Lay weights and states out, and take the layer's sizes."""
        super().prepare()
        delay = self.delay if self.proc_params["delayed"] else None
        neurons, inputs = self.weight.shape
        recurrent, diagonal = (self.proc_params[name] for name in ("recurrent", "diagonal"))
        self.sizes = spiking_sizes(
            inputs,
            neurons,
            self.current_decay,
            delay,
            recurrent,
            diagonal=diagonal,
            value_bits=self.proc_params["planes"],
        )
