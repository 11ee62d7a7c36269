"""Layers of spiking neurons, by their synapses: dense, a convolution, an affine input."""

from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Annotated, Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Int, Integer, Num

from basalt.records.arithmetic import ALIGN, STATE_MAX, dense_sum, recurrent_sum
from basalt.records.fields import (
    STEPS_MAX,
    WEIGHT_MAX,
    WEIGHT_MIN,
    Found,
    Limits,
    biases,
    number,
    outside,
    relation,
    weights,
)
from basalt.records.layer import Layer
from basalt.records.memory import MemoryPathway
from basalt.records.neuron import Neuron
from basalt.records.reach import rows_reach
from basalt.records.whole import Whole

GEOMETRY = ("input_shape", "stride", "padding", "dilation", "groups", "extra")
"""Of a convolution."""
DELAY_MAX = 62
FRACTION_MAX = ALIGN
"""A current has as many fraction bits as a state has beyond a weight."""
PLACES_MAX = 1 << 20


def places(low: int, about: str) -> Limits:
    """Sizes and distances in an image."""
    return number(low, PLACES_MAX, about, rule="geometry")


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

    def largest_sum(self, value: int) -> int:
        """The largest |a[t]|, in weight units, for inputs up to `value`."""
        weight = self.weight.reshape(len(self.weight), -1)
        if self.recurrent_weight is None:
            return rows_reach(weight, value)
        heard = self.recurrent_weight[:, None] if self.recurrence == "diagonal" else self.recurrent_weight
        return rows_reach(np.concatenate([weight * value, heard], axis=1))

    @relation("state_headroom")
    def recurrent_gain(self) -> Found:
        """What one spike of every neuron brings fits the 24-bit current."""
        if self.recurrent_weight is not None:
            gains = np.abs(self.recurrent_weight)
            reach = (gains if self.recurrence == "diagonal" else gains.sum(axis=1)).max(initial=0) << ALIGN
            yield from outside("recurrent current of one step", int(reach), 0, STATE_MAX)


