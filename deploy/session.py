"""A run that always ends.

Lava forks an operating-system process for every process model; an exception in one of them hangs `run()` for ever, and
a forgotten `stop()` keeps the interpreter from exiting. So a session hosts the whole run in one child in a session of
its own: a watcher in it reports the first model that fails, the parent enforces the time limit, and whatever happens,
every process is ended. The child takes nothing of its parent's but memory, so that any thread, and any process, may be
the parent (`deploy/hosting.py`); the memory that its processes share has no name (`deploy/channels.py`).
"""

import atexit
import json
import os
import shutil
import signal
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import set_start_method
from pathlib import Path
from typing import TYPE_CHECKING

from basalt.deploy.channels import equip
from basalt.deploy.hosting import Child, detach, end_group, fork, load_lava
from basalt.errors import BasaltError, exhausted

if TYPE_CHECKING:
    from lava.magma.core.process.process import AbstractProcess
    from lava.magma.core.run_configs import RunConfig

WATCH_SECONDS = 0.1
DONE = "done"
"""The file that a task which ended well leaves: exit codes are lost where another thread waits for all children."""
SPARES = 3
"""Descriptors that a host keeps back, to report with when there are no more."""
STALL_SECONDS = 20.0
"""A run is taken to be stuck when no process has computed for this long."""
PROGRESS_SECONDS = 0.5
"""Approximate interval of progress updates; each pause of a run costs half a millisecond."""
CHANNEL_FRAMES = 4
"""Frames that a Lava channel holds; its default of 64 would need gigabytes for a batch of event frames."""


class SessionError(BasaltError):
    """A run that did not end well; `traceback` is that of the process that failed, if it left one."""

    def __init__(self, message: str, trace: str = "") -> None:
        super().__init__(message)
        self.traceback = trace


class LostError(SessionError):
    """A run one of whose processes was ended from outside, as by a system that is short of memory."""


class StallError(SessionError):
    """A run in which no process computed anything any more, as a lost wake-up in Lava's channels leaves it."""


@dataclass
class Host:
    """What a task in the hosting child works with.

    Attributes:
        folder: the session's folder; what the task writes there outlives it.
        seconds: spent so far on building and on running.
        spares: descriptors kept back, to report with when there are no more.
    """

    folder: Path
    seconds: dict[str, float] = field(default_factory=lambda: {"build": 0.0, "run": 0.0})
    spares: list[int] = field(default_factory=lambda: [os.open(os.devnull, os.O_RDONLY) for _ in range(SPARES)])

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

        equip()
        watcher = Watcher(process, self)
        watcher.start()
        try:
            began = time.perf_counter()
            process.create_runtime(run_cfg=config, compile_config={"pypy_channel_size": CHANNEL_FRAMES})
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

    def release(self) -> None:
        """Give back the spare descriptors."""
        while self.spares:
            os.close(self.spares.pop())

    def report(self, process: str, reason: str, trace: str, lost: bool = False) -> None:
        """Leave a failure for the parent; the first one stays. `lost`: the process was ended from outside."""
        self.release()
        path = self.folder / "failure.json"
        if not path.exists():
            temporary = path.with_suffix(f".{threading.get_ident()}")
            temporary.write_text(json.dumps({"process": process, "reason": reason, "traceback": trace, "lost": lost}))
            temporary.replace(path)


class Watcher(threading.Thread):
    """Looks at the actors of a Lava runtime; the first one that raised or died ends the host with a report."""

    def __init__(self, process: "AbstractProcess", host: Host) -> None:
        super().__init__(daemon=True)
        self.process = process
        self.host = host
        self.done = threading.Event()

    def run(self) -> None:
        """Poll until asked to stop."""
        while not self.done.wait(WATCH_SECONDS):
            if self.report_actors():
                end_group(os.getpid())

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
                self.host.report(name, reason_of(error), trace)
                return True
            if not actor._is_done and actor.exitcode:
                reason = signal.Signals(-actor.exitcode).name if actor.exitcode < 0 else f"code {actor.exitcode}"
                self.host.report(name, f"its operating-system process was ended ({reason})", "", lost=True)
                return True
        return False


def reason_of(error: BaseException) -> str:
    """Why a process failed, without the full stop."""
    known = str(error) if isinstance(error, BasaltError) else exhausted(error)
    return (known or f"{type(error).__name__}: {error}").removesuffix(".")


