"""Where a figure comes from: date, command, versions, and the commit of the code that made it."""

import hashlib
import os
import shlex
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def now() -> str:
    """The time in UTC, as files have it: "2026-11-28T09:37:57Z"."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def command() -> str:
    """The command line that this process was started with."""
    return shlex.join(["basalt", *sys.argv[1:]])


def digest(path: Path) -> str:
    """SHA-256 of a file: that it is the same one."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()


@cache
def commit() -> str | None:
    """The commit of Basalt's own code, with "+changes" where files differ from it; None outside of a git checkout."""
    if not (ROOT / ".git").exists():
        return None
    head, changes = git("rev-parse", "HEAD"), git("status", "--porcelain", "--untracked-files=no")
    if head is None:
        return None
    return f"{head}+changes" if changes else head


def git(*arguments: str) -> str | None:
    """What git says of Basalt's checkout; None where it cannot."""
    quiet = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(
            ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, timeout=10, check=True, env=quiet
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
