"""Process models of `SlowMemory` (`floating_pt`, `fixed_pt`), and of the whole layer: wired from its two parts, or one
`compiled` kernel, which `near_memory` gives the schedule of a near-memory core."""

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.ports import PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.model.sub.model import AbstractSubProcessModel
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from lava_procs.kernels.bits import unpack
from lava_procs.kernels.fixed_point import dense_product
from lava_procs.metering import COLUMN, MeteredModel, events
from lava_procs.near_memory.core import spiking_sizes
from lava_procs.neurons import CompiledModel
from lava_procs.ports import BlockInPort
from lava_procs.scheduled import ScheduledLayerModel
from lava_procs.slow_memory.process import SlowMemory, SlowMemoryLayer
from lava_procs.slow_memory.reference import floating_step, memory_step
from lava_procs.spiking.process import Spiking


class AbstractSlowMemoryModel(MeteredModel):
    """What the step-by-step models share: ports and counting."""

    s_in: BlockInPort = LavaPyType(BlockInPort, np.uint64)
    drive_weight: np.ndarray = LavaPyType(np.ndarray, np.int64)
    transition: np.ndarray = LavaPyType(np.ndarray, np.int64)
    drive_input: np.ndarray = LavaPyType(np.ndarray, np.int64)
    memory_weight: np.ndarray = LavaPyType(np.ndarray, np.int64)
    drive_memory_weight: np.ndarray = LavaPyType(np.ndarray, np.int64)

    current_out: PyOutPort
    m: np.ndarray
    integrate = staticmethod(memory_step)

    def prepare(self) -> None:
        """Convert the drive's weights once."""
        self.neurons, self.states = self.memory_weight.shape
        self.inputs = len(self.drive_weight)
        self.product = dense_product(self.drive_weight[None, :])

    def clear(self) -> None:
        """An empty memory."""
        self.m = np.zeros_like(self.m)
        self.current = np.zeros((self.batch, self.neurons), dtype=self.m.dtype)
        self.received = np.zeros((self.batch, self.inputs), dtype=np.uint8)

    def advance(self) -> None:
        """Receive a block, work through its steps, send the currents."""
        arrived = unpack(self.s_in.recv(), self.inputs, self.proc_params["planes"])
        currents = np.zeros((self.block, self.batch, self.neurons), dtype=self.m.dtype)
        for k in range(self.length):
            self.step(self.first + k)
            currents[k] = self.current
            self.received = arrived[k]
        self.current_out.send(currents)

    def step(self, t: int) -> None:
        """Step `t` of the sample, from what was received the step before."""
        arrived = events(self.received)
        refresh = t % self.proc_params["update_interval"] == 0
        after = type(self).integrate(
            self.product(self.received)[:, 0],
            self.current,
            self.m,
            refresh=refresh,
            drive_bias=self.proc_params["drive_bias"],
            drive_shift=self.proc_params["drive_shift"],
            transition=self.transition,
            drive_input=self.drive_input,
            coefficient_shift=self.proc_params["coefficient_shift"],
            memory_weight=self.memory_weight,
            drive_memory_weight=self.drive_memory_weight,
            memory_shift=self.proc_params["memory_shift"],
        )
        self.current, self.m = after.current, after.m
        macs = (self.states + 1) * (self.states + (self.neurons if refresh else 0))
        self.count(
            events_in=arrived,
            weight_words_read=arrived + macs,
            synaptic_operations=arrived,
            dense_macs=macs,
            state_reads=self.states,
            state_writes=self.states,
            saturations=after.saturations,
        )


