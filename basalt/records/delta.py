"""Layers that send how much a value changed, and the input of such networks."""

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Annotated, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Int, Integer, Num

from basalt.records.convolution import PLACES_MAX, Convolution
from basalt.records.counts import Counts, event_counts, graded_counts
from basalt.records.fields import STEPS_MAX, WEIGHT_MAX, WEIGHT_MIN, number
from basalt.records.layer import Layer
from basalt.records.neuron import THRESHOLD_MAX
from basalt.records.whole import Whole

VALUE_BITS = 12
"""lava-dl's biases and thresholds, in 1/64, are shifted left by these into sums, which have 18 fraction bits."""
STATE_BITS = 6
"""Fraction bits that a sum has beyond a message."""
MESSAGE_BITS = 32 - STATE_BITS
"""Of a message with its sign."""


class MessageStep(NamedTuple):
    """What one step leaves: messages, states (`Delta.states`), and how many of these saturated, per sample."""

    messages: Num[np.ndarray, "batch neurons"]
    state: Num[np.ndarray, "2 batch neurons"]
    saturations: Int[np.ndarray, "batch"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Delta(Whole, Layer):
    """Values x[t] of which each change is sent, once it is large enough.

        d[t] = x[t] − q[t−1]                            q: the value that was sent last
        m[t] = d[t] >> 6, q[t] = x[t]       where |d[t]| ≥ threshold
        m[t] = 0,         q[t] = q[t−1]     elsewhere

    x, q and the threshold have 18 fraction bits, messages m have 12.

    Attributes:
        states: what u and v of other layers are here.

    Source: lava-dl's `slayer.axon.Delta`; Lava's `PySigmaDeltaModelFixed` with spike_exp 6 and state_exp 6, where q is
    act − residue. O'Connor and Welling, Sigma Delta Quantized Networks, ICLR 2017.
    """

    states: ClassVar[tuple[str, str]] = ("sum", "sent")
    called: ClassVar[str] = "layer"

    name: str
    threshold: Annotated[int, number(0, THRESHOLD_MAX << VALUE_BITS, "of a change", "1/262,144", "threshold_range")]
    delay: Annotated[
        Int[np.ndarray, "neurons"] | None,
        number(0, STEPS_MAX, "of the output, beyond the step of every layer", "steps", "delay_range"),
    ] = None
    signed: Annotated[
        bool, number(0, 1, "bytes of the network's input are in two's complement, not 0 … 255", rule="")
    ] = False

    @property
    def since(self) -> int:
        """Such layers came with version 6."""
        return 6

    @property
    def unit(self) -> int:
        """How many of what is sent are 1.0 of SLAYER's."""
        return 1 << VALUE_BITS

    @property
    def graded(self) -> bool:
        """It sends messages."""
        return True

    @property
    def emits(self) -> bool:
        """Its messages are events."""
        return True

    @property
    def state_names(self) -> dict[str, str]:
        """Variable → what the record calls it."""
        return dict(zip(("u", "v"), self.states, strict=True))

    def received(self, arrived: Integer[np.ndarray, "*shape"]) -> Integer[np.ndarray, "*shape"]:
        """What arrived as values: bytes come from the network's input, messages from a layer."""
        return arrived.view(np.int8) if self.signed and arrived.dtype == np.uint8 else arrived

    def send(
        self,
        value: Num[np.ndarray, "batch neurons"],
        held: Num[np.ndarray, "batch neurons"],
        sent: Num[np.ndarray, "batch neurons"],
        real: bool = False,
    ) -> MessageStep:
        """The messages for x[t], and what is held after them; `real` numbers are not rounded."""
        change = value - sent
        there = np.abs(change) >= self.threshold
        message = change / (1 << STATE_BITS) if real else change >> STATE_BITS
        state = np.stack([held, np.where(there, value, sent)])
        return MessageStep(np.where(there, message, 0), state, np.zeros(len(value), dtype=np.int64))

    def counts(
        self,
        events: Int[np.ndarray, "*#batch"],
        synapses: Int[np.ndarray, "*#batch"],
        messages: Int[np.ndarray, "*#batch"],
        saturations: Int[np.ndarray, "*#batch"] | int,
        updates: int,
        value_bits: int,
    ) -> Counts:
        """The counters of a layer: each synapse that an event reaches is a weight read and multiplied."""
        counts = event_counts(events, synapses, messages, saturations, updates, len(self.states))
        return counts | graded_counts(synapses, value_bits)


@dataclass(frozen=True, eq=False, kw_only=True)
class DeltaInput(Delta):
    """Values from outside, of which each change is sent: lava-dl's `input` with sigma-delta neurons.

        x[t] = (weight·s_in[t−1] << 12 >> fraction) + (offset << 12) for t ≥ 1, x[0] = 0

    and then as `Delta`; s_in / 2^fraction are the real values, `weight` of which 64 is 1.
    """

    kind: ClassVar[str] = "delta_input"

    features: Annotated[tuple[int, ...], number(1, PLACES_MAX, "shape of the input and of the output", rule="")]
    weight: Annotated[int, number(WEIGHT_MIN, WEIGHT_MAX, "of every feature", "weight", "encoder_range")] = 64
    offset: Annotated[int, number(WEIGHT_MIN, WEIGHT_MAX, "of every feature", "1/64", "encoder_range")] = 0
    fraction: Annotated[int, number(0, VALUE_BITS, "of s_in", "fraction bits", "encoder_range")] = 6

    @property
    def inputs(self) -> int:
        """Size of the input."""
        return prod(self.features)

    @property
    def neurons(self) -> int:
        """Size of the output."""
        return prod(self.features)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the output, channels first."""
        return self.features

    @cached_property
    def reach(self) -> Int[np.ndarray, "inputs"]:
        """One synapse per input."""
        return np.ones(self.inputs, dtype=np.int64)

    @property
    def convolution(self) -> Convolution:
        """Its synapses as a convolution: a kernel of size 1 on one wide row."""
        return Convolution(weight=np.full((1, 1, 1, 1), self.weight), input_shape=(1, 1, self.inputs))

    def inflow(self, arrived: Integer[np.ndarray, "batch inputs"], t: int) -> Int[np.ndarray, "batch neurons"]:
        """x[t]."""
        values_ = self.received(arrived).astype(np.int64) * self.weight << VALUE_BITS >> self.fraction
        return values_ + ((self.offset << VALUE_BITS) if t else 0)

    def step(
        self, incoming: Int[np.ndarray, "batch neurons"], state: Int[np.ndarray, "2 batch neurons"], t: int
    ) -> MessageStep:
        """One step: the specification, in integers; `incoming` is x[t]."""
        return self.send(incoming, incoming, state[1])

    def real_step(
        self, incoming: Num[np.ndarray, "batch neurons"], state: Num[np.ndarray, "2 batch neurons"], t: int
    ) -> MessageStep:
        """The same in real numbers."""
        return self.send(incoming, incoming, state[1], real=True)
