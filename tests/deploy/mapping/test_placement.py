"""Routes, costs and the search: exact, repeatable, and the best there is where that can be known."""

from itertools import pairwise, permutations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from basalt.deploy.mapping.capacity import Capacity
from basalt.deploy.mapping.mesh import PORT, Mesh, parse_mesh, smallest_mesh
from basalt.deploy.mapping.partition import INPUT
from basalt.deploy.mapping.placement import Problem, Search, lower_bound, place, problem_of, shuffled, wound
from basalt.errors import BasaltError

MESHES = st.builds(Mesh, st.integers(1, 4), st.integers(1, 4))


def drawn(mesh: Mesh, pieces: int, seed: int, room: int = 1) -> Problem:
    """Traffic between any two pieces; up to `room` of them may share a core."""
    rng = np.random.default_rng(seed)
    graph = nx.DiGraph()
    graph.add_nodes_from([INPUT, *range(pieces)])
    for source in (INPUT, *range(pieces)):
        for target in range(pieces):
            if source != target and rng.random() < 0.5:
                graph.add_edge(source, target, spikes=round(float(rng.exponential()), 6))
    return problem_of(graph, mesh, Capacity(("pieces",), np.ones((pieces, 1)), np.full(1, float(room))))


def graph_cost(problem: Problem, places: np.ndarray) -> int:
    """The cost, from its definition, in Python's integers."""
    at = [problem.mesh.place(int(core)) for core in places]
    hops = [[abs(a[0] - b[0]) + abs(a[1] - b[1]) for b in at] for a in at]
    total = sum(int(problem.inflow[p]) * sum(at[p]) for p in range(len(at)))
    return total + sum(int(problem.traffic[p, q]) * hops[p][q] for p in range(len(at)) for q in range(p))


@given(MESHES, st.data())
def test_routes_are_shortest_and_along_links_of_the_mesh(mesh, data):
    begin, end = (data.draw(st.integers(0, mesh.cores - 1)) for _ in range(2))
    grid = nx.grid_2d_graph(mesh.rows, mesh.columns)
    links = list(mesh.route(begin, end))
    assert len(links) == mesh.distances()[begin, end]
    assert len(links) == nx.shortest_path_length(grid, mesh.place(begin), mesh.place(end))
    here = begin
    for source, target in links:
        assert source == here and grid.has_edge(mesh.place(source), mesh.place(target))
        here = target
    assert here == end
    columns = [abs(source - target) == 1 and mesh.columns > 1 for source, target in links]
    assert columns == sorted(columns, reverse=True), "along the row first"


@given(MESHES, st.integers(1, 4))
def test_a_snake_goes_once_through_every_core(mesh, height):
    order = mesh.snake(height)
    assert sorted(order) == list(range(mesh.cores))
    assert order[0] == PORT
    if height == 1:
        assert all(mesh.distances()[a, b] == 1 for a, b in pairwise(order))


def test_meshes_are_written_as_rows_and_columns():
    assert parse_mesh("4x8") == Mesh(4, 8)
    assert [smallest_mesh(cores) for cores in (1, 2, 5, 9, 128)] == [
        Mesh(1, 1),
        Mesh(1, 2),
        Mesh(2, 3),
        Mesh(3, 3),
        Mesh(11, 12),
    ]
    for text in ("4", "0x3", "4x-1", "4x8x2", "x"):
        with pytest.raises(BasaltError, match="--mesh 4x8"):
            parse_mesh(text)


@given(MESHES, st.integers(0, 10**6), st.integers(1, 3), st.data())
def test_the_cost_kept_up_to_date_is_the_cost(mesh, seed, room, data):
    pieces = data.draw(st.integers(1, mesh.cores))
    problem = drawn(mesh, pieces, seed, room)
    search = Search(problem, wound(problem)[-1])
    for _ in range(8):
        piece, other = (data.draw(st.integers(0, pieces - 1)) for _ in range(2))
        core = data.draw(st.integers(0, mesh.cores - 1))
        if search.move_fits(piece, core):
            wanted = search.cost + search.moved()[piece, core]
            search.move(piece, core)
            assert search.cost == wanted
        if piece != other:
            wanted = search.cost + search.swapped()[piece, other]
            search.swap(piece, other)
            assert search.cost == wanted
        assert search.cost == problem.cost(search.places) == graph_cost(problem, search.places)
        np.testing.assert_array_equal(search.costs, problem.costs(search.places))
        np.testing.assert_array_equal(search.loads, problem.loads(search.places))
        assert search.loads.max() <= room


@given(MESHES, st.integers(0, 10**6), st.integers(1, 3), st.data())
def test_no_core_holds_more_than_it_can_and_no_start_is_better(mesh, seed, room, data):
    pieces = data.draw(st.integers(1, mesh.cores * room))
    problem = drawn(mesh, pieces, seed, room)
    places = place(problem, seed, rounds=5)
    assert np.all(problem.loads(places) <= room)
    assert problem.cost(places) <= min(problem.cost(start) for start in wound(problem))
    if room == 1:
        assert problem.cost(places) >= lower_bound(problem)
    np.testing.assert_array_equal(places, place(problem, seed, rounds=5))


@pytest.mark.parametrize(("mesh", "pieces"), [(Mesh(2, 3), 6), (Mesh(2, 3), 5), (Mesh(2, 4), 5), (Mesh(1, 6), 6)])
def test_on_tiny_meshes_the_placement_is_the_best_of_all(mesh, pieces):
    for seed in range(10):
        problem = drawn(mesh, pieces, seed)
        best = min(graph_cost(problem, np.array(every)) for every in permutations(range(mesh.cores), pieces))
        assert problem.cost(place(problem, rounds=50)) == best
        assert lower_bound(problem) <= best


def test_a_chain_of_layers_lies_along_a_path():
    graph = nx.DiGraph([(INPUT, 0), *((n, n + 1) for n in range(11))])
    nx.set_edge_attributes(graph, 2.5, "spikes")
    problem = problem_of(graph, Mesh(3, 4), Capacity(("pieces",), np.ones((12, 1)), np.ones(1)))
    assert problem.cost(place(problem)) == lower_bound(problem) == 11 * 2_500_000


def test_a_placement_at_random_keeps_together_what_is_together():
    problem = drawn(Mesh(2, 2), 6, 0, room=2)
    places = place(problem, rounds=3)
    other = shuffled(problem, places, np.random.default_rng(1))
    assert ((places[:, None] == places) == (other[:, None] == other)).all()


def test_what_finds_no_room_has_no_placement():
    assert place(drawn(Mesh(1, 2), 3, 0)) is None
