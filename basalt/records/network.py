"""What a .net file holds: one frozen record a layer, integers only.

Features of layers with a shape (channels, height, width) are flat in that order, the channel slowest. Time runs in
steps t = 0 … T−1 and every state is zero before t = 0. `s_in` is the layer's input, `s` its output; both are 0/1
(inputs may be graded, a small integer). `>>` is the arithmetic shift, sat24 clips to ±(2²³ − 1), wrap24 is modulo 2²⁴
from −(2²³ − 1) to 2²³ (bits above the 24th are dropped), sat16 is min(·, 32767). The recurrences are implemented step
by step in `lava_procs/*/reference.py`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from typing import ClassVar

import numpy as np
from jaxtyping import Int

from basalt.records.pathways import Pathway
from basalt.records.whole import Whole

RESETS = ("hard", "soft", "none")
STATE_MAX = (1 << 23) - 1
DECAY_MAX = 1 << 12


@dataclass(frozen=True, eq=False)
class Neuron(Whole):
    """Loihi's leaky integrate-and-fire neuron with a synaptic current (CUBA).

        u[t] = wrap24(decay(u[t−1], current_decay) + (a[t] << 6) + memory[t])
        v'   = sat24(decay(v[t−1], voltage_decay) + u[t] + (bias << 6))
        s[t] = v' > (threshold << 6)
        v[t] = v'·(1 − s[t]) (reset "hard") | v' − s[t]·(threshold << 6) ("soft") | v' ("none")
        decay(x, d) = sign(x)·((|x|·(4096 − d)) >> 12)

    Attributes:
        threshold: in weight units, 0 … 131071 (17 bits).
        current_decay, voltage_decay: 0 (no leakage) … 4096 (complete leakage); one value, or one a neuron.
        reset: what a spike does to the membrane, one of `RESETS`.

    Source: Davies et al., IEEE Micro 38(1), 2018; Lava's `PyLifModelBitAcc`.
    """

    threshold: int
    current_decay: Int[np.ndarray, "#neurons"]
    voltage_decay: Int[np.ndarray, "#neurons"]
    reset: str = "hard"


class Layer:
    """What every layer record has."""

    kind: ClassVar[str]
    name: str

    @property
    def inputs(self) -> int:
        """Size of the input."""
        raise NotImplementedError

    @property
    def neurons(self) -> int:
        """Size of the output."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Spiking(Whole, Layer):
    """A layer of spiking neurons with dense synapses, all parts but the weight optional.

        a[t] = weight s_in[t−1] + recurrent_weight s[t−1], then `Neuron` with memory[t] of the memory pathway if any

    Attributes:
        weight: (neurons, inputs), even, −256 … 254.
        recurrent_weight: the same grid; (neurons, neurons), or (neurons,) for a diagonal, where each neuron hears its
            own last spike alone.
        bias: (neurons,), in weight units.
        delay: (neurons,), steps by which the output spikes are delayed beyond the one of every layer, 0 … 62.
        memory: a memory pathway beside the synapses, one of `basalt/records/pathways.py`.
        start: the first step at which the bias acts: 1 in SLAYER's training. Stock netx starts all layers at 0; with
            its reset interval, as on Loihi, each layer starts one step after the one before it.
    """

    kind: ClassVar[str] = "spiking"

    name: str
    weight: Int[np.ndarray, "neurons inputs"]
    neuron: Neuron
    recurrent_weight: Int[np.ndarray, "neurons ..."] | None = None
    bias: Int[np.ndarray, "neurons"] | None = None
    delay: Int[np.ndarray, "neurons"] | None = None
    memory: Pathway | None = None
    start: int = 0

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


