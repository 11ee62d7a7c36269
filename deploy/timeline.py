"""A sample on near-memory cores as a timeline in the Chrome trace format, which ui.perfetto.dev opens.

Each layer on a core is a process of the trace; its step, its data paths and its memories are threads. All cores begin
a step together, when the slowest has ended the one before: that is how layers that exchange spikes once per step run
side by side. Every figure is that of the schedule by which the process models count, so that the steps of a layer add
up to the cycles in a run's counts.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import UInt8

from basalt.kernels.bits import planes_of
from basalt.near_memory import mechanisms
from basalt.near_memory.core import Core
from basalt.near_memory.formula import bound
from basalt.near_memory.geometry import memories
from basalt.near_memory.schedule import schedule, step_cost
from basalt.near_memory.sizes import Sizes, sizes_of
from basalt.near_memory.walk import PATHS, Access, Events
from basalt.records.layer import Layer
from basalt.records.network import Network
from basalt.records.simulate import simulate
from basalt.records.synapses import Spiking

STEP, PATH, MEMORY = "step", "path", "memory"


def step_events(layer: Layer, sizes: Sizes, arriving: UInt8[np.ndarray, "features steps"]) -> list[Events]:
    """What each step of a sample has to do, from the spikes that reach the layer."""
    steps = arriving.shape[1]
    fired = np.zeros(steps, dtype=np.int64)
    if isinstance(layer, Spiking):
        alone = Network((replace(layer, delay=None),))
        fired = simulate(alone, arriving[None])[layer.name][0].sum(axis=0, dtype=np.int64)
    spikes = np.concatenate([[0], np.count_nonzero(arriving, axis=0)[:-1]])
    own = np.concatenate([[0], fired[:-1]]) if sizes.hears_itself else np.zeros(steps, dtype=np.int64)
    which: list[tuple[int, ...]] = [()] * steps
    if sizes.conv is not None:
        which[1:] = [tuple(np.flatnonzero(values).tolist()) for values in arriving.T[:-1]]
    return [
        Events(int(spikes[t]), int(own[t]), int(fired[t]), t % sizes.update_interval == 0, which[t])
        for t in range(steps)
    ]


def timeline(
    core: Core,
    network: Network,
    layers: list[Layer],
    spikes: UInt8[np.ndarray, "features steps"],
    update: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """The trace of one sample on the cores of `layers`; times are in µs of the core's clock.

    Args:
        network: all layers, of which those that run elsewhere are stepped but not shown.
        update: called with (steps done, steps in all).
    """
    work: dict[str, list[Events]] = {}
    arriving, first = spikes, network.layers[0]
    sizes_by_layer = {layer.name: sizes_of(layer, planes_of(spikes) if layer is first else 1) for layer in layers}
    for layer in network.layers:
        if layer in layers:
            work[layer.name] = step_events(layer, sizes_by_layer[layer.name], arriving)
        arriving = simulate(Network((layer,)), arriving[None])[layer.name][0]
    shown = {name: (number, sizes) for number, (name, sizes) in enumerate(sizes_by_layer.items(), 1)}
    trace = [entry for name, (number, sizes) in shown.items() for entry in names(name, number, core, sizes)]
    begin = 0
    for t in range(spikes.shape[1]):
        longest = 0
        for name, (number, sizes) in shown.items():
            cycles, entries = step_of(core, sizes, work[name][t], t)
            longest = max(longest, cycles)
            trace += [{**entry, "pid": number, "ts": begin + entry["ts"]} for entry in entries]
        begin += longest
        update(t + 1, spikes.shape[1])
    for entry in trace:
        if entry["ph"] == "X":
            entry["ts"], entry["dur"] = entry["ts"] / core.clock_mhz, entry["dur"] / core.clock_mhz
    other = {"core": core.name, "clock_mhz": core.clock_mhz, "network": network.name, "cycles": begin}
    return {"traceEvents": trace, "displayTimeUnit": "ns", "otherData": other}


def threads(core: Core, sizes: Sizes) -> dict[tuple[str, str], int]:
    """Numbers of a core's threads by what they are and their name: the step, the paths, the memories."""
    own = [path for path in step_cost(core, sizes, Events()).paths if path in mechanisms.PATHS]
    every = [
        (STEP, STEP),
        *((PATH, name) for name in (*PATHS, *own)),
        *((MEMORY, name) for name in memories(core, sizes)),
    ]
    return {thread: number for number, thread in enumerate(every)}


def names(layer: str, number: int, core: Core, sizes: Sizes) -> Iterator[dict[str, Any]]:
    """What the trace's process and threads are called, and in which order they are shown."""
    yield {"ph": "M", "pid": number, "tid": 0, "name": "process_name", "args": {"name": f"core of {layer}"}}
    for (_, name), thread in threads(core, sizes).items():
        about = {"ph": "M", "pid": number, "tid": thread}
        yield {**about, "name": "thread_name", "args": {"name": name.replace("_", " ")}}
        yield {**about, "name": "thread_sort_index", "args": {"sort_index": thread}}


def step_of(core: Core, sizes: Sizes, events: Events, t: int) -> tuple[int, list[dict[str, Any]]]:
    """Cycles of a step, and its entries: from the first to the last access of each path and of each memory."""
    step = schedule(core, sizes, events)
    number = threads(core, sizes)
    whole = step_cost(core, sizes, events)
    about = {name: getattr(events, name) for name in ("spikes", "recurrent", "fired", "refresh")}
    about |= {"cycles": step.cycles, "stalls": step.stalls, "bound": str(bound(whole)[0])}
    entries = [span(f"step {t}", number[STEP, STEP], 0, step.cycles, about)]
    for field in (PATH, MEMORY):
        groups: dict[str, list[Access]] = {}
        for access in step.accesses:
            groups.setdefault(getattr(access, field), []).append(access)
        for name, accesses in groups.items():
            cycles = [access.cycle for access in accesses]
            other = MEMORY if field == PATH else PATH
            counts: dict[str, int] = {}
            for access in accesses:
                key = f"{getattr(access, other)} {access.which}"
                counts[key] = counts.get(key, 0) + 1
            entries.append(span(name.replace("_", " "), number[field, name], min(cycles), max(cycles) + 1, counts))
    return step.cycles, entries


def span(name: str, thread: int, begin: int, end: int, about: dict[str, Any]) -> dict[str, Any]:
    """A complete event, in cycles."""
    return {"ph": "X", "name": name, "tid": thread, "ts": begin, "dur": end - begin, "args": about}
