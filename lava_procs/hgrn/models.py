"""Process models of `Hgrn`: `fixed_pt` by the reference, `floating_pt` in real numbers. Whole layers have others
(`lava_procs/pathway_layer`)."""

from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from basalt.kernels.pathway import PathwayStep
from basalt.lava_procs.hgrn.process import Hgrn
from basalt.lava_procs.hgrn.reference import floating_step, hgrn_step
from basalt.lava_procs.metering import events
from basalt.lava_procs.pathways import IntegerPathway, PathwayModel, RealPathway, real_matrices
from basalt.records.counts import graded_counts, hgrn_counts


class AbstractHgrnModel(PathwayModel):
    """What both models share."""

    integrate = staticmethod(hgrn_step)

    def prepare(self) -> None:
        """Convert the weights once."""
        self.constants = real_matrices(self.proc_params["constants"])

    def step(self, t: int) -> PathwayStep:
        """Step `t` of the sample, from what was received the step before."""
        after = type(self).integrate(self.received, self.m, **self.constants)
        gated = self.constants["variant"] == "gated"
        counts = hgrn_counts(events(self.received), after.saturations, 1, self.proc_params["neurons"], gated)
        self.count(**counts, **graded_counts(counts["synaptic_operations"], self.proc_params["planes"]))
        return after


@implements(proc=Hgrn, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt", "bit_accurate_loihi")
class FixedHgrnModel(AbstractHgrnModel, IntegerPathway):
    """Integers, by the reference."""


@implements(proc=Hgrn, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class FloatHgrnModel(AbstractHgrnModel, RealPathway):
    """The same equations without tables, rounding or saturation."""

    integrate = staticmethod(floating_step)
