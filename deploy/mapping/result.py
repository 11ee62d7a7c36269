"""What comes of a mapping: where the pieces are, loads of cores and links, and hops to count."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import networkx as nx
import numpy as np
from jaxtyping import Int

from basalt.deploy.mapping.capacity import capacity
from basalt.deploy.mapping.mesh import PORT, Link, Mesh, smallest_mesh
from basalt.deploy.mapping.partition import INPUT, Piece, Rates, partition
from basalt.deploy.mapping.placement import ROUNDS, UNITS, Places, Problem, place, problem_of
from basalt.deploy.mapping.traffic import traffic_graph
from basalt.errors import BasaltError
from basalt.near_memory.core import Core
from basalt.records.network import Network


@dataclass(frozen=True, eq=False)
class Mapped:
    """A network on a mesh of cores.

    Attributes:
        network: name of the network.
        core, mesh: on what.
        pieces: in the order of their layers.
        places: the core of each.
        graph: spikes per step from piece to piece.
        problem: what was solved.
        seed: of the search.
        rates: what it was solved for.
    """

    network: str
    core: Core
    mesh: Mesh
    pieces: list[Piece]
    places: Places
    graph: nx.DiGraph
    problem: Problem
    seed: int
    rates: Rates

    @property
    def place_of(self) -> dict[str, int]:
        """Core by name of the piece; the input's is the port."""
        return {INPUT: PORT, **{piece.name: int(core) for piece, core in zip(self.pieces, self.places)}}

    @cached_property
    def links(self) -> dict[Link, float]:
        """Spikes per step over each link that any pass."""
        place, loads = self.place_of, dict[Link, float]()
        for source, target, spikes in self.graph.edges(data="spikes"):
            for link in self.mesh.route(place[source], place[target]):
                loads[link] = loads.get(link, 0.0) + spikes
        return loads

    @cached_property
    def cycles(self) -> dict[int, int]:
        """Cycles of a mean step by core; pieces that share one come one after the other."""
        return self.of_cores([piece.cycles for piece in self.pieces])

    @cached_property
    def longest(self) -> dict[int, int]:
        """Cycles by core of the step in which all memories refresh, as they do in the first."""
        return self.of_cores([piece.longest for piece in self.pieces])

    def of_cores(self, of_pieces: list[int]) -> dict[int, int]:
        """Sums over the pieces of each core that has any."""
        found: dict[int, int] = {}
        for amount, core in zip(of_pieces, self.places.tolist()):
            found[core] = found.get(core, 0) + amount
        return found

    @property
    def hops(self) -> float:
        """Hops of all spikes in a mean step: the cost that was minimised."""
        return self.problem.cost(self.places) / UNITS

    def hops_of_spikes(self) -> dict[str, Int[np.ndarray, "_neurons"]]:
        """Hops that one spike makes, over all its destinations: for each neuron of a layer, each feature of `INPUT`."""
        place, distances = self.place_of, self.problem.distances
        found = {name: np.zeros(len(rates), dtype=np.int64) for name, rates in self.rates.items()}

        def hops(node: str) -> int:
            return sum(int(distances[place[node], place[target]]) for target in self.graph.successors(node))

        found[INPUT][:] = hops(INPUT)
        for piece in self.pieces:
            found[piece.layer][piece.first : piece.first + piece.neurons] = hops(piece.name)
        return found


def map_network(
    network: Network,
    core: Core,
    rates: Rates,
    mesh: Mesh | None = None,
    share: bool = False,
    most_cycles: int | None = None,
    seed: int = 0,
    rounds: int = ROUNDS,
    update: Callable[[int, int], None] = lambda done, total: None,
) -> Mapped:
    """Split, place and route a network.

    Args:
        rates: spikes per step of each neuron, and of each feature of the input.
        mesh: the smallest that is nearly a square and has a core for each piece, if None.
        share: several pieces may be on a core.
        most_cycles: of a core, for a mean step.
        update: as that of `place`.

    Raises:
        BasaltError: a layer does not fit into a core, or the pieces do not fit on the mesh.
    """
    pieces = partition(network, core, rates, most_cycles)
    mesh = mesh or smallest_mesh(len(pieces))
    graph = traffic_graph(network, pieces, rates)
    problem = problem_of(graph, mesh, capacity(core, pieces, share, most_cycles))
    refuse_crowd(network, problem, core, share)
    places = place(problem, seed, rounds, update)
    if places is None:
        raise BasaltError(
            f"The {len(pieces)} pieces of {network.name!r} found no room on {mesh.cores} cores that they may share; "
            f"take a larger mesh: --mesh {name_of(smallest_mesh(len(pieces)))} has a core for each."
        )
    return Mapped(
        network.name,
        core,
        mesh=mesh,
        pieces=pieces,
        places=places,
        graph=graph,
        problem=problem,
        seed=seed,
        rates=rates,
    )


def refuse_crowd(network: Network, problem: Problem, core: Core, share: bool) -> None:
    """Raise where all cores together have less of something than the pieces need."""
    needs, cores = problem.capacity.needs.sum(axis=0), problem.mesh.cores
    for name, need, limit in zip(problem.capacity.names, needs, problem.capacity.limits):
        if need > limit * cores:
            others = "" if share else ", or let pieces share cores with --share"
            raise BasaltError(
                f"{network.name!r} needs {need:,.0f} {name} of cores {core.name!r}, the mesh "
                f"{name_of(problem.mesh)} has {limit * cores:,.0f}: {need - limit * cores:,.0f} more than fit; take "
                f"--mesh {name_of(smallest_mesh(problem.pieces))}{others}."
            )


def name_of(mesh: Mesh) -> str:
    """ROWSxCOLUMNS."""
    return f"{mesh.rows}x{mesh.columns}"
