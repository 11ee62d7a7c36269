"""Read a file in a child first: what crashes, hangs or fills the memory there does nothing to this process.

Libraries in C believe what a damaged file says: HDF5 takes the 4 GB that a text of four letters claims to have, and no
signal's handler runs before it returns. The child is a fork, so that it is there in milliseconds. What it has to say
comes back in memory that both share: it needs no descriptor, and nothing of it is left, however it ends.
"""

import mmap
import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path

from basalt.errors import BasaltError
from basalt.opening import MIB, memory_limit

SECONDS = 20
BYTES_PER_SECOND = 10 * MIB
"""Of a file: its reading may take `SECONDS`, and what it takes at this speed."""
BESIDE_VALUES = 256 * MIB
"""What reading may take beside the values, which stand in memory twice while their type changes."""
SAID_MOST = 1 << 14
FINISHED = b"\x01"
KNOWN_MOST = 4096

_known: set[tuple[int, ...]] = set()
"""Files, as they were, that this process wrote or has rehearsed."""


def identity(path: Path) -> tuple[int, ...]:
    """What changes with a file's content."""
    status = path.stat()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def rehearsed(path: Path) -> bool:
    """Whether this process wrote or rehearsed a file as it is now."""
    return identity(path) in _known


def trust(path: Path) -> None:
    """Need no rehearsal of a file as it is now: this process wrote it."""
    if len(_known) >= KNOWN_MOST:
        _known.clear()
    _known.add(identity(path))


def rehearse(path: Path, read: Callable[[], object]) -> None:
    """Read a file in a child, whose memory and time are limited; nothing it does is seen here but how it ends.

    A file that this process wrote, or has rehearsed, is not read again while it stays as it was.

    Args:
        path: of the file.
        read: what is to be done here afterwards.

    Raises:
        BasaltError: `read` raised it there, or it crashed, or took too long or too much memory.
    """
    before = identity(path)
    if before in _known:
        return
    seconds = SECONDS + path.stat().st_size // BYTES_PER_SECOND
    with mmap.mmap(-1, SAID_MOST) as said:
        try:
            child = os.fork()
        except OSError as error:
            raise BasaltError(
                f"Cannot read {path}: it is read in a process of its own first, and none can be started "
                f"({error.strerror}); end other programs."
            ) from error
        if not child:
            perform(path, said, seconds, read)
        try:
            ended = waited(child)
        except BaseException:  # an interrupt, or a time limit's
            os.kill(child, signal.SIGKILL)
            waited(child)
            raise
        finished, sentence = said[:1] == FINISHED, said[1:].rstrip(b"\0").decode("utf-8", "ignore")
    if not finished:
        why = f"reading it takes longer than {seconds} s" if ended == signal.SIGALRM else "what reads it crashes"
        raise BasaltError(f"{path} is damaged: {why}; make it again.")
    if sentence:
        raise BasaltError(sentence)
    if identity(path) == before:
        trust(path)


def perform(path: Path, said: mmap.mmap, seconds: int, read: Callable[[], object]) -> None:
    """Be the child: read, leave a sentence if there is one, and end."""
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)  # which ends even what is busy in C
        signal.alarm(seconds)
        limit_memory(2 * memory_limit() + BESIDE_VALUES)
        sentence = ""
        try:
            read()
        except BasaltError as error:
            sentence = str(error)
        except MemoryError:
            sentence = f"{path} is damaged: reading it takes more memory than its values; make it again."
        except Exception:  # a defect of ours, which will show itself where it can be seen
            pass
        content = sentence.encode("utf-8", "backslashreplace")[: SAID_MOST - 1]
        said[1 : 1 + len(content)] = content
        said[:1] = FINISHED
    finally:
        os._exit(0)


def limit_memory(more: int) -> None:
    """Let this process take `more` bytes beyond what it has, and leave no core dump when it crashes."""
    import faulthandler

    faulthandler.disable()
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = pages * mmap.PAGESIZE + more
    known = [limit for limit in (before, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min([most, *known]), hard))


def waited(child: int) -> signal.Signals | None:
    """Wait for a child: the signal that ended it, if one did and the system knows."""
    try:
        _, status = os.waitpid(child, 0)
    except ChildProcessError:  # the caller ignores SIGCHLD, or another waited for it
        return None
    return signal.Signals(os.WTERMSIG(status)) if os.WIFSIGNALED(status) else None
