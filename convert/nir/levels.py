"""Layers that branch and join as Basalt's, each of which hears the one before it, and is a step later.

A layer's level is one more than the highest of those that it hears. All of one level become one layer, side by side.
What is heard beyond the next level is passed on by relay neurons, one in each level between:

    u[t] = 2·s[t−1] (current decay 4096), v = u (voltage decay 4096), s = v > 1

whatever the reset: the spikes themselves, a step later, as all that a level sends is later than the level before it.
Values are not passed on, so an input that skips a level is 0 or 1 in each step.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from math import prod
from typing import NamedTuple

import numpy as np

from basalt.convert.nir.kernels import aligned, identity, image, ungrouped
from basalt.convert.nir.mapped import Mapped, rows_of
from basalt.convert.nir.operators import Kernel, Shape, UnsaidError
from basalt.convert.nir.quantise import Quantised
from basalt.convert.nir.rows import matrix
from basalt.convert.nir.synapses import WEIGHTS_MOST, Block, apart
from basalt.records.layer import Layer

WEIGHT, THRESHOLD = 2, 1
"""Of a relay neuron."""


class Member(NamedTuple):
    """Of a level: a layer, or relay neurons of one.

    Attributes:
        source: 0 is the network's input, k the k-th layer. relay: passes on what the source sends.
    """

    source: int
    relay: bool


Level = tuple[Member, ...]


def levels_of(hears: Sequence[Sequence[int]]) -> tuple[Level, ...]:
    """All levels, from the first after the input.

    Args:
        hears: what each layer hears, in order.
    """
    of, until = [0], [0]
    for sources in hears:
        of.append(1 + max(of[source] for source in sources))
        until.append(of[-1])
        for source in sources:
            until[source] = max(until[source], of[-1] - 1)
    return tuple(
        tuple(
            [Member(source, False) for source, own in enumerate(of) if own == level]
            + [Member(source, True) for source, own in enumerate(of) if own < level <= until[source]]
        )
        for level in range(1, max(of) + 1)
    )


def levels_in(layers: Sequence[Mapped]) -> tuple[Level, ...]:
    """The levels of mapped layers."""
    return levels_of([layer.hears for layer in layers])


def level_of(layers: Sequence[Mapped]) -> dict[int, int]:
    """Layer, counted from 1 → its level."""
    return {
        member.source: number
        for number, level in enumerate(levels_in(layers), 1)
        for member in level
        if not member.relay
    }


def name_of(level: Level, layers: Sequence[Mapped]) -> str:
    """What a level's layer is called: as those that it holds."""
    return "-".join(layers[source - 1].name for source, relay in level if not relay)


def shapes_of(layers: Sequence[Mapped]) -> list[Shape]:
    """Of what the network's input and each layer send."""
    return [layers[0].blocks[0].inputs, *(layer.shape for layer in layers)]


class Relayed(NamedTuple):
    """Relay neurons: the source that they carry, the layers that they are beside, and how many they are."""

    source: int
    carries: str
    past: tuple[str, ...]
    neurons: int

    @property
    def sentence(self) -> str:
        """For people."""
        past = ", ".join(f"{name!r}" for name in self.past)
        what = f"{self.carries!r}" if self.source else self.carries
        how = "1 relay neuron carries" if self.neurons == 1 else f"{self.neurons:,} relay neurons carry"
        return f"{how} {what} past {past}"


def relays(layers: Sequence[Mapped]) -> list[Relayed]:
    """All relay neurons, by what they carry."""
    shapes, past = shapes_of(layers), dict[int, list[str]]()
    for level in levels_in(layers):
        for source, relay in level:
            if relay:
                past.setdefault(source, []).append(name_of(level, layers))
    return [
        Relayed(
            source,
            layers[source - 1].name if source else "the input",
            tuple(names),
            len(names) * prod(shapes[source]),
        )
        for source, names in sorted(past.items())
    ]


