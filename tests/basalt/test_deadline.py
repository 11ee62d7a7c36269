"""A command's time limit holds from its beginning."""

import threading
import time

import pytest

from basalt.deadline import Deadline
from basalt.errors import BasaltError


def test_what_lasts_too_long_is_ended():
    began = time.monotonic()
    with pytest.raises(BasaltError, match=r"time limit of 0\.2 s"), Deadline.after(0.2).held():
        time.sleep(30)
    assert time.monotonic() - began < 5


def test_no_alarm_is_left():
    with Deadline.after(0.2).held():
        pass
    time.sleep(0.4)


def test_no_limit():
    deadline = Deadline.after(None)
    with deadline.held():
        assert deadline.left is None and deadline.spent >= 0


def test_time_that_is_over_is_said_at_once():
    deadline = Deadline(1.0, time.monotonic() - 2)
    with pytest.raises(BasaltError, match="time limit"), deadline.held():
        raise AssertionError("nothing runs")


def test_in_another_thread_it_is_said_after_the_block():
    """Which gets no signals."""
    found: list[BaseException] = []

    def work() -> None:
        try:
            with Deadline.after(0.1).held():
                time.sleep(0.3)
        except BasaltError as error:
            found.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found