@implements(proc=SlowMemory, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt", "bit_accurate_loihi")
class FixedSlowMemoryModel(AbstractSlowMemoryModel):
    """Integers, by the reference."""

    current_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    m: np.ndarray = LavaPyType(np.ndarray, np.int64)


@implements(proc=SlowMemory, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class FloatSlowMemoryModel(AbstractSlowMemoryModel):
    """The same equations without rounding or saturation."""

    current_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.float64)
    m: np.ndarray = LavaPyType(np.ndarray, np.float64)
    integrate = staticmethod(floating_step)


@implements(proc=SlowMemoryLayer, protocol=LoihiProtocol)
@tag("fixed_pt", "bit_accurate_loihi", "floating_pt")
class SlowMemoryLayerModel(AbstractSubProcessModel):
    """The layer as its parts: both take the same spikes, the memory feeds its current to the neurons."""

    def __init__(self, proc: AbstractProcess) -> None:
        parameters = proc.proc_params
        shared = {key: parameters[key] for key in ("batch", "steps", "block", "rounds", "planes")}
        meters = parameters["meters"]
        self.spiking = Spiking(
            name=f"{proc.name}.spiking",
            meter=meters.get("spiking"),
            has_memory=True,
            **shared,
            **parameters["spiking"],
        )
        self.memory = SlowMemory(
            name=f"{proc.name}.slow_memory", meter=meters.get("slow_memory"), **shared, **parameters["memory"]
        )
        proc.in_ports.s_in.connect([self.spiking.in_ports.s_in, self.memory.in_ports.s_in])
        self.memory.out_ports.current_out.connect(self.spiking.in_ports.memory_in)
        self.spiking.out_ports.s_out.connect(proc.out_ports.s_out)
        proc.vars.u.alias(self.spiking.vars.u)
        proc.vars.v.alias(self.spiking.vars.v)
        proc.vars.m.alias(self.memory.vars.m)


class KernelSlowMemoryLayerModel(CompiledModel):
    """The whole layer as one compiled, event-driven kernel, as hardware would do it; the parts are counted apart."""

    s_in: BlockInPort = LavaPyType(BlockInPort, np.uint64)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.uint64)
    u: np.ndarray = LavaPyType(np.ndarray, np.int32)
    v: np.ndarray = LavaPyType(np.ndarray, np.int32)
    m: np.ndarray = LavaPyType(np.ndarray, np.float64)

    def prepare(self) -> None:
        """Lay weights and states out for the kernel."""
        from lava_procs.kernels.whole_layer import WholeLayer

        parameters = self.proc_params
        self.layer = WholeLayer(
            self.batch, self.kernel_steps, parameters["spiking"], parameters["memory"], parameters["planes"]
        )
        self.meters = {part: np.load(path, mmap_mode="r+") for part, path in parameters["meters"].items()}

    def tables(self) -> dict[str, np.ndarray]:
        """The counters of the samples that run now, by part."""
        mine = slice(self.round * self.batch, (self.round + 1) * self.batch)
        return {part: table[mine] for part, table in self.meters.items()}

    def account(self) -> None:
        """Count what the two parts did."""
        counts = {
            "spiking": self.layer.take_spiking_counts(self.length),
            "slow_memory": self.layer.take_memory_counts(self.length),
        }
        for part, table in self.tables().items():
            for name, amount in counts[part].items():
                table[:, COLUMN[name]] += amount


@implements(proc=SlowMemoryLayer, protocol=LoihiProtocol)
@requires(CPU)
@tag("compiled")
class CompiledSlowMemoryLayerModel(KernelSlowMemoryLayerModel):
    """The kernel, a block at a time."""


@implements(proc=SlowMemoryLayer, protocol=LoihiProtocol)
@requires(CPU)
@tag("near_memory")
class NearMemorySlowMemoryLayerModel(ScheduledLayerModel, KernelSlowMemoryLayerModel):
    """The kernel, and the schedule of a near-memory core."""

    def tables(self) -> dict[str, np.ndarray]:
        """Those of the two parts."""
        return KernelSlowMemoryLayerModel.tables(self)

    def prepare(self) -> None:
        """Lay weights and states out, and take the layer's sizes."""
        super().prepare()
        spiking, memory = self.proc_params["spiking"], self.proc_params["memory"]
        neurons, inputs = spiking["weight"].shape
        self.sizes = spiking_sizes(
            inputs,
            neurons,
            spiking["current_decay"],
            spiking["delay"],
            spiking["recurrent_weight"] is not None,
            len(memory["drive_input"]),
            memory["update_interval"],
        )
