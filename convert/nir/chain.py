"""A graph in order: from the input through stages of operators and a neuron each, to the output."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from basalt.convert.nir.graph import Graph, Node
from basalt.convert.nir.operators import OPERATORS, Shape, UnsaidError
from basalt.convert.nir.writers import NEURONS

REASONS: Mapping[str, str] = {
    "Threshold": "spikes without a state; write the neuron that it belongs to as LIF or IF",
    "Delay": "delays what it passes on, which is not imported yet",
    "I": "integrates without a leak or a threshold, which no layer here does yet",
    "NIRGraph": "is a graph within; write the file again",
}
"""Type of node → why it is refused, where more can be said than that it is not known."""

Refusals = dict[str, str]
"""Node → why it cannot be said here, and the way out."""


@dataclass
class Notes:
    """What is said of nodes: how each became what it is."""

    of: dict[str, list[str]] = field(default_factory=dict)

    def add(self, node: str, sentence: str) -> None:
        """A further sentence."""
        self.of.setdefault(node, []).append(sentence)


@dataclass(frozen=True, eq=False)
class Stage:
    """Operators, and the neuron that they end in.

    Attributes:
        operators: in order.
        neuron: None for the sums at the end of a network.
        back: operators from the neuron's output to its input.
        shape: of what arrives.
        sends: shape of what the operators make.
    """

    operators: tuple[Node, ...]
    neuron: Node | None
    back: tuple[Node, ...]
    shape: Shape
    sends: Shape

    @property
    def name(self) -> str:
        """What the layer is called: as its neuron, or its last operator."""
        return self.operators[-1].name if self.neuron is None else self.neuron.name

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All nodes of it."""
        return (*self.operators, *(() if self.neuron is None else (self.neuron,)), *self.back)


def chain(graph: Graph) -> tuple[tuple[Stage, ...], Refusals]:
    """The stages of a graph, as far as it can be followed, and what cannot be said of it, all at once."""
    refused: Refusals = {}
    for node in graph.real:
        if node.type not in OPERATORS and node.type not in NEURONS and node.type not in ("Input", "Output"):
            refused[node.name] = REASONS.get(node.type, "is of a type that is not imported; write it in other nodes")
        elif node.type in REASONS:
            refused[node.name] = REASONS[node.type]
    inputs = [node for node in graph.real if node.type == "Input"]
    if len(inputs) != 1:
        refused["the graph"] = f"has {len(inputs)} Input nodes, not one; write one input"
        return (), refused
    shape = shape_of(inputs[0])
    if shape is None:
        refused[inputs[0].name] = "has no shape; write it with input_type"
        return (), refused
    return follow(graph, inputs[0], without_batch(graph, inputs[0], shape), refused), refused


def without_batch(graph: Graph, first: Node, shape: Shape) -> Shape:
    """The shape of one sample, where Norse wrote a batch of one, which what follows does not take."""
    following = [graph.nodes[name] for name in graph.after(first.name)]
    if len(shape) < 2 or shape[0] != 1 or not following or any(node.type not in OPERATORS for node in following):
        return shape
    try:
        for node in following:
            OPERATORS[node.type].shape(node, shape)
    except UnsaidError:
        return shape[1:]
    return shape


def shape_of(node: Node) -> Shape | None:
    """The shape that an Input says."""
    found = node.values.get("shape")
    if found is None or not found.size or found.size > 4 or not all(1 <= one <= 1 << 20 for one in found.reshape(-1)):
        return None
    return tuple(int(one) for one in found.reshape(-1))


def follow(graph: Graph, at: Node, shape: Shape, refused: Refusals) -> tuple[Stage, ...]:
    """The stages after an input; ends where the graph does, or where it cannot be followed."""
    stages: list[Stage] = []
    pending: list[Node] = []
    begins = shape
    seen = {at.name}
    while True:
        back = loop(graph, at, refused) if at.type in NEURONS else ()
        if at.type in NEURONS:
            stages.append(Stage(tuple(pending), at, back, begins, shape))
            pending, begins = [], shape
            if back and at.name not in refused:
                reshape_back(back, shape, refused)
        following = [graph.nodes[one] for one in graph.after(at.name) if one not in {node.name for node in back[:1]}]
        if len(following) != 1:
            refused.setdefault(at.name, branching(following, "sends to"))
            break
        before = [one for one in graph.before(following[0].name) if one not in {node.name for node in loops(graph)}]
        if len(set(before)) > 1:
            refused.setdefault(following[0].name, branching([graph.nodes[one] for one in before], "hears"))
        at = following[0]
        if at.name in seen:
            refused.setdefault(at.name, "is part of a loop through several neuron nodes, which is not imported yet")
            break
        seen.add(at.name)
        if at.type == "Output":
            break
        if at.type in OPERATORS:
            try:
                shape = OPERATORS[at.type].shape(at, shape)
            except UnsaidError as why:
                refused.setdefault(at.name, str(why))
                break
            pending.append(at)
        elif at.type not in NEURONS:
            break
    if pending:
        stages.append(Stage(tuple(pending), None, (), begins, shape))
    unread = [node.name for node in graph.real if node.name not in seen and node.name not in refused]
    known = {node.name for node in loops(graph)}
    if at.type == "Output":
        for name in unread:
            if name not in known:
                refused[name] = "is not on the way from the input to the output; remove it"
    return tuple(stages)


def branching(nodes: list[Node], how: str) -> str:
    """Why a branch is refused."""
    if not nodes:
        return "leads to no output; write the graph to its end"
    names = ", ".join(repr(node.name) for node in nodes[:4])
    return f"{how} {len(nodes)} nodes ({names}): branches are not imported yet"


def loop(graph: Graph, neuron: Node, refused: Refusals) -> tuple[Node, ...]:
    """The operators of a neuron's recurrence: one Linear, Affine or Scale from its output to its input."""
    found = [node for node in loops(graph) if graph.before(node.name) == [neuron.name]]
    if neuron.name in graph.after(neuron.name):
        refused.setdefault(neuron.name, "sends to itself without a weight; put a Linear or Scale between")
    if len(found) > 1:
        refused.setdefault(neuron.name, f"has {len(found)} recurrences; add their weights up into one")
    return tuple(found[:1])


def loops(graph: Graph) -> list[Node]:
    """Operators that send to the one node that they hear."""
    return [
        node
        for node in graph.nodes.values()
        if node.type in ("Linear", "Affine", "Scale")
        and len(graph.before(node.name)) == 1
        and graph.after(node.name) == graph.before(node.name)
    ]


def reshape_back(back: tuple[Node, ...], shape: Shape, refused: Refusals) -> None:
    """The recurrence takes and gives what the neuron sends."""
    try:
        if OPERATORS[back[0].type].shape(back[0], shape) != shape:
            raise UnsaidError("does not give as many as it takes; write a square matrix")
    except UnsaidError as why:
        refused.setdefault(back[0].name, str(why))
