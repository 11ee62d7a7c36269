"""A run that always ends.

Lava forks an operating-system process for every process model; an exception in one of them hangs `run()` for ever, and
a forgotten `stop()` keeps the interpreter from exiting. So a session hosts the whole run in one child in a session of
its own: a watcher in it reports the first model that fails, the parent enforces the time limit, and whatever happens,
every process is ended and every shared-memory segment removed.
"""

import atexit
import json
import os
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context, resource_tracker, set_start_method
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from basalt.errors import BasaltError

if TYPE_CHECKING:
    from lava.magma.core.process.process import AbstractProcess
    from lava.magma.core.run_configs import RunConfig

WATCH_SECONDS = 0.1
SEGMENTS = "segments"
"""The file in a session's folder that lists its shared memory: what a killed host had mapped is known from it alone."""
STALL_SECONDS = 20.0
"""After so long without any process computing, a run is taken to be stuck."""
PROGRESS_SECONDS = 0.5
"""How often progress is told, about; each pause of a run costs half a millisecond."""
CHANNEL_FRAMES = 4
"""Frames that a Lava channel holds; its default of 64 would need gigabytes for a batch of event frames."""


class SessionError(BasaltError):
    """A run that did not end well; `traceback` is that of the process that failed, if it left one."""

    def __init__(self, message: str, trace: str = "") -> None:
        super().__init__(message)
        self.traceback = trace


class StallError(SessionError):
    """A run in which no process computed anything any more, as a lost wake-up in Lava's channels leaves it."""


@dataclass
class Host:
    """What a task in the hosting child works with.

    Attributes:
        folder: the session's folder; what the task writes there outlives it.
        seconds: spent so far on building and on running.
    """

    folder: Path
    seconds: dict[str, float] = field(default_factory=lambda: {"build": 0.0, "run": 0.0})

    def run(
        self,
        process: "AbstractProcess",
        config: "RunConfig",
        steps: int,
        before_stop: Callable[[], None] | None = None,
        preparation: int = 0,
    ) -> None:
        """Run `process` and all that is connected to it for `steps` Lava steps, then stop it.

        Args:
            before_stop: called after the last step, while `Var.get()` still answers.
            preparation: Lava steps ahead of these in which the models make themselves ready; counted as building.
        """
        from lava.magma.core.run_conditions import RunSteps

        watcher = Watcher(process, self.folder)
        watcher.start()
        try:
            began = time.perf_counter()
            process.create_runtime(run_cfg=config, compile_config={"pypy_channel_size": CHANNEL_FRAMES})
            (self.folder / SEGMENTS).write_text("\n".join(map(str, segments([os.getpid()]))))
            if preparation:
                process.run(RunSteps(num_steps=preparation))
            built = time.perf_counter()
            done, chunk = 0, 1
            while done < steps:
                asked = time.perf_counter()
                process.run(RunSteps(num_steps=min(chunk, steps - done)))
                done = min(done + chunk, steps)
                self.progress(done, steps)
                if time.perf_counter() - asked < PROGRESS_SECONDS / 2:
                    chunk *= 2
            self.timed(built - began, time.perf_counter() - built)
            if before_stop is not None:
                before_stop()
        except Exception:
            watcher.report_actors()
            raise
        watcher.stop()
        process.stop()

    def timed(self, build: float, run: float) -> None:
        """Add to the seconds that building and running took."""
        self.seconds = {"build": self.seconds["build"] + build, "run": self.seconds["run"] + run}
        (self.folder / "timing.json").write_text(json.dumps(self.seconds))

    def progress(self, done: int, total: int) -> None:
        """Tell the parent how far the run is."""
        (self.folder / "progress").write_text(f"{done} {total}")


class Watcher(threading.Thread):
    """Looks at the actors of a Lava runtime; the first one that raised or died ends the host with a report."""

    def __init__(self, process: "AbstractProcess", folder: Path) -> None:
        super().__init__(daemon=True)
        self.process = process
        self.folder = folder
        self.done = threading.Event()

    def run(self) -> None:
        """Poll until told to stop."""
        while not self.done.wait(WATCH_SECONDS):
            if self.report_actors():
                os._exit(1)

    def stop(self) -> None:
        """Stop looking: from here on processes end because they should."""
        self.done.set()
        self.join()

    def report_actors(self) -> bool:
        """Write failure.json for the first actor that failed; True if there was one."""
        runtime = getattr(self.process, "_runtime", None)
        infrastructure = getattr(runtime, "_messaging_infrastructure", None)
        if runtime is None or infrastructure is None:
            return False
        names = [process.name for process in runtime._executable.proc_builders]
        for index, actor in enumerate(list(infrastructure.actors)):
            name = names[index] if index < len(names) else "the runtime service"
            if actor.exception:
                error, trace = actor.exception
                report(self.folder, name, f"{type(error).__name__}: {error}", trace)
                return True
            if not actor._is_done and actor.exitcode:
                reason = signal.Signals(-actor.exitcode).name if actor.exitcode < 0 else f"code {actor.exitcode}"
                report(self.folder, name, f"its operating-system process was ended ({reason})", "")
                return True
        return False


def report(folder: Path, process: str, reason: str, trace: str) -> None:
    """Leave a failure for the parent; the first one stays."""
    path = folder / "failure.json"
    if not path.exists():
        temporary = path.with_suffix(f".{threading.get_ident()}")
        temporary.write_text(json.dumps({"process": process, "reason": reason, "traceback": trace}))
        temporary.replace(path)


