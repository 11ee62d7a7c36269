"""Provokes every failure that a user may meet, through the command line, and says what came of each.

    python tests/deploy/failure_table.py [--backend fixed] [--only "Ctrl-C"]

Prints a markdown table: what the user saw, the exit code, the seconds from the failure to the end of the command, and
what was left: processes, shared-memory segments that nobody has mapped, folders. Exit code 1 when anything was left, or
when a failure ended otherwise than it should. Models are slowed down or made to raise by a wrapper around the command
line, never by the product.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path[0] = str(ROOT)

import h5py
import numpy as np
import psutil
import typer

from convert import netx
from convert.records import Network
from tests.conformance.grid import case

MARK = "BASALT_FAILURE"
"""An environment variable by which all processes of a case are found, whoever their parent is by then."""

STARTED, LIMIT, GRACE = 60.0, 60.0, 3.0
"""Seconds until a run must have begun, until a failed command must have ended, and until its leftovers are counted."""

SLOW = """
import time
import lava_procs.io.models as models
advance = models.SourceModel.advance
models.SourceModel.advance = lambda self: (time.sleep(0.3), advance(self))
"""

RAISING = """
import lava_procs.spiking.models as models
def failing(advance):
    def fail(self):
        if self.time_step == 2:
            raise ValueError("the membrane is on fire")
        return advance(self)
    return fail
for model in (models.AbstractSpikingModel, models.CompiledSpikingModel):
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
from convert import netx
from convert.records import Network
from deploy.run import Job, run
network, spikes = netx.read(Path(sys.argv[2])), np.load(sys.argv[4])["spikes"]
threading.Thread(target=run, args=(Job(network, spikes, sys.argv[6], 1),), daemon=True).start()
while not any(Path(os.environ["TMPDIR"]).glob(".session-*/progress")):
    time.sleep(0.02)
print("The interpreter ends without closing its run.", file=sys.stderr, flush=True)
"""


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
    """

    name: str
    exit_code: int
    says: str
    wrapper: str = ""
    instead: bool = False
    spoil: Callable[[Path, Path], None] | None = None
    strike: Callable[[psutil.Process], None] | None = None
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ending:
    """What came of a failure."""

    saw: str
    exit_code: int
    seconds: float
    processes: int
    segments: int
    folders: int
    as_it_should: bool

    @property
    def left(self) -> int:
        """Everything that was left."""
        return self.processes + self.segments + self.folders


def kill_model(command: psutil.Process) -> None:
    """kill −9 of the process of one model: a child of the host without children of its own."""
    host = command.children()[0]
    [child for child in host.children() if not child.children()][-1].kill()


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
    Failure("input of another shape", 1, "7 features", spoil=lambda _, npz: other_features(npz)),
    Failure("layers that do not fit", 1, "input size", spoil=lambda net, _: misfit(net)),
)
"""All of them."""


def orphans() -> set[str]:
    """Shared-memory segments that no living process has mapped."""
    mapped = set()
    for maps in Path("/proc").glob("[0-9]*/maps"):
        try:
            mapped |= set(re.findall(r"/dev/shm/(psm_\w+)", maps.read_text()))
        except OSError:
            continue
    return {path.name for path in Path("/dev/shm").glob("psm_*")} - mapped


def marked(mark: str) -> list[psutil.Process]:
    """The living processes of a case."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def is_plain(network: Network) -> bool:
    """Some spiking layers without anything else."""
    plain = [layer.kind == "spiking" and layer.memory is None for layer in network.spiking]
    return len(plain) == len(network.layers) > 1 and all(plain)


def provoke(failure: Failure, backend: str, place: Path) -> Ending:
    """Let it happen."""
    temporary, net, npz = place / "tmp", place / "model.net", place / "x.npz"
    temporary.mkdir()
    given = next(found for found in map(case, range(3000)) if is_plain(found.network))
    netx.write(net, given.network)
    spikes = np.random.default_rng(0).integers(0, 2, (2, given.network.inputs, 400), dtype=np.uint8)
    np.savez(npz, spikes=spikes)
    if failure.spoil is not None:
        failure.spoil(net, npz)
    script = failure.wrapper + ("" if failure.instead else COMMAND)
    files = ["run", str(net), "--input", str(npz), "--backend", backend]
    options = [] if failure.instead else ["--output", str(place / "out"), *failure.arguments]
    environment = os.environ | {MARK: place.name, "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT)}
    before = orphans()
    began = time.monotonic()
    with (place / "saw").open("w") as saw:
        command = subprocess.Popen(
            [sys.executable, "-c", script, *files, *options],
            stdout=saw,
            stderr=saw,
            stdin=subprocess.DEVNULL,
            env=environment,
            cwd=place,
            start_new_session=True,
        )
        if failure.strike is not None:
            while not any(place.glob("**/.session-*/progress")) and time.monotonic() - began < STARTED:
                time.sleep(0.02)
            began = time.monotonic()
            failure.strike(psutil.Process(command.pid))
        try:
            exit_code = command.wait(LIMIT)
        except subprocess.TimeoutExpired:
            exit_code = 124
            command.kill()
            command.wait()
    seconds = time.monotonic() - began
    deadline = time.monotonic() + GRACE
    processes, segments = marked(place.name), orphans() - before
    while (processes or segments) and time.monotonic() < deadline:
        time.sleep(0.1)
        processes, segments = marked(place.name), segments & orphans()  # other runs' come and go
    text = (place / "saw").read_text().strip()
    ending = Ending(
        saw=shortened(text, place),
        exit_code=exit_code,
        seconds=seconds,
        processes=len(processes),
        segments=len(segments),
        folders=len(list(place.glob("**/.session-*"))),
        as_it_should=exit_code == failure.exit_code and bool(re.search(failure.says, " ".join(text.split()))),
    )
    for process in processes:
        process.kill()
    return ending


def shortened(text: str, place: Path) -> str:
    """The last sentence that the user saw, without paths of this machine."""
    joined = " ".join(text.replace(str(place), "…").split())
    start = joined.rfind("error: ")
    return joined[start:] if start >= 0 else joined[-200:]


def main(
    backend: Annotated[str, typer.Option(help="Where the networks run.")] = "fixed",
    only: Annotated[str | None, typer.Option(help="Failures whose name contains this.")] = None,
) -> None:
    """Provoke them one after another."""
    print("| failure | what the user saw | exit code | seconds | processes, segments, folders left |")
    print("| --- | --- | ---: | ---: | ---: |")
    wrong = []
    for failure in FAILURES:
        if only is not None and only not in failure.name:
            continue
        with tempfile.TemporaryDirectory(prefix="basalt-failure-") as place:
            ending = provoke(failure, backend, Path(place))
        left = f"{ending.processes}, {ending.segments}, {ending.folders}"
        print(
            f"| {failure.name} | {ending.saw or '(nothing)'} | {ending.exit_code} | {ending.seconds:.1f} | {left} |",
            flush=True,
        )
        if ending.left or not ending.as_it_should:
            wrong.append(failure.name)
    if wrong:
        raise SystemExit(f"Not as it should be: {', '.join(wrong)}.")


if __name__ == "__main__":
    typer.run(main)
