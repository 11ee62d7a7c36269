"""Layers of spiking neurons step by step, by the records' own steps: for the tags `fixed_pt` and `floating_pt`."""

from typing import Any

import numpy as np
from jaxtyping import Num, UInt8

from basalt.kernels.bits import pack, unpack
from basalt.lava_procs.framework import LavaPyType
from basalt.lava_procs.metering import events
from basalt.lava_procs.neurons import NeuronModel
from basalt.records.counts import graded_counts
from basalt.records.neuron import SpikingStep


class AbstractNeuronModel(NeuronModel):
    """A layer's way through a block, step by step, whatever its synapses."""

    u: np.ndarray
    v: np.ndarray

    def prepare(self) -> None:
        """Make room for spikes that are still on their way."""
        depth = 0 if self.record.delay is None else int(self.record.delay.max()) + 1
        self.history = np.zeros((depth, self.batch, self.record.neurons), dtype=np.uint8)

    def clear(self) -> None:
        """No current, no membrane, no spikes."""
        self.state = np.zeros((len(self.record.neuron.states), *self.u.shape), dtype=self.u.dtype)
        self.received = np.zeros((self.batch, self.record.inputs), dtype=np.uint8)
        self.fired = np.zeros((self.batch, self.record.neurons), dtype=np.uint8)
        self.history[:] = 0
        self.changed = np.zeros(self.batch, dtype=np.int64)

    def advance(self) -> None:
        """Receive a block, work through its steps, send what fired."""
        arrived = unpack(self.s_in.recv(), self.record.inputs, self.planes)
        memory = self.currents()
        sent = np.zeros((self.block, *self.fired.shape), dtype=np.uint8)
        fired = np.zeros((self.length, self.batch), dtype=np.int64)
        for k in range(self.length):
            self.step(self.first + k, memory[k])
            fired[k] = events(self.fired)
            sent[k] = self.fired if self.record.delay is None else self.delayed(self.first + k)
            self.received = arrived[k]
        self.note_fired(fired)
        if self.first + self.length == self.steps:
            self.note_changed(self.changed)
        self.s_out.send(pack(sent))

    def currents(self) -> Any:
        """What a memory pathway brings in each step of a block."""
        return [0] * self.block

    def step(self, t: int, memory: Num[np.ndarray, "batch neurons"] | int) -> None:
        """Time step `t`, from what was received the step before."""
        activation, affine = self.record.inflow(self.received, t)
        activation = activation + self.record.feedback(self.fired)
        after = self.integrate(activation, memory + affine, self.record.bias_at(t))
        incoming, heard = events(self.received), self.record.recurrence != "none"
        own = events(self.fired) if heard else np.zeros_like(incoming)
        reached = (self.received != 0) @ self.record.reach
        synapses = reached + own * (1 if self.record.recurrence == "diagonal" else self.record.neurons)
        if t:
            self.changed += np.count_nonzero(after.state[1] != self.state[1], axis=-1)
        self.state = after.state
        self.u, self.v = self.state[:2]
        self.fired = after.spikes.astype(np.uint8)
        counts = self.record.neuron.counts(
            incoming + own, synapses, events(self.fired), after.saturations, self.record.neurons
        )
        self.count(**counts, **graded_counts(reached, self.planes))

    def integrate(self, activation: Any, current: Any, bias: Any) -> SpikingStep:
        """A step of the neurons."""
        raise NotImplementedError

    def delayed(self, t: int) -> UInt8[np.ndarray, "batch neurons"]:
        """The spikes of `delay` steps ago, for each neuron its own."""
        depth = len(self.history)
        self.history[t % depth] = self.fired
        return self.history[(t - self.record.delay) % depth, :, np.arange(self.record.neurons)].T


class FixedNeuronModel(AbstractNeuronModel):
    """Loihi's integers, by the record's step."""

    u: np.ndarray = LavaPyType(np.ndarray, np.int64)
    v: np.ndarray = LavaPyType(np.ndarray, np.int64)

    def integrate(self, activation: Any, current: Any, bias: Any) -> SpikingStep:
        """The specification."""
        return self.record.neuron.step(activation, current, self.state, bias)


class FloatNeuronModel(AbstractNeuronModel):
    """The same equations without rounding, wrapping or saturation."""

    u: np.ndarray = LavaPyType(np.ndarray, np.float64)
    v: np.ndarray = LavaPyType(np.ndarray, np.float64)

    def integrate(self, activation: Any, current: Any, bias: Any) -> SpikingStep:
        """The same in real numbers."""
        return self.record.neuron.real_step(activation, current, self.state, bias)
