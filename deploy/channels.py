"""Memory for Lava's channels that has no name.

Lava takes a channel's memory from a manager process, as a named segment in /dev/shm: a run that is ended has to find and
remove each, a small /dev/shm ends it with a bus error, and the manager leaves a folder of its own. All processes of a
run are forks of its host, so anonymous memory that forks share serves as well, and is gone with the last of them.
"""

import mmap
from dataclasses import dataclass


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


def use_anonymous_memory() -> None:
    """Have Lava's runtimes of this process take their channels' memory from here."""
    from lava.magma.runtime.message_infrastructure import multiprocessing

    multiprocessing.SharedMemoryManager = AnonymousMemory
