"""The one error a user can act on."""

import errno
import resource
from collections.abc import Iterator
from contextlib import contextmanager


class BasaltError(Exception):
    """Something the user can mend: the message is one sentence that names the thing and the way out.

    Command lines print the message without a traceback and exit with code 1.
    """


FILES = (errno.EMFILE, errno.ENFILE)
MEMORY = (errno.ENOMEM,)
PROCESSES = (errno.EAGAIN,)

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
    reason = str(error).partition("\n")[0]
    code = getattr(error, "errno", None) if isinstance(error, OSError) else None
    if isinstance(error, RuntimeError | ImportError):
        code = next((codes[0] for words, codes in SPOKEN.items() if words in reason.lower()), None)
    if code in FILES:
        return (
            f"There are not enough file descriptors, {resource.getrlimit(resource.RLIMIT_NOFILE)[0]} for each process: "
            f"raise the limit, as with `ulimit -n 1024`."
        )
    if code in PROCESSES:
        return (
            f"The system gives no further process or thread ({reason}): raise the limits on them and on memory "
            f"(`ulimit -u`, `ulimit -v`), or run less at a time."
        )
    if code in MEMORY or isinstance(error, MemoryError):
        told = f" ({reason})" if reason else ""
        return f"There is not enough memory{told}: ask for smaller sizes, or fewer samples at a time."
    return None


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
