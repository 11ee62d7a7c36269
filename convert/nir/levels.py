"""Layers that branch and join as Basalt's, each of which hears the one before it, and is a step later.

A layer's level is one more than the highest of those that it hears. All of one level become one layer, side by side
(`joined.py`). What is heard beyond the next level is passed on by relay neurons, one in each level between:

    u[t] = 2·s[t−1] (current decay 4096), v = u (voltage decay 4096), s = v > 1

whatever the reset: the spikes themselves, a step later, as all that a level sends is later than the level before it.
Values are not passed on, so an input that skips a level is 0 or 1 in each step. Where a layer has no bias of its own,
its biases are weights of a neuron in the level below that is always on: a relay neuron with a bias of 2. A delay is
that of the neurons that are delayed, where nobody hears them without it; else of relay neurons in a level of their own.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import NamedTuple

from basalt.convert.nir.events import ALWAYS
from basalt.convert.nir.kernels import folded_shape, image
from basalt.convert.nir.mapped import Mapped
from basalt.convert.nir.operators import Shape
from basalt.convert.nir.synapses import Block


class Member(NamedTuple):
    """Of a level: a layer, or relay neurons of one.

    Attributes:
        source: 0 is the network's input, k the k-th layer, or `ALWAYS`. relay: passes on what the source sends.
        fold: of relay neurons, rows and columns of the source's image that became channels (`kernels.fold`): where
            convolutions beside them halve the image, it is so folded, and they stay convolutions.
    """

    source: int
    relay: bool
    fold: tuple[int, int] = (1, 1)


Level = tuple[Member, ...]


@dataclass(frozen=True, eq=False)
class Arranged:
    """Layers in levels.

    Attributes:
        layers: with their delays. of, sends: which of the layers as they were, counted from 1, each is, and which it
            sends as: another where that only delays it.
        levels: from the first after the input.
    """

    layers: tuple[Mapped, ...]
    of: tuple[int, ...]
    sends: tuple[int, ...]
    levels: tuple[Level, ...]

    @property
    def shapes(self) -> list[Shape]:
        """Of what the network's input and each layer send."""
        heard = (
            block.inputs for layer in self.layers if not layer.passes for block in layer.blocks if not block.source
        )
        return [next(heard, self.layers[0].shape), *(layer.shape for layer in self.layers)]

    def sent_by(self, level: Level) -> list[Shape]:
        """Shapes of all of a level; what is always on is a channel, of which one neuron spikes, where others have."""
        shapes = self.shapes
        sent = {one.source: folded_shape(shapes[one.source], one.fold) for one in level if one.source != ALWAYS}
        images = set(map(image, sent.values()))
        sizes = {None if one is None else one[1:] for one in images}
        (size,) = sizes if len(sizes) == 1 else (None,)
        return [sent.get(one.source, (1, *(size or ()))) for one in level]

    @property
    def level_of(self) -> dict[int, int]:
        """Layer as it was → its level."""
        return {
            number: order
            for order, level in enumerate(self.levels, 1)
            for source, relay, _ in level
            if not relay
            for number in (self.of[source - 1], self.sends[source - 1])
        }

    def name_of(self, level: Level) -> str:
        """What a level's layer is called: as those that it holds."""
        return "-".join(self.layers[source - 1].name for source, relay, _ in level if not relay) or "relays"

    @property
    def relays(self) -> "list[Relayed]":
        """All relay neurons, by what they carry."""
        past: dict[int, list[str]] = {}
        neurons: Counter[int] = Counter()
        for level in self.levels:
            for (source, relay, _), shape in zip(level, self.sent_by(level), strict=True):
                if relay:
                    past.setdefault(source, []).append(self.name_of(level))
                    neurons[source] += 1 if source == ALWAYS else prod(shape)
        return [
            Relayed(
                source if source < 1 else self.of[source - 1],
                self.layers[source - 1].name if source > 0 else "the input",
                tuple(names),
                neurons[source],
            )
            for source, names in sorted(past.items())
        ]

    @property
    def relays_input(self) -> bool:
        """Whether spikes of the input are passed on, or delayed."""
        return any(one.source == 0 for one in self.relays) or any(
            layer.passes and not layer.hears[0] for layer in self.layers
        )


