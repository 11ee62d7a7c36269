"""A child process that any thread of any process may have: of a thread pool, of a daemon, of one with closed streams.

`multiprocessing` refuses children to its daemons, joins a pool's threads when a child of one of them ends, and loses
children that others wait for. So this is a plain fork, which takes nothing of its parent's but memory, and which is
watched without being reaped, so that its number is its own until the end.
"""

import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import current_process, get_start_method, set_start_method
from pathlib import Path

from basalt.extras import lava_here

LAVA_PROCESSES = "lava.magma.runtime.message_infrastructure.multiprocessing"

_busy = threading.Lock()


def _renew() -> None:
    global _busy
    _busy = threading.Lock()


os.register_at_fork(after_in_child=_renew)


@contextmanager
def alone() -> Iterator[None]:
    """Within the block no other thread forks a host.

    A fork copies the locks that other threads hold, as those of modules in import, and nobody opens the copies.
    """
    with _busy:
        yield


@dataclass(frozen=True)
class Child:
    """A child, and the processes that descend from it, once it is detached.

    Attributes:
        pid: its number, and that of its session and process group.
    """

    pid: int

    def ended(self) -> bool:
        """Whether the child itself has ended; it stays to be reaped."""
        try:
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:  # reaped by another, or by the system where the caller ignores SIGCHLD
            return True

    def end(self) -> str:
        """End it with all that descend from it, reap it, and say how it ended: "code 1", "SIGKILL"."""
        if not self.ended():
            os.kill(self.pid, signal.SIGKILL)
        end_group(self.pid)
        try:
            found = os.waitid(os.P_PID, self.pid, os.WEXITED)
        except ChildProcessError:
            return "unknown to us"
        assert found is not None
        return f"code {found.si_status}" if found.si_code == os.CLD_EXITED else signal.Signals(found.si_status).name


def end_group(leader: int) -> None:
    """Kill every process of a group; it needs no descriptor, and no memory."""
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def fork(main: Callable[[], None]) -> Child:
    """Start a child that calls `main` and ends; nothing that its parent registered for its own end happens in it.

    Raises:
        OSError: the system gives no further process, or not the memory for it.
    """
    with alone():
        pid = os.fork()
    if pid:
        return Child(pid)
    try:
        main()
        os._exit(0)
    finally:
        os._exit(1)


def load_lava() -> None:
    """Import Lava here, where it is installed, once for all hosts to come, which then start sooner.

    Lava sets the way in which this program starts processes, and fails if it is set already: so it is put back.
    """
    if LAVA_PROCESSES in sys.modules or not lava_here():
        return
    with alone():
        chosen = get_start_method(allow_none=True)
        set_start_method(None, force=True)
        try:
            import_module("lava.magma.core.process.process")
        finally:
            set_start_method(chosen, force=True)


def detach(log: Path) -> None:
    """Make this child a session of its own, whose output goes into a log, and free what its parent has open.

    Inherited descriptors stay taken, since Python objects may yet close them, but they are of nothing any more: no lock
    on a file, no pipe or connection of the parent's is held open here.
    """
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        with suppress(OSError):  # that of the listing is closed again
            os.fstat(descriptor)
            os.dup2(nothing, descriptor, inheritable=False)
    os.close(nothing)
    with log.open("ab") as file:
        for descriptor in (0, 1, 2):
            os.dup2(file.fileno(), descriptor)
    output = io.BufferedWriter(io.FileIO(1, "w", closefd=False))
    sys.stdout = sys.stderr = io.TextIOWrapper(output, "utf-8", "backslashreplace", line_buffering=True)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # processes that nobody may wait for cannot be joined
    current_process().daemon = False
