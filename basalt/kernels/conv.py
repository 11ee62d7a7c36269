"""The compiled kernel of a convolution layer: each event adds a piece of the kernel to the neurons that it reaches.

Neurons lie with the channel innermost, so that an event's weights and the neurons they go to are rows of the same
length; spikes leave in the order of the network, channel outermost. The work grows with events, kernel and channels.
Sums have 32 bits, which the design rule `sum_width` keeps them within.
"""

import numpy as np
from jaxtyping import Int, UInt64
from numba import njit

from basalt.kernels.bits import words
from basalt.kernels.dense import Workers
from basalt.kernels.events import OPTIONS, any_plane, reach_block, trailing_zeros, value_at
from basalt.kernels.neuron import fire, neuron_constants, no_states
from basalt.records.arithmetic import ALIGN
from basalt.records.convolution import Convolution
from basalt.records.counts import graded_counts
from basalt.records.neuron import Neuron, axis
from basalt.records.synapses import Conv, Encoder

Ways = tuple[int, int, int, int]
"""Along an axis: input place · first + second + kernel place · third, divided by the fourth, is the output place."""


def ways_of(layer: Convolution) -> tuple[Ways, Ways]:
    """Of rows and columns. A plain convolution takes padding off and divides by the stride; a transposed one
    multiplies with it."""

    def along(axis: int) -> Ways:
        stride, padding, dilation = (int(value[axis]) for value in (layer.stride, layer.padding, layer.dilation))
        return (stride, -padding, dilation, 1) if layer.transposed else (1, padding, -dilation, stride)

    return along(0), along(1)


