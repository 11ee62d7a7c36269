"""Every failure that a user may meet, and how it should end; `failure_table.py` provokes them.

Models are slowed down or made to raise by a wrapper around the command line, never by the product.
"""

import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import psutil

from tests.dask_cluster import ROOT, Cluster

SLOW = """
import time
import basalt.lava_procs.io.models as models
advance = models.SourceModel.advance
models.SourceModel.advance = lambda self, advance=advance: (time.sleep(0.3), advance(self))
"""

RAISING = """
from basalt.lava_procs.spiking.models import CompiledSpikingModel
from basalt.lava_procs.stepwise import AbstractNeuronModel
def failing(advance):
    def fail(self):
        if self.time_step == 2:
            raise ValueError("the membrane is on fire")
        return advance(self)
    return fail
for model in (AbstractNeuronModel, CompiledSpikingModel):
    model.advance = failing(model.advance)
"""

COMMAND = """
import sys
sys.argv[0] = "basalt"
from basalt.cli import main
main()
"""

UNCLOSED = """
import os, sys, threading, time
from pathlib import Path
import numpy as np
from basalt.convert import netx
from basalt.records.network import Network
from basalt.deploy.job import Job, run
network, spikes = netx.read(Path(sys.argv[2])), np.load(sys.argv[4])["spikes"]
threading.Thread(target=run, args=(Job(network, spikes, sys.argv[6], 1),), daemon=True).start()
while not any(Path(os.environ["TMPDIR"]).glob(".session-*/progress")):
    time.sleep(0.02)
print("The interpreter ends without closing its run.", file=sys.stderr, flush=True)
"""

ELSEWHERE = """
import asyncio, signal, sys
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
import numpy as np
from basalt.convert import netx
from basalt.deploy.job import Job, run
def once(_):
    job = Job(netx.read(Path(sys.argv[2])), np.load(sys.argv[4])["spikes"], sys.argv[6], 1)
    return sum(int(sent.sum()) for sent in run(job).sent.values())
"""

POOLS = {
    "a pool's threads": "with ThreadPoolExecutor(2) as pool: found = list(pool.map(once, range(2)))",
    "asyncio.to_thread": "found = [asyncio.run(asyncio.to_thread(once, 0))]",
    "daemons of a pool": "with get_context('fork').Pool(2) as pool: found = pool.map(once, range(2))",
    "a program that ignores its children": "signal.signal(signal.SIGCHLD, signal.SIG_IGN); found = [once(0)]",
}
"""Who else may start a run."""

SMALL_SHM = (
    'mount -t tmpfs -o size=64k tmpfs /dev/shm && "$@"; code=$?; [ -z "$(ls -A /dev/shm)" ] || echo LEFT; exit $code'
)


@dataclass(frozen=True)
class Failure:
    """One way to fail.

    Attributes:
        name: for people.
        exit_code: what the command should end with.
        says: what the user should read, a regular expression.
        wrapper: code before the command line, or instead of it.
        instead: the wrapper is all that runs.
        spoil: changes the files (.net, .npz) before the command starts.
        strike: called with the command once its run has made a first step.
        arguments: further ones for the command.
        shell: a line of bash that runs the command, "$@".
        prefix: a program before bash.
        dask: a scheduler and a worker are started first, and run it: a folder whose Basalt differs, or ours.
        within: seconds from the strike to the end.
    """

    name: str
    exit_code: int
    says: str
    wrapper: str = ""
    instead: bool = False
    spoil: Callable[[Path, Path], None] | None = None
    strike: Callable[[psutil.Process], None] | None = None
    arguments: tuple[str, ...] = ()
    shell: str = 'exec "$@"'
    prefix: tuple[str, ...] = ()
    dask: Callable[[Path], Path] | None = None
    strike_dask: Callable[[Cluster], None] | None = None
    within: float = 60.0


def kill_model(command: psutil.Process) -> None:
    """kill −9 of the process of one model: a child of the host without children of its own."""
    host = command.children()[0]
    [child for child in host.children() if not child.children()][-1].kill()


def listens_nowhere(command: psutil.Process) -> None:
    """Neither the command nor anything of it waits for others at a port."""
    for process in (command, *command.children(recursive=True)):
        ports = [str(at.laddr) for at in process.net_connections("inet") if at.status == psutil.CONN_LISTEN]
        if ports:
            raise SystemExit(f"A process of the run listens at {ports}.")


def changed(place: Path) -> Path:
    """A copy of Basalt with one more comment."""
    shutil.copytree(ROOT / "basalt", place / "other" / "basalt", ignore=shutil.ignore_patterns("__pycache__"))
    with (place / "other" / "basalt" / "lava_procs" / "ports.py").open("a") as module:
        module.write("# another\n")
    return place / "other"


def kill_host(command: psutil.Process) -> None:
    """kill −9 of the process that hosts the run."""
    command.children()[0].kill()


def truncate(file: Path) -> None:
    """Keep the first half."""
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def first_weights(content: h5py.File, index: int) -> h5py.Group:
    """The group of the layer with the index-th weight matrix."""
    groups = [content["layer"][name] for name in sorted(content["layer"], key=int)]
    return [group for group in groups if "weight" in group and group["weight"].ndim > 1][index]


