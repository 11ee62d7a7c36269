"""What runs out is named, with the limit to raise."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from basalt.errors import BasaltError, exhausted, naming_limits

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(errno.EMFILE, os.strerror(errno.EMFILE), "x"), "file descriptors, [0-9]+ for each process.*ulimit -n"),
        (OSError(errno.ENFILE, os.strerror(errno.ENFILE)), "file descriptors"),
        (ImportError("libx.so: cannot open shared object file: Too many open files"), "file descriptors"),
        (OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)), "not enough memory .Cannot allocate memory."),
        (ImportError("numpy failed.\n\nOriginal error was: x.so: failed to map segment from shared object"), "memory"),
        (MemoryError(), "not enough memory: ask"),
        (RuntimeError("can't start new thread"), "no further process or thread .*ulimit -u"),
        (BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)), "no further process or thread"),
    ],
)
def test_each_is_a_sentence(error: Exception, says: str) -> None:
    with pytest.raises(BasaltError, match=says), naming_limits():
        raise error


@pytest.mark.parametrize(
    "error",
    [
        BlockingIOError(errno.EAGAIN, "Unable to synchronously open file (unable to lock file)"),
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        RuntimeError("oh"),
        ImportError("No module named x"),
    ],
)
def test_other_errors_stay_what_they_are(error: Exception) -> None:
    assert exhausted(error) is None
    with pytest.raises(type(error)), naming_limits():
        raise error


@pytest.mark.parametrize(("limit", "says"), [("-v 300000", "address space"), ("-d 60000", "data")])
def test_too_little_memory_is_said_before_anything_is_loaded(limit: str, says: str) -> None:
    """OpenBLAS would ask for its buffers for ever."""
    line = f'ulimit {limit}; exec "$@"'
    ended = subprocess.run(
        ["bash", "-c", line, "bash", sys.executable, "-m", "basalt.cli", "list"],
        capture_output=True, text=True, cwd=ROOT, timeout=60,
    )  # fmt: skip
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"error: The {says} of this process is limited to {limit.split()[1]} kB")