def serve(task: Callable[[Host], None], folder: Path, parent: int) -> None:
    """The child's main: it leaves a file if the task ended well, and else the failure."""
    host = None
    try:
        detach(folder / "log")
        host = Host(folder)
        threading.Thread(target=end_with_parent, args=(parent, host), daemon=True).start()
        load_lava()
        set_start_method("fork", force=True)  # which Lava relies on
        one_blas_thread()
        task(host)
        (folder / DONE).touch()
    except BaseException as error:
        trace = getattr(error, "trace", None) or traceback.format_exc()
        (host or Host(folder, spares=[])).report("the run", reason_of(error), trace)
    finally:
        end_group(os.getpid())


def one_blas_thread() -> None:
    """Lava's processes work side by side, a layer each: several threads of BLAS in each would take others' cores."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(1, user_api="blas")  # inherited by the processes that Lava forks


def end_with_parent(parent: int, host: Host) -> None:
    """End the whole session when the process that started it is gone, and remove the folder that it cannot remove."""
    while os.getppid() == parent:
        time.sleep(WATCH_SECONDS)
    host.release()
    leader = os.getpid()
    with suppress(OSError):  # no further process
        heir = os.fork()
        if heir == 0:
            os.setsid()
            end_group(leader)  # so that nobody writes into the folder any more
            shutil.rmtree(host.folder, ignore_errors=True)
            os._exit(0)
        os.waitpid(heir, 0)
    shutil.rmtree(host.folder, ignore_errors=True)
    end_group(leader)


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


def run_session(
    task: Callable[[Host], None],
    folder: Path,
    timeout: float | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    stop: threading.Event | None = None,
    spent: float = 0.0,
) -> None:
    """Run `task` in a child process and see to it that it ends.

    Args:
        task: builds processes and runs them with `Host.run`; results go into files in `folder`.
        folder: an existing folder of this session's own.
        timeout: seconds after which the run is ended, None for no limit.
        on_progress: called with (steps done, steps in all) as the run goes on.
        stop: ends the run when another thread sets it.
        spent: seconds of the limit that are over already.

    Raises:
        SessionError: a process model raised or was killed, time ran out, or the run was stopped. Nothing is left
            running either way.
    """
    started = time.monotonic() - spent
    child = fork(partial(serve, task, folder, os.getpid()))
    at_exit = partial(abandon, child, folder)
    atexit.register(at_exit)
    idle = Idle(child.pid)
    try:
        shown = ""
        while not child.ended():
            passed = time.monotonic() - started
            if timeout is not None and passed > timeout:
                raise overtime(timeout, at(folder))
            if stop is not None and stop.is_set():
                raise stopped(at(folder))
            if idle.seconds() > STALL_SECONDS:
                raise StallError(
                    f"The run stalled at step {at(folder)}: none of its processes has computed anything for "
                    f"{STALL_SECONDS:g} s; run it again."
                )
            now = text(folder / "progress")
            if on_progress is not None and now != shown and len(now.split()) == 2:
                shown = now
                done, total = now.split()
                on_progress(int(done), int(total))
            time.sleep(min(WATCH_SECONDS, max(passed / 20, 0.001)))  # a short run is not kept waiting
    finally:
        atexit.unregister(at_exit)
        ending = child.end()
    if not (folder / DONE).exists():
        raise failure(folder, ending)


def overtime(timeout: float, where: str) -> SessionError:
    """The error of a run whose time is over."""
    return SessionError(
        f"The run was ended after its time limit of {timeout:g} s at step {where}; "
        f"give it longer with --timeout, or fewer --samples."
    )


def stopped(where: str) -> SessionError:
    """The error of a run that another thread stopped."""
    return SessionError(f"The run was stopped at step {where}.")


def abandon(child: Child, folder: Path) -> None:
    """Leave nothing of a run whose interpreter ends before it: a thread that ends it may be stopped halfway."""
    child.end()
    shutil.rmtree(folder, ignore_errors=True)


def text(path: Path) -> str:
    """A small file's text, empty when it is not there yet."""
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


def at(folder: Path) -> str:
    """How far the run got, for people."""
    return " of ".join(text(folder / "progress").split()) or "0"


def failure(folder: Path, ending: str) -> SessionError:
    """The error that the child left, or what can be said without one."""
    left = text(folder / "failure.json")
    if left:
        found = json.loads(left)
        return (LostError if found["lost"] else SessionError)(
            f"The run stopped at step {at(folder)} because of {found['process']}: {found['reason']}.",
            found["traceback"],
        )
    return LostError(
        f"The run stopped at step {at(folder)}: its hosting process was ended ({ending}); where memory ran short, a "
        f"smaller --batch needs less.",
        text(folder / "log")[-4000:],
    )
