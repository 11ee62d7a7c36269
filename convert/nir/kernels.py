"""Convolutions as others: a pool and what follows as one, several that add up as one, several with one geometry."""

from collections.abc import Sequence

import numpy as np

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


def identity(channels: int, value: float = 1.0) -> Kernel | None:
    """Each channel as it is, times a value; None where there are too many."""
    if channels > CHANNELS_MOST:
        return None
    return Kernel(value * np.eye(channels)[:, :, None, None], (1, 1), (0, 0), (1, 1), 1)


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
    same = aligned(kernels, [size] * len(kernels))
    if same is None:
        return None
    return same[0]._replace(weight=np.sum([one.weight for one in same], axis=0))


def aligned(kernels: Sequence[Kernel], sizes: Sequence[Shape]) -> list[Kernel] | None:
    """The same convolutions with one stride, padding, dilation and size, zeros around them; None where there is none.

    Args:
        sizes: (height, width) of the image that each hears.
    """
    if len({one.stride for one in kernels}) > 1:
        return None
    found = list(kernels)
    if len({one.groups for one in found}) > 1:
        found = [ungrouped(one) for one in found]
    if len({one.dilation for one in found}) > 1:
        found = [undilated(one) for one in found]
    before = [max(one.padding[axis] for one in found) for axis in (0, 1)]
    step = found[0].dilation
    for axis in (0, 1):
        if any((before[axis] - one.padding[axis]) % step[axis] for one in found):
            return aligned([undilated(one) for one in found], sizes)
    ahead = [tuple((before[axis] - one.padding[axis]) // step[axis] for axis in (0, 1)) for one in found]
    most = [max(left[axis] + one.weight.shape[2 + axis] for left, one in zip(ahead, found)) for axis in (0, 1)]
    wide = []
    for left, one in zip(ahead, found):
        around = [(left[axis], most[axis] - left[axis] - one.weight.shape[2 + axis]) for axis in (0, 1)]
        weight = np.pad(one.weight, ((0, 0), (0, 0), *around))
        wide.append(one._replace(weight=weight, padding=(before[0], before[1])))
    same = all(extents(new, size) == extents(old, size) for new, old, size in zip(wide, kernels, sizes, strict=True))
    return wide if same else None


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
