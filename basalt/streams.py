"""Standard output and error that no work depends on: they may be closed, full, or a pipe that nobody reads any more.

What a command computed is in its files, so a message that cannot be shown ends nothing. Only where a command wrote no
file is what it prints its result, and a loss of it a failure.
"""

import errno
import io
import os
import select
import sys
from dataclasses import dataclass
from typing import Any, TextIO

from basalt import files


class Patient(io.FileIO):
    """A descriptor whose first failed write is remembered, and after which everything is dropped."""

    lost: OSError | None = None

    def write(self, data: Any) -> int:
        """Write, or pretend to."""
        try:
            while self.lost is None:
                done = super().write(data)
                if done is not None:
                    return done
                select.select([], [self], [])  # a pipe that does not block, and is full
        except OSError as error:
            self.lost = error
        return memoryview(data).nbytes


@dataclass(frozen=True)
class Streams:
    """The standard streams of a process."""

    output: Patient
    error: Patient

    def verdict(self) -> tuple[str, int]:
        """What to say at the end of a command that did its work, if anything, and its exit code."""
        sys.stdout.flush()
        lost = self.output.lost
        if lost is None or lost.errno == errno.EPIPE:  # whoever closed the pipe has had enough
            return "", 0
        told = f"Standard output took no more ({lost.strerror}): what was printed is incomplete"
        return (f"{told}; the files are whole.", 0) if files.written() else (f"error: {told}; send it elsewhere.", 1)


def prepare() -> Streams | None:
    """Open what is closed of descriptors 0 to 2, and make the standard streams patient.

    Returns:
        The streams; None where the caller has put others in their place, which are its own.
    """
    while True:  # else the next file that is opened is standard output
        spare = os.open(os.devnull, os.O_RDWR)
        if spare > 2:
            os.close(spare)
            break
    if sys.stdout is not sys.__stdout__ or sys.stderr is not sys.__stderr__:
        return None
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)))
    streams = Streams(Patient(1, "w", closefd=False), Patient(2, "w", closefd=False))
    sys.stdout = text(streams.output, sys.stdout, streams.output.isatty())
    sys.stderr = text(streams.error, sys.stderr, True)
    return streams


def text(raw: Patient, instead_of: TextIO | None, lines: bool) -> TextIO:
    """A text stream, encoded as the one whose place it takes."""
    encoding, errors = getattr(instead_of, "encoding", "utf-8"), getattr(instead_of, "errors", "backslashreplace")
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, errors, line_buffering=lines)