def put_nan(file: Path) -> None:
    """A weight that is no number."""
    with h5py.File(file, "r+") as content:
        group = first_weights(content, 0)
        weight = group["weight"][()].astype(np.float32)
        weight[0, 0] = np.nan
        del group["weight"]
        group["weight"] = weight


def misfit(file: Path) -> None:
    """A second layer for more inputs than the first one sends."""
    with h5py.File(file, "r+") as content:
        group = first_weights(content, 1)
        weight = group["weight"][()]
        del group["weight"]
        group["weight"] = np.pad(weight, ((0, 0), (0, 3)))


def other_features(file: Path) -> None:
    """Spikes of another sensor."""
    np.savez(file, spikes=np.zeros((2, 7, 5), dtype=np.uint8))


FAILURES = (
    Failure("raise in a model", 1, r"because of hidden\d.*ValueError: the membrane is on fire", RAISING),
    Failure("kill −9 of a model's process", 1, r"was ended \(SIGKILL\)", SLOW, strike=kill_model),
    Failure("kill −9 of the hosting process", 1, "hosting process was ended", SLOW, strike=kill_host),
    Failure("kill −9 of the command itself", -9, "", SLOW, strike=lambda command: command.kill()),
    Failure("Ctrl-C", 130, "Stopped", SLOW, strike=lambda command: os.killpg(command.pid, signal.SIGINT)),
    Failure("terminal closed (SIGHUP)", -1, "", SLOW, strike=lambda command: os.killpg(command.pid, signal.SIGHUP)),
    Failure("SIGTERM", -15, "", SLOW, strike=lambda command: command.terminate()),
    Failure("out of time", 1, "time limit of 2 s.*--timeout", SLOW, arguments=("--timeout", "2")),
    Failure("missing stop()", 0, "without closing", SLOW + UNCLOSED, instead=True),
    Failure("truncated .net file", 1, "not a readable .net file", spoil=lambda net, _: truncate(net)),
    Failure("truncated .npz file", 1, "not a readable .npz file", spoil=lambda _, npz: truncate(npz)),
    Failure("NaN weights", 1, "NaN", spoil=lambda net, _: put_nan(net)),
    *(
        Failure(f"run by {name}", 0, r"spikes: \[", f"{ELSEWHERE}{body}\nprint('spikes:', found)", True)
        for name, body in POOLS.items()
    ),
    *(
        Failure(f"{name}", 0, says, shell=f'exec "$@" {redirection}')
        for name, redirection, says in (
            ("standard output full", "> /dev/full", "files are whole"),
            ("standard error full", "2> /dev/full", "Report"),
            ("both full", "&> /dev/full", ""),
            ("standard output closed", ">&-", ""),
            ("standard error closed", "2>&-", "Report"),
            ("all three closed", "<&- >&- 2>&-", ""),
        )
    ),
    Failure("a pipe that nobody reads", 0, "", shell='set -o pipefail; "$@" | true'),
    *(
        Failure(f"ulimit -n {n}", 1, f"file descriptors, {n} for each", shell=f'ulimit -n {n}; exec "$@"')
        for n in (10, 20, 32, 40)
    ),
    *(
        Failure(f"ulimit -v {n}", 1, says, shell=f'ulimit -v {n}; exec "$@"')
        for n, says in ((100_000, "address space"), (300_000, "address space"), (524_288, "memory"))
    ),
    Failure("ulimit -d 60000", 1, "data of this process", shell='ulimit -d 60000; exec "$@"'),
    Failure("/dev/shm of 64 kB", 1, "^(?!.*LEFT).*semaphores.*shm-size", shell=SMALL_SHM, prefix=("unshare", "-m")),
    Failure(
        "--workers 2, out of time, no port open",
        1,
        "time limit of 4 s",
        SLOW,
        strike=listens_nowhere,
        arguments=("--workers", "2", "--batch", "1", "--timeout", "4"),
    ),
    Failure(
        "--workers 2, Ctrl-C",
        130,
        "Stopped",
        SLOW,
        arguments=("--workers", "2", "--batch", "1"),
        strike=lambda command: os.killpg(command.pid, signal.SIGINT),
    ),
    Failure("a Dask worker with other code", 1, "has a different Basalt", dask=changed),
    Failure(
        "kill −9 of the Dask scheduler",
        1,
        "scheduler at .* died",
        dask=lambda place: ROOT,
        within=5.0,
        strike_dask=lambda dask: dask.scheduler.kill(),
    ),
    Failure(
        "a Dask worker that is stopped",
        1,
        "not been heard of for 30 s",
        dask=lambda place: ROOT,
        strike_dask=lambda dask: dask.workers[0].send_signal(signal.SIGSTOP),
    ),
    Failure("input of another shape", 1, "7 features", spoil=lambda _, npz: other_features(npz)),
    Failure("layers that do not fit", 1, "input size", spoil=lambda net, _: misfit(net)),
)
"""All of them."""
