"""The one place where files that others made are opened: regular files alone, of a size that is stated before.

A pipe would hang, a device or /proc would never end, and what a file unpacks to may fill the machine; so what is opened
is looked at first, and every reader holds the sizes that a file declares against `memory_limit` before it reads them.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from basalt.errors import BasaltError

MIB = 1 << 20
MEMORY_MIB = 512
VARIABLE = "BASALT_FILE_MIB"
"""Environment variable that replaces `MEMORY_MIB`."""


def memory_limit() -> int:
    """Bytes that the arrays of one file may take in memory: `MEMORY_MIB`, or what `VARIABLE` says.

    Raises:
        BasaltError: the variable is not a whole number of MiB.
    """
    given = os.environ.get(VARIABLE)
    if given is None:
        return MEMORY_MIB * MIB
    if not (given.isascii() and given.isdecimal() and int(given[:9]) > 0 and len(given) < 9):
        raise BasaltError(f"{VARIABLE} must be a whole number of MiB, such as {MEMORY_MIB}, not {given!r}.")
    return int(given) * MIB


def too_large(path: Path | str, what: str, size: int, limit: int) -> BasaltError:
    """The error to raise about a part of a file that would take more memory than it may."""
    return BasaltError(
        f"{path}: {what} needs {mib(size)} MiB of memory, and the limit for a file is {mib(limit)}; if it is to be "
        f"trusted and the machine has the memory, raise it with {VARIABLE}={mib(size)}."
    )


def mib(size: int) -> int:
    """Bytes in MiB, rounded up."""
    return -(-size // MIB)


@contextmanager
def opened(path: Path) -> Iterator[BufferedReader]:
    """A regular file, open for reading; never waits, as for the other end of a pipe.

    Raises:
        BasaltError: it is not there, may not be read, or is a folder, a pipe, a device or a socket.
    """
    path = Path(path)
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (OSError, ValueError) as error:
        raise BasaltError(unreadable(path, error)) from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise BasaltError(f"{path} is not a regular file, and nothing else is read; name a file.")
    with os.fdopen(handle, "rb") as file:
        yield file


def unreadable(path: Path, error: Exception) -> str:
    """The sentence for a file that cannot be opened."""
    return f"Cannot read {path}: {getattr(error, 'strerror', None) or error}; name a file that can be read."


def there(path: Path) -> bool:
    """Whether there is something of that name.

    Raises:
        BasaltError: a folder above it may not be entered, or the name is none.
    """
    try:
        Path(path).stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:
        raise BasaltError(unreadable(path, error)) from error
    return True


def read_bytes(path: Path, most: int) -> bytes:
    """The content of a regular file of at most `most` bytes.

    Raises:
        BasaltError: as of `opened`; or it is larger.
    """
    with opened(path) as file:
        try:
            content = file.read(most + 1)
        except OSError as error:
            raise BasaltError(unreadable(path, error)) from error
    if len(content) > most:
        raise BasaltError(f"{path} is larger than {most:,} bytes, the most that such a file may have; name another.")
    return content


def read_text(path: Path, most: int) -> str:
    """The same as text.

    Raises:
        BasaltError: as of `read_bytes`; or it is not UTF-8.
    """
    try:
        return read_bytes(path, most).decode("utf-8")
    except UnicodeDecodeError as error:
        raise BasaltError(f"{path} is not a text file ({error}); name another.") from error