@dataclass(frozen=True, eq=False, kw_only=True)
class Conv(Spiking):
    """A layer of spiking neurons with a convolution for synapses; a sum pooling is one with a group per channel.

        a[t, o, y, x] = Σ over c, i, j of weight[o, c, i, j]·s_in[t−1, g + c, y·stride₀ − padding₀ + i·dilation₀, …]

    with g the first channel of the group of o, and then as `Spiking`, without recurrence and memory pathway.
    """

    kind: ClassVar[str] = "conv"

    weight: Annotated[Int[np.ndarray, "outputs channels height width"], weights("of the kernel")]
    input_shape: Annotated[tuple[int, int, int], places(1, "channels, height and width of the input")]
    stride: Annotated[tuple[int, int], places(1, "vertical and horizontal")] = (1, 1)
    padding: Annotated[tuple[int, int], places(0, "zeros at each side: vertical and horizontal")] = (0, 0)
    dilation: Annotated[tuple[int, int], places(1, "of the kernel: vertical and horizontal")] = (1, 1)
    groups: Annotated[int, number(1, STEPS_MAX, "of channels; an output sees the inputs of its own group", rule="")] = 1
    extra: Annotated[
        tuple[int, int], places(0, "rows below and columns right of zeros, beyond the padding (SLAYER's `Pool`)")
    ] = (0, 0)

    @property
    def inputs(self) -> int:
        """Size of the input."""
        return prod(self.input_shape)

    @property
    def neurons(self) -> int:
        """Number of neurons, the size of the output."""
        return prod(self.shape)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(output channels, height, width)."""
        return (self.weight.shape[0], self.extent(0), self.extent(1))

    def extent(self, axis: int) -> int:
        """Output rows (axis 0) or columns (axis 1): places where the dilated kernel fits into the padded input."""
        size = self.input_shape[1 + axis] + 2 * self.padding[axis] + self.extra[axis]
        return (size - self.dilation[axis] * (self.weight.shape[2 + axis] - 1) - 1) // self.stride[axis] + 1

    @property
    def geometry(self) -> dict[str, Any]:
        """All that says which inputs the kernel meets, but its size."""
        return {name: getattr(self, name) for name in GEOMETRY}

    def inflow(self, arrived: Integer[np.ndarray, "batch inputs"], t: int) -> Inflow:
        """What the input brings at step `t`: weight ∗ s_in[t−1]."""
        return Inflow(conv_sum(arrived, self.weight, **self.geometry))

    @property
    def convolution(self) -> "Conv":
        """Its synapses as a convolution."""
        return self

    @relation("geometry")
    def fits(self) -> Found:
        """The kernel fits its input, its groups divide its channels, and there are no other synapses."""
        outputs, channels, *kernel = self.weight.shape
        yield from outside("kernel size", np.array(kernel), 1, PLACES_MAX)
        yield from outside("groups", self.groups, 1, outputs)
        if self.groups < 1 or self.input_shape[0] != channels * self.groups or outputs % self.groups:
            limit = f"{channels} × {self.groups} groups, which divide {outputs} outputs"
            yield "the number of input channels", self.input_shape[0], limit
        for part in ("recurrent_weight", "memory"):
            if getattr(self, part) is not None:
                yield f"{part} of a convolution", 1, "none"

    @cached_property
    def reach(self) -> Int[np.ndarray, "inputs"]:
        """Synapses that an event of each input reaches, fewer near the border."""
        geometry = {name: value for name, value in self.geometry.items() if name != "extra"}
        return fan_out(self.weight.shape[2:], output_shape=self.shape, **geometry)


@dataclass(frozen=True, eq=False, kw_only=True)
class Encoder(Spiking):
    """Neurons that turn values into spikes, lava-dl's `input` with neurons: an affine current for each feature.

        a[t] = weight·x[t−1] + offset for t ≥ 1, a[0] = 0

    with x = s_in / 2^fraction, and then as `Spiking`.
    """

    kind: ClassVar[str] = "encoder"

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


def conv_sum(
    values: Num[np.ndarray, "batch inputs"],
    weight: Int[np.ndarray, "outputs channels height width"],
    *,
    input_shape: tuple[int, int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
    extra: tuple[int, int],
) -> Int[np.ndarray, "batch neurons"]:
    """What arrives at each neuron, by output channel, row and column.

        a[o, y, x] = Σ over c, i, j of weight[o, c, i, j]·s[first(o) + c, y·stride₀ − padding₀ + i·dilation₀,
                                                            x·stride₁ − padding₁ + j·dilation₁]

    s is 0 outside the input, and first(o) is the first channel of the group of o. The output has the rows and columns
    for which the whole kernel lies inside the input with its padding and its `extra` rows and columns below and right.

    Source: PyTorch's `conv2d` and Lava's `lava.proc.conv`, both without the kernel flipped.
    """
    outputs, channels, *kernel = weight.shape
    (above, left), batch = padding, len(values)
    images = values.reshape(batch, *input_shape).astype(np.float64)
    room = ((0, 0), (0, 0), (above, above + extra[0]), (left, left + extra[1]))
    padded = np.pad(images, room)
    padded = padded.reshape(batch, groups, channels, *padded.shape[2:])
    rows, columns = (
        (padded.shape[3 + axis] - dilation[axis] * (kernel[axis] - 1) - 1) // stride[axis] + 1 for axis in (0, 1)
    )
    out = np.zeros((batch, groups, outputs // groups, rows, columns))
    by_group = weight.reshape(groups, outputs // groups, channels, *kernel).astype(np.float64)
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            top, start = i * dilation[0], j * dilation[1]
            seen = padded[
                ...,
                top : top + stride[0] * (rows - 1) + 1 : stride[0],
                start : start + stride[1] * (columns - 1) + 1 : stride[1],
            ]
            out += np.einsum("bgcyx,goc->bgoyx", seen, by_group[..., i, j], optimize=True)
    return np.rint(out).astype(np.int64).reshape(batch, -1)


def fan_out(
    kernel: tuple[int, ...],
    *,
    input_shape: tuple[int, int, int],
    output_shape: tuple[int, int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
) -> Int[np.ndarray, "inputs"]:
    """How many neurons each input feature reaches."""

    def reached(axis: int) -> list[int]:
        offsets = padding[axis] - dilation[axis] * np.arange(kernel[axis])
        return [
            int(np.sum((place + offsets) % stride[axis] == 0, where=inside(place + offsets, axis)))
            for place in range(input_shape[1 + axis])
        ]

    def inside(places: np.ndarray, axis: int) -> np.ndarray:
        return (places >= 0) & (places < stride[axis] * output_shape[1 + axis])

    one = np.outer(reached(0), reached(1)).reshape(-1) * (output_shape[0] // groups)
    return np.tile(one, input_shape[0])
