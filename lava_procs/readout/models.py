"""Process models of `Readout`: by the record's step, `compiled`, and `near_memory` with the schedule of a near-memory
core. Integers need no rounding here, so `floating_pt` is the same as `fixed_pt`."""

import numpy as np
from jaxtyping import Int, UInt64

from basalt.kernels.bits import count_events, unpack, words
from basalt.lava_procs.framework import (
    CPU,
    LavaPyType,
    LoihiProtocol,
    ProcessParameters,
    PyOutPort,
    implements,
    requires,
    tag,
)
from basalt.lava_procs.metering import MeteredModel, events
from basalt.lava_procs.ports import BlockInPort
from basalt.lava_procs.readout.process import Readout
from basalt.lava_procs.scheduled import ScheduledModel
from basalt.near_memory.sizes import sizes_of
from basalt.records.arithmetic import dense_product
from basalt.records.readout import Readout as ReadoutRecord


class AbstractReadoutModel(MeteredModel):
    """What the models share: ports and counting."""

    s_in: BlockInPort = LavaPyType(BlockInPort, np.uint64)
    y_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    u: np.ndarray = LavaPyType(np.ndarray, np.int64)
    v: np.ndarray = LavaPyType(np.ndarray, np.int64)
    y: np.ndarray = LavaPyType(np.ndarray, np.int64)

    def __init__(self, proc_params: ProcessParameters) -> None:
        super().__init__(proc_params)
        self.record: ReadoutRecord = proc_params["layer"]
        self.planes: int = proc_params["planes"]

    def account(self, arrived: Int[np.ndarray, "batch"], saturated: Int[np.ndarray, "batch"], length: int) -> None:
        """Count `length` steps: the events that arrived and the membranes that saturated, per sample."""
        self.count(**self.counted(arrived, saturated, length))

    def counted(
        self, arrived: Int[np.ndarray, "batch"], saturated: Int[np.ndarray, "batch"], length: int
    ) -> dict[str, Int[np.ndarray, "batch"] | int]:
        """The counts of these steps."""
        return self.record.counts(arrived, saturated, length, self.planes)


@implements(proc=Readout, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt", "bit_accurate_loihi", "floating_pt")
class ReadoutModel(AbstractReadoutModel):
    """By the reference, step by step."""

    def prepare(self) -> None:
        """Convert the weights once."""
        self.product = dense_product(self.record.weight)

    def clear(self) -> None:
        """Empty currents, membranes and sums."""
        self.u = np.zeros_like(self.u)
        self.v = np.zeros_like(self.v)
        self.y = np.zeros_like(self.y)
        self.received = np.zeros((self.batch, self.record.inputs), dtype=np.uint8)

    def advance(self) -> None:
        """Receive a block, sum step by step, send the sums."""
        arrived = unpack(self.s_in.recv(), self.record.inputs, self.planes)
        sums = np.zeros((self.block, *self.y.shape), dtype=np.int32)
        incoming, saturated = np.zeros((2, self.batch), dtype=np.int64)
        for k in range(self.length):
            incoming += events(self.received)
            after = self.record.step(self.product(self.received), self.u, self.v, self.y)
            self.u, self.v, self.y = after.u, after.v, after.y
            sums[k] = after.y
            saturated += after.saturations
            self.received = arrived[k]
        self.y_out.send(sums)
        self.account(incoming, saturated, self.length)


class KernelReadoutModel(AbstractReadoutModel):
    """By a compiled, event-driven kernel."""

    def prepare(self) -> None:
        """Lay the weights out for the kernel."""
        from basalt.kernels.dense import WITHOUT_MEMBRANE, Workers, narrow

        self.unit, (self.rows,) = narrow(self.record.weight)
        self.workers = Workers(self.batch)
        width = self.planes * words(self.record.inputs)
        self.before = np.zeros((self.batch, width), dtype=np.uint64)
        self.sums = np.zeros((self.block, *self.y.shape), dtype=np.int32)
        self.incoming, self.saturated = np.zeros((2, self.batch), dtype=np.int64)
        self.keep, self.current_keep = (
            WITHOUT_MEMBRANE if decay is None else 4096 - decay
            for decay in (self.record.voltage_decay, self.record.current_decay)
        )

    def clear(self) -> None:
        """Empty currents, membranes and sums."""
        self.u = np.zeros_like(self.u)
        self.v = np.zeros_like(self.v)
        self.y = np.zeros_like(self.y)
        self.before[:] = 0

    def advance(self) -> None:
        """Receive a block, run the kernel, send the sums."""
        self.integrate(self.s_in.recv())

    def integrate(self, arrived: UInt64[np.ndarray, "block batch words"]) -> None:
        """The kernel on a block."""
        from basalt.kernels.dense import readout_block

        self.sums[self.length :] = 0
        self.workers.run(
            lambda low, high: readout_block(
                low,
                high,
                self.length,
                arrived,
                self.planes,
                self.before,
                self.unit,
                self.rows,
                self.keep,
                self.current_keep,
                self.u,
                self.v,
                self.y,
                self.sums,
                self.incoming,
                self.saturated,
            )
        )
        self.y_out.send(self.sums)
        if self.since is None:
            self.take(self.length)

    def take(self, length: int) -> None:
        """Count what the kernel noted in `length` steps, and begin anew."""
        self.account(self.incoming, self.saturated, length)
        self.incoming[:] = self.saturated[:] = 0

    def defer(self) -> None:
        """As of `MeteredModel`."""
        self.since = 0

    def settle(self) -> None:
        """As of `MeteredModel`."""
        if self.since is not None and self.since < self.first + self.length:
            self.take(self.first + self.length - self.since)
            self.since = self.first + self.length


@implements(proc=Readout, protocol=LoihiProtocol)
@requires(CPU)
@tag("compiled")
class CompiledReadoutModel(KernelReadoutModel):
    """The kernel alone."""


@implements(proc=Readout, protocol=LoihiProtocol)
@requires(CPU)
@tag("near_memory")
class NearMemoryReadoutModel(ScheduledModel, KernelReadoutModel):
    """The kernel, and the schedule of a near-memory core."""

    def prepare(self) -> None:
        """Lay the weights out, and take the layer's sizes."""
        super().prepare()
        self.sizes = sizes_of(self.record, self.planes)

    def integrate(self, arrived: UInt64[np.ndarray, "block batch words"]) -> None:
        """The kernel on a block, of which each step sees the events of the one before."""
        seen = np.concatenate([self.before[None], arrived[: self.length - 1]])
        self.seen = count_events(seen, self.planes)
        super().integrate(arrived)

    def account(self, arrived: Int[np.ndarray, "batch"], saturated: Int[np.ndarray, "batch"], length: int) -> None:
        """Count the kernel's work, and the schedule of its steps."""
        nothing = np.zeros_like(self.seen)
        self.note({"spiking": self.counted(arrived, saturated, length)}, self.seen, nothing, nothing)
