"""NIR's nodes without time: what each makes of a frame, and of a frame's shape."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.lib.stride_tricks import sliding_window_view

from basalt.convert.nir.graph import Node

Shape = tuple[int, ...]
VALUES_AT_ONCE = 1 << 18
"""Of a convolution's unfolded input: what a core's cache holds."""


class UnsaidError(Exception):
    """A node that cannot be said here: the reason, and the way out."""


class Kernel(NamedTuple):
    """A convolution's or pool's geometry, in two dimensions."""

    weight: Float[np.ndarray, "outputs channels height width"]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int


@dataclass(frozen=True)
class Operator:
    """What a type of node does.

    Attributes:
        shape: of what it sends, from the node and the shape of what arrives; `UnsaidError` where they do not fit.
        apply: the frames that it sends, from the node and frames (frames, *shape).
    """

    shape: Callable[[Node, Shape], Shape]
    apply: Callable[[Node, Float[np.ndarray, "frames ..."]], Float[np.ndarray, "frames ..."]]


def value(node: Node, key: str) -> np.ndarray:
    """A number or array that a node must have."""
    if key not in node.values:
        raise UnsaidError(f"has no {key!r}; write the file again")
    return node.values[key]


def whole(node: Node, key: str, default: int | None = None) -> int:
    """One whole number."""
    if key not in node.values and default is not None:
        return default
    found = value(node, key)
    if found.size != 1 or abs(found.item()) > 1 << 20 or found.item() != int(found.item()):
        raise UnsaidError(f"has a {key!r} that is no whole number; write the file again")
    return int(found.item())


def two(node: Node, key: str, default: int) -> tuple[int, int]:
    """Two whole numbers, or one for both."""
    found = node.values.get(key, np.array([default])).reshape(-1)
    if found.size not in (1, 2) or np.any(found != np.rint(found)) or np.any(np.abs(found) > 1 << 20):
        raise UnsaidError(f"has a {key!r} that is not one or two whole numbers; write the file again")
    return int(found[0]), int(found[-1])


def dense_shape(node: Node, shape: Shape) -> Shape:
    """Of an Affine or Linear."""
    weight = value(node, "weight")
    if weight.ndim != 2 or not weight.size:
        raise UnsaidError(f"has weights of the shape {weight.shape}, not (outputs, inputs); write a matrix")
    if shape != (weight.shape[1],):
        raise UnsaidError(f"takes {weight.shape[1]} inputs, and {shape} arrive; put a Flatten before it")
    if node.type == "Affine" and value(node, "bias").size not in (1, len(weight)):
        raise UnsaidError(f"has {value(node, 'bias').size} biases for {len(weight)} outputs; write the file again")
    return (len(weight),)


def dense(node: Node, frames: np.ndarray) -> np.ndarray:
    """W x + b."""
    bias = node.values["bias"].reshape(-1) if node.type == "Affine" else 0.0
    return frames @ node.values["weight"].T + bias


def scale_shape(node: Node, shape: Shape) -> Shape:
    """Of a Scale: a factor for each feature."""
    factors = value(node, "scale")
    try:
        fits = np.broadcast_shapes(factors.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise UnsaidError(f"has factors of the shape {factors.shape} for {shape}; write one for each feature")
    return shape


def flatten_shape(node: Node, shape: Shape) -> Shape:
    """Of a Flatten: the axes from start_dim to end_dim become one, the last the fastest."""
    start, end = (position % len(shape) for position in (whole(node, "start_dim", 1), whole(node, "end_dim", -1)))
    if start > end:
        raise UnsaidError(f"flattens from axis {start} to {end} of {len(shape)}; write the axes in order")
    return (*shape[:start], prod(shape[start : end + 1]), *shape[end + 1 :])


def padded_sides(node: Node, kernel: tuple[int, int], dilation: tuple[int, int]) -> tuple[int, int]:
    """Zeros at each side; "same" where they are as many at both."""
    word = node.words.get("padding")
    if word == "same":
        both = [step * (size - 1) for size, step in zip(kernel, dilation)]
        if any(extent % 2 for extent in both):
            raise UnsaidError("is padded 'same' with an even kernel, more on one side; give the padding in numbers")
        return both[0] // 2, both[1] // 2
    if word not in (None, "valid"):
        raise UnsaidError(f"is padded {word!r}; give the padding in numbers")
    return two(node, "padding", 0)


def kernel_of(node: Node, shape: Shape) -> Kernel:
    """A Conv1d, Conv2d or pool as a convolution in two dimensions; in one, the height is 1."""
    if node.type in POOLS:
        height, width = two(node, "kernel_size", 1)
        stride, padding = two(node, "stride", 1), two(node, "padding", 0)
        if min(height, width, *stride) < 1 or min(padding) < 0 or height * width > 1 << 16:
            raise UnsaidError(f"has a kernel of {height} × {width} and a stride of {stride}; write the file again")
        part = 1.0
        if node.type == "AvgPool2d":
            if padding != (0, 0):
                raise UnsaidError("averages over padding, which NIR does not define; pad in the convolution before it")
            part = 1 / (height * width)
        weight = np.full((shape[0], 1, height, width), part)
        return Kernel(weight, stride, padding, (1, 1), shape[0])
    weight = value(node, "weight")
    if weight.ndim != (3 if node.type == "Conv1d" else 4) or not weight.size:
        raise UnsaidError(f"has a kernel of the shape {weight.shape}; write the file again")
    groups = whole(node, "groups", 1)
    if node.type == "Conv1d":
        weight = weight[:, :, None]
        stride, dilation = (1, whole(node, "stride", 1)), (1, whole(node, "dilation", 1))
        size = (1, weight.shape[3])
        padding = padded_sides(node, size, dilation)
        padding = (0, padding[1])
    else:
        stride, dilation = two(node, "stride", 1), two(node, "dilation", 1)
        padding = padded_sides(node, (weight.shape[2], weight.shape[3]), dilation)
    if min(*stride, *dilation, groups) < 1 or min(padding) < 0:
        raise UnsaidError("has a stride, dilation or number of groups below 1; write the file again")
    return Kernel(weight, stride, padding, dilation, groups)


def image_shape(node: Node, shape: Shape) -> Shape:
    """Of a convolution or pool."""
    axes = 2 if node.type == "Conv1d" else 3
    if len(shape) != axes:
        raise UnsaidError(f"takes {axes} axes, channels first, and {shape} arrive; give the input's shape")
    kernel = kernel_of(node, shape)
    outputs, channels = kernel.weight.shape[:2]
    if channels * kernel.groups != shape[0] or outputs % kernel.groups:
        raise UnsaidError(f"takes {channels * kernel.groups} channels, and {shape[0]} arrive; write the file again")
    if node.type in ("Conv1d", "Conv2d") and node.values.get("bias", np.zeros(1)).size not in (1, outputs):
        raise UnsaidError(f"has {node.values['bias'].size} biases for {outputs} channels; write the file again")
    places = extents(kernel, (shape[0], 1, *shape[1:])[-2:] if axes == 2 else shape[1:])
    if min(places) < 1:
        raise UnsaidError(f"has a kernel larger than its input of {shape}; write the file again")
    return (outputs, places[1]) if axes == 2 else (outputs, *places)


def extents(kernel: Kernel, size: Shape) -> tuple[int, int]:
    """Rows and columns where the kernel fits."""
    rows, columns = (
        (size[axis] + 2 * kernel.padding[axis] - kernel.dilation[axis] * (kernel.weight.shape[2 + axis] - 1) - 1)
        // kernel.stride[axis]
        + 1
        for axis in (0, 1)
    )
    return rows, columns


def convolve(node: Node, frames: np.ndarray) -> np.ndarray:
    """A convolution or pool, with a bias for each channel where there is one."""
    flat = node.type == "Conv1d"
    images = frames[:, :, None] if flat else frames
    kernel = kernel_of(node, frames.shape[1:])
    out = correlate(images, kernel)
    bias = node.values.get("bias")
    if bias is not None:
        out = out + bias.reshape(-1)[:, None, None]
    return out[:, :, 0] if flat else out


def correlate(images: Float[np.ndarray, "frames channels height width"], kernel: Kernel) -> np.ndarray:
    """out[o, y, x] = Σ weight[o, c, i, j]·in[g(o) + c, y·stride − padding + i·dilation, …], some frames at a time."""
    outputs, channels, *size = kernel.weight.shape
    rows, columns = extents(kernel, images.shape[2:])
    groups, (above, left) = kernel.groups, kernel.padding
    span = [step * (length - 1) + 1 for length, step in zip(size, kernel.dilation)]
    weight = kernel.weight.reshape(groups, outputs // groups, -1)
    out = np.empty((len(images), outputs, rows, columns))
    chunk = max(1, VALUES_AT_ONCE // (channels * groups * prod(size) * rows * columns))
    for first in range(0, len(images), chunk):
        part = images[first : first + chunk].transpose(1, 0, 2, 3)
        part = np.pad(part, ((0, 0), (0, 0), (above, above), (left, left)))
        seen = sliding_window_view(part, span, axis=(2, 3))[
            :, :, :: kernel.stride[0], :: kernel.stride[1], :: kernel.dilation[0], :: kernel.dilation[1]
        ]
        unfolded = seen.transpose(0, 4, 5, 1, 2, 3).reshape(groups, channels * prod(size), -1)
        total = (weight @ unfolded).reshape(outputs, -1, rows, columns)
        out[first : first + chunk] = total.transpose(1, 0, 2, 3)
    return out


POOLS = ("SumPool2d", "AvgPool2d")
KINDS = ("Conv1d", "Conv2d", *POOLS)
"""Of what is a convolution."""
OPERATORS: dict[str, Operator] = {
    "Affine": Operator(dense_shape, dense),
    "Linear": Operator(dense_shape, dense),
    "Scale": Operator(scale_shape, lambda node, frames: frames * node.values["scale"]),
    "Flatten": Operator(
        flatten_shape, lambda node, frames: frames.reshape(len(frames), *flatten_shape(node, frames.shape[1:]))
    ),
    **dict.fromkeys(KINDS, Operator(image_shape, convolve)),
}
"""Type of node → what it does."""
