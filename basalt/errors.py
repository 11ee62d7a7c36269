"""The one error a user can act on."""

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager


class BasaltError(Exception):
    """Something the user can mend: the message is one sentence that names the thing and the way out.

    Command lines print the message without a traceback and exit with code 1.
    """


FILES, MEMORY, PROCESSES = errno.EMFILE, errno.ENOMEM, errno.EAGAIN

SPOKEN = {
    "too many open files": FILES,
    "cannot allocate memory": MEMORY,
    "can't allocate memory": MEMORY,
    "out of memory": MEMORY,
    "failed to map segment from shared object": MEMORY,
    "can't start new thread": PROCESSES,
}
"""What the dynamic linker, torch and Python's threads say instead of an error number."""


def exhausted(error: BaseException) -> str | None:
    """The sentence for an error that says that memory, descriptors, processes or threads ran out; None for others."""
    what, reason = _exhausted(error)
    if what == FILES:
        return (
            f"There are not enough file descriptors, {resource.getrlimit(resource.RLIMIT_NOFILE)[0]} for each process: "
            f"raise the limit, as with `ulimit -n 1024`."
        )
    if what == PROCESSES:
        return (
            f"The system gives no further process or thread ({reason}): raise the limits on them and on memory "
            f"(`ulimit -u`, `ulimit -v`), or run less at a time."
        )
    if what == MEMORY:
        told = f" ({reason})" if reason else ""
        return f"There is not enough memory{told}: ask for smaller sizes, or fewer samples at a time."
    return None


def _exhausted(error: BaseException) -> tuple[int | None, str]:
    """What ran out, and the line of the error that says so."""
    lines = str(error).splitlines() or [""]
    if isinstance(error, MemoryError):
        return MEMORY, lines[0]
    if isinstance(error, OSError) and error.strerror == os.strerror(error.errno or 0):  # libraries say other things
        return {errno.ENFILE: FILES}.get(error.errno or 0, error.errno), error.strerror
    if isinstance(error, RuntimeError | ImportError):
        for line in lines:
            for words, what in SPOKEN.items():
                if words in line.lower():
                    return what, line.strip()
    return None, ""


@contextmanager
def naming_limits() -> Iterator[None]:
    """Turn errors of a system that gives no more into the one that users can act on.

    Raises:
        BasaltError: memory, file descriptors, processes or threads ran out within the block.
    """
    try:
        yield
    except (OSError, MemoryError, RuntimeError, ImportError) as error:
        sentence = exhausted(error)
        if sentence is None:
            raise
        raise BasaltError(sentence) from error
