"""Lava is imported once here, since sessions fork; and a fixture for what a run leaves behind."""

import os
import time
from pathlib import Path

import lava.magma.core.process.process  # noqa: F401
import pandas  # noqa: F401 (networkx imports it when Lava compiles a graph)
import psutil
import pytest

import basalt.lava_procs.io.models
import basalt.lava_procs.pathway_layer.models
import basalt.lava_procs.readout.models  # noqa: F401


def left_behind() -> set[str]:
    """Processes of this one's making, orphans too; shared memory that no living process uses; workers' folders.

    Forks share the command line. Other programs may run Lava at the same time: their segments are in use.
    """
    me = psutil.Process()
    found = {f"process {child.pid}" for child in me.children(recursive=True) if not tracks(child)}
    for other in psutil.process_iter(["cmdline", "status"]):
        forked = other.info["cmdline"] == me.cmdline() and other.info["status"] != psutil.STATUS_ZOMBIE
        found |= {f"process {other.pid}"} if forked and other.pid != me.pid else set()
    found |= {path.name for pattern in ("psm_*", "sem.*") for path in Path("/dev/shm").glob(pattern)} - mapped()
    return found | {path.name for path in Path(os.environ.get("TMPDIR", "/tmp")).glob(".workers-*")}


def mapped() -> set[str]:
    """The names of shared memory that living processes use."""
    found = set()
    for maps in Path("/proc").glob("[0-9]*/maps"):
        try:
            found |= {line.rpartition("/")[2] for line in maps.read_text().splitlines() if "/dev/shm/" in line}
        except OSError:
            continue
    return found


def tracks(process: psutil.Process) -> bool:
    """Whether a process is Python's own resource tracker, which lives as long as the interpreter."""
    try:
        return "resource_tracker" in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def nothing_left():
    """What was not there before, and stays there for half a minute after a test, was left behind by it."""
    before = left_behind()
    yield
    deadline = time.monotonic() + 30
    stayed = left_behind() - before
    while stayed and time.monotonic() < deadline:
        time.sleep(0.05)
        stayed &= left_behind()
    assert not stayed
