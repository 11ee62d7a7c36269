"""Ctrl-C while processes start: it waits until they have, and does not reach them."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker


@contextmanager
def deferred() -> Iterator[None]:
    """Within the block Ctrl-C is held back; it is raised at the block's end.

    Processes started within by threads started within never see a Ctrl-C, which a terminal sends to all of them: they
    are whoever started them's to end.

    Raises:
        KeyboardInterrupt: at the end, if it came.
    """
    if threading.current_thread() is not threading.main_thread():  # others get no signals
        yield
        return
    resource_tracker.ensure_running()  # multiprocessing's: where it is started later, that lets Ctrl-C in again
    pressed: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, frame: pressed.append(number))
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)  # what came meanwhile is delivered here
        signal.signal(signal.SIGINT, handler)
    if pressed:
        raise KeyboardInterrupt
