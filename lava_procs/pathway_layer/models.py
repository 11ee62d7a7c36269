"""Process models of `PathwayLayer`: wired from its two parts (`floating_pt`, `fixed_pt`), or one `compiled` kernel,
which `near_memory` gives the schedule of a near-memory core."""

import numpy as np
from jaxtyping import Int

from basalt.lava_procs.framework import (
    CPU,
    AbstractProcess,
    AbstractSubProcessModel,
    LavaPyType,
    LoihiProtocol,
    PyOutPort,
    implements,
    requires,
    tag,
)
from basalt.lava_procs.metering import COLUMN, mapped
from basalt.lava_procs.neurons import CompiledModel
from basalt.lava_procs.pathway.process import Pathway
from basalt.lava_procs.pathway_layer.process import PathwayLayer
from basalt.lava_procs.ports import BlockInPort
from basalt.lava_procs.scheduled import ScheduledLayerModel
from basalt.lava_procs.spiking.process import Spiking


@implements(proc=PathwayLayer, protocol=LoihiProtocol)
@tag("fixed_pt", "bit_accurate_loihi", "floating_pt")
class PathwayLayerModel(AbstractSubProcessModel):
    """The layer as its parts: both take the same spikes, the pathway feeds its current to the neurons."""

    def __init__(self, proc: AbstractProcess) -> None:
        parameters = proc.proc_params
        shared = {key: parameters[key] for key in ("batch", "steps", "block", "rounds", "planes", "held")}
        layer, meters = parameters["layer"], parameters["meters"]
        kind = layer.memory.kind
        noted = {key: parameters[key] for key in ("fired", "changed")}
        self.spiking = Spiking(name=f"{proc.name}.spiking", layer=layer, meter=meters.get("spiking"), **noted, **shared)
        self.memory = Pathway(name=f"{proc.name}.{kind}", memory=layer.memory, meter=meters.get(kind), **shared)
        proc.in_ports.s_in.connect([self.spiking.in_ports.s_in, self.memory.in_ports.s_in])
        self.memory.out_ports.current_out.connect(self.spiking.in_ports.memory_in)
        self.spiking.out_ports.s_out.connect(proc.out_ports.s_out)
        proc.vars.u.alias(self.spiking.vars.u)
        proc.vars.v.alias(self.spiking.vars.v)
        proc.vars.m.alias(self.memory.vars.m)


class KernelPathwayLayerModel(CompiledModel):
    """The whole layer as one compiled, event-driven kernel, as hardware would do it; the parts are counted apart."""

    s_in: BlockInPort = LavaPyType(BlockInPort, np.uint64)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.uint64)
    u: np.ndarray = LavaPyType(np.ndarray, np.int32)
    v: np.ndarray = LavaPyType(np.ndarray, np.int32)
    m: np.ndarray = LavaPyType(np.ndarray, np.float64)

    def prepare(self) -> None:
        """Lay weights and states out for the kernel."""
        from basalt.kernels.layer import WholeLayer

        self.layer = WholeLayer(self.batch, self.kernel_steps, self.record, self.planes)
        self.meters = {part: mapped(path) for part, path in self.proc_params["meters"].items()}

    def tables(self) -> dict[str, Int[np.ndarray, "batch counters"]]:
        """The counters of the samples that run now, by part."""
        return {part: table[self.mine] for part, table in self.meters.items()}

    def account(self, length: int) -> None:
        """Count what the two parts did in `length` steps."""
        counts = {
            "spiking": self.layer.take_spiking_counts(length),
            self.record.memory.kind: self.layer.take_memory_counts(length),
        }
        for part, table in self.tables().items():
            for name, amount in counts[part].items():
                table[:, COLUMN[name]] += amount


@implements(proc=PathwayLayer, protocol=LoihiProtocol)
@requires(CPU)
@tag("compiled")
class CompiledPathwayLayerModel(KernelPathwayLayerModel):
    """The kernel, a block at a time."""


@implements(proc=PathwayLayer, protocol=LoihiProtocol)
@requires(CPU)
@tag("near_memory")
class NearMemoryPathwayLayerModel(ScheduledLayerModel, KernelPathwayLayerModel):
    """The kernel, and the schedule of a near-memory core."""

    def tables(self) -> dict[str, Int[np.ndarray, "batch counters"]]:
        """Those of the two parts."""
        return KernelPathwayLayerModel.tables(self)
