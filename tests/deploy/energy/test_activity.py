"""What is known of single steps adds up to what a run counts, on networks of every kind."""

import numpy as np
import pytest

from basalt.deploy.backends import BACKENDS
from basalt.deploy.counted import counts_file
from basalt.deploy.energy.activity import UNSEEN, Sent, activity, distinct, steps_of_network
from basalt.deploy.energy.counts import parse_counts
from basalt.deploy.job import Job
from basalt.deploy.lockstep import cycles_of_steps
from basalt.kernels.bits import planes_of
from basalt.lava_procs.metering import COLUMNS
from basalt.records.network import Network
from tests.conformance.direct import run_direct
from tests.conformance.grid import case
from tests.conformance.support import supported
from tests.deploy.test_near_memory import CASES as SCHEDULED
from tests.deploy.test_near_memory import CORES
from tests.deploy.test_near_memory import INDICES as DENSE

INDICES = (*DENSE[::3], *range(4, 300, 37))
CASES = [found for found in map(case, INDICES) if supported("compiled", found)]


def test_steps_add_up_to_the_counts_of_a_run():
    kinds, seen = set(), set()
    for found in CASES:
        network, spikes = found.network, found.spikes
        outcome = run_direct(Job(network, spikes, "compiled", found.batch))
        steps = steps_of_network(network, spikes, outcome.sent, outcome.fired, planes_of(spikes))
        for layer, part, counters in steps:
            table = outcome.counts[f"{layer}.{part}"]
            for column, name in enumerate(COLUMNS):
                if name not in UNSEEN:
                    values = counters.get(name, np.zeros((len(spikes), 1), int))
                    assert np.array_equal(values.sum(axis=1), table[:, column]), (found.index, layer, part, name)
                    seen |= {name} if values.any() else set()
            kinds.add(part)
        kinds |= {layer.kind for layer in network.layers}
    assert kinds >= {"spiking", "conv", "encoder", "readout", "slow_memory", "hgrn", "hopfield"}
    assert {"graded_products", "dense_macs", "lookups", "spikes_out"} <= seen


def test_the_file_holds_the_same():
    for found in CASES[::4]:
        job = Job(found.network, found.spikes, "compiled", found.batch)
        content = counts_file(job, run_direct(job))
        checked = parse_counts(content)
        assert checked.activity.samples == len(found.spikes)
        totals = {
            (series.process, series.part, series.counter): int(checked.activity.values(series) @ checked.activity.times)
            for series in checked.activity.series
            if series.counter != "packets_out"
        }
        wanted = {
            (process.name, process.part, counter): sum(process.counters[counter])
            for process in checked.processes
            for counter in process.used
            if process.kind != "io" and counter not in UNSEEN
        }
        assert totals == wanted


@pytest.mark.parametrize("largest", [3, 50, 1 << 62])
def test_distinct_rows_are_those_that_numpy_finds(monkeypatch, largest):
    """Also where rows are too large for one number."""
    monkeypatch.setattr("basalt.deploy.energy.activity.LARGEST", largest)
    columns = list(np.random.default_rng(0).integers(0, 7, (4, 3000)))
    rows, times = distinct(columns, 3000)
    wanted, often = np.unique(np.stack(columns, axis=1), axis=0, return_counts=True)
    assert np.array_equal(rows, wanted) and np.array_equal(times, often)
    rows, times = distinct([], 12)
    assert rows.shape == (1, 0) and times.tolist() == [12]


def test_spikes_are_put_back_to_when_they_fired():
    """Three neurons, late by 0, 2 and 1 of five steps; what leaves in the last step is heard no more."""
    values = np.array([[[1, 0, 0, 0, 1], [0, 0, 1, 0, 7], [0, 1, 0, 1, 0]]], dtype=np.uint8)
    sent = Sent(values, np.array([0, 2, 1]), np.array([[3, 0, 2, 1, 1]]))
    assert sent.fired.tolist() == [[3, 0, 2, 1, 1]]
    assert sent.heard[0].astype(int).tolist() == [[1, 0, 0, 0, 0], [1, 0, 0, 0, 0], [1, 0, 1, 0, 0]]
    assert Sent(values).heard[0, :, 4].sum() == 0
    assert Sent(values).fired.tolist() == [[1, 1, 1, 1, 2]]


def test_only_so_many_steps_are_looked_at(monkeypatch):
    found = next(found for found in CASES if len(found.spikes) > 2)
    outcome = run_direct(Job(found.network, found.spikes, "compiled", found.batch))
    monkeypatch.setattr("basalt.deploy.energy.activity.LIMIT", 2 * found.spikes.shape[2])
    assert activity(found.network, found.spikes, outcome.sent, outcome.fired, 8)["samples"] == 2
    assert activity(found.network, found.spikes, {}, {}, 8) is None


@pytest.mark.parametrize("core", CORES, ids=["default", "narrow", "straightforward"])
def test_cycles_of_steps_add_up_to_those_that_are_counted(core):
    delayed = 0
    for found in SCHEDULED[::2]:
        network, spikes = found.network, found.spikes
        job = Job(network, spikes, "near-memory", found.batch, core=core)
        outcome = run_direct(job)
        each = cycles_of_steps(core, network, spikes, outcome.sent, outcome.fired, planes_of(spikes))
        slowest = np.array(counts_file(job, outcome)["slowest_cycles"])
        assert np.array_equal(slowest, np.max(list(each.values()), axis=0).sum(axis=1))
        for layer in network.layers:
            part = "readout" if layer.kind == "readout" else "spiking"
            table = outcome.counts[f"{layer.name}.{part}"][:, COLUMNS.index("cycles")]
            assert np.array_equal(each[layer.name].sum(axis=1), table), (found.index, layer.name)
            delayed += getattr(layer, "delay", None) is not None
    assert delayed > 3


def test_a_network_of_which_nothing_is_counted_has_no_activity():
    assert "netx" in BACKENDS
    found = CASES[0]
    outcome = run_direct(Job(found.network, found.spikes, "compiled", found.batch))
    silent = {meter: np.zeros_like(table) for meter, table in outcome.counts.items()}
    job = Job(Network(found.network.layers), found.spikes, "compiled", found.batch)
    content = counts_file(job, type(outcome)(outcome.sent, silent, 0.0, 0.0))
    assert "activity" not in content and "slowest_cycles" not in content
