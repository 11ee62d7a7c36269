"""One network on one set of samples on one backend: what every layer sent, and what every part counted."""

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
from jaxtyping import Int, Integer, Num
from numpy.lib.format import open_memmap

from basalt.convert import rules
from basalt.deploy.backends import Backend, find, kinds_of, run_config
from basalt.deploy.direct import Unit, assemble, run_parts
from basalt.deploy.hosting import alone, load_lava
from basalt.deploy.network import Layout, all_parts, build, frame_type, frame_width
from basalt.deploy.session import Host, run_session
from basalt.deploy.stock import needs_stock, run_stock
from basalt.errors import BasaltError, exhausted, naming_limits
from basalt.extras import lava_here, missing
from basalt.kernels.bits import pack, planes_of, unpack, words
from basalt.near_memory.core import Core
from basalt.records.layer import Layer
from basalt.records.network import Network
from basalt.records.readout import Readout
from basalt.records.synapses import Spiking

DEFAULT_BATCH = 256
DEFAULT_CORE = Core()


@dataclass(frozen=True, eq=False)
class Job:
    """A run to be done.

    Attributes:
        network: the records.
        spikes: the input.
        backend: name of the backend.
        batch: samples side by side.
        places: other backends by layer name.
        record: names of layers whose output is kept; None for all.
        file: the .net file that the network came from, which the stock backend loads.
        block: time steps that processes exchange at once; the backend's own choice if None.
        core: what layers on the near-memory backend run on.
        states: keep what u, v and memory pathways hold after the last step of every sample.
        value_bits: of the input's values; those that its largest one has if None.
        runtime: a name of `RUNTIMES`; None for Lava's where Lava is installed, else `direct`.
    """

    network: Network
    spikes: Integer[np.ndarray, "samples features steps"]
    backend: str = "fixed"
    batch: int = DEFAULT_BATCH
    places: Mapping[str, str] = field(default_factory=dict)
    record: tuple[str, ...] | None = None
    file: Path | None = None
    block: int | None = None
    core: Core = DEFAULT_CORE
    states: bool = False
    value_bits: int | None = None
    runtime: str | None = None

    @property
    def planes(self) -> int:
        """Bit planes that the input travels in; 1 for spikes."""
        return self.value_bits or planes_of(self.spikes)

    def backend_of(self, layer: str) -> Backend:
        """The backend that a layer runs on."""
        return find(self.places.get(layer, self.backend))

    @property
    def stock(self) -> bool:
        """Whether stock processes run the network: because of the backend, or because no others can."""
        return find(self.backend).stock or needs_stock(self.network)

    @property
    def scheduled(self) -> list[Layer]:
        """The layers that run on a near-memory core; none of a network that stock processes run."""
        if self.stock:
            return []
        return [layer for layer in self.network.layers if self.backend_of(layer.name).scheduled]


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of a run.

    Attributes:
        sent: by layer name, spikes (samples, neurons, steps) uint8, or read-out sums int32.
        counts: by meter ("layer.part"), (samples, counters) int64.
        build_seconds: to build the process graph and fork it.
        seconds: to run the steps.
        states: by layer and variable ("u", "v", "m"), (samples, size), if they were kept.
        fired: by layer whose spikes are delayed, how many neurons fired in each step, (samples, steps).
        changed: by dense layer, how often a membrane changed from one step to the next, (samples); stock processes do
            not count it.
    """

    sent: dict[str, Any]
    counts: dict[str, Int[np.ndarray, "samples counters"]]
    build_seconds: float
    seconds: float
    states: dict[str, dict[str, Num[np.ndarray, "samples _size"]]] = field(default_factory=dict)
    fired: dict[str, Int[np.ndarray, "samples steps"]] = field(default_factory=dict)
    changed: dict[str, Int[np.ndarray, "samples"]] = field(default_factory=dict)


def run(
    job: Job,
    timeout: float | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    folder: Path | None = None,
    stop: Event | None = None,
    spent: float = 0.0,
) -> Outcome:
    """Check a job, then run it; arguments as of `run_checked`.

    Raises:
        BasaltError: the backend cannot run this network, or the run failed.
    """
    check(job)
    return run_checked(job, timeout, on_progress, folder, stop, spent)


def run_checked(
    job: Job,
    timeout: float | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    folder: Path | None = None,
    stop: Event | None = None,
    spent: float = 0.0,
) -> Outcome:
    """Run a job that `check` passed in a session that always ends; any thread, of any process, may do so.

    Args:
        timeout: seconds, None for no limit.
        on_progress: called with (steps done, steps in all).
        spent: seconds of the limit that are over already.
        folder: where the session keeps its files while it lasts; the system's temporary folder if None.
        stop: ends the run when another thread sets it.

    Raises:
        BasaltError: the run failed.
    """
    backend = find(job.backend)
    with naming_limits(), session_folder(folder) as place:
        load_lava()
        samples, _, steps = job.spikes.shape
        block = min(job.block, steps) if job.block else backend.block_of(steps)
        layout = Layout(
            samples,
            steps,
            batch=min(job.batch, samples),
            folder=Path(place),
            block=block,
            planes=job.planes,
            core=job.core,
            states=job.states,
        )
        try:
            with alone():
                prepare(job, layout)
        except OSError as error:
            if exhausted(error):
                raise
            raise BasaltError(
                f"Cannot keep the run's frames in {Path(place).parent} ({error.strerror or error}); free some space, "
                f"or run fewer --samples."
            ) from error
        RUNTIMES[runtime_of(job)](job, layout, timeout, on_progress, stop, spent)
        with alone():
            return collect(job, layout)


Progress = Callable[[int, int], None]


def through_lava(
    job: Job, layout: Layout, timeout: float | None, on_progress: Progress | None, stop: Event | None, spent: float
) -> None:
    """A graph of Lava processes in a session of its own; stock ones too."""
    if not lava_here():
        raise missing(ModuleNotFoundError(name="lava"))
    task = run_stock(job.network, job.file, layout) if job.stock else graph_task(job, layout)
    run_session(task, layout.folder, timeout, on_progress, stop, spent)


def directly(
    job: Job, layout: Layout, timeout: float | None, on_progress: Progress | None, stop: Event | None, spent: float
) -> None:
    """The same process models in this process."""
    began = time.perf_counter()
    run_parts(parts_of(job, layout), layout, began, timeout, on_progress, stop, spent)


def parts_of(job: Job, layout: Layout) -> list[Unit]:
    """All models of a job, for `directly`."""
    warm(job)
    places = {layer: find(name).tag for layer, name in job.places.items()}
    return assemble(job.network, layout, find(job.backend).tag, places)


def warm(job: Job) -> None:
    """Compile what the models of a job share."""
    kinds = {kind for layer in job.network.layers for kind in kinds_of(layer)}
    for name in {job.backend, *job.places.values()}:
        find(name).warm(kinds)


RUNTIMES: Mapping[str, Callable[..., None]] = {"lava": through_lava, "direct": directly}
"""What steps the process models, by name."""


def runtime_of(job: Job) -> str:
    """The runtime of a job; stock processes have no other than Lava's."""
    if job.runtime is not None:
        return job.runtime
    return "lava" if job.stock or lava_here() else "direct"


