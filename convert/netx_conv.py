"""Readers of .net layers with a convolution: `conv` and `pool`, `convT` and `unpool`."""

from collections.abc import Callable
from typing import Any

import numpy as np

from basalt.convert.netx_messages import NEURON, read_layer
from basalt.convert.netx_neuron import read_neuron
from basalt.convert.netx_reader import AXES_MAX, Reader
from basalt.errors import BasaltError
from basalt.records.sigma_delta import SigmaDelta
from basalt.records.synapses import Conv

GEOMETRY_MAX = 1 << 16
"""Of strides, paddings, dilations and kernels, where sizes are searched for."""


def read_conv(reader: Reader) -> Conv | SigmaDelta:
    """`conv`."""
    weight, groups = reader.integers("weight", (4,)), reader.integer("groups", 1)
    size = image(reader, weight.shape[1] * groups, weight.shape[2:])
    return convolution(reader, weight, size, groups)


def read_pool(reader: Reader) -> Conv | SigmaDelta:
    """`pool`, SLAYER's sum pooling: the same kernel for every channel.

    SLAYER lays the channels one below the other and convolves the whole. Windows that cross from one channel into the
    next mix them, which no convolution does; such pools are refused.
    """
    kernel = reader.integers("weight", (2, 4))
    kernel = kernel.reshape(1, 1, *kernel.shape[-2:])
    shape = image(reader, reader.shape()[0], kernel.shape[2:], lambda size, edge: size % edge)
    channels, *size = shape
    extra = tuple(size[axis] % kernel.shape[2 + axis] for axis in (0, 1))
    reader.expanded(kernel.size * channels)
    layer = convolution(reader, np.repeat(kernel, channels, axis=0), shape, channels, extra)
    rows = size[0] + extra[0]
    reach = layer.dilation[0] * (kernel.shape[2] - 1) + 1
    if channels > 1 and (layer.padding[0] or rows % layer.stride[0] or reach > layer.stride[0]):
        raise BasaltError(
            f"{reader.place}: 'kernelSize', 'stride' and 'padding' make a pool whose windows reach from one channel "
            f"into the next in SLAYER, which no convolution does; it cannot be deployed as it was trained."
        )
    return layer


