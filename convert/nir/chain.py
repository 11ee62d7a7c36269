"""A graph in order: stages of operators and a neuron each, from the input to the output; they may branch and join."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import networkx as nx

from basalt.convert.nir.graph import Graph, Node
from basalt.convert.nir.operators import OPERATORS, Shape, UnsaidError
from basalt.convert.nir.stage import Stage
from basalt.convert.nir.writers import FIRING

REASONS: Mapping[str, str] = {
    "I": "integrates without a leak or a threshold, which no layer here does yet",
    "NIRGraph": "is a graph within; write the file again",
}
"""Type of node → why it is refused, where more can be said than that it is not known."""

DELAY = "Delay"
"""The type of node that passes on spikes later: neurons of their own kind."""

Refusals = dict[str, str]
"""Node → why it cannot be said here, and the way out."""


@dataclass
class Notes:
    """What is said of nodes: how each became what it is."""

    of: dict[str, list[str]] = field(default_factory=dict)

    def add(self, node: str, sentence: str) -> None:
        """A further sentence."""
        self.of.setdefault(node, []).append(sentence)


def chain(graph: Graph) -> tuple[tuple[Stage, ...], Refusals]:
    """The stages of a graph, as far as it can be followed, and what cannot be said of it, all at once."""
    refused: Refusals = {}
    for node in graph.real:
        if node.type not in OPERATORS and node.type not in FIRING and node.type not in ("Input", "Output", DELAY):
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


def follow(graph: Graph, first: Node, shape: Shape, refused: Refusals) -> tuple[Stage, ...]:
    """The stages after an input, each after all that it hears; as far as their shapes can be followed."""
    flow, back = flow_of(graph, refused)
    reached = nx.descendants(flow, first.name) | {first.name}
    loose(graph, flow, back, reached, refused)
    shapes = {first.name: shape}
    found = []
    for name in in_order(graph, flow.subgraph(reached), refused):
        node, before = graph.nodes[name], list(flow.predecessors(name))
        if name == first.name or not all(one in shapes for one in before):
            continue
        arriving = dict.fromkeys(shapes[one] for one in before)
        if len(arriving) > 1:
            which = ", ".join(f"{shapes[one]} of {one!r}" for one in before[:4])
            refused.setdefault(name, f"hears {which}, which do not add up; give all that join one shape")
            continue
        (shape,) = arriving
        if node.type in OPERATORS:
            try:
                shapes[name] = OPERATORS[node.type].shape(node, shape)
            except UnsaidError as why:
                refused.setdefault(name, str(why))
        elif node.type == "Output" and flow.in_degree(name) > 1:
            refused.setdefault(name, several(list(flow.predecessors(name))))
        elif node.type in FIRING or node.type in ("Output", DELAY):
            found.append(gathered(graph, flow, node, shape))
            if node.type != "Output":
                shapes[name] = shape
            for one in back.get(name, ())[:1]:
                reshape_back(one, shape, refused)
    return tuple(staged([join for join in found if join.computes], first, shapes, back))


def several(names: list[str]) -> str:
    """Why an output that hears several nodes is refused: most writers that trace tensors lose what hears a sum."""
    which = ", ".join(map(repr, names[:4]))
    return (
        f"hears {len(names)} nodes ({which}), as writers leave it that lose the neuron after a sum (nirtorch's "
        f"extract_nir_graph, by which snnTorch, Norse and Sinabs write); write the neuron that hears them, or one "
        f"Linear between where their sum is meant"
    )


def flow_of(graph: Graph, refused: Refusals) -> tuple[nx.MultiDiGraph, dict[str, list[Node]]]:
    """The edges of a graph but for those of neurons to themselves; and the operators of these, by neuron."""
    after = {node.name: graph.after(node.name) for node in graph.real}
    flow = nx.MultiDiGraph()
    flow.add_nodes_from(after)
    flow.add_edges_from((name, other) for name, others in after.items() for other in others)
    back: dict[str, list[Node]] = {}
    for node in graph.real:
        if node.type in FIRING and flow.has_edge(node.name, node.name):
            refused.setdefault(node.name, "sends to itself without a weight; put a Linear or Scale between")
            flow.remove_edges_from([(node.name, node.name)] * flow.number_of_edges(node.name, node.name))
        before = list(flow.predecessors(node.name))
        looped = len(before) == 1 and after[node.name] == before and graph.nodes[before[0]].type in FIRING
        if looped and node.type in ("Linear", "Affine", "Scale"):
            back.setdefault(before[0], []).append(node)
    flow.remove_nodes_from([node.name for nodes in back.values() for node in nodes])
    for name, nodes in back.items():
        if len(nodes) > 1:
            refused.setdefault(name, f"has {len(nodes)} recurrences; add their weights up into one")
    return flow, back


def loose(
    graph: Graph, flow: nx.MultiDiGraph, back: Mapping[str, list[Node]], reached: set[str], refused: Refusals
) -> None:
    """Refuse what leads nowhere, comes from nowhere, or to a second output."""
    recurrent = {node.name for nodes in back.values() for node in nodes}
    outputs = [node.name for node in graph.real if node.type == "Output" and node.name in reached]
    for node in graph.real:
        name = node.name
        if name in reached and node.type != "Output" and not flow.out_degree(name):
            refused.setdefault(name, "leads to no output; write the graph to its end")
        elif outputs and name not in reached and name not in recurrent:
            refused.setdefault(name, "is not on the way from the input to the output; remove it")
        elif name in outputs[1:]:
            refused.setdefault(
                name, f"is an output beside {outputs[0]!r}, and a network here has one; keep one of them"
            )


def in_order(graph: Graph, flow: nx.MultiDiGraph, refused: Refusals) -> list[str]:
    """Names, each after all that it hears, else as the graph has them; loops are refused, and left out."""
    place = {name: position for position, name in enumerate(graph.nodes)}
    flow = flow.copy()
    for knot in list(nx.strongly_connected_components(flow)):
        names = sorted(knot, key=place.__getitem__)
        if len(names) > 1 or flow.has_edge(names[0], names[0]):
            through = ", ".join(map(repr, names[:4])) + (", …" if len(names) > 4 else "")
            refused.setdefault(
                names[0],
                f"is part of a loop through {through}, which is not imported; a neuron may hear itself through one "
                f"Linear, Affine or Scale",
            )
            flow.remove_nodes_from(names)
    return list(nx.lexicographical_topological_sort(flow, key=place.__getitem__))


@dataclass(frozen=True, eq=False)
class Join:
    """A neuron, a delay or the output, with all operators between it and what it hears.

    Attributes:
        sources: names of the neurons and the input that it hears. operators: in order.
        before: of each operator, and of itself, the names that it hears; one may be heard twice.
    """

    node: Node
    shape: Shape
    sources: tuple[str, ...]
    operators: tuple[Node, ...]
    before: Mapping[str, tuple[str, ...]]

    @property
    def computes(self) -> bool:
        """Whether it is a stage: an output that says again what a neuron sends is none."""
        return self.node.type != "Output" or bool(self.operators)


def gathered(graph: Graph, flow: nx.MultiDiGraph, node: Node, shape: Shape) -> Join:
    """What ends in a node."""
    between, sources, pending = dict[str, None](), dict[str, None](), [node.name]
    while pending:
        for one in flow.predecessors(pending.pop()):
            if graph.nodes[one].type not in OPERATORS:
                sources[one] = None
            elif one not in between:
                between[one] = None
                pending.append(one)
    names = [*in_order(graph, flow.subgraph(between), {}), node.name]
    before = {name: tuple(one for one, _ in flow.in_edges(name)) for name in names}
    return Join(node, shape, tuple(sources), tuple(graph.nodes[name] for name in names[:-1]), before)


def staged(
    joins: Sequence[Join], first: Node, shapes: Mapping[str, Shape], back: Mapping[str, list[Node]]
) -> Iterator[Stage]:
    """The stages of all that is computed, in order."""
    number = {first.name: 0} | {join.node.name: order for order, join in enumerate(joins, 1)}
    for join in joins:
        ends = join.node.type == "Output"
        sources = sorted(join.sources, key=number.__getitem__)
        place = {name: at for at, name in enumerate([*sources, *(node.name for node in join.operators)])}
        hears = {name: tuple(place[one] for one in before) for name, before in join.before.items()}
        yield Stage(
            name=join.operators[-1].name if ends else join.node.name,
            sources=tuple(number[source] for source in sources),
            shapes=tuple(shapes[source] for source in sources),
            operators=join.operators,
            hears=tuple(hears[node.name] for node in join.operators),
            ends=hears[join.node.name],
            neuron=None if ends else join.node,
            back=() if ends else tuple(back.get(join.node.name, ())[:1]),
            sends=join.shape,
        )


def reshape_back(node: Node, shape: Shape, refused: Refusals) -> None:
    """A recurrence takes and gives what the neuron sends."""
    try:
        if OPERATORS[node.type].shape(node, shape) != shape:
            raise UnsaidError("does not give as many as it takes; write a square matrix")
    except UnsaidError as why:
        refused.setdefault(node.name, str(why))
