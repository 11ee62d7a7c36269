"""A stage: all operators on the way to a neuron, and the neuron that they end in."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from basalt.convert.nir.graph import Node
from basalt.convert.nir.operators import OPERATORS, Shape

Places = tuple[int, ...]
"""Of what an operator or neuron hears: the sum of all of them; one may be heard twice."""


@dataclass(frozen=True, eq=False)
class Stage:
    """Operators, and the neuron that they end in.

    What they hear stands in places: what the sources send, in order, and then what each operator makes of it.

    Attributes:
        name: what the layer is called: as its neuron, or its last operator.
        sources: 0 is the network's input, k what the k-th stage sends. shapes: of what each sends.
        operators: in order, so that each hears what stands before it.
        hears: places that each operator hears.
        ends: places that the neuron hears.
        neuron: None for the sums at the end of a network.
        back: operators from the neuron's output to its input.
        sends: shape of what arrives at the neuron.
    """

    name: str
    sources: tuple[int, ...]
    shapes: tuple[Shape, ...]
    operators: tuple[Node, ...]
    hears: tuple[Places, ...]
    ends: Places
    neuron: Node | None
    back: tuple[Node, ...]
    sends: Shape

    @property
    def shape(self) -> Shape:
        """Of what its first source sends."""
        return self.shapes[0]

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All nodes of it."""
        return (*self.operators, *(() if self.neuron is None else (self.neuron,)), *self.back)

    @property
    def real(self) -> tuple[Node, ...]:
        """Operators that do more than to lay out anew."""
        return tuple(node for node in self.operators if node.type != "Flatten")

    @property
    def row(self) -> bool:
        """Whether its operators are one after the other, from one source."""
        return self.hears == tuple((place,) for place in range(len(self.operators))) and self.ends == (
            len(self.operators),
        )

    def heard(self) -> Iterator[tuple[Node, Places, Shape]]:
        """Each operator, the places that it hears, and the shape of what stands in them."""
        shapes = list(self.shapes)
        for node, places in zip(self.operators, self.hears, strict=True):
            yield node, places, shapes[places[0]]
            shapes.append(OPERATORS[node.type].shape(node, shapes[places[0]]))

    def through(self, frames: Sequence[np.ndarray]) -> np.ndarray:
        """What frames of all sources, (frames, *shape), are after all operators."""
        stand = list(frames)
        for node, places in zip(self.operators, self.hears, strict=True):
            stand.append(OPERATORS[node.type].apply(node, added(stand, places)))
        return added(stand, self.ends)

    def paths(self, source: int, most: int) -> list[tuple[Node, ...]] | None:
        """The operators of each way from a source's place to the neuron; None if there are more than `most`."""
        ways: list[list[tuple[Node, ...]]] = [[()] if place == source else [] for place in range(len(self.sources))]
        for node, places in zip(self.operators, self.hears, strict=True):
            ways.append([(*way, node) for place in places for way in ways[place]])
            if len(ways[-1]) > most:
                return None
        found = [way for place in self.ends for way in ways[place]]
        return found if len(found) <= most else None


def added(stand: Sequence[np.ndarray], places: Places) -> np.ndarray:
    """The sum of what stands in some places."""
    first, *others = (stand[place] for place in places)
    return sum(others, first)
