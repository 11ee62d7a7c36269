"""A sample of the grid on every exact backend; `sweep.py` runs all of it."""

from dataclasses import replace

import numpy as np
import pytest

import tests.conformance.check as checking
from basalt.deploy.backends import BACKENDS
from basalt.deploy.job import Job, run
from basalt.errors import BasaltError
from basalt.lava_procs.metering import COLUMN, COLUMNS
from basalt.near_memory.counters import SCHEDULED, WORDS
from basalt.records.network import Network
from basalt.records.simulate import simulate
from tests.conformance.adversary.check import attempt
from tests.conformance.check import STOCK, check, job
from tests.conformance.direct import run_direct
from tests.conformance.grid import ADAPTIVE, ALL, CELLS, COMBINATIONS, DENSE, EVERY, PATHWAYS, STOCK_CELLS, VARIED, case
from tests.conformance.support import ALONE, EXCLUSIONS, FEATURES, WHOLE, exact, features, supported
from tests.conformance.table import FILE, text

OURS = [name for name in exact() if name != STOCK]
LAVA = (*range(0, DENSE, 324), *range(DENSE, ALL, 48))
FIRST_SWITCHED = DENSE + PATHWAYS
DIRECT = (
    *(*range(45), *range(DENSE, DENSE + 48), *range(FIRST_SWITCHED, FIRST_SWITCHED + len(COMBINATIONS))),
    *range(ALL - VARIED - ADAPTIVE, ALL - VARIED - ADAPTIVE + 24),
    *range(ALL - VARIED, ALL - VARIED + 24),
)
SHARED = len(COLUMNS) - len(SCHEDULED)
KEPT_OUT = (ALONE,)
"""Reasons that are not about the layers of a network."""
STOCK_RUNS = (0, 2, 3, 4, 5, 6, 9, 14, FIRST_SWITCHED, FIRST_SWITCHED + 7)


@pytest.mark.parametrize("backend", OURS)
def test_models_alone_equal_the_reference(backend):
    """The models of each process, without Lava's runtime."""
    results = [check(index, backend, through_lava=False) for index in DIRECT if supported(backend, case(index))]
    assert [result.index for result in results if result.mismatches] == []
    assert sum(result.busy for result in results) > 0.8 * len(results)


@pytest.mark.parametrize(
    ("backend", "index"), [(name, index) for name in OURS for index in LAVA if supported(name, case(index))]
)
def test_lavas_runtime_equals_the_reference(backend, index):
    """The same in Lava's own processes."""
    assert check(index, backend, through_lava=True).mismatches == 0


@pytest.mark.parametrize("index", STOCK_RUNS)
def test_stock_netx_equals_the_reference(index):
    """What stock netx can run, it runs with the same spikes."""
    assert check(index, STOCK, through_lava=True).mismatches == 0


def test_backends_count_the_same():
    """Every counter of every part and sample, but for rows, which a schedule counts instead of words."""
    for index in (*range(0, 400, 17), *range(DENSE, ALL, 17)):
        found = case(index)
        backends = [name for name in OURS if supported(name, found)]
        counts = {name: run_direct(job(found, name)).counts for name in backends}
        for name, table in counts["fixed"].items():
            for backend, other in counts.items():
                words = [COLUMN[word] for word in WORDS if backend == "near-memory" and not name.startswith("input.")]
                same = [column for column in range(SHARED) if column not in (*words, COLUMN["cycles"])]
                assert np.array_equal(table[:, same], other[name][:, same]), (index, name, backend)


def test_the_grid_has_every_cell_and_every_feature():
    """So that what the table says was compared."""
    found = [case(index) for index in range(0, ALL, EVERY + 1)]
    assert {feature for entry in found for feature in features(entry)} == set(FEATURES)
    assert {feature for index in DIRECT for feature in features(case(index))} == set(FEATURES)
    visited = {index - index // EVERY for index in range(DENSE) if index % EVERY != EVERY - 1}
    assert {position * 1049 % len(CELLS) for position in visited} == set(range(len(CELLS)))


def test_stocks_grid_has_what_the_table_says():
    """All features but the excluded ones, and none of those."""
    indices = (*range(8 * len(STOCK_CELLS)), *range(FIRST_SWITCHED, FIRST_SWITCHED + 8))
    seen = {feature for index in indices for feature in features(case(index, stock=True))}
    excluded = {feature for backend, feature in EXCLUSIONS if backend == STOCK}
    assert seen - {"blocks of several time steps"} == set(FEATURES) - excluded


@pytest.mark.parametrize(
    "feature", [feature for (backend, feature), why in EXCLUSIONS.items() if backend == STOCK and why not in KEPT_OUT]
)
def test_what_stock_cannot_run_it_refuses(feature):
    """An exclusion holds: the backend says no, and does not send other spikes."""
    found = next(
        entry for entry in map(case, (*range(45), *range(DENSE, ALL), *range(45, DENSE))) if feature in features(entry)
    )
    with pytest.raises(BasaltError, match="cannot run layer"):
        run(Job(found.network, found.spikes, STOCK))


@pytest.mark.parametrize("backend", OURS)
def test_adversarial_networks_equal_a_judge_of_their_own(backend):
    """`python tests/conformance/adversary/check.py` attacks with 300; 275 on have sums that need many wraps."""
    verdicts = [attempt(index, backend) for index in (*range(30), *range(275, 290))]
    assert [verdict.index for verdict in verdicts if verdict.mismatches] == []
    assert sum(verdict.refused is None for verdict in verdicts) > 25


@pytest.mark.parametrize(("backend", "index"), [("fixed", 4), ("compiled", 285), ("near-memory", 8), (STOCK, 2)])
def test_adversarial_networks_through_lava(backend, index):
    assert attempt(index, backend, through_lava=True).mismatches == 0


def test_a_difference_is_seen(monkeypatch):
    """A reference that is off by one threshold, and the check says so."""
    index = next(index for index in range(9) if case(index).network.layers[-1].kind != "readout")

    def raised(network: Network, spikes: np.ndarray, states: dict) -> dict[str, np.ndarray]:
        first = network.layers[0]
        neuron = replace(first.neuron, threshold=first.neuron.threshold + 1)
        return simulate(replace(network, layers=(replace(first, neuron=neuron), *network.layers[1:])), spikes, states)

    assert check(index, "fixed", through_lava=False).mismatches == 0
    monkeypatch.setattr(checking, "simulate", raised)
    assert sum(check(index, "fixed", through_lava=False).mismatches for index in range(5)) > 0


def test_every_backend_is_held_to_the_grid_or_has_a_reason():
    assert set(exact()) | set(WHOLE) == set(BACKENDS)
    assert all(BACKENDS[name].exact for name in exact())
    assert all(feature in FEATURES and backend in BACKENDS for backend, feature in EXCLUSIONS)


def test_the_documentation_is_up_to_date():
    """`python tests/conformance/table.py` writes it."""
    assert FILE.read_text() == text()
