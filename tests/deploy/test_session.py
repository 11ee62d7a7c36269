"""A run always ends: what fails is named, and nothing is left behind."""

import errno
import itertools
import json
import os
import resource
import signal
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

import basalt.deploy.channels
from basalt.deploy.backends import run_config
from basalt.deploy.hosting import fork
from basalt.deploy.job import Job, prepare
from basalt.deploy.network import Layout, build
from basalt.deploy.session import Host, SessionError, StallError, run_session
from basalt.kernels.bits import unpack
from tests.conformance.strategies import make_case

CASE = next(case for case in map(make_case, range(1000)) if case.spikes.shape[2] == 24)
STEPS = CASE.spikes.shape[2]


pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture
def layout(tmp_path):
    """A prepared session folder."""
    layout = Layout(len(CASE.spikes), STEPS, len(CASE.spikes), tmp_path)
    prepare(Job(CASE.network, CASE.spikes), layout)
    return layout


def slowly(sabotage):
    """The same sabotage, with models that take their time, so that it comes in the middle of the run."""

    def prepare(host):
        import basalt.lava_procs.io.models as models

        advance = models.SourceModel.advance
        models.SourceModel.advance = lambda self: (time.sleep(0.2), advance(self))
        sabotage(host)

    return prepare


def lava_task(layout, sabotage=None):
    """A task that runs the case; `sabotage` is called in the host before the run."""

    def task(host: Host) -> None:
        graph = build(CASE.network, layout)
        if sabotage is not None:
            sabotage(host)
        graph.run(host, run_config("fixed_pt"), STEPS)

    return task


def test_ends_well(layout):
    """Progress reaches the last step."""
    seen = []
    run_session(lava_task(layout), layout.folder, 60, lambda done, total: seen.append((done, total)))
    assert (layout.folder / "timing.json").exists()
    assert not seen or seen[-1][1] == STEPS


def test_preparation_counts_as_building(layout):
    """What models do before the first block is no part of the run's time."""

    def slow_preparation(host):
        import basalt.lava_procs.io.models as models

        prepare = models.SourceModel.prepare
        models.SourceModel.prepare = lambda self: (time.sleep(3.0), prepare(self))

    run_session(lava_task(layout, slow_preparation), layout.folder, 60)
    assert json.loads((layout.folder / "timing.json").read_text())["run"] < 3.0


def test_a_raising_model_is_named_with_its_traceback(layout):
    """The model's own traceback arrives, within seconds."""

    def break_readout(host):
        import basalt.lava_procs.stepwise as models

        def step(self, t, memory):
            raise ValueError("the membrane is on fire")

        models.AbstractNeuronModel.step = step

    began = time.monotonic()
    with pytest.raises(SessionError, match=r"because of hidden\d.*: ValueError: the membrane is on fire") as caught:
        run_session(lava_task(layout, sabotage=break_readout), layout.folder, 60)
    assert "raise ValueError" in caught.value.traceback
    assert time.monotonic() - began < 30


def test_a_killed_model_is_named(layout):
    """kill −9 of one child ends the run with a sentence."""

    def kill_soon(host):
        import threading

        def kill():
            me = psutil.Process()
            deadline = time.monotonic() + 30
            while not (host.folder / "progress").exists() and time.monotonic() < deadline:
                time.sleep(0.01)
            models = [child for child in me.children() if not child.children()]
            os.kill(models[-1].pid, signal.SIGKILL)

        threading.Thread(target=kill, daemon=True).start()

    with pytest.raises(SessionError, match=r"was ended \(SIGKILL\)"):
        run_session(lava_task(layout, sabotage=slowly(kill_soon)), layout.folder, 60)


def test_a_killed_host_ends_everything(layout):
    """When the hosting process itself is killed, its children go too."""

    def kill_self(host):
        import threading

        def kill():
            deadline = time.monotonic() + 30
            while not (host.folder / "progress").exists() and time.monotonic() < deadline:
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGKILL)

        threading.Thread(target=kill, daemon=True).start()

    with pytest.raises(SessionError, match="its hosting process was ended"):
        run_session(lava_task(layout, sabotage=slowly(kill_self)), layout.folder, 60)


