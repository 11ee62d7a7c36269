"""All operators of a stage as one matrix or one convolution of each source: exact, or refused by name."""

from collections.abc import Iterator, Sequence
from math import prod
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Num

from basalt.convert.nir.chain import Notes
from basalt.convert.nir.events import ALWAYS
from basalt.convert.nir.graph import Node
from basalt.convert.nir.kernels import folded_kernel, image, sized, summed
from basalt.convert.nir.operators import Kernel, Shape, UnsaidError, value
from basalt.convert.nir.stage import Stage
from basalt.convert.nir.writers import Values

WEIGHTS_MOST = 1 << 23
"""Of a layer that becomes a matrix: 8 million, 64 MB while it is mapped."""
EYE_MOST = 1 << 11
"""Inputs that are heard without weights, and become a matrix."""
PATHS_MOST = 32
"""Ways from a source to a neuron that become convolutions."""


class Block(NamedTuple):
    """Columns of a layer's weights: what it hears of one source.

    Attributes:
        source: 0 is the network's input, k what the k-th layer sends, or `ALWAYS`.
        inputs: shape of what it sends; (channels, height, width) where there is a kernel.
        kernel: its geometry, of a convolution, else None.
    """

    source: int
    inputs: Shape
    kernel: Kernel | None

    @property
    def shape(self) -> Shape:
        """Of what one row of weights becomes."""
        return (prod(self.inputs),) if self.kernel is None else self.kernel.weight.shape[1:]


class Synapses(NamedTuple):
    """Operators as a matrix or a convolution of each source, side by side: a row for each neuron, or each channel."""

    weight: Float[np.ndarray, "rows _columns"]
    blocks: tuple[Block, ...]


def constant(weight: np.ndarray, offset: Values) -> tuple[np.ndarray, Block]:
    """Weights with a column more, from a neuron that is always on; and what it hears."""
    column = np.broadcast_to(offset, len(weight))[:, None]
    return np.concatenate([weight, column], axis=1), Block(ALWAYS, (1,), None)


def apart(weight: Num[np.ndarray, "rows _columns"], blocks: Sequence[Block]) -> Iterator[tuple[Block, np.ndarray]]:
    """The weights of each source, as a matrix or a kernel."""
    end = 0
    for block in blocks:
        begin, end = end, end + prod(block.shape)
        yield block, weight[:, begin:end].reshape(len(weight), *block.shape)


def scaled(synapses: Synapses, factor: Values, shape: Shape) -> np.ndarray:
    """The weights times a factor for each neuron, which those of a channel have to share in a convolution."""
    if factor.size == 1:
        return synapses.weight * factor
    if synapses.blocks[0].kernel is None:
        return synapses.weight * factor[:, None]
    channels = factor.reshape(shape[0], -1)
    if np.any(channels != channels[:, :1]):
        raise UnsaidError(
            "has thresholds or gains that differ within a channel of a convolution; write the convolution as an Affine"
        )
    return synapses.weight * channels[:, :1]


def recurrence(back: Node, factor: Values, synapses: Synapses) -> tuple[np.ndarray, np.ndarray]:
    """The recurrent weights, a matrix or a diagonal, and what its bias adds."""
    if synapses.blocks[0].kernel is not None:
        raise UnsaidError(
            "is recurrent after a convolution, which layers here are not; write the convolution as an Affine"
        )
    if back.type == "Scale":
        return np.broadcast_to(value(back, "scale").reshape(-1) * factor, len(synapses.weight)).copy(), np.zeros(1)
    weight = value(back, "weight")
    bias = value(back, "bias").reshape(-1) if back.type == "Affine" else np.zeros(1)
    return weight * (factor[:, None] if factor.size > 1 else factor), bias * factor


def synapses_of(stage: Stage, notes: Notes) -> tuple[Synapses, np.ndarray]:
    """All operators of a stage as one of each source, and the constant that they add to each neuron."""
    silent = [np.zeros((1, *shape)) for shape in stage.shapes]
    offset = stage.through(silent)[0]
    if not stage.real and len(stage.sources) == 1:
        if prod(stage.shape) > EYE_MOST:
            raise UnsaidError(
                "hears its input without weights, too large for a matrix; put a Conv2d of size 1 before it"
            )
        notes.add(stage.name, "its input has no weights: it hears each feature once")
    kernels = [kernel_from(stage, place) for place in range(len(stage.sources))]
    together = [one for one in kernels if one is not None]
    if (stage.operators or len(stage.sources) > 1) and len(together) == len(kernels):
        followed = {place - len(stage.sources) for places in stage.hears for place in places}
        for order, node in enumerate(stage.operators):
            if order in followed:
                notes.add(node.name, "exact: folded into the convolution after it")
        parts = [one.weight.reshape(len(one.weight), -1) for one in together]
        blocks = tuple(
            Block(source, image(shape) or shape, one)
            for source, shape, one in zip(stage.sources, stage.shapes, together, strict=True)
        )
        return Synapses(np.concatenate(parts, axis=1), blocks), offset
    inputs, neurons = sum(map(prod, stage.shapes)), prod(stage.sends)
    if inputs * neurons > WEIGHTS_MOST:
        raise UnsaidError(
            f"follows operators that become a matrix of {neurons:,} × {inputs:,} weights, more than {WEIGHTS_MOST:,} "
            f"that are imported"
        )
    for node in stage.real:
        if len(stage.real) > 1 or node.type not in ("Affine", "Linear"):
            notes.add(node.name, "exact: folded into one matrix with its neighbours")
    matrices = [matrix_from(stage, place, silent, offset) for place in range(len(stage.sources))]
    blocks = tuple(Block(source, shape, None) for source, shape in zip(stage.sources, stage.shapes))
    return Synapses(np.concatenate(matrices, axis=1), blocks), offset


def matrix_from(stage: Stage, place: int, silent: list[np.ndarray], offset: np.ndarray) -> np.ndarray:
    """What a source sends through all operators, as a matrix."""
    shape, neurons = stage.shapes[place], prod(stage.sends)
    inputs = prod(shape)
    ones = np.eye(inputs).reshape(inputs, *shape)
    rows = []
    for first in range(0, inputs, 256):
        part = ones[first : first + 256]
        frames = [part if at == place else np.repeat(one, len(part), axis=0) for at, one in enumerate(silent)]
        rows.append(stage.through(frames) - offset)
    return np.concatenate(rows).reshape(inputs, neurons).T


def kernel_from(stage: Stage, place: int) -> Kernel | None:
    """What a source sends through all operators, as a convolution; None where that is not exact."""
    if len(stage.sends) == 1 or len(stage.real) < len(stage.operators):
        return None
    shape = stage.shapes[place]
    found = [folded_kernel(path, shape) for path in stage.paths(place, PATHS_MOST) or ()]
    kernels = [one for one in found if one is not None]
    return summed(kernels, sized(shape)) if kernels and len(kernels) == len(found) else None
