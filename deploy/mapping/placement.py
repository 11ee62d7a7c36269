"""Where the pieces go: a wound order of the layers to begin with, then moves and swaps while the cost falls.

    cost = Σ over edges of spikes per step · hops,  hops = |rows apart| + |columns apart|

is a quadratic assignment, for which no fast exact method is known. Costs are sums of millionths of spikes, exact in
double precision, so that a search with the same seed ends with the same placement everywhere.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import networkx as nx
import numpy as np
from jaxtyping import Bool, Float, Int

from basalt.deploy.mapping.capacity import Capacity
from basalt.deploy.mapping.mesh import PORT, Mesh
from basalt.deploy.mapping.partition import DECIMALS, INPUT

Places = Int[np.ndarray, "pieces"]
"""The core of each piece."""

ROUNDS = 500
"""Shakes by default; docs/mapping.md has what eight times as many gain."""

HIGHEST = 8
"""Rows of the highest band to begin with."""

UNITS = 10**DECIMALS
"""Of cost in a spike · hop."""


@dataclass(frozen=True, eq=False)
class Problem:
    """What is to be placed.

    Attributes:
        mesh: on which.
        capacity: what the pieces need and a core has.
        traffic: spikes per step between two pieces, both ways together, in millionths.
        inflow: those of the input to each piece.
        distances: hops between cores.
    """

    mesh: Mesh
    capacity: Capacity
    traffic: Float[np.ndarray, "pieces pieces"]
    inflow: Float[np.ndarray, "pieces"]
    distances: Float[np.ndarray, "cores cores"]

    @property
    def pieces(self) -> int:
        """How many there are."""
        return len(self.inflow)

    def costs(self, places: Places) -> Float[np.ndarray, "pieces cores"]:
        """What the edges of each piece would cost with it on each core, and all others where they are."""
        return self.traffic @ self.distances[places] + np.outer(self.inflow, self.distances[PORT])

    def cost(self, places: Places) -> float:
        """Of a placement, in millionths of spikes · hops per step."""
        between = float((self.traffic * self.distances[np.ix_(places, places)]).sum()) / 2
        return between + float(self.inflow @ self.distances[PORT][places])

    def loads(self, places: Places) -> Float[np.ndarray, "cores resources"]:
        """What the pieces of each core need together."""
        loads = np.zeros((self.mesh.cores, len(self.capacity.limits)))
        np.add.at(loads, places, self.capacity.needs)
        return loads


def problem_of(graph: nx.DiGraph, mesh: Mesh, capacity: Capacity) -> Problem:
    """From a traffic graph whose first node is the input."""
    one_way = np.round(nx.to_numpy_array(graph, weight="spikes") * UNITS)
    assert next(iter(graph)) == INPUT
    pieces = one_way[1:, 1:]
    return Problem(mesh, capacity, pieces + pieces.T, one_way[0, 1:], mesh.distances().astype(float))


def fill(problem: Problem, order: list[int]) -> Places | None:
    """The pieces in the order of their layers, each on the first core in `order` that has room; None if one has not.

    In a chain of layers every prefix has but one layer's spikes going out: no order cuts less.
    """
    found = first_fit(problem, order, np.arange(problem.pieces))
    if found is None:
        largest = (problem.capacity.needs / problem.capacity.limits).max(axis=1)
        found = first_fit(problem, order, np.argsort(-largest, kind="stable"))
    return found


def first_fit(problem: Problem, order: list[int], pieces: np.ndarray) -> Places | None:
    """Each piece in turn on the first core that has room."""
    loads = np.zeros((problem.mesh.cores, len(problem.capacity.limits)))
    places = np.zeros(problem.pieces, dtype=np.int64)
    for piece in pieces:
        room = problem.capacity.fits(loads[order] + problem.capacity.needs[piece])
        if not room.any():
            return None
        places[piece] = order[int(room.argmax())]
        loads[places[piece]] += problem.capacity.needs[piece]
    return places


def wound(problem: Problem) -> list[Places]:
    """The pieces along bands of cores of every height up to `HIGHEST`; none if they do not fit."""
    heights = range(1, min(problem.mesh.rows, HIGHEST) + 1)
    every = (fill(problem, problem.mesh.snake(height)) for height in heights)
    return [places for places in every if places is not None]


class Search:
    """A placement that is made better step by step, with its cost kept up to date."""

    def __init__(self, problem: Problem, places: Places) -> None:
        self.problem = problem
        self.places = places.copy()
        self.cost = problem.cost(places)
        self.costs = problem.costs(places)
        self.loads = problem.loads(places)

    def move(self, piece: int, core: int) -> None:
        """Put a piece on another core."""
        old = self.places[piece]
        self.cost += self.costs[piece, core] - self.costs[piece, old]
        self.costs += np.outer(self.problem.traffic[piece], self.problem.distances[core] - self.problem.distances[old])
        self.loads[old] -= self.problem.capacity.needs[piece]
        self.loads[core] += self.problem.capacity.needs[piece]
        self.places[piece] = core

    def swap(self, piece: int, other: int) -> None:
        """Exchange two pieces."""
        first, second = int(self.places[piece]), int(self.places[other])
        self.move(piece, second)
        self.move(other, first)

    def moved(self) -> Float[np.ndarray, "pieces cores"]:
        """What each move would add to the cost."""
        return self.costs - self.here()[:, None]

    def swapped(self) -> Float[np.ndarray, "pieces pieces"]:
        """What each exchange would add: both go where the other was, and are as far apart as before."""
        there = self.costs[:, self.places]
        between = self.problem.traffic * self.problem.distances[np.ix_(self.places, self.places)]
        gain = there - self.here()[:, None]
        return gain + gain.T + 2 * between

    def here(self) -> Float[np.ndarray, "pieces"]:
        """What the edges of each piece cost where it is."""
        return self.costs[np.arange(self.problem.pieces), self.places]

    def descend(self) -> None:
        """The move that saves most, or else the exchange that does, until none saves anything."""
        while self.step():
            pass

    def step(self) -> bool:
        """The best move or exchange that fits; False if there is none."""
        for gains, apply, fits in (
            (np.minimum(self.moved(), 0) * self.open_cores(), self.move, self.move_fits),
            (np.minimum(self.swapped(), 0), self.swap, self.swap_fits),
        ):
            for piece, other in falling(gains):
                if fits(piece, other):
                    apply(piece, other)
                    return True
        return False

    def open_cores(self) -> Bool[np.ndarray, "cores"]:
        """Where there is room for a piece that needs as little of everything as any does."""
        return self.problem.capacity.fits(self.loads + self.problem.capacity.needs.min(axis=0))

    def move_fits(self, piece: int, core: int) -> bool:
        """Whether a core has room for a piece."""
        return bool(self.problem.capacity.fits(self.loads[core] + self.problem.capacity.needs[piece]))

    def swap_fits(self, piece: int, other: int) -> bool:
        """Whether each has room where the other is."""
        needs = self.problem.capacity.needs
        change = needs[other] - needs[piece]
        here, there = self.loads[self.places[piece]], self.loads[self.places[other]]
        fits = self.problem.capacity.fits
        return bool(fits(here + change) and fits(there - change))

    def kick(self, rng: np.random.Generator) -> None:
        """Exchange some pieces at random, as far as they fit."""
        for _ in range(int(rng.integers(2, 5))):
            piece, core = int(rng.integers(self.problem.pieces)), int(rng.integers(self.problem.mesh.cores))
            there = np.flatnonzero(self.places == core)
            if self.move_fits(piece, core):
                self.move(piece, core)
            elif len(there) and self.swap_fits(piece, int(there[0])):
                self.swap(piece, int(there[0]))


def falling(gains: Float[np.ndarray, "rows columns"]) -> Iterator[tuple[int, int]]:
    """Where entries are below 0, the lowest first; sorted only once the lowest was of no use."""
    row, column = divmod(int(gains.argmin()), gains.shape[1])
    if gains[row, column] < 0:
        yield row, column
        flat = np.flatnonzero(gains < 0)
        for index in flat[np.argsort(gains.ravel()[flat], kind="stable")]:
            yield divmod(int(index), gains.shape[1])


def place(
    problem: Problem,
    seed: int = 0,
    rounds: int = ROUNDS,
    update: Callable[[int, int], None] = lambda done, total: None,
) -> Places | None:
    """A placement of little cost; None if the pieces do not fit by first fit.

    From each wound order moves and exchanges are made while the cost falls. Then the best placement is shaken `rounds`
    times, some pieces being exchanged at random; what is not worse when the cost has fallen again is kept.

    Args:
        update: called with (starts and rounds done, and in all).
    """
    starts = wound(problem)
    if not starts:
        return None
    every = len(starts) + rounds
    searches = []
    for done, start in enumerate(starts, 1):
        searches.append(Search(problem, start))
        searches[-1].descend()
        update(done, every)
    search = min(searches, key=lambda search: search.cost)
    rng = np.random.default_rng(seed)
    places, cost = search.places.copy(), search.cost
    for done in range(rounds):
        search.kick(rng)
        search.descend()
        if search.cost <= cost:
            places, cost = search.places.copy(), search.cost
        else:
            search = Search(problem, places)
        update(len(starts) + done + 1, every)
    return places


def shuffled(problem: Problem, places: Places, rng: np.random.Generator) -> Places:
    """The same pieces together, on cores drawn at random."""
    return rng.permutation(problem.mesh.cores)[places]


def lower_bound(problem: Problem) -> float:
    """No placement with one piece per core costs less: each piece next to those that it exchanges most with.

    From any core, the n-th nearest other core is at least as far as from the core where it is nearest; partners that
    exchange more are taken to be nearer. Each edge is seen from both ends, hence the half. Of the input's, the
    piece that takes most is at the port.
    """
    nearest = np.sort(problem.distances, axis=1).min(axis=0)
    most = -np.sort(-problem.traffic, axis=1)
    partners = min(most.shape[1] - 1, len(nearest) - 1)
    between = float((most[:, :partners] @ nearest[1 : partners + 1]).sum()) / 2
    inflow = -np.sort(-problem.inflow)
    return between + float(inflow @ np.sort(problem.distances[PORT])[: len(inflow)])
