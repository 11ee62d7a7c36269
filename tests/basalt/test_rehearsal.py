"""Whatever reading a file does, it does it to a child."""

import os
import signal
import threading
import time

import numpy as np
import psutil
import pytest

from basalt import rehearsal
from basalt.errors import BasaltError
from basalt.rehearsal import rehearse


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.net"
    path.write_bytes(b"1234")
    return path


@pytest.fixture(autouse=True)
def nothing_left():
    before = psutil.Process().children(), psutil.Process().num_fds()
    yield
    assert (psutil.Process().children(), psutil.Process().num_fds()) == before


@pytest.fixture
def interruptible():
    """SIGINT interrupts here, also in a program that a shell started in its background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def crash():
    os.kill(os.getpid(), signal.SIGSEGV)


def hang():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    while True:
        pass


def swell():
    return np.ones(1 << 31, np.uint8)


def refuse():
    raise BasaltError("It has é\n in it.")


@pytest.mark.parametrize(
    ("read", "said"),
    [
        (crash, "a.net is damaged: what reads it crashes"),
        (hang, "takes longer than 1 s"),
        (swell, "more memory than its values"),
        (refuse, "^It has é\n in it.$"),
    ],
)
def test_it_ends_in_a_sentence(read, said, file, monkeypatch):
    monkeypatch.setattr(rehearsal, "SECONDS", 1)
    with pytest.raises(BasaltError, match=said):
        rehearse(file, read)


def test_a_crash_is_known_where_children_are_not_waited_for(file):
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        with pytest.raises(BasaltError, match="crashes"):
            rehearse(file, crash)
        rehearse(file, lambda: None)
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_a_defect_shows_itself_in_the_reading_that_follows(file):
    rehearse(file, lambda: 1 / 0)


def test_nothing_that_is_done_there_is_seen_here(file):
    done = []
    rehearse(file, lambda: done.append(1))
    assert not done


def test_an_interrupt_ends_the_child_too(file, interruptible):
    threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        rehearse(file, hang)
    assert time.monotonic() - began < rehearsal.SECONDS - 1


def test_a_large_file_has_longer(file, monkeypatch):
    monkeypatch.setattr(rehearsal, "SECONDS", 1)
    os.truncate(file, 5 * rehearsal.BYTES_PER_SECOND)
    rehearse(file, lambda: time.sleep(1.5))


def test_what_stays_as_it_was_is_rehearsed_once(file):
    """Until it changes, in whatever way; a file that fails is tried again."""
    rehearse(file, lambda: None)
    rehearse(file, crash)
    file.write_bytes(b"4321")
    for _ in range(2):
        with pytest.raises(BasaltError, match="crashes"):
            rehearse(file, crash)
    rehearsal.trust(file)
    rehearse(file, crash)
    other = file.with_name("other")
    other.write_bytes(b"4321")
    other.replace(file)
    with pytest.raises(BasaltError, match="crashes"):
        rehearse(file, crash)
