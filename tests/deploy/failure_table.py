"""Provokes every failure that a user may meet, through the command line, and says what came of each.

    python tests/deploy/failure_table.py [--backend fixed] [--only "Ctrl-C"]        # some rows need root

Prints a markdown table: what the user saw, the exit code, the seconds from the failure to the end of the command, and
what was left: processes, shared memory that nobody has mapped, folders. Exit code 1 when anything was left, or when a
failure ended otherwise than it should.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path[0] = str(ROOT)

import numpy as np
import psutil
import typer

from basalt.convert import netx
from basalt.records.network import Network
from tests.conformance.grid import case
from tests.dask_cluster import dask_cluster
from tests.deploy.failures import COMMAND, FAILURES, SLOW, Failure

MARK = "BASALT_FAILURE"
"""An environment variable by which all processes of a case are found, whoever their parent is by then."""

STARTED, LIMIT, GRACE = 60.0, 60.0, 3.0
"""Seconds until a run must have begun, until a failed command must have ended, and until its leftovers are counted."""


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


def orphans() -> set[str]:
    """Shared-memory segments that no living process has mapped."""
    mapped = set()
    for maps in Path("/proc").glob("[0-9]*/maps"):
        try:
            mapped |= set(re.findall(r"/dev/shm/([\w.-]+)", maps.read_text()))
        except OSError:
            continue
    return {path.name for kind in ("psm_*", "sem.*") for path in Path("/dev/shm").glob(kind)} - mapped


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
    with ExitStack() as stack:
        if failure.dask is not None:
            slow = place / "slow.py"
            slow.write_text(SLOW)
            dask = stack.enter_context(
                dask_cluster(place, code=failure.dask(place), options=["--preload", str(slow)], environment=environment)
            )
            options += ["--scheduler", dask.url]
        saw = stack.enter_context((place / "saw").open("w"))
        began = time.monotonic()
        command = subprocess.Popen(
            [*failure.prefix, "bash", "-c", failure.shell, "bash", sys.executable, "-c", script, *files, *options],
            stdout=saw,
            stderr=saw,
            stdin=subprocess.DEVNULL,
            env=environment,
            cwd=place,
            start_new_session=True,
        )
        if failure.strike is not None or failure.strike_dask is not None:
            while not any(place.glob("**/.session-*/progress")) and time.monotonic() - began < STARTED:
                time.sleep(0.02)
            began = time.monotonic()
            if failure.strike is not None:
                failure.strike(psutil.Process(command.pid))
            if failure.strike_dask is not None:
                failure.strike_dask(dask)
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
        folders=len([*place.glob("out/.session-*"), *(set(temporary.iterdir()) - {temporary / "dask-scratch-space"})]),
        as_it_should=exit_code == failure.exit_code
        and seconds < failure.within
        and bool(re.search(failure.says, " ".join(text.split()))),
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
