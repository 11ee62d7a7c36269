"""A Dask scheduler and workers as an administrator starts them: processes of their own, ended with the block."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

PATIENCE = 120.0
"""Seconds for what takes one on an idle machine."""
ROOT = Path(__file__).resolve().parents[1]
REGISTERED = "Registered to:"
"""What a worker of Dask's writes once its scheduler knows it."""


@dataclass
class Cluster:
    """What was started."""

    url: str
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)


@contextmanager
def dask_cluster(
    folder: Path,
    workers: int = 1,
    code: Path = ROOT,
    options: Sequence[str] = (),
    tls: Sequence[str] = (),
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Cluster]:
    """A scheduler on this machine and its workers.

    Args:
        folder: for their files.
        code: the folder whose Basalt the workers have.
        options: further ones for the workers.
        tls: options for certificates, for all of them.
        environment: further variables.
    """
    file = folder / "scheduler.json"
    variables = {**os.environ, **environment, "PYTHONPATH": str(code)}
    dask = [sys.executable, "-m", "dask"]
    protocol = ["--protocol", "tls"] if tls else []

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        log = stack.enter_context((folder / "dask.log").open("ab"))
        command = [*dask, *arguments, "--no-dashboard", "--scheduler-file", str(file), *tls, *protocol]
        process = subprocess.Popen(command, stdout=log, stderr=log, env=variables, cwd=folder, start_new_session=True)
        stack.callback(end, process)
        return process

    with ExitStack() as stack:
        scheduler = start("scheduler", "--host", "127.0.0.1", "--port", "0")
        deadline = time.monotonic() + PATIENCE

        def await_until(ready: Callable[[], bool]) -> None:
            while not ready():
                alive = all(process.poll() is None for process in (scheduler, *there))
                assert alive and time.monotonic() < deadline, (folder / "dask.log").read_text()
                time.sleep(0.05)

        there: list[subprocess.Popen[bytes]] = []
        await_until(lambda: file.exists() and file.read_text().endswith("}"))
        found = Cluster(json.loads(file.read_text())["address"], scheduler)
        there += [start("worker", "--nthreads", "1", "--no-nanny", *options) for _ in range(workers)]
        await_until(lambda: (folder / "dask.log").read_text().count(REGISTERED) >= workers)
        found.workers += there
        yield found


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that may be stopped."""
    process.kill()
    process.wait(PATIENCE)
