"""What a NIR file holds: nodes with numbers, and edges between them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

Edges = tuple[tuple[str, str], ...]


@dataclass(frozen=True, eq=False)
class Node:
    """A node of a graph.

    Attributes:
        name: its own, within nested graphs "graph.node".
        type: of NIR.
        values: its numbers, by NIR's names.
        words: its texts.
        metadata: numbers and texts beside them, which NIR leaves to whoever writes a file.
    """

    name: str
    type: str
    values: Mapping[str, Float[np.ndarray, "..."]] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, float | str | Float[np.ndarray, "..."]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Graph:
    """A graph without nested ones: the inputs and outputs of those are nodes of the type `Within`, which pass on."""

    nodes: Mapping[str, Node]
    edges: Edges

    def after(self, name: str) -> list[str]:
        """The nodes that a node sends to; nodes that only pass on are looked through."""
        return [found for one, other in self.edges if one == name for found in self.through(other, "after", ())]

    def before(self, name: str) -> list[str]:
        """The nodes that send to a node, likewise."""
        return [found for one, other in self.edges if other == name for found in self.through(one, "before", ())]

    def through(self, name: str, way: str, seen: tuple[str, ...]) -> Iterator[str]:
        """The node, or where it only passes on, those that it passes on to."""
        if self.nodes[name].type != WITHIN:
            yield name
        elif name not in seen:
            for one, other in self.edges:
                here, there = (one, other) if way == "after" else (other, one)
                if here == name:
                    yield from self.through(there, way, (*seen, name))

    @property
    def real(self) -> list[Node]:
        """The nodes that do something."""
        return [node for node in self.nodes.values() if node.type != WITHIN]


WITHIN = "Within"
"""The type of the inputs and outputs of nested graphs."""