def graph_task(job: Job, layout: Layout) -> Callable[[Host], None]:
    """The task that builds a network of our processes and runs it."""
    places = {layer: find(name).tag for layer, name in job.places.items()}

    def task(host: Host) -> None:
        warm(job)
        graph = build(job.network, layout)
        graph.run(host, run_config(find(job.backend).tag, places), layout.rounds * layout.blocks)

    return task


def check(job: Job) -> None:
    """Raise for what can be known to go wrong before anything runs.

    Raises:
        BasaltError: a placed layer is not there, is placed on a backend that takes whole networks only, or is of a kind
            that its backend lacks; or a design rule is broken, by records that no file was read or written of.
    """
    names = [layer.name for layer in job.network.layers]
    for layer, backend in job.places.items():
        if layer not in names:
            raise BasaltError(f"There is no layer {layer!r} to place; the layers are {', '.join(names)}.")
        stock = next((name for name in (job.backend, backend) if find(name).stock), None)
        if stock is not None:
            raise BasaltError(
                f"--place {layer}={backend} cannot be: stock processes run whole networks. Leave --place out, with "
                f"--backend {stock} for them."
            )
    refuse_lacking(job)
    if job.runtime is not None and job.runtime not in RUNTIMES:
        raise BasaltError(f"There is no runtime {job.runtime!r}; choose one of {', '.join(RUNTIMES)}.")
    if job.runtime == "direct" and job.stock:
        raise BasaltError(
            f"Stock processes run on Lava's runtime alone: leave --runtime direct out, or choose another backend than "
            f"{job.backend!r}."
        )
    rules.enforce(job.network, f"The network {job.network.name!r}")


