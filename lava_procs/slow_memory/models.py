"""Process models of `SlowMemory`: `fixed_pt` by the reference, `floating_pt` in real numbers. Whole layers have others
(`lava_procs/pathway_layer`)."""

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from basalt.kernels.pathway import PathwayStep
from basalt.lava_procs.metering import events
from basalt.lava_procs.pathways import IntegerPathway, PathwayModel, RealPathway
from basalt.lava_procs.slow_memory.process import SlowMemory
from basalt.lava_procs.slow_memory.reference import floating_step, memory_step
from basalt.records.arithmetic import dense_product
from basalt.records.counts import graded_counts, slow_memory_counts


class AbstractSlowMemoryModel(PathwayModel):
    """What both models share."""

    drive_weight: np.ndarray = LavaPyType(np.ndarray, np.int64)
    transition: np.ndarray = LavaPyType(np.ndarray, np.int64)
    drive_input: np.ndarray = LavaPyType(np.ndarray, np.int64)
    memory_weight: np.ndarray = LavaPyType(np.ndarray, np.int64)
    drive_memory_weight: np.ndarray = LavaPyType(np.ndarray, np.int64)
    integrate = staticmethod(memory_step)

    def prepare(self) -> None:
        """Convert the drive's weights once."""
        self.product = dense_product(self.drive_weight[None, :])

    def step(self, t: int) -> PathwayStep:
        """Step `t` of the sample, from what was received the step before."""
        refresh = self.refreshes(t)
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
        neurons, states = self.memory_weight.shape
        arrived = events(self.received)
        self.count(**slow_memory_counts(arrived, after.saturations, 1, int(refresh), neurons, states))
        self.count(**graded_counts(arrived, self.proc_params["planes"]))
        return after


@implements(proc=SlowMemory, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt", "bit_accurate_loihi")
class FixedSlowMemoryModel(AbstractSlowMemoryModel, IntegerPathway):
    """Integers, by the reference."""


@implements(proc=SlowMemory, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class FloatSlowMemoryModel(AbstractSlowMemoryModel, RealPathway):
    """The same equations without rounding or saturation."""

    integrate = staticmethod(floating_step)
