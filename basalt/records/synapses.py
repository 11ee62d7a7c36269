"""Layers of spiking neurons, by their synapses: dense, a convolution, an affine input."""

from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Annotated, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Int, Integer

from basalt.records.arithmetic import ALIGN, STATE_MAX, dense_sum, recurrent_sum
from basalt.records.convolution import PLACES_MAX, Convolution
from basalt.records.fields import (
    STEPS_MAX,
    WEIGHT_MAX,
    WEIGHT_MIN,
    Found,
    biases,
    number,
    outside,
    relation,
    weights,
)
from basalt.records.layer import Layer
from basalt.records.memory import MemoryPathway
from basalt.records.neuron import Neuron
from basalt.records.reach import signed_reach, signed_sums, sums_reach
from basalt.records.whole import Whole

DELAY_MAX = 62
FRACTION_MAX = ALIGN
"""A current has as many fraction bits as a state has beyond a weight."""


class Inflow(NamedTuple):
    """What a step brings to the neurons: activation in weights, and a current in units of u."""

    activation: Int[np.ndarray, "batch neurons"]
    current: Int[np.ndarray, "batch neurons"] | int = 0


@dataclass(frozen=True, eq=False)
class Spiking(Whole, Layer):
    """A layer of spiking neurons with dense synapses, all parts but the weight optional.

        a[t] = weight s_in[t−1] + recurrent_weight s[t−1], then `Neuron` with memory[t] of the memory pathway if any

    With a diagonal for recurrent_weight each neuron hears its own last spike alone.

    Attributes:
        memory: a memory pathway beside the synapses, one of `basalt/records/pathways.py`.
        start: the first step at which the bias acts: 1 in SLAYER's training. Stock netx starts all layers at 0; with
            its reset interval, as on Loihi, each layer starts one step after the one before it.
    """

    kind: ClassVar[str] = "spiking"
    narrow: ClassVar[tuple[str, ...]] = ("weight", "recurrent_weight")

    name: str
    weight: Annotated[Int[np.ndarray, "neurons inputs"], weights("of the synapses")]
    neuron: Neuron
    recurrent_weight: Annotated[
        Int[np.ndarray, "neurons neurons"] | Int[np.ndarray, "neurons"] | None,
        weights("from the layer's own spikes; a diagonal has one value per neuron"),
    ] = None
    bias: Annotated[Int[np.ndarray, "neurons"] | None, biases("of the membrane")] = None
    delay: Annotated[
        Int[np.ndarray, "neurons"] | None,
        number(0, DELAY_MAX, "of the output, beyond the step of every layer", "steps", "delay_range"),
    ] = None
    memory: MemoryPathway | None = None
    start: Annotated[int, number(0, STEPS_MAX, "when the bias begins to act", "steps", "start_range")] = 0

    @property
    def since(self) -> int:
        """A diagonal came with version 3; memories and neurons say theirs."""
        recurrence, memory = 3 if self.recurrence == "diagonal" else 1, 1 if self.memory is None else self.memory.since
        return max(recurrence, memory, self.neuron.version)

    @property
    def emits(self) -> bool:
        """Its spikes are events."""
        return True

    @property
    def state_names(self) -> dict[str, str]:
        """Variable → what the records call it."""
        memory = {} if self.memory is None else {"m": self.memory.symbol}
        return {"u": "u", "v": "v", **memory}

    @property
    def inputs(self) -> int:
        """Size of the input."""
        return self.weight.shape[1]

    @property
    def neurons(self) -> int:
        """Number of neurons, the size of the output."""
        return self.weight.shape[0]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the output, channels first."""
        return (self.neurons,)

    @property
    def recurrence(self) -> str:
        """What neurons hear of the layer's own spikes: "none", "full" or "diagonal"."""
        if self.recurrent_weight is None:
            return "none"
        return "diagonal" if self.recurrent_weight.ndim == 1 else "full"

    @cached_property
    def reach(self) -> Int[np.ndarray, "inputs"]:
        """Synapses that an event of each input reaches."""
        return np.full(self.inputs, self.neurons)

    def inflow(self, arrived: Integer[np.ndarray, "batch inputs"], t: int) -> Inflow:
        """What the input brings at step `t`: weight · s_in[t−1]."""
        return Inflow(dense_sum(arrived, self.matrices["weight"]))

    def feedback(self, spikes: Integer[np.ndarray, "batch neurons"]) -> Int[np.ndarray, "batch neurons"] | int:
        """What the layer's own spikes of the step before bring: recurrent_weight s[t−1], in weights."""
        if self.recurrent_weight is None:
            return 0
        return recurrent_sum(spikes, self.matrices.get("recurrent_weight", self.recurrent_weight))

    def bias_at(self, t: int) -> Int[np.ndarray, "neurons"] | int:
        """The bias that acts at step `t`."""
        return 0 if self.bias is None or t < self.start else self.bias

    @cached_property
    def row_sums(self) -> tuple[Int[np.ndarray, "rows"], Int[np.ndarray, "rows"]]:
        """The sums of each neuron's weights above 0, and of those below."""
        return signed_sums(self.weight.reshape(len(self.weight), -1))

    def largest_sum(self, value: int) -> int:
        """The largest |a[t]|, in weight units, for inputs up to `value`."""
        if self.recurrent_weight is None:
            return sums_reach(self.row_sums, value)
        heard = self.recurrent_weight[:, None] if self.recurrence == "diagonal" else self.recurrent_weight
        return sums_reach(self.row_sums, value, heard)

    @relation("state_headroom")
    def recurrent_gain(self) -> Found:
        """What one spike of every neuron brings fits the 24-bit current."""
        if self.recurrent_weight is not None:
            heard = self.recurrent_weight[:, None] if self.recurrence == "diagonal" else self.recurrent_weight
            yield from outside("recurrent current of one step", signed_reach(heard, 1) << ALIGN, 0, STATE_MAX)


