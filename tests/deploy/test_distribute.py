"""Several workers compute what one does, whatever happens to them, and nothing of them is left."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing import get_start_method
from pathlib import Path

import numpy as np
import psutil
import pytest

import basalt.deploy.distribute as distribution
from basalt import cluster
from basalt.address import Address
from basalt.deploy.distribute import distribute, shares
from basalt.deploy.job import Job, run
from basalt.deploy.session import LostError, SessionError
from basalt.errors import BasaltError
from tests.conformance.strategies import make_case
from tests.dask_cluster import PATIENCE, ROOT, Cluster, dask_cluster

CASE = next(case for case in map(make_case, range(1000)) if case.network.readout and case.spikes.shape[2] > 15)
SPIKES = np.random.default_rng(0).permuted(np.tile(CASE.spikes[:1], (23, 1, 4)), axis=2)
SPIKES[0] = np.minimum(SPIKES[0], 1) * 200  # values as wide in every share as in the whole


pytestmark = pytest.mark.usefixtures("nothing_left", "patient")


@pytest.fixture
def patient(monkeypatch):
    """Workers that a busy machine runs late are waited for."""
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", PATIENCE)
    monkeypatch.setattr(cluster, "STALL_SECONDS", PATIENCE)


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


def test_two_workers_compute_what_one_does_though_one_is_killed():
    """The share whose host is killed in the middle of it is done again; meanwhile no port is open."""
    job = Job(CASE.network, SPIKES, "fixed", 1)
    seen, killed, before = [], [], listening()

    def kill_one(done, total):
        seen.append((done, total))
        if not killed:
            victim = busy(psutil.Process())
            victim.kill()
            killed.append(victim.pid)
            assert listening() <= before

    found = distribute(job, workers=2, timeout=PATIENCE, on_progress=kill_one)
    assert killed and not psutil.pid_exists(killed[0])
    assert seen[-1] == (len(SPIKES), len(SPIKES)) and len(seen) == len(shares(len(SPIKES), 2, 1))
    assert_same(found, run(job, timeout=PATIENCE))


def listening():
    """The ports and sockets at which this process and its children wait for others."""
    me = psutil.Process()
    found = set()
    for process in (me, *me.children(recursive=True)):
        try:
            found |= {str(at.laddr) for at in process.net_connections("inet") if at.status == psutil.CONN_LISTEN}
        except psutil.NoSuchProcess:
            continue
    return found


def busy(parent: psutil.Process) -> psutil.Process:
    """The first host of a process that has models of its own by now."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for host in parent.children():
            try:
                if host.children():
                    return host
            except psutil.NoSuchProcess:
                continue
        time.sleep(0.01)
    raise AssertionError("nobody works")


def test_a_share_that_is_killed_again_and_again_is_given_up(monkeypatch):
    """Each try ends the same way: the sentence says so."""
    tries = []

    def lose(job, limit, stop):
        tries.append(job)
        raise LostError("The run stopped: it was killed.")

    monkeypatch.setattr(distribution, "run_checked", lose)
    with pytest.raises(SessionError, match=r"it was killed\. This happened 3 times\."):
        distribute(Job(CASE.network, SPIKES[:1]), workers=1)
    assert len(tries) == 3


@pytest.fixture
def slow(monkeypatch):
    """Models that take their time."""
    from basalt.lava_procs.io.models import SourceModel

    advance = SourceModel.advance
    monkeypatch.setattr(SourceModel, "advance", lambda self: (time.sleep(0.3), advance(self)))


def test_an_interrupt_ends_all_shares(slow):
    """Ctrl-C while two shares run: neither goes on."""
    interrupt = threading.Timer(2.0, lambda: os.kill(os.getpid(), signal.SIGINT))
    interrupt.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        distribute(Job(CASE.network, np.repeat(SPIKES, 20, axis=2), "fixed", 1), workers=2)
    assert time.monotonic() - began < 60  # of the ten minutes that they would take
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("share")]


