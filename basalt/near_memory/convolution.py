"""Convolutions on a near-memory core: which rows of weights and of sums an event meets.

Neurons lie position by position, the F = `fused` lanes along the output channels of a position: a position of C_o
channels has ⌈C_o/F⌉ rows of the membrane's memory. The kernel is kept once, as rows of F weights: for each input
channel and each of its k_h·k_w places those of the output channels that hear it. An event of input channel c meets, at
each position that it reaches, the rows in which channels of its group lie:

    rows(c)  = ⌊((g + 1)·r − 1)/F⌋ − ⌊g·r/F⌋ + 1,      r = C_o / groups output channels hear group g of c
    n(event) = rows(c) · positions(y) · positions(x)   rows in all; positions(y) rows of the output see input row y

with fewer positions near the border, and none where the stride leaves an input out. A sum pool has one weight, in a
register that feeds all lanes.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from basalt.near_memory.core import Core
from basalt.near_memory.steps import Steps
from basalt.records.convolution import fan_out
from basalt.records.synapses import Conv

Shape = tuple[int, int, int]
Pair = tuple[int, int]


@dataclass(frozen=True)
class ConvSizes:
    """A convolution: channels, height and width of what arrives and leaves; (vertical, horizontal) of the rest.

    Attributes:
        groups: parts that the channels are divided into.
        pool: all weights are one and the same, and each output channel hears one input channel.
    """

    input_shape: Shape
    output_shape: Shape
    kernel: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1
    pool: bool = False

    @property
    def reach(self) -> int:
        """r, output channels that hear an event."""
        return self.output_shape[0] // self.groups

    def rows_of_position(self, core: Core) -> int:
        """⌈C_o/F⌉."""
        return -(-self.output_shape[0] // core.fused)

    def sweep(self, core: Core) -> int:
        """G, rows of all neurons."""
        return self.output_shape[1] * self.output_shape[2] * self.rows_of_position(core)

    def first_rows(self, core: Core) -> tuple[Int[np.ndarray, "channels"], Int[np.ndarray, "channels"]]:
        """For each input channel the first of a position's rows that hear it, and how many do."""
        channels = self.input_shape[0]
        group = np.arange(channels) // (channels // self.groups)
        first = group * self.reach // core.fused
        return first, ((group + 1) * self.reach - 1) // core.fused - first + 1

    def of_channels(self, channels: int) -> "ConvSizes":
        """The same with `channels` output channels, which all hear all input channels; unchanged with groups."""
        return replace(self, output_shape=(channels, *self.output_shape[1:])) if self.groups == 1 else self

    def kernel_rows(self, core: Core) -> int:
        """Rows of weights: k_h·k_w·rows(c), for all input channels."""
        return int(self.first_rows(core)[1].sum()) * self.kernel[0] * self.kernel[1]

    @cached_property
    def positions(self) -> Int[np.ndarray, "places"]:
        """Output positions that an event at each place of a channel reaches."""
        return fan_out(
            self.kernel,
            input_shape=(1, *self.input_shape[1:]),
            output_shape=(1, *self.output_shape[1:]),
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=1,
        )

    def event_rows(self, core: Core) -> Int[np.ndarray, "inputs"]:
        """n, the rows that an event of each input meets."""
        return np.outer(self.first_rows(core)[1], self.positions).reshape(-1)

    @property
    def event_synapses(self) -> Int[np.ndarray, "inputs"]:
        """Synapses that an event of each input reaches."""
        return np.tile(self.reach * self.positions, self.input_shape[0])

    def heard_rows(self, core: Core) -> Int[np.ndarray, "sweep"]:
        """The rows of weights of all inputs that each row of neurons hears, spike or not."""
        first, count = self.first_rows(core)
        place = np.arange(self.rows_of_position(core))[:, None]
        channels = np.sum((first <= place) & (place < first + count), axis=1)
        down, across = (self.taps(axis) for axis in (0, 1))
        return np.einsum("y,x,r->yxr", down, across, channels).reshape(-1)

    def taps(self, axis: int) -> Int[np.ndarray, "extent"]:
        """How many places of the kernel lie inside the input, for each output row (axis 0) or column (axis 1)."""
        place = np.arange(self.output_shape[1 + axis])[:, None] * self.stride[axis] - self.padding[axis]
        place = place + np.arange(self.kernel[axis]) * self.dilation[axis]
        return np.sum((place >= 0) & (place < self.input_shape[1 + axis]), axis=1)


class Reached(NamedTuple):
    """What the events of steps meet.

    Attributes:
        rows: Σ n, rows of weights.
        slots: P = Σ max(n, 1), the cycles that the events take; one that reaches nothing is read all the same.
        entered: cycles of all but the last E events, E places of the buffer: Σ max(n, 1) of those.
        synapses: that they reach.
    """

    rows: Steps
    slots: Steps
    entered: Steps
    synapses: Steps


def reached_by(conv: ConvSizes, core: Core, features: Int[np.ndarray, "events"]) -> Reached:
    """What the events of these inputs meet, in their order."""
    features = np.asarray(features, dtype=np.int64)
    rows = conv.event_rows(core)[features]
    slots = np.maximum(rows, 1)
    early = slots[: max(len(slots) - core.event_buffer, 0)]
    return Reached(*(np.asarray(part.sum()) for part in (rows, slots, early, conv.event_synapses[features])))


def spread(conv: ConvSizes, core: Core, spikes: Steps) -> Reached:
    """The same where only the number of events is known: spread evenly over all inputs, rounded up."""
    table = conv.event_rows(core)

    def share(events: Steps, each: np.ndarray) -> Steps:
        return -(-events * int(each.sum()) // len(table))

    slots = np.maximum(table, 1)
    early = np.maximum(spikes - core.event_buffer, 0)
    return Reached(share(spikes, table), share(spikes, slots), share(early, slots), share(spikes, conv.event_synapses))


def conv_sizes(layer: Conv) -> ConvSizes:
    """Of a record."""
    size, output = layer.input_shape, layer.image
    single = layer.groups == size[0] == output[0] and bool(np.all(layer.weight == layer.weight.flat[0]))
    kernel = (layer.weight.shape[2], layer.weight.shape[3])
    return ConvSizes(size, output, kernel, layer.stride, layer.padding, layer.dilation, layer.groups, pool=single)


def square(image: Shape, channels: int, kernel: int, stride: int, padding: int) -> ConvSizes:
    """A convolution that is the same in both directions; its output is as large as the kernel finds room."""
    height, width = ((size + 2 * padding - kernel) // stride + 1 for size in image[1:])
    output = channels, max(height, 0), max(width, 0)
    return ConvSizes(image, output, (kernel, kernel), (stride, stride), (padding, padding))