def host(task: Callable[[Host], None], folder: Path, parent: int) -> None:
    """The child's main: a session of its own, its output in a log, its failure in a file."""
    os.setsid()
    log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    set_start_method(None, force=True)  # Lava sets it when imported, and fails if it is set already
    tracker: Any = resource_tracker._resource_tracker
    tracker._fd = tracker._pid = None  # the parent's tracker must not see this session's segments
    threading.Thread(target=end_with_parent, args=(parent, folder), daemon=True).start()
    try:
        task(Host(folder))
    except BaseException as error:
        trace = getattr(error, "trace", None) or traceback.format_exc()
        report(folder, "the run", f"{type(error).__name__}: {error}", trace)
        os._exit(1)
    sys.stdout.flush()
    sys.stderr.flush()


def end_with_parent(parent: int, folder: Path) -> None:
    """End the whole session when the process that started it is gone, and remove the folder that it cannot remove."""
    while os.getppid() == parent:
        time.sleep(WATCH_SECONDS)
    shutil.rmtree(folder, ignore_errors=True)
    end_session(os.getpid())


class Idle:
    """How long the processes of an operating-system session have used no processor time.

    Args:
        session: its number.
    """

    LOOK_SECONDS = 1.0
    WORTH_SECONDS = 0.02
    """Processor time between two looks below which nothing happened: the watcher and waiting threads use a little."""

    def __init__(self, session: int) -> None:
        self.session = session
        self.used = 0.0
        self.since = self.looked = time.monotonic()

    def seconds(self) -> float:
        """Seconds since the session last computed; looks once a second."""
        now = time.monotonic()
        if now - self.looked > self.LOOK_SECONDS:
            self.looked = now
            used = processor_seconds(members(self.session))
            if abs(used - self.used) > self.WORTH_SECONDS:
                self.since = now
            self.used = used
        return now - self.since


def processor_seconds(pids: list[int]) -> float:
    """User and system time that living processes have used."""
    import psutil

    total = 0.0
    for pid in pids:
        try:
            times = psutil.Process(pid).cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def members(session: int) -> list[int]:
    """The living processes of an operating-system session."""
    import psutil

    found = []
    for pid in psutil.pids():
        try:
            if os.getsid(pid) == session:
                found.append(pid)
        except (ProcessLookupError, PermissionError):
            continue
    return found


def segments(pids: list[int]) -> set[Path]:
    """The shared-memory files that these processes have mapped."""
    found = set()
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
        except OSError:
            continue
        found |= {Path(line.split()[-1]) for line in lines if "/dev/shm/psm_" in line and "(deleted)" not in line}
    return found


def end_session(session: int) -> None:
    """Kill every process of a session and remove its shared memory; the caller last, if it is one of them."""
    pids = members(session)
    shared = segments(pids)
    for path in shared:
        path.unlink(missing_ok=True)
    for pid in sorted(pids, key=lambda pid: pid == os.getpid()):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def run_session(
    task: Callable[[Host], None],
    folder: Path,
    timeout: float | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    spent: float = 0.0,
) -> None:
    """Run `task` in a child process and see to it that it ends.

    Args:
        task: builds processes and runs them with `Host.run`; results go into files in `folder`.
        folder: an existing folder of this session's own.
        timeout: seconds after which the run is ended, None for no limit.
        on_progress: called with (steps done, steps in all) as the run goes on.
        spent: seconds of the limit that are over already.

    Raises:
        SessionError: a process model raised or was killed, or time ran out. Nothing is left running either way.
    """
    context = get_context("fork")
    child: BaseProcess = context.Process(target=host, args=(task, folder, os.getpid()))
    started = time.monotonic() - spent
    child.start()
    session = child.pid
    assert session is not None
    end = partial(end_session, session)
    atexit.register(end)  # an interpreter that ends before its run would wait for it
    idle = Idle(session)
    try:
        shown = ""
        while child.exitcode is None:
            child.join(WATCH_SECONDS)
            if timeout is not None and time.monotonic() - started > timeout and child.exitcode is None:
                raise SessionError(
                    f"The run was ended after its time limit of {timeout:g} s at step {at(folder)}; "
                    f"give it longer with --timeout, or fewer --samples."
                )
            if idle.seconds() > STALL_SECONDS and child.exitcode is None:
                raise StallError(
                    f"The run stalled at step {at(folder)}: none of its processes has computed anything for "
                    f"{STALL_SECONDS:g} s; run it again."
                )
            now = text(folder / "progress")
            if on_progress is not None and now != shown and len(now.split()) == 2:
                shown = now
                done, total = now.split()
                on_progress(int(done), int(total))
        if child.exitcode != 0:
            raise failure(folder, child.exitcode)
    finally:
        if child.is_alive() or child.exitcode != 0:
            end_session(session)
            for line in text(folder / SEGMENTS).splitlines():
                Path(line).unlink(missing_ok=True)
        atexit.unregister(end)
        child.join()
        child.close()


def text(path: Path) -> str:
    """A small file's text, empty when it is not there yet."""
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


def at(folder: Path) -> str:
    """How far the run got, for people."""
    return " of ".join(text(folder / "progress").split()) or "0"


def failure(folder: Path, exitcode: int | None) -> SessionError:
    """The error that the child left, or what can be said without one."""
    left = text(folder / "failure.json")
    if left:
        found = json.loads(left)
        return SessionError(
            f"The run stopped at step {at(folder)} because of {found['process']}: {found['reason']}.",
            found["traceback"],
        )
    return SessionError(
        f"The run stopped at step {at(folder)}: its hosting process was ended (exit code {exitcode}).",
        text(folder / "log")[-4000:],
    )
