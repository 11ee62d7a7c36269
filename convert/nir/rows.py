"""Synapses as rows of weights, for events: an event of input i adds value · row[k] to the outputs base[k] …, for each
link k of i. A matrix has one link per input; of a convolution, all places share the rows.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int, Num

from basalt.convert.nir.operators import Kernel, Shape, extents


class Rows(NamedTuple):
    """What events reach.

    Attributes:
        of: the links of input i are of[i] … of[i + 1].
        row, base: of each link, the row of weights and the first output that it reaches, in the kernel's order.
        place: the output that each place in the kernel's order is: convolutions have the channel innermost.
    """

    weight: Num[np.ndarray, "rows reach"]
    of: Int[np.ndarray, "_edges"]
    row: Int[np.ndarray, "links"]
    base: Int[np.ndarray, "links"]
    place: Int[np.ndarray, "outputs"]

    def inside(self, found: np.ndarray) -> np.ndarray:
        """One value, or one per output → one per output, in the kernel's order."""
        return np.broadcast_to(np.asarray(found, dtype=np.float64).reshape(-1), len(self.place))[self.place]


def dense_rows(weight: Num[np.ndarray, "outputs inputs"]) -> Rows:
    """Of a matrix."""
    outputs, inputs = weight.shape
    return Rows(
        np.ascontiguousarray(weight.T, dtype=np.float64),
        np.arange(inputs + 1),
        np.arange(inputs),
        np.zeros(inputs, dtype=np.int64),
        np.arange(outputs),
    )


def diagonal_rows(weight: Num[np.ndarray, "features"]) -> Rows:
    """Of one weight per feature."""
    each = np.arange(weight.size)
    return Rows(weight.reshape(-1, 1).astype(np.float64), np.arange(weight.size + 1), each, each, each)


def no_rows(outputs: int) -> Rows:
    """Of no synapses."""
    none = np.zeros(0, dtype=np.int64)
    return Rows(np.zeros((0, 0)), np.zeros(1, dtype=np.int64), none, none, np.arange(outputs))


def matrix(rows: Rows) -> Num[np.ndarray, "outputs inputs"]:
    """All weights as a matrix."""
    found = np.zeros((len(rows.of) - 1, len(rows.place)))
    inputs = np.repeat(np.arange(len(found)), np.diff(rows.of))
    found[inputs[:, None], rows.base[:, None] + np.arange(rows.weight.shape[1])] = rows.weight[rows.row]
    return found[:, np.argsort(rows.place)].T


def kernel_rows(kernel: Kernel, shape: Shape) -> Rows:
    """Of a convolution or pool over (channels, height, width)."""
    outputs, channels, high, wide = kernel.weight.shape
    groups = kernel.groups
    reach = outputs // groups
    tall, broad = extents(kernel, shape[1:])
    by_group = kernel.weight.reshape(groups, reach, channels, high, wide).transpose(0, 2, 3, 4, 1)
    into = meets(shape[1], high, tall, kernel, 0)
    over = meets(shape[2], wide, broad, kernel, 1)
    taken = (into >= 0)[:, None, :, None] & (over >= 0)[None, :, None, :]  # y, x, i, j
    at = np.argwhere(np.broadcast_to(taken, (shape[0], *taken.shape)))
    channel, at_y, at_x, at_i, at_j = at.T
    links = taken.sum(axis=(2, 3)).reshape(-1)
    cells = into[at_y, at_i] * broad + over[at_x, at_j]
    return Rows(
        np.ascontiguousarray(by_group, dtype=np.float64).reshape(-1, reach),
        np.concatenate([[0], np.cumsum(np.tile(links, shape[0]))]),
        (channel * high + at_i) * wide + at_j,
        cells * outputs + channel // channels * reach,
        np.arange(outputs * tall * broad).reshape(outputs, tall, broad).transpose(1, 2, 0).reshape(-1),
    )


def meets(size: int, length: int, extent: int, kernel: Kernel, axis: int) -> Int[np.ndarray, "size length"]:
    """Along an axis: where the output is that an input reaches by each weight of a kernel, −1 where there is none."""
    at = np.arange(size)[:, None] + kernel.padding[axis] - kernel.dilation[axis] * np.arange(length)
    there, left = np.divmod(at, kernel.stride[axis])
    return np.where((left == 0) & (there >= 0) & (there < extent), there, -1)