def test_time_limit(tmp_path):
    """Out of time: the limit and the way out are named."""
    with pytest.raises(SessionError, match=r"time limit of 0\.3 s.*--timeout"):
        run_session(lambda host: time.sleep(60), tmp_path, 0.3)


def test_a_run_that_waits_for_ever_is_ended(tmp_path, monkeypatch):
    """Processes that only wait for each other, as after a lost wake-up, are noticed without a time limit."""
    import basalt.deploy.session

    monkeypatch.setattr(basalt.deploy.session, "STALL_SECONDS", 2.0)
    began = time.monotonic()
    with pytest.raises(StallError, match=r"stalled at step 0.*run it again"):
        run_session(lambda host: time.sleep(60), tmp_path)
    assert time.monotonic() - began < 30


def test_an_exception_while_building(tmp_path):
    """What goes wrong before the first step is reported like the rest."""

    def task(host: Host) -> None:
        raise RuntimeError("no such process")

    with pytest.raises(SessionError, match="because of the run: RuntimeError: no such process"):
        run_session(task, tmp_path, 60)


def test_ctrl_c_in_the_parent(tmp_path):
    """An interrupt reaches the caller, and the session is gone."""

    def interrupt(done, total):
        raise KeyboardInterrupt

    def task(host: Host) -> None:
        host.progress(1, 2)
        time.sleep(60)

    with pytest.raises(KeyboardInterrupt):
        run_session(task, tmp_path, 60, interrupt)


def test_runs_do_not_grow(tmp_path):
    """Open files and threads stay as they were over several runs."""
    me = psutil.Process()

    def once(index):
        folder = tmp_path / str(index)
        folder.mkdir()
        run_session(lambda host: host.progress(1, 1), folder, 60)
        return me.num_fds(), me.num_threads()

    once("warm")
    first = once(0)
    assert [once(index) for index in range(1, 6)] == [first] * 5


def test_a_session_whose_parent_is_killed_leaves_no_folder(tmp_path):
    """However busily it writes into it."""
    folder = tmp_path / "session"
    folder.mkdir()

    def write(host):
        for number in itertools.count():
            (host.folder / f"{number}").touch()

    parent = fork(lambda: run_session(write, folder))
    while not (folder / "0").exists():
        time.sleep(0.01)
    parent.end()
    deadline = time.monotonic() + 10
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not folder.exists()


def test_a_run_has_no_named_memory(layout):
    """Nothing of a run is in /dev/shm, so that nothing can be left there."""
    seen = layout.folder / "seen"

    def look(host):
        import basalt.lava_procs.io.models as models

        advance = models.SourceModel.advance

        def looking(self):
            seen.write_text(Path("/proc/self/maps").read_text())
            advance(self)

        models.SourceModel.advance = looking

    run_session(lava_task(layout, look), layout.folder, 60)
    shared = [line for line in seen.read_text().splitlines() if "/dev/shm/" in line]
    assert all("sem." in line and line.endswith("(deleted)") for line in shared)
    assert "/dev/zero (deleted)" in seen.read_text()


@pytest.mark.parametrize("free", [8, 16])
def test_few_descriptors_are_a_sentence(layout, free):
    """Whether the host runs out of them while it builds, or a model while it starts."""

    def limit(host):
        taken = {int(place.name) for place in Path("/proc/self/fd").iterdir()}  # the tests before left some open
        most = next(most for most in range(1000) if len(set(range(most)) - taken) == free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    with pytest.raises(SessionError, match=r"not enough file descriptors, \d+ for each process"):
        run_session(lava_task(layout, limit), layout.folder, 60)


def test_no_room_for_semaphores_is_a_sentence(layout):
    """As in a /dev/shm of 64 kB."""

    def fill(host):
        def refuse(value):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        basalt.deploy.channels.multiprocessing.Semaphore = refuse

    with pytest.raises(SessionError, match=r"semaphores.*No space left on device.*--shm-size"):
        run_session(lava_task(layout, fill), layout.folder, 60)


def test_frames_are_what_was_sent(layout):
    """The input is laid out by round, step and sample."""
    frames = unpack(np.load(layout.frames("input")), CASE.network.inputs)
    assert np.array_equal(frames.reshape(STEPS, len(CASE.spikes), -1).transpose(1, 2, 0), CASE.spikes)
