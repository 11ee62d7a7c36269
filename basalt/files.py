"""Files that are either whole or absent."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from basalt.documents import dumps, read_json, read_object
from basalt.errors import BasaltError

__all__ = ["atomic", "make_folder", "read_json", "read_object", "refusal", "unwritten", "write_json"]

_finished: list[Path] = []


def written() -> bool:
    """Whether this process has written any file to its end."""
    return bool(_finished)


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` if the block ends well, else remove it.

    A reader therefore sees the old file or the new one, never a part of either, whatever stops the writer.

    Raises:
        BasaltError: the file cannot be written (disk full, no permission); the old file is untouched.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=path.suffix, dir=path.parent)
    except OSError as error:
        raise BasaltError(f"Cannot write {path}: {error.strerror or error}.") from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
        _finished[:] = [path]
    except OSError as error:
        raise BasaltError(unwritten(path, error)) from error
    except RuntimeError as error:  # HDF5's writer hides why it failed: ask the disk
        cause = refusal(temporary)
        if cause is None:
            raise
        raise BasaltError(unwritten(path, cause)) from error
    finally:
        temporary.unlink(missing_ok=True)


def make_folder(path: Path) -> None:
    """Make a folder for results, and those above it, where they are not there yet.

    Raises:
        BasaltError: it cannot be made, or there is a file of that name.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BasaltError(f"Cannot make the folder {path} ({error.strerror or error}); name another.") from error


def unwritten(path: Path, error: OSError) -> str:
    """The sentence for a file that could not be written."""
    return f"Cannot write {path}: {error.strerror or error}. What was there before is kept."


def refusal(file: Path) -> OSError | None:
    """Why `file` takes no further bytes, or None if it does."""
    try:
        with file.open("ab") as written:
            written.write(bytes(1 << 16))
            written.flush()
            os.fsync(written.fileno())
    except OSError as error:
        return error
    return None


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, atomically.

    Raises:
        BasaltError: as of `atomic`; or a number in it is not finite.
    """
    with atomic(path) as temporary:
        temporary.write_text(dumps(value) + "\n")