class Relayed(NamedTuple):
    """Relay neurons: the layer as it was that they carry, the layers that they are beside, and how many they are."""

    source: int
    carries: str
    past: tuple[str, ...]
    neurons: int

    @property
    def sentence(self) -> str:
        """For people."""
        past = ", ".join(f"{name!r}" for name in self.past)
        if self.source == ALWAYS:
            what = "neuron that is" if self.neurons == 1 else "neurons that are"
            return f"{self.neurons:,} {what} always on, beside {past}, for biases of what follows"
        what = f"{self.carries!r}" if self.source else self.carries
        how = "1 relay neuron carries" if self.neurons == 1 else f"{self.neurons:,} relay neurons carry"
        return f"{how} {what} past {past}"


def arranged(layers: Sequence[Mapped]) -> Arranged:
    """Layers in levels; those that only delay one that nobody else hears become its delay."""
    heard = Counter(source for layer in layers for source in layer.hears)
    delays = {
        layer.hears[0]: number
        for number, layer in enumerate(layers, 1)
        if layer.passes and layer.hears[0] and heard[layer.hears[0]] == 1 and not layers[layer.hears[0] - 1].passes
    }
    kept, place = [], {0: 0, ALWAYS: ALWAYS}
    for number in range(1, len(layers) + 1):
        if number in delays.values():
            place[number] = place[layers[number - 1].hears[0]]
        else:
            kept.append(number)
            place[number] = len(kept)
    found = []
    for number in kept:
        layer, late = layers[number - 1], layers[delays.get(number, number) - 1]
        blocks = tuple(block._replace(source=place[block.source]) for block in layer.blocks)
        found.append(replace(layer, blocks=blocks, delay=late.delay))
    sends = tuple(delays.get(number, number) for number in kept)
    levels = folded(levels_of([layer.hears for layer in found]), found)
    return Arranged(tuple(found), tuple(kept), sends, levels)


def folded(levels: Sequence[Level], layers: Sequence[Mapped]) -> tuple[Level, ...]:
    """Levels whose relay neurons are folded as the convolutions beside them stride."""
    found: list[Level] = []
    before: dict[int, tuple[int, int]] = {}
    for level in levels:
        blocks = [block for one in level if not one.relay for block in layers[one.source - 1].blocks]
        strides = {strided(block, before.get(block.source, (1, 1))) for block in blocks}
        (step,) = strides if len(strides) == 1 else (None,)
        taken = [
            one._replace(fold=times(before.get(one.source, (1, 1)), step or (1, 1))) if one.relay else one
            for one in level
        ]
        before = {one.source: one.fold for one in taken}
        found.append(tuple(taken))
    return tuple(found)


def strided(block: Block, fold: tuple[int, int]) -> tuple[int, int] | None:
    """The stride of a convolution over an image that is folded; None where there is none."""
    if block.kernel is None or any(step % by for step, by in zip(block.kernel.stride, fold)):
        return None
    return block.kernel.stride[0] // fold[0], block.kernel.stride[1] // fold[1]


def times(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    """The product of two folds."""
    return one[0] * other[0], one[1] * other[1]


def levels_of(hears: Sequence[Sequence[int]]) -> tuple[Level, ...]:
    """All levels, from the first after the input.

    Args:
        hears: what each layer hears, in order.
    """
    of, until = [0], [0]
    on = set()
    for sources in hears:
        of.append(1 + max(1 if source == ALWAYS else of[source] for source in sources))
        until.append(of[-1])
        for source in sources:
            if source == ALWAYS:
                on.add(of[-1] - 1)
            else:
                until[source] = max(until[source], of[-1] - 1)
    return tuple(
        tuple(
            [Member(source, False) for source, own in enumerate(of) if own == level]
            + [Member(source, True) for source, own in enumerate(of) if own < level <= until[source]]
            + [Member(ALWAYS, True) for _ in range(level in on)]
        )
        for level in range(1, max(of) + 1)
    )
