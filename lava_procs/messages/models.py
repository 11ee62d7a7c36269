"""Process models of `Messages`: `fixed_pt` by the record's own step, and `compiled`."""

from typing import Any

import numpy as np
from jaxtyping import Int

from basalt.kernels.bits import BYTE, unpack
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
from basalt.lava_procs.messages.process import Messages
from basalt.lava_procs.metering import MeteredModel, events
from basalt.lava_procs.ports import BlockInPort
from basalt.records.delta import MESSAGE_BITS


class AbstractMessageModel(MeteredModel):
    """Ports and record."""

    s_in: BlockInPort = LavaPyType(BlockInPort, np.int32)
    y_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    u: np.ndarray = LavaPyType(np.ndarray, np.int64)
    v: np.ndarray = LavaPyType(np.ndarray, np.int64)

    def __init__(self, proc_params: ProcessParameters) -> None:
        super().__init__(proc_params)
        self.record: Any = proc_params["layer"]
        self.planes: int = proc_params["planes"]


@implements(proc=Messages, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt", "bit_accurate_loihi")
class FixedMessageModel(AbstractMessageModel):
    """Step by step, by the record."""

    def prepare(self) -> None:
        """Make room for messages that are still on their way."""
        self.delay = np.zeros(1, dtype=np.int64)
        if self.record.emits and self.record.delay is not None:
            self.delay = np.minimum(self.record.delay, self.steps)
        self.history = np.zeros((int(self.delay.max()) + 1, self.batch, self.record.neurons), dtype=np.int32)

    def clear(self) -> None:
        """Nothing summed up, nothing sent."""
        self.state = np.zeros((2, *self.u.shape), dtype=np.int64)
        self.received = np.zeros(
            (self.batch, self.record.inputs), dtype=np.uint8 if 0 < self.planes <= BYTE else np.int32
        )
        self.history[:] = 0

    def advance(self) -> None:
        """Receive a block, work through its steps, send messages or sums."""
        arrived = self.s_in.recv()
        if self.planes:
            arrived = unpack(arrived, self.record.inputs, self.planes)
        sent = np.zeros((self.block, *self.u.shape), dtype=np.int32)
        fired = np.zeros((self.length, self.batch), dtype=np.int64)
        step = self.message_step if self.record.emits else self.sum_step
        for k in range(self.length):
            sent[k], fired[k] = step(self.first + k)
            self.received = arrived[k]
        self.u, self.v = self.state
        self.note_fired(fired)
        self.y_out.send(sent)

    def message_step(self, t: int) -> tuple[Int[np.ndarray, "batch neurons"], Int[np.ndarray, "batch"]]:
        """What is sent in step `t`, and how many neurons made a message in it."""
        done = self.record.step(self.record.inflow(self.received, t), self.state, t)
        self.state, made = done.state, events(done.messages)
        reached = (self.received != 0) @ self.record.reach
        bits, neurons = self.planes or MESSAGE_BITS, self.record.neurons
        self.count(**self.record.counts(events(self.received), reached, made, done.saturations, neurons, bits))
        depth = len(self.history)
        self.history[t % depth] = done.messages
        return self.history[(t - self.delay) % depth, :, np.arange(neurons)].T, made

    def sum_step(self, t: int) -> tuple[Int[np.ndarray, "batch neurons"], int]:
        """The sums after step `t`."""
        done = self.record.step(self.record.convolution.brings(self.received), *self.state, self.state[0])
        self.state = np.stack([done.y, done.v])
        self.count(**self.record.counts(events(self.received), done.saturations, 1, self.planes or MESSAGE_BITS))
        return done.y, 0


@implements(proc=Messages, protocol=LoihiProtocol)
@requires(CPU)
@tag("compiled")
class CompiledMessageModel(AbstractMessageModel):
    """A compiled kernel that adds a piece of the kernel for each message."""

    def prepare(self) -> None:
        """Lay weights and states out for the kernel."""
        from basalt.kernels.messages import MessageLayer

        self.layer = MessageLayer(self.batch, self.block, self.record, self.planes, self.steps)

    def clear(self) -> None:
        """Nothing summed up, nothing sent."""
        self.layer.clear()

    def advance(self) -> None:
        """Receive a block, run the kernel, send what came out."""
        self.y_out.send(self.layer.advance(self.s_in.recv(), self.first, self.length))
        self.note_fired(self.layer.fired_steps[:, : self.length].T)
        self.count(**self.layer.take_counts(self.length))
        if self.first + self.length == self.steps:
            for name, value in self.layer.variables().items():
                setattr(self, name, value)
