"""A core with its optimisations on and off: the same spikes, other cycles and joules."""

import json
from dataclasses import replace

import numpy as np
import pytest

from basalt.deploy.energy.pricing import price
from basalt.deploy.job import Job
from basalt.deploy.on_core import description
from basalt.errors import BasaltError
from basalt.near_memory.core import SWITCHES, Core
from basalt.near_memory.counters import ROWS
from basalt.study.near_memory import study as core_ablation
from basalt.study.near_memory.study import ablate, combinations, draw, label, row_of
from tests.conformance.grid import case
from tests.conformance.support import supported

TABLE = "near-memory-22nm"
CASE = next(
    found
    for found in map(case, range(300))
    if supported("near-memory", found)
    and found.network.layers[0].inputs > 8
    and getattr(found.network.layers[0], "memory", None) is not None
)


def test_all_combinations_once_with_all_on_first_and_all_off_last():
    cores = list(combinations(replace(Core(), operator_fusion=False)))
    switches = [tuple(getattr(core, name) for name in SWITCHES) for core in cores]
    assert switches[0] == (True,) * 3 and switches[-1] == (False,) * 3
    assert len(set(switches)) == len(cores) == 2 ** len(SWITCHES)


def test_a_row_is_what_the_counts_say():
    counters = {"cycles": [100, 300], "input_weights_reads": [10, 30], "membrane_writes": [4, 4], "events_in": [7, 7]}
    other = {"cycles": [50, 50]}
    memory = {
        "memory_bits": {"input_weights": 81920, "membrane": 1024},
        "row_bits": {"input_weights": 32, "membrane": 96},
    }
    counts = {
        "format": "basalt-counts", "version": 1, "samples": 2, "steps": 10, "step_seconds": 0.01,
        "core": description(Core(clock_mhz=100.0)),
        "processes": [
            {"name": "a", "part": "spiking", **memory, "counters": counters},
            {"name": "b", "part": "spiking", **memory, "counters": other},
        ],
    }  # fmt: skip
    row = row_of(Core(clock_mhz=100.0), counts, TABLE)
    assert row.cycles == {"a": 20.0, "b": 5.0} and row.step_cycles == pytest.approx(20.0)
    together = row_of(Core(clock_mhz=100.0), {**counts, "slowest_cycles": [120, 320]}, TABLE)
    assert together.step_cycles == pytest.approx(22.0)
    assert row.accesses == (40 + 8) / 2 and {"input_weights_reads", "membrane_writes"} <= set(ROWS)
    priced = price(counts, [TABLE])["tables"][TABLE]
    assert row.dynamic_joule == priced["dynamic_joule"] > 0
    assert row.leakage_joule == pytest.approx(priced["static_joule"] * (20 * 10 / 100e6) / 0.1)


def test_the_cores_of_a_run_send_the_same_spikes_and_all_on_is_fastest(tmp_path):
    rows = ablate(Job(CASE.network, CASE.spikes, "near-memory"), TABLE, lambda done, of: None)
    assert [label(row) for row in rows][:: len(rows) - 1] == ["all on", "all off"]
    assert rows[0].step_cycles == min(row.step_cycles for row in rows) < rows[-1].step_cycles
    json.dumps([row.plain() for row in rows])
    draw(tmp_path / "figure.png", rows, "title")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_another_spike_is_a_fault(monkeypatch):
    spikes = iter(range(8))

    class Ran:
        @property
        def sent(self):
            return {"hidden1": np.full(3, next(spikes))}

    monkeypatch.setattr("basalt.deploy.job.run", lambda job: Ran())
    monkeypatch.setattr("basalt.deploy.counted.counts_file", lambda job, outcome: {})
    monkeypatch.setattr(core_ablation, "row_of", lambda *args: None)
    with pytest.raises(BasaltError, match="hidden1"):
        ablate(Job(CASE.network, CASE.spikes, "near-memory"), TABLE, lambda done, of: None)