@njit(inline="always", **OPTIONS)
def spread(value, feature, size, output, vertical, horizontal, rows, total):  # type: ignore[no-untyped-def]
    """total += what an event of a feature gives; returns the number of synapses that it reached.

    `size` and `output` are (channels, height, width); `rows` (input channels, kernel height, kernel width, outputs of a
    group) are the weights; `total` is (height, width, channels) in one row.
    """
    _, high, wide = rows.shape[:3]
    reach = rows.shape[3]
    of_group = size[0] // (output[0] // reach)
    channel, place = divmod(feature, size[1] * size[2])
    y, x = divmod(place, size[2])
    first = (channel // of_group) * reach
    top, start = y * vertical[0] + vertical[1], x * horizontal[0] + horizontal[1]
    synapses = 0
    for i in range(high):
        below = top + i * vertical[2]
        if below < 0 or below % vertical[3] or below // vertical[3] >= output[1]:
            continue
        for j in range(wide):
            right = start + j * horizontal[2]
            if right < 0 or right % horizontal[3] or right // horizontal[3] >= output[2]:
                continue
            base = (below // vertical[3] * output[2] + right // horizontal[3]) * output[0] + first
            row = rows[channel, i, j]
            target = total[base : base + reach]
            for n in range(reach):
                target[n] += value * row[n]
            synapses += reach
    return synapses


@njit(**OPTIONS)
def scatter(bits, planes, signed, size, output, vertical, horizontal, rows, total):  # type: ignore[no-untyped-def]
    """`spread` of all events of one step; returns the number of events and of synapses that they reached.

    `signed` values are bytes in two's complement.
    """
    events = synapses = 0
    for w in range(bits.shape[0] // planes):
        word = any_plane(bits, planes, w)
        while word:
            lowest = trailing_zeros(word)
            word &= word - np.uint64(1)
            value = value_at(bits, planes, w, lowest)
            if signed and value > 127:
                value -= 256
            events += 1
            synapses += spread(value, w * 64 + np.int64(lowest), size, output, vertical, horizontal, rows, total)
    return events, synapses


@njit(**OPTIONS)
def conv_block(  # type: ignore[no-untyped-def]
    low,
    high,
    first,
    length,
    arrived,
    planes,
    signed,
    before,
    size,
    output,
    vertical,
    horizontal,
    rows,
    scale,
    offset,
    neuron,
    delay,
    place,
    state,
    coming,
    out,
    counts,
    fired_steps,
):
    """Samples low … high of a layer through the `length` steps of a block that begins at step `first`.

    `before` holds the input of the step before, `coming` (depth, batch, words) the spikes of the next steps, `place`
    the position of each neuron in the output. Counts are added for each sample: events, synapses, spikes, saturations.
    """
    neurons = state.shape[2]
    depth = coming.shape[0]
    total = np.empty(neurons, np.int32)
    fired = np.zeros(-(-neurons // 8) * 8, np.uint8)
    eights = fired.view(np.uint64)
    silent = np.zeros(neurons, np.float64)
    for b in range(low, high):
        for k in range(length):
            now = first + k
            total[:] = 0
            bits = arrived[k - 1, b] if k > 0 else before[b]
            events, synapses = scatter(bits, planes, signed, size, output, vertical, horizontal, rows, total)
            spikes, saturated = fire(
                state[b],
                total,
                scale,
                offset if now > 0 else offset[:0],
                neuron.bias if now >= neuron.start else silent,
                neuron,
                fired,
            )
            for eight in range(eights.shape[0]):
                if eights[eight]:
                    for n in range(8 * eight, 8 * eight + 8):
                        if fired[n]:
                            bit = place[n]
                            coming[(now + delay[n]) % depth, b, bit // 64] |= np.uint64(1) << np.uint64(bit % 64)
            slot = now % depth
            out[k, b] = coming[slot, b]
            coming[slot, b] = 0
            counts[b, 0] += events
            counts[b, 1] += synapses
            counts[b, 2] += spikes
            fired_steps[b, k] = spikes
            counts[b, 3] += saturated
        before[b] = arrived[length - 1, b]


class ConvLayer:
    """A convolution layer ready for the kernel: what its `compiled` model holds.

    Args:
        batch, block: samples side by side, time steps a call.
        layer: the record.
        planes: bit planes of the input.
    """

    def __init__(self, batch: int, block: int, layer: Conv | Encoder, planes: int = 1) -> None:
        self.layer, self.planes = layer, planes
        conv = layer.convolution
        offset, fraction, self.signed = affine_of(layer)
        self.neurons = conv.neurons
        self.place = np.arange(self.neurons).reshape(conv.image).transpose(1, 2, 0).reshape(-1)
        unit, rows = rows_of(conv.weight, conv.groups)
        size = tuple(int(n) for n in conv.input_shape)
        self.synapses = (size, tuple(int(n) for n in conv.image), *ways_of(conv), rows)
        scale = unit * 2.0 ** (ALIGN - fraction)
        delay = layer.delay
        self.neuron = (
            scale,
            np.full(self.neurons if offset else 0, float(offset << ALIGN)),
            neuron_constants(layer, self.inside),
            np.zeros(self.neurons, dtype=np.int64) if delay is None else self.inside(delay),
            self.place,
        )
        depth = 1 if delay is None else int(delay.max()) + 1
        self.state = no_states(batch, layer.neuron, self.neurons)
        self.before = np.zeros((batch, self.planes * words(conv.inputs)), dtype=np.uint64)
        self.coming = np.zeros((depth, batch, words(self.neurons)), dtype=np.uint64)
        self.out = np.zeros((block, batch, words(self.neurons)), dtype=np.uint64)
        self.counts = np.zeros((batch, 4), dtype=np.int64)
        self.fired_steps = np.zeros((batch, block), dtype=np.int32)
        self.workers = Workers(batch)

    def inside(self, value: Int[np.ndarray, "#neurons"] | int) -> Int[np.ndarray, "neurons"]:
        """A value per neuron in the order of the network → in the kernel's, with the channel innermost."""
        return np.broadcast_to(value, self.neurons)[self.place].astype(np.int64)

    def clear(self) -> None:
        """The state before the first step of a sample."""
        for state in (self.state, self.before, self.coming):
            state[:] = 0

    def advance(
        self, arrived: UInt64[np.ndarray, "block batch words"], first: int, length: int
    ) -> UInt64[np.ndarray, "longest batch sent"]:
        """The spikes of `length` steps that begin at step `first` of the sample; the rest of `out` is 0."""
        self.out[length:] = 0
        self.workers.run(
            lambda low, high: conv_block(
                low,
                high,
                first,
                length,
                arrived,
                self.planes,
                self.signed,
                self.before,
                *self.synapses,
                *self.neuron,
                self.state,
                self.coming,
                self.out,
                self.counts,
                self.fired_steps,
            )
        )
        return self.out

    def variables(self) -> dict[str, Int[np.ndarray, "batch neurons"]]:
        """u and v in the order of the network."""
        states = np.empty_like(self.state)
        states[:, :, self.place] = self.state
        return {"u": states[:, 0], "v": states[:, 1]}

    def take_changes(self) -> Int[np.ndarray, "batch"]:
        """Changes of membranes, which are counted of dense layers alone."""
        return np.zeros(len(self.state), dtype=np.int64)

    @property
    def activity(self) -> Int[np.ndarray, "batch 2"]:
        """Events and spikes of each sample since the counts were last taken."""
        return self.counts[:, ::2].copy()

    def take_spiking_counts(self, length: int) -> dict[str, Int[np.ndarray, "batch"] | int]:
        """What the layer did since the last call, in `length` steps."""
        events, synapses, spikes, saturations = self.counts.T.copy()
        self.counts[:] = 0
        counts = self.layer.neuron.counts(events, synapses, spikes, saturations, length * self.neurons)
        return counts | graded_counts(synapses, self.planes)


def rows_of(weight: Int[np.ndarray, "outputs channels height width"], groups: int) -> tuple[int, np.ndarray]:
    """Their unit, and the weights as (input channels, kernel height, kernel width, outputs of a group) in that unit."""
    outputs, channels, *kernel = weight.shape
    by_group = weight.reshape(groups, outputs // groups, channels, *kernel).transpose(0, 2, 3, 4, 1)
    rows = by_group.reshape(groups * channels, *kernel, outputs // groups)
    unit, kind = (1, np.int16) if np.any(rows % 2) else (2, np.int8)
    return unit, np.ascontiguousarray(rows // unit).astype(kind)


def affine_of(layer: Conv | Encoder) -> tuple[int, int, bool]:
    """Offset, fraction bits and sign of an affine input; none of a convolution."""
    return (layer.offset, layer.fraction, layer.signed) if isinstance(layer, Encoder) else (0, 0, False)


def warm_conv() -> None:
    """Run the kernel once on the smallest layers, for even weights and for odd ones; starts no thread."""
    one = axis(1)
    for weight in (2, 1):
        ones = np.full((1, 1, 1, 1), weight, dtype=np.int64)
        layer = Conv(name="warm", weight=ones, neuron=Neuron(1, one, one), bias=one, input_shape=(1, 1, 1))
        ConvLayer(1, 1, layer).advance(np.zeros((1, 1, 1), dtype=np.uint64), 0, 1)
    reach_block(np.zeros((1, 1, 1), dtype=np.uint64), 1, 1, one, one, 1, *np.zeros((4, 1, 1), dtype=np.int64))
