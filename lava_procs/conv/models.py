"""Process models of `Conv`, by tag: `floating_pt` in real numbers, `fixed_pt` by the record, `compiled`, and
`near_memory`, which is the compiled one with the schedule of a near-memory core."""

import numpy as np
from jaxtyping import UInt64

from basalt.lava_procs.conv.process import Conv
from basalt.lava_procs.framework import CPU, LoihiProtocol, implements, requires, tag
from basalt.lava_procs.neurons import CompiledNeuronModel
from basalt.lava_procs.scheduled import ScheduledLayerModel
from basalt.lava_procs.stepwise import FixedNeuronModel, FloatNeuronModel
from basalt.near_memory.convolution import Reached


@implements(proc=Conv, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt", "bit_accurate_loihi")
class FixedConvModel(FixedNeuronModel):
    """Integers."""


@implements(proc=Conv, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class FloatConvModel(FloatNeuronModel):
    """Real numbers."""


class KernelConvModel(CompiledNeuronModel):
    """The record's integers by a compiled kernel that adds a piece of the kernel for each event."""

    def prepare(self) -> None:
        """Lay weights and states out for the kernel."""
        from basalt.kernels.conv import ConvLayer

        self.layer = ConvLayer(self.batch, self.kernel_steps, self.record, self.planes)


@implements(proc=Conv, protocol=LoihiProtocol)
@requires(CPU)
@tag("compiled")
class CompiledConvModel(KernelConvModel):
    """The kernel, a block at a time."""


@implements(proc=Conv, protocol=LoihiProtocol)
@requires(CPU)
@tag("near_memory")
class NearMemoryConvModel(ScheduledLayerModel, KernelConvModel):
    """The kernel, and the schedule of a near-memory core."""

    def prepare(self) -> None:
        """Lay weights and states out, and the rows that events meet."""
        super().prepare()
        assert self.sizes.conv is not None
        self.tables_of_events = self.sizes.conv.event_rows(self.core), self.sizes.conv.event_synapses

    def reached(self, heard: UInt64[np.ndarray, "steps batch words"]) -> Reached:
        """Rows of the kernel that the events meet, fewer near the border."""
        from basalt.kernels.events import reach_block

        rows, slots, entered, synapses = np.zeros((4, *heard.shape[:2]), dtype=np.int64)
        places = self.core.event_buffer
        reach_block(heard, self.planes, len(heard), *self.tables_of_events, places, rows, slots, entered, synapses)
        return Reached(rows, slots, entered, synapses)