def check(layers: Sequence[Mapped], refused: dict[str, str]) -> None:
    """Refuse what cannot be one layer, by its first neuron node."""
    levels = levels_in(layers)
    for below, level in pairwise(((Member(0, False),), *levels)):
        try:
            shared(level, layers)
            if not as_it_is(below, level, layers):
                joined(below, level, layers, [layer.weight for layer in layers])
        except UnsaidError as why:
            refused.setdefault(layers[level[0].source - 1].name, str(why))


def shared(level: Level, layers: Sequence[Mapped]) -> Mapped:
    """A layer of a level, whose reset all of them have.

    Raises:
        UnsaidError: they do not have the same.
    """
    first, *others = (layers[source - 1] for source, relay in level if not relay)
    for other in others:
        if (other.reset, other.rests) != (first.reset, first.rests):
            raise UnsaidError(
                f"is as many neurons away from the input as {other.name!r}, so that they become one layer, of which "
                f"only one rests for a step after a spike; give both the same type of neuron"
            )
    if first.rests and any(relay for _, relay in level):
        raise UnsaidError(
            "rests for a step after a spike, and a connection skips it, whose relay neurons would rest too; give it "
            "a reset without rest"
        )
    return first


def as_it_is(below: Level, level: Level, layers: Sequence[Mapped]) -> bool:
    """Whether a level is one layer that hears the whole level below, which is one too."""
    return len(below) == len(level) == 1 and layers[level[0].source - 1].hears == (below[0].source,)


def joined(
    below: Level, level: Level, layers: Sequence[Mapped], weights: Sequence[np.ndarray]
) -> tuple[np.ndarray, Block]:
    """The synapses of a level: a convolution where all of it is, else a matrix.

    Args:
        weights: of each layer.

    Raises:
        UnsaidError: neither.
    """
    shapes = shapes_of(layers)
    found = kernels_joined(below, level, layers, weights, shapes)
    if found is not None:
        return found
    rows, columns = (
        dict(zip((member.source for member in members), spans([prod(shapes[one.source]) for one in members])))
        for members in (level, below)
    )
    sizes = [sum(prod(shapes[source]) for source, _ in members) for members in (level, below)]
    if sizes[0] * sizes[1] > WEIGHTS_MOST:
        raise UnsaidError(
            f"becomes one layer with what is beside it, a matrix of {sizes[0]:,} × {sizes[1]:,} weights, more than "
            f"{WEIGHTS_MOST:,} that are imported; give convolutions beside skip connections a stride of 1 and the "
            f"height and width of what is skipped"
        )
    weight = np.zeros(sizes)
    for source, relay in level:
        if relay:
            weight[rows[source], columns[source]] = WEIGHT * np.eye(prod(shapes[source]))
            continue
        for block, part in apart(weights[source - 1], layers[source - 1].blocks):
            weight[rows[source], columns[block.source]] = matrix(rows_of(block, part))
    return weight, Block(0, (sizes[1],), None)


def kernels_joined(
    below: Level, level: Level, layers: Sequence[Mapped], weights: Sequence[np.ndarray], shapes: Sequence[Shape]
) -> tuple[np.ndarray, Block] | None:
    """The same as a convolution of channels side by side; None where that is not exact."""
    images = [image(shapes[source]) for source, _ in below]
    size = images[0][1:] if images[0] else ()
    if any(one is None or one[1:] != size for one in images):
        return None
    places: list[tuple[int, int]] = []
    kernels: list[Kernel | None] = []
    for source, relay in level:
        if relay:
            places.append((source, source))
            kernels.append(identity(shapes[source][0], WEIGHT))
            continue
        for block, part in apart(weights[source - 1], layers[source - 1].blocks):
            places.append((source, block.source))
            kernels.append(None if block.kernel is None else ungrouped(block.kernel._replace(weight=part)))
    known = [one for one in kernels if one is not None]
    same = aligned(known, [size] * len(known)) if len(known) == len(kernels) else None
    if same is None:
        return None
    rows, columns = (
        dict(zip((member.source for member in members), spans([shapes[one.source][0] for one in members])))
        for members in (level, below)
    )
    outputs, channels = (sum(shapes[source][0] for source, _ in members) for members in (level, below))
    weight = np.zeros((outputs, channels, *same[0].weight.shape[2:]))
    for (source, heard), kernel in zip(places, same, strict=True):
        weight[rows[source], columns[heard]] = kernel.weight
    return weight, Block(0, (channels, *size), same[0]._replace(weight=weight))


