"""Ctrl-C while processes start: held back here, never seen there."""

import os
import signal
import subprocess
import sys
from threading import Thread

import pytest

from basalt.interrupts import deferred

INTERRUPTED = "import os, signal; os.kill(os.getpid(), signal.SIGINT); print('not interrupted')"


def test_ctrl_c_waits_for_the_end_of_the_block() -> None:
    before, reached = signal.getsignal(signal.SIGINT), []
    with pytest.raises(KeyboardInterrupt), deferred():
        os.kill(os.getpid(), signal.SIGINT)
        reached.append("the end")
    assert reached == ["the end"]
    assert signal.getsignal(signal.SIGINT) is before
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_an_error_goes_before_it() -> None:
    with pytest.raises(ValueError, match="broken"), deferred():
        os.kill(os.getpid(), signal.SIGINT)
        raise ValueError("broken")


@pytest.mark.parametrize("within", [True, False])
def test_processes_that_start_within_never_see_it(within: bool) -> None:
    def start() -> None:
        found.append(subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True).stdout)

    found: list[str] = []
    if within:
        with deferred():
            thread = Thread(target=start)
            thread.start()
            thread.join()
    else:
        start()
    assert found == ["not interrupted\n" if within else ""]


def test_workers_of_a_run_never_see_it() -> None:
    from distributed import Client

    from deploy.distribute import local_cluster

    def mask() -> set[int]:
        import signal

        return {int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, [])}

    with local_cluster(2) as cluster, Client(cluster) as client:
        masks = client.run(mask)
    assert len(masks) == 2
    assert all(signal.SIGINT in blocked for blocked in masks.values())


def test_other_threads_go_on() -> None:
    passed = []

    def enter() -> None:
        with deferred():
            passed.append(True)

    thread = Thread(target=enter)
    thread.start()
    thread.join()
    assert passed == [True]
