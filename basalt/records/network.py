"""What a .net file holds: one frozen record per layer, integers only.

Features of layers with a shape (channels, height, width) are flat in that order, the channel slowest. Time runs in
steps t = 0 … T−1 and every state is zero before t = 0. `s_in` is the layer's input, `s` its output; both are 0/1
(inputs may be graded, a small integer). `>>` is the arithmetic shift, sat24 clips to ±(2²³ − 1), wrap24 is modulo 2²⁴
from −(2²³ − 1) to 2²³ (bits above the 24th are dropped), sat16 is min(·, 32767)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from basalt.records.layer import Layer
from basalt.records.readout import Readout
from basalt.records.synapses import Encoder, Spiking


@dataclass(frozen=True, eq=False)
class Foreign(Layer):
    """A layer that only stock lava-dl computes (resonate-and-fire); it stays in its file.

    Attributes:
        type: of the layer in the file.
        neuron: type of its neurons.
        input_shape, shape: of the input and the output, channels first.
        file, index: where its group is.
        numbers: arrays of the group, by key, as far as a design rule looks at them.
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
    signed: bool = False

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
    def emitting(self) -> Iterator[Any]:
        """The layers that send events, spikes or messages, in order."""
        return (layer for layer in self.layers if layer.emits)

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