def refuse_lacking(job: Job) -> None:
    """Raise for the first layer that its backend has no process model of."""
    for layer in job.network.layers:
        backend = job.backend_of(layer.name)
        kind = backend.lacking(layer)
        if kind is not None:
            raise BasaltError(
                f"The backend {backend.name!r} has no {kind} layers, as {layer.name!r} is one: {backend.lacks[kind]}. "
                f"Put it elsewhere, with --place {layer.name}=compiled."
            )


@contextmanager
def session_folder(folder: Path | None) -> Iterator[str]:
    """A temporary folder in `folder`, for what a session keeps while it lasts.

    Raises:
        BasaltError: none can be made there.
    """
    try:
        place = tempfile.TemporaryDirectory(prefix=".session-", dir=folder)
    except OSError as error:
        raise BasaltError(
            f"Cannot write into the folder {folder or tempfile.gettempdir()} ({error.strerror or error}); name another "
            f"for the results with --output."
        ) from error
    with place as name:
        yield name


def blank(path: Path, kind: np.dtype[Any], shape: tuple[int, ...]) -> np.memmap[Any, Any]:
    """A new .npy file of zeros that has all its room on the disk: pages mapped to a full disk would end the process.

    Raises:
        OSError: there is no room.
    """
    made: np.memmap[Any, Any] = open_memmap(path, "w+", kind, shape)
    with path.open("rb+") as file:
        os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return made


def prepare(job: Job, layout: Layout) -> None:
    """Lay the input out in time, and make empty files for what is recorded and counted."""
    from basalt.lava_procs.metering import states_file

    padded = layout.rounds * layout.batch
    blocks = (layout.rounds * layout.blocks, layout.block, layout.batch)
    width = layout.planes * words(job.spikes.shape[1])
    frames = blank(layout.frames("input"), np.dtype(np.uint64), (*blocks, width))
    for turn in range(layout.rounds):
        piece = job.spikes[turn * layout.batch : (turn + 1) * layout.batch]
        mine = frames[turn * layout.blocks : (turn + 1) * layout.blocks].reshape(-1, layout.batch, width)
        mine[: layout.steps, : len(piece)] = pack(piece.transpose(2, 0, 1), layout.planes)
    frames.flush()
    for layer in job.network.layers:
        if job.record is None or layer.name in job.record:
            shape = (*blocks, frame_width(layer))
            blank(layout.frames(layer.name), frame_type(layer), shape)
    for layer in job.network.emitting if layout.states else ():
        for name, size in state_sizes(layer).items():
            held = states_file(layout.held(layer.name), name)
            blank(Path(held), np.dtype(np.float64), (padded, size))
    for layer in job.network.emitting:
        if layout.times(layer):
            blank(layout.fired(layer.name), np.dtype(np.int32), (padded, layout.steps))
    for layer in () if job.stock else job.network.layers:
        if layer.kind == Spiking.kind:
            blank(layout.changed(layer.name), np.dtype(np.int64), (padded,))
    prepare_counts(job.network, layout)


