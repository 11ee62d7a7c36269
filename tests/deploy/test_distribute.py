"""Several workers compute what one does, whatever happens to them, and nothing of them is left."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest

import deploy.distribute as distribution
from basalt.errors import BasaltError
from deploy.distribute import distribute, shares
from deploy.run import Job, run
from deploy.session import SessionError
from tests.conformance.strategies import make_case

CASE = next(case for case in map(make_case, range(1000)) if case.network.readout and case.spikes.shape[2] > 15)
SPIKES = np.random.default_rng(0).permuted(np.tile(CASE.spikes[:1], (23, 1, 4)), axis=2)
SPIKES[0] = np.minimum(SPIKES[0], 1) * 200  # values as wide in every share as in the whole


pytestmark = pytest.mark.usefixtures("nothing_left")


def assert_same(found, wanted):
    """Every layer's output and every counter, and when delayed layers fired."""
    assert all(np.array_equal(found.fired[name], values) for name, values in wanted.fired.items())
    assert found.sent.keys() == wanted.sent.keys() and found.counts.keys() == wanted.counts.keys()
    for name, values in (wanted.sent | wanted.counts).items():
        other = (found.sent | found.counts)[name]
        assert values.dtype == other.dtype and np.array_equal(values, other), name


def test_shares_are_all_samples_once():
    for samples, workers, batch in ((1, 4, 8), (23, 2, 256), (1000, 3, 64), (10_000, 2, 256)):
        pieces = shares(samples, workers, batch)
        assert [i for piece in pieces for i in range(samples)[piece]] == list(range(samples))
        assert len(pieces) <= max(workers, 4 * workers)


def test_two_workers_compute_what_one_does_though_one_is_killed(monkeypatch):
    """The share of the worker that dies in the middle of it is done again."""
    job = Job(CASE.network, SPIKES, "fixed", 1)
    made, killed, seen = [], [], []
    original = distribution.local_cluster

    def spied(workers):
        return keep(original(workers))

    @contextmanager
    def keep(context):
        with context as cluster:
            made.append(cluster)
            yield cluster

    def kill_one(done, total):
        seen.append((done, total))
        if not killed:
            victim = busy([nanny.pid for nanny in made[0].workers.values()])
            os.kill(victim, signal.SIGKILL)
            killed.append(victim)

    monkeypatch.setattr(distribution, "local_cluster", spied)
    found = distribute(job, workers=2, timeout=120, on_progress=kill_one)
    assert killed and not psutil.pid_exists(killed[0])
    assert seen[-1] == (len(SPIKES), len(SPIKES)) and len(seen) == len(shares(len(SPIKES), 2, 1))
    assert_same(found, run(job, timeout=60))


def busy(workers: list[int]) -> int:
    """The first worker that is in the middle of a share."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for worker in workers:
            if psutil.Process(worker).children():
                return worker
        time.sleep(0.01)
    raise AssertionError("no worker works")


def test_a_scheduler_elsewhere(tmp_path):
    """A scheduler and a worker that others started; without a worker it says so."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    address = tmp_path / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment, "cwd": tmp_path}
    dask = [sys.executable, "-m", "dask"]
    scheduler = subprocess.Popen(
        [*dask, "scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(address), "--no-dashboard"],
        **quiet,
    )
    worker = subprocess.Popen(
        [*dask, "worker", "--scheduler-file", str(address), "--nthreads", "1", "--no-dashboard"], **quiet
    )
    try:
        deadline = time.monotonic() + 30
        while not address.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        job = Job(CASE.network, SPIKES[:4], "fixed", 2)
        assert_same(distribute(job, scheduler=json.loads(address.read_text())["address"]), run(job, timeout=60))
    finally:
        for process in (worker, scheduler):
            process.terminate()
            process.wait(20)


def test_no_scheduler_at_that_address(monkeypatch):
    """A sentence with the way out, soon."""
    monkeypatch.setattr(distribution, "CONNECT_SECONDS", 1)
    began = time.monotonic()
    with pytest.raises(BasaltError, match=r"no Dask scheduler at 'tcp://127\.0\.0\.1:9'.*--workers"):
        distribute(Job(CASE.network, SPIKES), scheduler="tcp://127.0.0.1:9")
    assert time.monotonic() - began < 10


def test_errors_and_the_time_limit_reach_the_caller():
    """What fails in a worker fails here, with the same words."""
    with pytest.raises(BasaltError, match="no layer 'nowhere' to place"):
        distribute(Job(CASE.network, SPIKES[:2], "fixed", places={"nowhere": "fixed"}), workers=1)
    with pytest.raises(SessionError, match=r"time limit of 1\.5 s"):
        distribute(Job(CASE.network, np.repeat(SPIKES, 60, axis=2), "fixed", 1), workers=1, timeout=1.5)


def test_time_that_ran_out_while_workers_started_is_the_time_limit():
    with pytest.raises(SessionError, match=r"time limit of 0\.01 s with 0 of 2 samples done"):
        distribute(Job(CASE.network, SPIKES[:2], "fixed"), workers=1, timeout=0.01)


def test_no_more_workers_than_samples(monkeypatch):
    """A wish for a hundred thousand does not start so many."""
    asked = []

    @contextmanager
    def refuse(workers):
        asked.append(workers)
        raise BasaltError("enough")
        yield

    monkeypatch.setattr(distribution, "local_cluster", refuse)
    with pytest.raises(BasaltError, match="enough"):
        distribute(Job(CASE.network, SPIKES), workers=100_000)
    assert asked == [len(SPIKES)]


def test_workers_of_ones_own_or_of_a_scheduler():
    with pytest.raises(BasaltError, match="--workers or --scheduler, not both"):
        distribute(Job(CASE.network, SPIKES), workers=2, scheduler="tcp://127.0.0.1:1")
