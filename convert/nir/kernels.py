"""Convolutions as others: a pool and what follows as one, several that add up as one, several with one geometry."""

from collections.abc import Sequence
from itertools import product
from math import prod

import numpy as np
from jaxtyping import Int

from basalt.convert.nir.graph import Node
from basalt.convert.nir.operators import KINDS, OPERATORS, POOLS, Kernel, Shape, extents, kernel_of

CHANNELS_MOST = 1 << 11
"""Of an image that is heard as it is, beside convolutions."""


def image(shape: Shape) -> Shape | None:
    """A shape as (channels, height, width); None where it is no image."""
    return shape if len(shape) == 3 else (shape[0], 1, shape[1]) if len(shape) == 2 else None


def folded_kernel(nodes: Sequence[Node], shape: Shape) -> Kernel | None:
    """Pools and the convolution after them as one convolution, or nothing at all as one; None where not exact."""
    if image(shape) is None or any(node.type not in KINDS for node in nodes):
        return None
    before = sized(shape)
    whole: Kernel | None = None
    for order, node in enumerate(nodes):
        kernel = kernel_of(node, shape)
        if whole is not None:
            if nodes[order - 1].type not in POOLS:
                return None
            whole = folded(whole, kernel, before, sized(shape))
            if whole is None:
                return None
        else:
            whole = kernel
        shape = OPERATORS[node.type].shape(node, shape)
    return identity(shape[0]) if whole is None else whole


def sized(shape: Shape) -> Shape:
    """Height and width of an image."""
    return shape[1:] if len(shape) == 3 else (1, shape[1])


def identity(channels: int) -> Kernel | None:
    """Each channel as it is; None where there are too many."""
    return folding(channels, (1, 1), (1, 1), 1.0)


def folded(pool: Kernel, after: Kernel, before: Shape, between: Shape) -> Kernel | None:
    """A pool and what follows as one kernel, or None.

    The kernel becomes kernel ⊗ pool, stride and padding those of what follows × the pool's stride. Zeros around the
    pooled image have to be zeros around the image: so no window of the pool may reach from outside into it.
    """
    parts = []
    for axis in (0, 1):
        step, wide = pool.stride[axis], pool.weight.shape[2 + axis]
        reaches = wide > step + pool.padding[axis] or between[axis] * step - pool.padding[axis] < before[axis]
        if after.padding[axis] and reaches:
            return None
        spacing = after.dilation[axis] * step
        part = np.zeros((after.weight.shape[2 + axis], spacing * (after.weight.shape[2 + axis] - 1) + wide))
        for place in range(len(part)):
            part[place, place * spacing : place * spacing + wide] = 1
        parts.append(part)
    weight = np.einsum("ocij,iy,jx->ocyx", after.weight * pool.weight.flat[0], *parts)
    stride = (pool.stride[0] * after.stride[0], pool.stride[1] * after.stride[1])
    padding = tuple(after.padding[axis] * pool.stride[axis] + pool.padding[axis] for axis in (0, 1))
    found = Kernel(weight, stride, (padding[0], padding[1]), (1, 1), after.groups)
    return found if extents(found, before) == extents(after, between) else None


def summed(kernels: Sequence[Kernel], size: Shape) -> Kernel | None:
    """Convolutions of one image that add up as one, or None."""
    same = aligned(kernels, size, extents(kernels[0], size))
    if same is None:
        return None
    return same[0]._replace(weight=np.sum([one.weight for one in same], axis=0))


def aligned(kernels: Sequence[Kernel], size: Shape, gives: Shape) -> list[Kernel] | None:
    """The same convolutions with one stride, padding, dilation and size, zeros around them; None where there is none.

    Args:
        size: (height, width) of the image that they hear. gives: of what each makes of it.
    """
    if len({one.stride for one in kernels}) > 1:
        return None
    found = list(kernels)
    if len({one.groups for one in found}) > 1:
        found = [ungrouped(one) for one in found]
    if len({(one.dilation, *one.padding, *one.weight.shape[2:]) for one in found}) > 1:
        found = [undilated(one) for one in found]
    for more in product(range(MORE), repeat=4):
        wide = widened(found, more)
        if all(extents(one, size) == gives for one in wide):
            return wide
    return None


MORE = 3
"""Zeros on a side that are tried, beyond those that kernels ask for: so many that an image of any size is divided."""


