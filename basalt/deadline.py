"""A time limit of a whole command: what opens its files counts too."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from basalt.errors import BasaltError


@dataclass(frozen=True)
class Deadline:
    """When a command has to be done.

    Attributes:
        limit: seconds from the beginning, None for no limit.
        began: by the monotonic clock.
    """

    limit: float | None
    began: float

    @staticmethod
    def after(limit: float | None) -> "Deadline":
        """The deadline `limit` seconds from now."""
        return Deadline(limit, time.monotonic())

    @property
    def spent(self) -> float:
        """Seconds that are over."""
        return time.monotonic() - self.began

    @property
    def left(self) -> float | None:
        """Seconds that are left, None for no limit.

        Raises:
            BasaltError: none.
        """
        if self.limit is None:
            return None
        left = self.limit - self.spent
        if left <= 0:
            raise self.late()
        return left

    def late(self) -> BasaltError:
        """The error to raise when time is up before anything ran."""
        return BasaltError(
            f"The time limit of {self.limit:g} s was over before the run began, while its files were read; give it "
            f"longer with --timeout, or fewer --samples."
        )

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within the block, what lasts longer is ended; in other threads than the main one, after the block.

        Raises:
            BasaltError: time is up.
        """
        left = self.left
        if left is None:
            yield
            return
        if threading.current_thread() is not threading.main_thread():  # others get no signals
            yield
            _ = self.left
            return

        def ring(number: int, frame: object) -> None:
            raise self.late()

        before = signal.signal(signal.SIGALRM, ring)
        signal.setitimer(signal.ITIMER_REAL, left)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