def spans(sizes: Sequence[int]) -> list[slice]:
    """Where each of some begins and ends, side by side."""
    ends = [0, *accumulate(sizes)]
    return [slice(begin, end) for begin, end in pairwise(ends)]


def records(layers: Sequence[Quantised]) -> tuple[Layer, ...]:
    """What is deployed: a layer for each level."""
    mapped = [layer.mapped for layer in layers]
    found = []
    for below, level in pairwise(((Member(0, False),), *levels_in(mapped))):
        if not as_it_is(below, level, mapped):
            weight, block = joined(below, level, mapped, [layer.weight for layer in layers])
            whole = np.rint(weight).astype(np.int64)
            found.append(side_by_side(level, layers, whole.reshape(len(whole), -1), block).record())
        else:
            found.append(layers[level[0].source - 1].record())
    return tuple(found)


def side_by_side(level: Level, layers: Sequence[Quantised], weight: np.ndarray, block: Block) -> Quantised:
    """All of a level as one layer, with these synapses."""
    first = layers[level[0].source - 1]
    if first.threshold is None:
        return replace(first, mapped=replace(first.mapped, blocks=(block,)), weight=weight)
    mapped = [layer.mapped for layer in layers]
    shapes = shapes_of(mapped)
    parts = [relay_of(shapes[source]) if relay else layers[source - 1] for source, relay in level]

    def each(values: Callable[[Quantised], np.ndarray | None]) -> np.ndarray:
        found = ((values(part), part.mapped.neurons) for part in parts)
        return np.concatenate([np.broadcast_to(0 if one is None else one, size) for one, size in found])

    own = any(part.amount is not None for part in parts)
    neurons = sum(part.mapped.neurons for part in parts)
    recurrent = [part.recurrent for part in parts]
    return Quantised(
        mapped=replace(
            first.mapped,
            name=name_of(level, mapped),
            blocks=(block,),
            alpha=each(lambda part: part.mapped.alpha),
            beta=each(lambda part: part.mapped.beta),
            shape=(neurons,) if block.kernel is None else (len(weight), neurons // len(weight)),
        ),
        scale=np.ones(1),
        weight=weight,
        recurrent=None if all(one is None for one in recurrent) else diagonal(parts),
        drive=each(lambda part: part.drive),
        threshold=each(lambda part: part.threshold),
        order=first.order,
        amount=each(lambda part: part.threshold if part.amount is None else part.amount) if own else None,
    )


def relay_of(shape: Shape) -> Quantised:
    """Relay neurons of what has a shape; their weights are those of the level."""
    none = np.zeros(1)
    mapped = Mapped("", none, (), none, none, shape, none)
    return Quantised(mapped, np.ones(1), none, None, none.astype(np.int64), np.full(1, THRESHOLD), 0)


def diagonal(parts: Sequence[Quantised]) -> np.ndarray:
    """The recurrences of parts as one: a diagonal where all are, else a matrix."""
    sizes = [part.mapped.neurons for part in parts]
    found = np.zeros((sum(sizes),) * 2, dtype=np.int64)
    for span, part in zip(spans(sizes), parts, strict=True):
        if part.recurrent is not None:
            found[span, span] = np.diag(part.recurrent) if part.recurrent.ndim == 1 else part.recurrent
    full = any(part.recurrent is not None and part.recurrent.ndim == 2 for part in parts)
    return found if full else np.diag(found).copy()