def widened(kernels: Sequence[Kernel], more: tuple[int, ...]) -> list[Kernel]:
    """Kernels with the padding and size of the largest, and more zeros: above, left, below and right."""
    if len(kernels) == 1 and not any(more):
        return list(kernels)
    step = kernels[0].dilation
    padding = tuple(max(one.padding[axis] for one in kernels) + step[axis] * more[axis] for axis in (0, 1))
    ahead = [tuple((padding[axis] - one.padding[axis]) // step[axis] for axis in (0, 1)) for one in kernels]
    most = [max(left[axis] + one.weight.shape[2 + axis] for left, one in zip(ahead, kernels)) for axis in (0, 1)]
    wide = []
    for left, one in zip(ahead, kernels):
        sides = [(left[axis], most[axis] + more[2 + axis] - left[axis] - one.weight.shape[2 + axis]) for axis in (0, 1)]
        weight = np.pad(one.weight, ((0, 0), (0, 0), *sides))
        wide.append(one._replace(weight=weight, padding=(padding[0], padding[1])))
    return wide


def folded_shape(shape: Shape, fold: tuple[int, int]) -> Shape:
    """Of an image whose rows and columns have become channels; as many as there are, in whole parts."""
    if fold == (1, 1):
        return shape
    channels, height, width = image(shape) or shape
    return channels * fold[0] * fold[1], -(-height // fold[0]), -(-width // fold[1])


def fold(shape: Shape, by: tuple[int, int]) -> Int[np.ndarray, "neurons"]:
    """Where each of a folded image was: channel (c, i, j) at (y, x) is c at (y·by₀ + i, x·by₁ + j); −1 beyond."""
    places = np.arange(prod(shape))
    if by == (1, 1):
        return places
    channels, height, width = image(shape) or shape
    _, rows, columns = folded_shape(shape, by)
    wide = np.full((channels, rows * by[0], columns * by[1]), -1)
    wide[:, :height, :width] = places.reshape(channels, height, width)
    parts = wide.reshape(channels, rows, by[0], columns, by[1])
    return parts.transpose(0, 2, 4, 1, 3).reshape(-1)


def over_folded(kernel: Kernel, by: tuple[int, int]) -> Kernel:
    """A convolution of an image as one of the folded image, whose stride it strides by at least."""
    if by == (1, 1):
        return kernel
    kernel = undilated(ungrouped(kernel))
    outputs, channels, *size = kernel.weight.shape
    at = [np.divmod(np.arange(size[axis]) - kernel.padding[axis], by[axis]) for axis in (0, 1)]
    first = [-int(rows.min()) for rows, _ in at]
    wide = [int(rows.max()) + begin + 1 for (rows, _), begin in zip(at, first)]
    weight = np.zeros((outputs, channels, *by, *wide))
    for i, (row, phase) in enumerate(zip(*at[0])):
        for j, (column, shift) in enumerate(zip(*at[1])):
            weight[:, :, phase, shift, row + first[0], column + first[1]] = kernel.weight[:, :, i, j]
    stride = (kernel.stride[0] // by[0], kernel.stride[1] // by[1])
    return Kernel(weight.reshape(outputs, -1, *wide), stride, (first[0], first[1]), (1, 1), 1)


def folding(channels: int, before: tuple[int, int], by: tuple[int, int], value: float) -> Kernel | None:
    """What passes on an image that is folded already, folded further, with a value for a weight."""
    step = (by[0] // before[0], by[1] // before[1])
    if channels * by[0] * by[1] > CHANNELS_MOST:
        return None
    weight = np.zeros((channels, *by, channels, *before, *step))
    each = np.arange(channels)
    for i, j in product(range(by[0]), range(by[1])):
        (row, phase), (column, shift) = divmod(i, before[0]), divmod(j, before[1])
        weight[each, i, j, each, phase, shift, row, column] = value
    inputs = channels * before[0] * before[1]
    return Kernel(weight.reshape(-1, inputs, *step), step, (0, 0), (1, 1), 1)


def ungrouped(kernel: Kernel) -> Kernel:
    """All channels in one group, with zeros for those of the others."""
    outputs, channels, *size = kernel.weight.shape
    weight = np.zeros((outputs, channels * kernel.groups, *size))
    each = outputs // kernel.groups
    for group in range(kernel.groups):
        rows = slice(group * each, (group + 1) * each)
        weight[rows, group * channels : (group + 1) * channels] = kernel.weight[rows]
    return kernel._replace(weight=weight, groups=1)


def undilated(kernel: Kernel) -> Kernel:
    """Zeros between the weights in place of a dilation."""
    outputs, channels, *size = kernel.weight.shape
    span = [step * (length - 1) + 1 for step, length in zip(kernel.dilation, size)]
    weight = np.zeros((outputs, channels, *span))
    weight[:, :, :: kernel.dilation[0], :: kernel.dilation[1]] = kernel.weight
    return kernel._replace(weight=weight, dilation=(1, 1))
