"""What Lava's channels are made of here: memory that has no name, and semaphores whose lack is named.

Lava takes a channel's memory from a manager process, as a named segment in /dev/shm: whoever ends a run has to find and
remove each, a small /dev/shm ends it with a bus error, and the manager leaves a folder of its own. All processes of a
run are forks of its host, so anonymous memory that forks share serves as well, and is gone with the last of them.
"""

import mmap
import multiprocessing
from dataclasses import dataclass
from multiprocessing.synchronize import Semaphore

from basalt.errors import BasaltError, exhausted


@dataclass(frozen=True)
class Segment:
    """What Lava's ports use of a `multiprocessing.shared_memory.SharedMemory`."""

    buf: memoryview


class AnonymousMemory:
    """Stands in for Lava's SharedMemoryManager."""

    def start(self) -> None:
        """Nothing: there is no manager process."""

    def create_shared_memory(self, size: int) -> Segment:
        """Zeros, in memory that processes share which are forked from here on.

        Raises:
            OSError: there is not so much memory.
        """
        return Segment(memoryview(mmap.mmap(-1, max(size, 1))))

    def shutdown(self) -> None:
        """Nothing: memory goes with the ports that use it."""


def semaphore(value: int) -> Semaphore:
    """A semaphore that processes share; the system keeps it in /dev/shm, though not its name.

    Raises:
        BasaltError: there is no room for one.
    """
    try:
        return multiprocessing.Semaphore(value)
    except OSError as error:
        raise BasaltError(
            exhausted(error)
            or f"Lava's channels need semaphores, and /dev/shm has no room for one ({error.strerror}): make it larger "
            f"and writable (in a container, with --shm-size)."
        ) from error


def equip() -> None:
    """Have Lava's runtimes of this process make their channels of these."""
    from lava.magma.compiler.channels import pypychannel
    from lava.magma.runtime.message_infrastructure import multiprocessing as infrastructure

    infrastructure.SharedMemoryManager = AnonymousMemory
    pypychannel.Semaphore = semaphore