def read_conv_transposed(reader: Reader) -> Conv | SigmaDelta:
    """`convT`, whose weights have the inputs first."""
    given, groups = reader.integers("weight", (4,)), reader.integer("groups", 1)
    inputs, outputs, *kernel = given.shape
    if groups < 1 or inputs % groups:
        raise reader.fail("groups", f"is {groups}, which does not divide {inputs} channels")
    by_group = given.reshape(groups, inputs // groups, outputs, *kernel).swapaxes(1, 2)
    size = known_image(reader)
    return convolution(reader, by_group.reshape(groups * outputs, -1, *kernel), size, groups, transposed=True)


def read_unpool(reader: Reader) -> Conv | SigmaDelta:
    """`unpool`: the same kernel for every channel, transposed.

    SLAYER lays the channels one below the other here, too; where windows do not just fill the rows of their channel,
    the channels would mix.
    """
    kernel = reader.integers("weight", (2, 4))
    kernel = kernel.reshape(1, 1, *kernel.shape[-2:])
    size = known_image(reader)
    reader.expanded(kernel.size * size[0])
    layer = convolution(reader, np.repeat(kernel, size[0], axis=0), size, size[0], transposed=True)
    reach = layer.dilation[0] * (kernel.shape[2] - 1) + 1
    if size[0] > 1 and (layer.padding[0] or reach != layer.stride[0]):
        raise BasaltError(
            f"{reader.place}: 'kernelSize', 'stride' and 'padding' make an unpooling whose windows do not just fill "
            f"the rows of their channel, so that SLAYER mixes channels; it cannot be deployed as it was trained."
        )
    return layer


def known_image(reader: Reader) -> tuple[int, int, int]:
    """Shape of a transposed convolution's input: `inputShape`, what the layer before sends, or the named shape."""
    shape = reader.before or reader.given
    if "inputShape" in reader.group:
        shape = tuple(int(size) for size in reader.integers("inputShape", (1,), AXES_MAX))
    if shape is None:
        raise BasaltError(
            f"{reader.place}: the shape of the network's input is not in the file; name it with --input-shape C,H,W, "
            f"or give the spikes as samples × C × H × W × steps."
        )
    return as_image(reader, shape)


def as_image(reader: Reader, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """(Channels, height, width); what a dense sigma-delta layer sends is an image of one place."""
    if len(shape) == 1 and reader.neuron_type == NEURON:
        shape = (*shape, 1, 1)
    if len(shape) != 3:
        raise reader.fail("inputShape", f"is {shape}, not (channels, height, width)")
    return (shape[0], shape[1], shape[2])


def image(
    reader: Reader,
    channels: int,
    kernel: tuple[int, ...],
    extra: Callable[[int, int], int] = lambda size, edge: 0,
) -> tuple[int, int, int]:
    """Shape of a convolution's input: `inputShape`, what the layer before sends, the named shape, or the only one that
    gives the output's shape.

    Args:
        channels: of the input.
        kernel: height and width.
        extra: size and kernel → rows or columns added below or right.
    """
    shape = reader.before or reader.given
    if "inputShape" in reader.group:
        shape = tuple(int(size) for size in reader.integers("inputShape", (1,), AXES_MAX))
    if shape is None:
        fitting = [sizes_that_fit(reader, axis, kernel[axis], extra) for axis in (0, 1)]
        if all(len(sizes) == 1 for sizes in fitting):
            return (channels, fitting[0][0], fitting[1][0])
        span = [(",".join(map(str, (channels, *(sizes[end] for sizes in fitting))))) for end in (0, -1) if all(fitting)]
        fits = f", of which {' to '.join(span)} give its output" if span else ""
        raise BasaltError(
            f"{reader.place}: the shape of the network's input is not in the file; name it with --input-shape C,H,W"
            f"{fits}, or give the spikes as samples × C × H × W × steps."
        )
    return as_image(reader, shape)


def sizes_that_fit(reader: Reader, axis: int, kernel: int, extra: Callable[[int, int], int]) -> list[int]:
    """Input rows (axis 0) or columns (axis 1) from which the kernel makes as many as the layer's output has."""
    shape = reader.shape()
    step, padding, spread = (
        reader.pair(key, default)[axis] for key, default in (("stride", 1), ("padding", 0), ("dilation", 1))
    )
    for key, value, low in (
        ("stride", step, 1),
        ("padding", padding, 0),
        ("dilation", spread, 1),
        ("weight", kernel, 1),
    ):
        if not low <= value <= GEOMETRY_MAX:
            raise reader.fail(key, f"is {value}, and must be {low} … {GEOMETRY_MAX:,}")
    wanted = shape[1 + axis] if len(shape) == 3 else 0
    reach = spread * (kernel - 1) + 1
    least = step * (wanted - 1) + reach - 2 * padding  # without extra rows, which are fewer than the kernel's
    return [
        size
        for size in range(max(1, least - kernel), least + step)
        if (size + 2 * padding + extra(size, kernel) - reach) // step + 1 == wanted
    ]


def convolution(
    reader: Reader,
    weight: np.ndarray,
    size: tuple[int, int, int],
    groups: int,
    extra: tuple[int, ...] = (0, 0),
    transposed: bool = False,
) -> Conv | SigmaDelta:
    """What all of these have in common."""
    if "extra" in reader.group:
        extra = reader.pair("extra", 0)
    stride, dilation = reader.pair("stride", 1), reader.pair("dilation", 1)
    shape = (len(weight), *reader.shape()[1:])
    if min(stride) < 1:
        raise reader.fail("stride", f"is {stride}, and must be at least 1")
    synapses = {
        "weight": weight,
        "input_shape": size,
        "stride": stride,
        "padding": reader.pair("padding", 0),
        "dilation": dilation,
        "groups": groups,
        "extra": (extra[0], extra[1]),
        "transposed": transposed,
    }
    build = read_layer if reader.neuron_type == NEURON else spiking
    layer = build(reader, shape, synapses)
    if layer.image != shape:
        raise reader.fail("shape", f"is {shape}, but the kernel makes {layer.image} of the input {size}")
    return layer


def spiking(reader: Reader, shape: tuple[int, ...], synapses: dict[str, Any]) -> Conv:
    """A layer of spiking neurons."""
    return Conv(
        name=reader.name,
        neuron=read_neuron(reader, shape),
        bias=reader.spread("bias", shape),
        delay=reader.spread("delay", shape),
        start=reader.integer("neuron/start", 0),
        **synapses,
    )
