"""The runtime `direct` gives what Lava's does, with Lava or without it installed, and ends as a run has to."""

import subprocess
import sys
from threading import Event

import numpy as np
import pytest

from basalt.deploy.job import Job, run
from basalt.deploy.session import SessionError
from basalt.errors import BasaltError
from tests.conformance.grid import case
from tests.conformance.strategies import make_case

BACKENDS = ("fixed", "compiled", "near-memory", "float")


def equal(left, right):
    """Whether two runs sent, counted and kept the same."""
    for these, those in ((left.sent, right.sent), (left.counts, right.counts), (left.fired, right.fired)):
        assert these.keys() == those.keys()
        assert all(np.array_equal(these[name], those[name]) for name in these)
    for layer, held in left.states.items():
        assert all(np.array_equal(values, right.states[layer][name]) for name, values in held.items())


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("seed", [2, 11])
def test_both_runtimes_agree(backend, seed):
    found = make_case(seed)
    job = {
        runtime: Job(found.network, found.spikes, backend, 2, states=True, runtime=runtime)
        for runtime in ("lava", "direct")
    }
    equal(run(job["lava"], timeout=120), run(job["direct"]))


WITHOUT_LAVA = """
import importlib.util as known, sys
found = known.find_spec
known.find_spec = lambda name, *more: None if name.split(".")[0] == "lava" else found(name, *more)
sys.modules["torch"] = None
import numpy as np
from basalt.deploy.job import Job, run
from tests.conformance.strategies import make_case
for backend in ("fixed", "compiled", "near-memory", "float"):
    for case in (make_case(2), make_case(11), make_case(40)):
        outcome = run(Job(case.network, case.spikes, backend, 2, states=True))
        for table in (outcome.sent, outcome.counts):
            print(backend, *(f"{name}:{int(np.asarray(table[name], np.int64).sum())}" for name in sorted(table)))
assert not [name for name in sys.modules if name.split(".")[0] == "lava"]
"""


def test_without_lava_installed():
    """The same processes and models on the stand-ins; neither Lava nor torch is imported."""
    ended = subprocess.run([sys.executable, "-c", WITHOUT_LAVA], capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
    expected = []
    for backend in BACKENDS:
        for found in (make_case(2), make_case(11), make_case(40)):
            outcome = run(Job(found.network, found.spikes, backend, 2, states=True, runtime="direct"))
            for table in (outcome.sent, outcome.counts):
                sums = (f"{name}:{int(np.asarray(table[name], np.int64).sum())}" for name in sorted(table))
                expected.append(" ".join([backend, *sums]))
    assert ended.stdout.splitlines() == expected


def test_what_lava_alone_can_is_refused_without_it(monkeypatch):
    monkeypatch.setattr("basalt.deploy.job.lava_here", lambda: False)
    found = case(4)
    job = Job(found.network, found.spikes, "fixed", 2, runtime="lava")
    with pytest.raises(BasaltError, match=r"needs Lava, which is not installed: `pip install"):
        run(job)


def test_stock_processes_need_lavas_runtime():
    found = case(4)
    with pytest.raises(BasaltError, match="leave --runtime direct out"):
        run(Job(found.network, found.spikes, "netx", 2, runtime="direct"))


def test_time_and_stopping():
    found = case(4)
    job = Job(found.network, found.spikes, "fixed", 2, runtime="direct")
    with pytest.raises(SessionError, match="time limit of 1e-09 s at step 1 of"):
        run(job, timeout=1e-9)
    stop = Event()
    stop.set()
    with pytest.raises(SessionError, match="stopped at step 1 of"):
        run(job, stop=stop)


def test_a_model_that_fails_is_named(monkeypatch):
    from basalt.records.neuron import Neuron

    def fails(*_):
        raise ValueError("no such step")

    monkeypatch.setattr(Neuron, "step", fails)
    found = case(4)
    name = found.network.layers[0].name
    with pytest.raises(
        SessionError, match=rf"step 0 of \d+ because of {name}[.\w]*: ValueError: no such step"
    ) as error:
        run(Job(found.network, found.spikes, "fixed", 2, runtime="direct"))
    assert "Traceback" in error.value.traceback


def test_progress_ends_with_all_steps():
    found, told = case(4), []
    run(Job(found.network, found.spikes, "fixed", 2, runtime="direct"), on_progress=lambda *step: told.append(step))
    assert told[-1][0] == told[-1][1] > 0


def test_a_program_that_chose_how_it_starts_processes():
    """Lava chooses as well when it is imported; the program's own choice stays."""
    lines = """
import multiprocessing
multiprocessing.set_start_method("spawn")
import basalt
from tests.conformance.strategies import make_case
found = make_case(2)
net = basalt.Model(found.network)
with net.start() as live:
    live.step(found.spikes[0, :, 0])
net.run(found.spikes, runtime="direct")
assert multiprocessing.get_start_method() == "spawn"
"""
    ended = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