def test_the_way_in_which_a_program_starts_processes_stays():
    """Lava sets it when it is imported, and fails if it is set."""
    code = (
        "import multiprocessing as m; from basalt.deploy.hosting import load_lava; "
        "m.set_start_method('spawn'); load_lava(); "
        "print(m.get_start_method())"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert shown.stdout == "spawn\n"
    assert get_start_method()


def at_work(there: Cluster, strike: Callable[[], object]) -> None:
    """Strike, in a thread, once the worker has a session at work."""

    def wait() -> None:
        busy(psutil.Process(there.workers[0].pid))
        strike()

    threading.Thread(target=wait, daemon=True).start()


def test_a_scheduler_elsewhere(tmp_path):
    """A scheduler and a worker that others started; then the scheduler is killed in the middle of a job."""
    job = Job(CASE.network, SPIKES[:4], "fixed", 2)
    with dask_cluster(tmp_path) as there:
        assert_same(distribute(job, scheduler=Address(there.url)), run(job, timeout=PATIENCE))
        killed: list[tuple[None, float]] = []
        at_work(there, lambda: killed.append((there.scheduler.kill(), time.monotonic())))
        with pytest.raises(BasaltError, match=r"scheduler at tcp://127.* died.*--workers"):
            distribute(Job(CASE.network, np.repeat(SPIKES, 60, axis=2), "fixed", 1), scheduler=Address(there.url))
        assert time.monotonic() - killed[0][1] < 30  # on an idle machine below 5: failure_table.py


def test_a_worker_that_is_stuck_ends_the_job(tmp_path, monkeypatch):
    """A stopped worker is not waited for longer than the stall limit, which is short only once it is stopped."""

    def stop(worker):
        worker.send_signal(signal.SIGSTOP)
        monkeypatch.setattr(cluster, "STALL_SECONDS", 3.0)

    long = Job(CASE.network, np.repeat(SPIKES, 60, axis=2), "fixed", 1)
    with dask_cluster(tmp_path) as there:
        at_work(there, lambda: stop(there.workers[0]))
        with pytest.raises(BasaltError, match=r"worker at tcp://127.* has not been heard of for 3 s"):
            distribute(long, scheduler=Address(there.url), timeout=2 * PATIENCE)
    end_strays(tmp_path)


def end_strays(folder: Path) -> None:
    """Wait for the sessions of a worker that was killed, which end themselves."""
    deadline = time.monotonic() + PATIENCE
    while list(folder.glob("**/.session-*")) and time.monotonic() < deadline:
        time.sleep(0.05)


def test_a_worker_with_other_code_is_refused_before_it_computes(tmp_path):
    """One byte of a module differs."""
    other = tmp_path / "other"
    shutil.copytree(ROOT / "basalt", other / "basalt", ignore=shutil.ignore_patterns("__pycache__"))
    with (other / "basalt" / "lava_procs" / "ports.py").open("a") as module:
        module.write("# another\n")
    with dask_cluster(tmp_path, code=other) as there:  # noqa: SIM117
        with pytest.raises(BasaltError, match=r"worker at tcp://127.* has a different Basalt from this.*Install"):
            distribute(Job(CASE.network, SPIKES), scheduler=Address(there.url))


def test_a_worker_that_joins_later_is_held_to_the_code_too(monkeypatch):
    """The share itself compares."""
    monkeypatch.setattr(distribution, "run_checked", lambda *arguments, **options: pytest.fail("computed"))
    with pytest.raises(BasaltError, match=r"has Basalt .* this is 0\.0"):
        distribution.dask_share(Job(CASE.network, SPIKES), None, distribution.Code("0.0", "else"))


def test_certificates(tmp_path):
    """They belong to an encrypted scheduler, and are there."""
    pem = tmp_path / "ca.pem"
    with pytest.raises(BasaltError, match="is encrypted: give --tls-ca-file"):
        distribute(Job(CASE.network, SPIKES), scheduler=Address("tls://127.0.0.1:9"))
    with pytest.raises(BasaltError, match="begins with tls://"):
        distribute(Job(CASE.network, SPIKES), scheduler=Address("tcp://127.0.0.1:9", ca=pem))
    with pytest.raises(BasaltError, match=r"There is no file .*ca\.pem"):
        distribute(Job(CASE.network, SPIKES), scheduler=Address("tls://127.0.0.1:9", ca=pem))


@pytest.mark.parametrize("silent", [False, True])
def test_no_scheduler_at_that_address(silent, monkeypatch):
    """A sentence with the way out, soon, whether nobody listens or somebody who never answers."""
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1] if silent else 9
        began = time.monotonic()
        with pytest.raises(BasaltError, match=rf"no Dask scheduler at 'tcp://127\.0\.0\.1:{port}'.*--workers"):
            distribute(Job(CASE.network, SPIKES), scheduler=Address(f"tcp://127.0.0.1:{port}"))
    assert time.monotonic() - began < 30


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
    """Asking for a hundred thousand does not start that many."""
    asked = []
    monkeypatch.setattr(distribution, "threads", lambda count: asked.append(count) or pytest.raises(BasaltError))
    with pytest.raises(AttributeError):
        distribute(Job(CASE.network, SPIKES), workers=100_000)
    assert asked == [len(SPIKES)]


def test_workers_of_ones_own_or_of_a_scheduler():
    with pytest.raises(BasaltError, match="--workers or --scheduler, not both"):
        distribute(Job(CASE.network, SPIKES), workers=2, scheduler=Address("tcp://127.0.0.1:1"))