@dataclass(frozen=True, eq=False, kw_only=True)
class Conv(Spiking):
    """A layer of spiking neurons with a convolution for synapses; a sum pooling is one with a group a channel.

        a[t, o, y, x] = Σ over c, i, j of weight[o, c, i, j]·s_in[t−1, g + c, y·stride₀ − padding₀ + i·dilation₀, …]

    with g the first channel of the group of o, and then as `Spiking`, without recurrence and memory pathway.

    Attributes:
        weight: (output channels, input channels / groups, kernel height, kernel width), even, −256 … 254.
        input_shape: (channels, height, width).
        stride, padding, dilation: (vertical, horizontal).
        groups: parts that the channels are divided into; each output sees the inputs of its own part.
        extra: rows and columns of zeros below and right of the input, beyond the padding (SLAYER's `Pool` adds them).
    """

    kind: ClassVar[str] = "conv"

    weight: Int[np.ndarray, "outputs channels height width"]
    input_shape: tuple[int, int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    extra: tuple[int, int] = (0, 0)

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


@dataclass(frozen=True, eq=False, kw_only=True)
class Encoder(Spiking):
    """Neurons that turn values into spikes, lava-dl's `input` with neurons: an affine current for each feature.

        a[t] = weight·x[t−1] + offset for t ≥ 1, a[0] = 0, and then as `Spiking`; x = s_in / 2^fraction

    Attributes:
        weight: (1, 1).
        offset: in weight units.
        features: shape of the input and of the output.
        fraction: fraction bits of the input values, 0 … 6; SLAYER's grid has 5.
        signed: the bytes of s_in are −128 … 127 in two's complement, not 0 … 255.
    """

    kind: ClassVar[str] = "encoder"

    features: tuple[int, ...]
    offset: int = 0
    fraction: int = 0
    signed: bool = False

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


@dataclass(frozen=True, eq=False)
class Readout(Whole, Layer):
    """Non-spiking integrators, one a class; the class is the first largest sum after the last step.

        y[t] = y[t−1] + weight s_in[t−1]                                                        (32 bit)

    With a `voltage_decay`, what is summed are leaky membranes, so that the class is the first with the largest mean:

        v[t] = sat24(decay(v[t−1], voltage_decay) + (weight s_in[t−1] << 6))                   (decay as in `Neuron`)
        y[t] = y[t−1] + (v[t] >> 6)

    With a `current_decay` too, it is SLAYER's `Affine` with dynamics, and sends its membranes. What is made of them is
    not in the network; the class is taken to be the first with the largest mean over all steps:

        u[t] = wrap24(decay(u[t−1], current_decay) + (weight s_in[t−1] << 6))
        y[t] = sat24(decay(y[t−1], voltage_decay) + u[t])

    Attributes:
        weight: (classes, inputs), even, −256 … 254.
        voltage_decay: 0 (no leakage) … 4096 (complete leakage), or None where weighted spikes are summed.
        current_decay: likewise; None where membranes are summed.
    """

    kind: ClassVar[str] = "readout"

    name: str
    weight: Int[np.ndarray, "classes inputs"]
    voltage_decay: int | None = None
    current_decay: int | None = None

    @property
    def inputs(self) -> int:
        """Size of the input."""
        return self.weight.shape[1]

    @property
    def neurons(self) -> int:
        """Number of classes, the size of the output."""
        return self.weight.shape[0]

    @property
    def unit(self) -> int:
        """How many of what is sent are 1.0 of SLAYER's."""
        return 1 << 6 if self.current_decay is None else 1 << 12

    @property
    def membranes(self) -> bool:
        """Membranes are sent as they are at each step, not sums."""
        return self.current_decay is not None


@dataclass(frozen=True, eq=False)
class Foreign(Layer):
    """A layer that only stock lava-dl computes (sigma-delta, resonate-and-fire); it stays in its file.

    Attributes:
        type: of the layer in the file.
        neuron: type of its neurons.
        input_shape, shape: of the input and the output, channels first.
        file, index: where its group is.
        numbers, words: arrays and strings of the group, by key, as far as a design rule looks at them.
        signed: bytes of the input are −128 … 127, not 0 … 255.
    """

    kind: ClassVar[str] = "foreign"

    name: str
    type: str
    neuron: str
    input_shape: tuple[int, ...]
    shape: tuple[int, ...]
    file: Path
    index: int
    numbers: Mapping[str, np.ndarray] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    signed: bool = False

    @property
    def graded(self) -> bool:
        """Whether it sends more than spikes."""
        return self.neuron == "SDNN"

    @property
    def inputs(self) -> int:
        """Size of the input."""
        return prod(self.input_shape)

    @property
    def neurons(self) -> int:
        """Size of the output."""
        return prod(self.shape)


@dataclass(frozen=True, eq=False)
class Network:
    """Layers in order, each taking the one before it as input.

    Attributes:
        layers: the records, input side first.
        name: of the network, for people.
        step_seconds: how long a step lasts in the world, None if unknown.
        origin: where the file came from (recipe, seed, versions); free text values.
        reading: how what the file leaves out was read, a name of `convert/reading.py`; None where it is Basalt's own,
            which leaves out nothing.
        notices: what a user should know about how the file was read, a sentence each.
    """

    layers: tuple[Layer, ...]
    name: str = "network"
    step_seconds: float | None = None
    origin: dict[str, str] = field(default_factory=dict)
    reading: str | None = None
    notices: tuple[str, ...] = ()

    @property
    def inputs(self) -> int:
        """Number of input features."""
        return self.layers[0].inputs

    @property
    def spiking(self) -> Iterator[Spiking]:
        """The layers that spike, in order."""
        return (layer for layer in self.layers if isinstance(layer, Spiking))

    @property
    def readout(self) -> Readout | None:
        """The last layer if it is a read-out."""
        last = self.layers[-1]
        return last if isinstance(last, Readout) else None


def staggered(network: Network) -> Network:
    """The network with each bias starting one step after that of the layer before, as under netx's reset interval.

    Layer 0 starts at step 0, or, if it is an `Encoder`, at step 1, when its current begins to flow.
    """
    first = 1 if isinstance(network.layers[0], Encoder) else 0
    layers = tuple(
        replace(layer, start=first + order) if isinstance(layer, Spiking) else layer
        for order, layer in enumerate(network.layers)
    )
    return replace(network, layers=layers)


def axis(value: int | np.integer | Int[np.ndarray, "*any"]) -> Int[np.ndarray, "#neurons"]:
    """A decay as a one-dimensional int64 array, of length 1 when all neurons share it."""
    return np.atleast_1d(np.asarray(value, dtype=np.int64))
