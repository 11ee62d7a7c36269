"""Which spikes travel between the pieces of a network, and how many."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import networkx as nx

from basalt.deploy.energy.counts import parse_counts
from basalt.deploy.mapping.partition import DECIMALS, INPUT, Piece, Rates
from basalt.errors import BasaltError
from basalt.records.network import Network


def traffic_graph(network: Network, pieces: list[Piece], rates: Rates) -> nx.DiGraph:
    """The pieces and the input, with an edge where spikes of one reach the other: `spikes`, how many per step.

    A spike goes to every piece of the next layer, and of its own where that is recurrent, as a packet for each core:
    there is no multicast in the mesh.
    """
    graph = nx.DiGraph(name=network.name)
    graph.add_node(INPUT)
    graph.add_nodes_from(piece.name for piece in pieces)
    by_layer: dict[str, list[Piece]] = {}
    for piece in pieces:
        by_layer.setdefault(piece.layer, []).append(piece)
    names = [layer.name for layer in network.layers]
    for target in by_layer[names[0]]:
        graph.add_edge(INPUT, target.name, spikes=round(float(rates[INPUT].sum()), DECIMALS))
    for name, following in zip(names, [*names[1:], None]):
        for piece in by_layer[name]:
            hearers = list(by_layer[following]) if following else []
            hearers += [other for other in by_layer[name] if other is not piece and piece.sizes.recurrent]
            for target in hearers:
                graph.add_edge(piece.name, target.name, spikes=round(piece.fired, DECIMALS))
    return graph


def counted_spikes(counts: Mapping[str, Any], network: Network, path: Path) -> dict[str, float]:
    """Mean spikes per step of the input and of every layer, from the content of a counts.json.

    Raises:
        BasaltError: it is of another network, or of a run that counted nothing.
    """
    checked = parse_counts(dict(counts))
    total: dict[str, int] = {}
    for process in checked.processes:
        total[process.name] = total.get(process.name, 0) + sum(process.counters.get("spikes_out", ()))
    missing = [layer.name for layer in network.layers if layer.name not in total]
    if missing:
        raise BasaltError(f"{path} has no counts of layer {missing[0]!r}: run this network with `basalt run`.")
    if not any(total.values()):
        raise BasaltError(f"{path} counts no spikes: run the network on a backend that counts, or give a --rate.")
    return {name: spikes / (checked.samples * checked.steps) for name, spikes in total.items()}
