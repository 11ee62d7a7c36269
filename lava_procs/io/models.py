"""Process models of the sources and sinks; all backends on a CPU share them."""

import numpy as np
from jaxtyping import Int, UInt64

from basalt.kernels.bits import count_events
from basalt.lava_procs.framework import CPU, LavaPyType, LoihiProtocol, PyOutPort, implements, requires, tag
from basalt.lava_procs.io.process import Source, SpikeSink, SumSink
from basalt.lava_procs.metering import MeteredModel, mapped
from basalt.lava_procs.ports import BlockInPort


@implements(proc=Source, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt", "bit_accurate_loihi", "floating_pt")
class SourceModel(MeteredModel):
    """Sends the blocks in order, each one Lava step early: it is copied while the layers work on the one before."""

    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.uint64)

    def prepare(self) -> None:
        """Map the file, send the first block."""
        self.frames = mapped(self.proc_params["frames"], "c")
        self.s_out.send(self.frames[0])

    def advance(self) -> None:
        """Send the next block, if there is one, and count this one."""
        if self.index + 1 < len(self.frames):
            self.s_out.send(self.frames[self.index + 1])
        self.count(spikes_out=self.count_spikes(self.frames[self.index]))

    def count_spikes(self, block: UInt64[np.ndarray, "block batch words"]) -> Int[np.ndarray, "batch"]:
        """How many events a block brings each sample."""
        return count_events(block[: self.length], self.proc_params["planes"]).sum(axis=0)


@implements(proc=Source, protocol=LoihiProtocol)
@requires(CPU)
@tag("compiled", "near_memory")
class CompiledSourceModel(SourceModel):
    """Sends the blocks in order, and counts them by a compiled kernel."""

    def count_spikes(self, block: UInt64[np.ndarray, "block batch words"]) -> Int[np.ndarray, "batch"]:
        """How many events a block brings each sample."""
        from basalt.kernels.events import count_block

        counts = np.zeros(self.batch, dtype=np.int64)
        count_block(np.asarray(block), self.proc_params["planes"], self.length, counts)
        return counts


class AbstractSinkModel(MeteredModel):
    """Records every block."""

    a_in: BlockInPort

    def prepare(self) -> None:
        """Map the file."""
        self.frames = mapped(self.proc_params["frames"])

    def advance(self) -> None:
        """Keep this block."""
        self.frames[self.index] = self.a_in.recv()


@implements(proc=SpikeSink, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt", "bit_accurate_loihi", "floating_pt", "compiled", "near_memory")
class SpikeSinkModel(AbstractSinkModel):
    """Records spikes."""

    a_in: BlockInPort = LavaPyType(BlockInPort, np.uint64)


@implements(proc=SumSink, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt", "bit_accurate_loihi", "floating_pt", "compiled", "near_memory")
class SumSinkModel(AbstractSinkModel):
    """Records sums."""

    a_in: BlockInPort = LavaPyType(BlockInPort, np.int32)