def prepare_counts(network: Network, layout: Layout) -> None:
    """Make empty files for what is counted."""
    from basalt.lava_procs.metering import COLUMNS

    for part in all_parts(network):
        blank(layout.counts(part.meter), np.dtype(np.int64), (layout.rounds * layout.batch, len(COLUMNS)))


def counted_parts(network: Network, layout: Layout) -> dict[str, Int[np.ndarray, "samples counters"]]:
    """What every part counted, by meter."""
    return {part.meter: np.load(layout.counts(part.meter))[: layout.samples] for part in all_parts(network)}


def state_sizes(layer: Any) -> dict[str, int]:
    """How many values each state of a layer has, by the variable that holds them."""
    memory = {"m": layer.memory.states} if "m" in layer.state_names else {}
    return {"u": layer.neurons, "v": layer.neurons, **memory}


def collect(job: Job, layout: Layout) -> Outcome:
    """Read back what was recorded and counted, samples first."""
    sent = {}
    for layer in job.network.layers:
        path = layout.frames(layer.name)
        if path.exists():
            sent[layer.name] = by_sample(np.load(path, mmap_mode="r"), layout, layer)
    counts = counted_parts(job.network, layout)
    timing = json.loads((layout.folder / "timing.json").read_text())
    fired = {
        layer.name: np.load(layout.fired(layer.name))[: layout.samples]
        for layer in job.network.emitting
        if layer.delay is not None
    }
    files = {layer.name: layout.changed(layer.name) for layer in job.network.layers}
    changed = {name: np.load(path)[: layout.samples] for name, path in files.items() if path.exists()}
    return Outcome(sent, counts, timing["build"], timing["run"], states_of(job, layout), fired, changed)


def states_of(job: Job, layout: Layout) -> dict[str, dict[str, Num[np.ndarray, "samples _size"]]]:
    """The states that were kept, as far as the models are ours."""
    from basalt.lava_procs.metering import states_file

    if not layout.states or job.stock:
        return {}
    found = {}
    for layer in job.network.emitting:
        tables = {name: np.load(states_file(layout.held(layer.name), name)) for name in state_sizes(layer)}
        found[layer.name] = {name: table[: layout.samples] for name, table in tables.items()}
    return found


def by_sample(frames: np.ndarray, layout: Layout, layer: Layer) -> Num[np.ndarray, "samples neurons steps"]:
    """Recorded blocks → (samples, neurons, steps)."""
    rounds = frames.reshape(layout.rounds, layout.blocks * layout.block, layout.batch, -1)[:, : layout.steps]
    spikes = isinstance(layer, Spiking)
    found = np.empty((layout.samples, layer.neurons, layout.steps), np.uint8 if spikes else frames.dtype)
    for turn, recorded in enumerate(rounds):  # a round at a time: all of them unpacked would be a second copy
        mine = found[turn * layout.batch : (turn + 1) * layout.batch]
        values = unpack(recorded, layer.neurons) if spikes else recorded
        mine[:] = values.transpose(1, 2, 0)[: len(mine)]
    return found


def predict(
    network: Network, sent: Mapping[str, Num[np.ndarray, "samples _neurons steps"]]
) -> Int[np.ndarray, "samples"]:
    """The class of each sample: the largest sum of the read-out, or the largest mean of its membranes; without one, the
    neuron of the last layer that sent most."""
    last = network.layers[-1]
    out = sent[last.name]
    summed = isinstance(last, Readout) and not last.membranes
    scores = out[:, :, -1] if summed else out.sum(axis=-1, dtype=np.int64)
    return scores.argmax(axis=1)