@dataclass(frozen=True, eq=False, kw_only=True)
class Conv(Convolution, Spiking):
    """A layer of spiking neurons with a convolution for synapses; a sum pooling is one with a group per channel.

        a[t, o, y, x] = Σ over c, i, j of weight[o, c, i, j]·s_in[t−1, g + c, y·stride₀ − padding₀ + i·dilation₀, …]

    with g the first channel of the group of o, and then as `Spiking`, without recurrence and memory pathway. A
    `transposed` one brings every input to the places that it would be gathered from (`Convolution`).
    """

    kind: ClassVar[str] = "conv"
    narrow: ClassVar[tuple[str, ...]] = ()

    @property
    def since(self) -> int:
        """Transposed ones came with version 6."""
        return max(super().since, 6 if self.transposed else 1)

    def inflow(self, arrived: Integer[np.ndarray, "batch inputs"], t: int) -> Inflow:
        """What the input brings at step `t`: weight ∗ s_in[t−1]."""
        return Inflow(self.brings(arrived))

    @property
    def convolution(self) -> "Conv":
        """Its synapses as a convolution."""
        return self

    @relation("geometry")
    def alone(self) -> Found:
        """There are no other synapses."""
        for part in ("recurrent_weight", "memory"):
            if getattr(self, part) is not None:
                yield f"{part} of a convolution", 1, "none"


@dataclass(frozen=True, eq=False, kw_only=True)
class Encoder(Spiking):
    """Neurons that turn values into spikes, lava-dl's `input` with neurons: an affine current for each feature.

        a[t] = weight·x[t−1] + offset for t ≥ 1, a[0] = 0

    with x = s_in / 2^fraction, and then as `Spiking`.
    """

    kind: ClassVar[str] = "encoder"
    narrow: ClassVar[tuple[str, ...]] = ()

    weight: Annotated[Int[np.ndarray, "1 1"], weights("of every feature")] = field(kw_only=False)
    features: Annotated[tuple[int, ...], number(1, PLACES_MAX, "shape of the input and of the output", rule="")]
    offset: Annotated[int, number(WEIGHT_MIN, WEIGHT_MAX, "of every feature", "weight", "encoder_range")] = 0
    fraction: Annotated[int, number(0, FRACTION_MAX, "of x; SLAYER's grid has 5", "fraction bits", "encoder_range")] = 0
    signed: Annotated[bool, number(0, 1, "bytes of s_in are in two's complement, not 0 … 255", rule="")] = False

    @property
    def since(self) -> int:
        """Signed values came with version 4."""
        return max(super().since, 4 if self.signed else 1)

    def largest_sum(self, value: int) -> int:
        """The largest |a[t]|, in weight units, for inputs up to `value`."""
        return abs(self.weight.item()) * value + abs(self.offset)

    @property
    def inputs(self) -> int:
        """Size of the input."""
        return prod(self.features)

    @property
    def neurons(self) -> int:
        """Number of neurons, the size of the output."""
        return prod(self.features)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the output, channels first."""
        return self.features

    @property
    def convolution(self) -> Conv:
        """Its synapses as a convolution: a kernel of size 1 on one wide row."""
        shared = {name: getattr(self, name) for name in ("name", "neuron", "bias", "delay", "start")}
        return Conv(weight=self.weight.reshape(1, 1, 1, 1), input_shape=(1, 1, self.inputs), **shared)

    @cached_property
    def reach(self) -> Int[np.ndarray, "inputs"]:
        """One synapse per input."""
        return np.ones(self.inputs, dtype=np.int64)

    def inflow(self, arrived: Integer[np.ndarray, "batch inputs"], t: int) -> Inflow:
        """What the input brings at step `t`: a current, since x has `fraction` ≤ 6 fraction bits: exact in u."""
        values = (arrived.astype(np.int8) if self.signed else arrived).astype(np.int64)
        current = (values * self.weight.item() << ALIGN) >> self.fraction
        return Inflow(np.zeros_like(current), current + ((self.offset << ALIGN) if t else 0))
