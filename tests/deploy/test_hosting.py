"""Whoever starts a run, gets it: threads, daemons, programs with closed streams or that wait for no child."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import psutil
import pytest

from basalt.deploy.hosting import fork
from basalt.deploy.job import Job, run
from basalt.deploy.session import SessionError, abandon, run_session
from tests.conformance.strategies import make_case
from tests.dask_cluster import ROOT

CASE = next(case for case in map(make_case, range(1000)) if case.spikes.shape[2] == 24)
JOB = Job(CASE.network, CASE.spikes)

pytestmark = pytest.mark.usefixtures("nothing_left")


def sums(_=None):
    """What a run sends, in all."""
    return {name: int(np.sum(sent)) for name, sent in run(JOB, 60).sent.items()}


@pytest.fixture(scope="module")
def wanted():
    """The same from here."""
    return sums()


def test_threads_of_a_pool(wanted):
    """Several at once, some of which start while others read their results."""
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(sums, range(4))) == [wanted] * 4


def test_a_thread_of_asyncio(wanted):
    assert asyncio.run(asyncio.to_thread(sums)) == wanted


def test_daemons_of_a_pool(wanted):
    with get_context("fork").Pool(2) as pool:
        assert pool.map(sums, range(2)) == [wanted] * 2


def test_a_program_that_waits_for_no_child(wanted):
    """The system reaps the host then, and its models, were it not set right in it."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert sums() == wanted
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_a_program_whose_streams_are_closed(tmp_path):
    """Descriptors 0 to 2 are free, or are other files: those of the run must not come to lie there."""
    result = tmp_path / "result"
    code = (
        "import os, sys; os.closerange(0, 3); sys.stdin = sys.stdout = sys.stderr = None\n"
        "from pathlib import Path; from tests.deploy.test_hosting import sums\n"
        f"Path({str(result)!r}).write_text(str(sums()))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60).returncode == 0
    assert result.read_text() == str(sums())


def test_an_open_file_of_the_program_is_not_held(tmp_path):
    """Neither a lock nor the end of a pipe stays with a run, which another thread may wait for."""
    seen = tmp_path / "seen"
    with (tmp_path / "mine").open("w") as mine:
        kept = f"/proc/self/fd/{mine.fileno()}"
        run_session(lambda host: seen.write_text(psutil.os.readlink(kept)), tmp_path, 60)
    assert seen.read_text() == "/dev/null"


def test_another_thread_ends_a_run(tmp_path):
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    with pytest.raises(SessionError, match="was stopped at step 0"):
        run_session(lambda host: threading.Event().wait(60), tmp_path, 60, stop=stop)


def test_a_child_is_ended_whatever_it_is_at():
    """It is reaped, and says how it ended."""
    assert fork(lambda: threading.Event().wait(60)).end() == "SIGKILL"
    for main, code in ((lambda: None, 0), (lambda: os._exit(3), 3), (lambda: 1 / 0 and None, 1)):
        child = fork(main)
        while not child.ended():
            time.sleep(0.01)
        assert child.end() == f"code {code}"
        assert child.ended()


def test_an_interpreter_that_ends_leaves_nothing_of_its_run(tmp_path):
    """Its run's thread may be stopped halfway through its folder."""
    child = fork(lambda: time.sleep(60))
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "progress").write_text("1 of 2")
    abandon(child, tmp_path / "run")
    assert not psutil.pid_exists(child.pid) and not any(tmp_path.iterdir())
