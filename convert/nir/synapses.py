"""All operators of a stage as one matrix or one convolution: exact, or refused by name."""

from dataclasses import dataclass
from math import prod

import numpy as np

from basalt.convert.nir.chain import Notes, Stage
from basalt.convert.nir.graph import Node
from basalt.convert.nir.operators import KINDS, OPERATORS, POOLS, Kernel, Shape, UnsaidError, extents, kernel_of, value
from basalt.convert.nir.writers import Values

WEIGHTS_MOST = 1 << 23
"""Of a layer that becomes a matrix: 8 million, 64 MB while it is mapped."""
EYE_MOST = 1 << 11
"""Inputs that are heard without weights, and become a matrix."""


@dataclass(frozen=True, eq=False)
class Synapses:
    """Operators as one matrix, or one convolution."""

    weight: np.ndarray
    kernel: Kernel | None = None
    input_shape: Shape | None = None


def scaled(synapses: Synapses, factor: Values, shape: Shape) -> np.ndarray:
    """The weights times a factor for each neuron, which those of a channel have to share in a convolution."""
    if factor.size == 1:
        return synapses.weight * factor
    if synapses.kernel is None:
        return synapses.weight * factor[:, None]
    channels = factor.reshape(shape[0], -1)
    if np.any(channels != channels[:, :1]):
        raise UnsaidError(
            "has thresholds or gains that differ within a channel of a convolution; write the convolution as an Affine"
        )
    return synapses.weight * channels[:, :1, None, None]


def recurrence(back: Node, factor: Values, synapses: Synapses) -> tuple[np.ndarray, np.ndarray]:
    """The recurrent weights, a matrix or a diagonal, and what its bias adds."""
    if synapses.kernel is not None:
        raise UnsaidError(
            "is recurrent after a convolution, which layers here are not; write the convolution as an Affine"
        )
    if back.type == "Scale":
        return np.broadcast_to(value(back, "scale").reshape(-1) * factor, len(synapses.weight)).copy(), np.zeros(1)
    weight = value(back, "weight")
    bias = value(back, "bias").reshape(-1) if back.type == "Affine" else np.zeros(1)
    return weight * (factor[:, None] if factor.size > 1 else factor), bias * factor


def synapses_of(stage: Stage, notes: Notes) -> tuple[Synapses, np.ndarray]:
    """All operators of a stage as one, and the constant that they add to each neuron."""
    offset = through(stage, np.zeros((1, *stage.shape)))[0]
    real = [node for node in stage.operators if node.type != "Flatten"]
    if not real:
        if prod(stage.shape) > EYE_MOST:
            raise UnsaidError(
                "hears its input without weights, too large for a matrix; put a Conv2d of size 1 before it"
            )
        notes.add(stage.name, "its input has no weights: it hears each feature once")
    folded = folded_kernel(real, stage) if real and all(node.type in KINDS for node in real) else None
    if folded is not None and stage.operators[-1].type != "Flatten":
        for node in real[:-1] if len(real) > 1 else ():
            notes.add(node.name, "exact: folded into the convolution after it")
        shape = stage.shape if len(stage.shape) == 3 else (stage.shape[0], 1, stage.shape[1])
        return Synapses(folded.weight, folded, shape), offset
    inputs, neurons = prod(stage.shape), prod(stage.sends)
    if inputs * neurons > WEIGHTS_MOST:
        raise UnsaidError(
            f"follows operators that become a matrix of {neurons:,} × {inputs:,} weights, more than {WEIGHTS_MOST:,} "
            f"that are imported"
        )
    for node in real:
        if len(real) > 1 or node.type not in ("Affine", "Linear"):
            notes.add(node.name, "exact: folded into one matrix with its neighbours")
    ones = np.eye(inputs).reshape(inputs, *stage.shape)
    rows = [through(stage, ones[first : first + 256]) - offset for first in range(0, inputs, 256)]
    return Synapses(np.concatenate(rows).reshape(inputs, neurons).T.copy()), offset


def through(stage: Stage, frames: np.ndarray) -> np.ndarray:
    """Frames after all operators of a stage."""
    for node in stage.operators:
        frames = OPERATORS[node.type].apply(node, frames)
    return frames


def folded_kernel(nodes: list[Node], stage: Stage) -> Kernel | None:
    """Pools and the convolution after them as one convolution; None where that is not exact."""
    shape = stage.shape
    whole: Kernel | None = None
    for order, node in enumerate(nodes):
        kernel = kernel_of(node, shape)
        size = shape[1:] if len(shape) == 3 else (1, shape[1])
        if whole is not None:
            if nodes[order - 1].type not in POOLS:
                return None
            before = stage.shape[1:] if len(stage.shape) == 3 else (1, stage.shape[1])
            whole = folded(whole, kernel, before, size)
            if whole is None:
                return None
        else:
            whole = kernel
        shape = OPERATORS[node.type].shape(node, shape)
    return whole


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
