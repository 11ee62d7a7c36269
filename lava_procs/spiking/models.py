"""Process models of `Spiking`, by tag: `floating_pt` in real numbers, `fixed_pt` by the reference, `compiled`, and
`near_memory`, which is the compiled one with the schedule of a near-memory core."""

from typing import Any

import numpy as np

from basalt.lava_procs.framework import CPU, LavaPyType, LoihiProtocol, implements, requires, tag
from basalt.lava_procs.neurons import CompiledNeuronModel
from basalt.lava_procs.ports import BlockInPort
from basalt.lava_procs.scheduled import ScheduledLayerModel
from basalt.lava_procs.spiking.process import Spiking
from basalt.lava_procs.stepwise import AbstractNeuronModel, FixedNeuronModel, FloatNeuronModel


class HearsMemory(AbstractNeuronModel):
    """With the currents of a memory pathway, where the record has one."""

    memory_in: BlockInPort

    def currents(self) -> Any:
        """What it brings in each step of a block."""
        return super().currents() if self.record.memory is None else self.memory_in.recv()


@implements(proc=Spiking, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt", "bit_accurate_loihi")
class FixedSpikingModel(HearsMemory, FixedNeuronModel):
    """Integers."""

    memory_in: BlockInPort = LavaPyType(BlockInPort, np.int64)


@implements(proc=Spiking, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class FloatSpikingModel(HearsMemory, FloatNeuronModel):
    """Real numbers."""

    memory_in: BlockInPort = LavaPyType(BlockInPort, np.float64)


class KernelSpikingModel(CompiledNeuronModel):
    """The reference's integers by a compiled, event-driven kernel: work grows with spikes, not with inputs."""

    memory_in: BlockInPort = LavaPyType(BlockInPort, np.int64)

    def prepare(self) -> None:
        """Lay weights and states out for the kernel."""
        from basalt.kernels.layer import WholeLayer

        self.layer = WholeLayer(self.batch, self.kernel_steps, self.record, self.planes)


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
