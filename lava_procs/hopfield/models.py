"""Process models of `Hopfield`: `fixed_pt` by the reference, `floating_pt` in real numbers. Whole layers have others
(`lava_procs/pathway_layer`)."""

from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from basalt.kernels.pathway import PathwayStep
from basalt.lava_procs.hopfield.process import Hopfield
from basalt.lava_procs.hopfield.reference import floating_step, hopfield_step
from basalt.lava_procs.metering import events
from basalt.lava_procs.pathways import IntegerPathway, PathwayModel, RealPathway, real_matrices
from basalt.records.counts import hopfield_counts


class AbstractHopfieldModel(PathwayModel):
    """What both models share."""

    integrate = staticmethod(hopfield_step)

    def prepare(self) -> None:
        """Convert the patterns once."""
        self.constants = real_matrices(self.proc_params["constants"])

    def step(self, t: int) -> PathwayStep:
        """Step `t` of the sample, from what was received the step before."""
        refresh = self.refreshes(t)
        after = type(self).integrate(self.received, self.current, self.m, refresh=refresh, **self.constants)
        counts = hopfield_counts(
            events(self.received),
            after.saturations,
            1,
            int(refresh),
            self.proc_params["inputs"],
            self.proc_params["neurons"],
            len(self.constants["keys"]),
            self.constants["iterations"],
            self.proc_params["variant"] == "modern",
        )
        self.count(**counts)
        return after


@implements(proc=Hopfield, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt", "bit_accurate_loihi")
class FixedHopfieldModel(AbstractHopfieldModel, IntegerPathway):
    """Integers, by the reference."""


@implements(proc=Hopfield, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class FloatHopfieldModel(AbstractHopfieldModel, RealPathway):
    """The same equations without tables, rounding or saturation."""

    integrate = staticmethod(floating_step)
