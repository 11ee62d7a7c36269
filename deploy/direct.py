"""The runtime `direct`: the same processes and process models, stepped one after another in this process.

Lava's runtime forks an operating-system process for each model and moves every block through a channel; this one calls
the models in the order of the graph, upstream first, and hands each block on as it is. So a network needs no Lava, no
fork, and next to nothing but its kernels' time; the models work one after another, each on all cores, and not side by
side.
"""

import json
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np

from basalt.deploy.network import Layout, build
from basalt.deploy.session import SessionError, overtime, reason_of, stopped
from basalt.errors import BasaltError
from basalt.records.network import Network

if TYPE_CHECKING:
    from basalt.lava_procs.framework import AbstractProcess

PROGRESS_SECONDS = 0.1
"""Approximate interval of progress updates."""


class Channel:
    """What one port sends, in order, to the queues of those that hear it.

    Nothing is copied: whoever receives a block does so before its sender makes the next one.
    """

    def __init__(self) -> None:
        self.queue: deque[np.ndarray] = deque()
        self.receivers: list[Channel] = []

    def send(self, block: np.ndarray) -> None:
        """As a Lava port."""
        for receiver in self.receivers:
            receiver.queue.append(block)

    def recv(self) -> np.ndarray:
        """The oldest that has not been received."""
        return self.queue.popleft()


@dataclass(frozen=True, eq=False)
class Unit:
    """A process that has no others inside, and its model."""

    process: "AbstractProcess"
    model: Any


def model_class(process: "AbstractProcess", tag: str) -> type:
    """The process model of that tag, which Lava's run configuration would choose as well.

    Raises:
        BasaltError: there is none.
    """
    found = import_module(type(process).__module__.removesuffix("process") + "models")
    for model in vars(found).values():
        if getattr(model, "implements_process", None) is type(process) and tag in model.tags:
            return model
    raise BasaltError(f"No process model of {process.name} carries the tag {tag!r}.")


def reached(process: "AbstractProcess") -> list["AbstractProcess"]:
    """A process and all that is downstream of it, upstream first."""
    order: list[AbstractProcess] = []

    def visit(here: "AbstractProcess") -> None:
        if here in order:
            return
        for port in here.out_ports:
            for next_port in port.out_connections:
                visit(next_port.process)
        order.insert(0, here)

    visit(process)
    return order


def leaves(process: "AbstractProcess", tag: str) -> list[tuple["AbstractProcess", type]]:
    """The processes inside a process, or itself, each with its model, upstream first."""
    from basalt.lava_procs.framework import AbstractProcess, AbstractSubProcessModel

    model = model_class(process, tag)
    if not issubclass(model, AbstractSubProcessModel):
        return [(process, model)]
    inside = [part for part in vars(model(process)).values() if isinstance(part, AbstractProcess)]
    ranks = {id(part): len(reached(part)) for part in inside}
    ordered = sorted(inside, key=lambda part: -ranks[id(part)])
    return [leaf for part in ordered for leaf in leaves(part, tag)]


def instance(process: "AbstractProcess", model: type, channels: dict[Any, Channel]) -> Any:
    """A model with its variables and channels, as Lava's builder makes it."""
    from basalt.lava_procs.framework import LavaPyType

    made = model(process.proc_params)
    declared = {name: kind for name in dir(model) if isinstance(kind := getattr(model, name), LavaPyType)}
    for var in process.vars:
        value = np.zeros(var.shape, declared[var.name].d_type)
        value[:] = var.init
        setattr(made, var.name, value)
    for port in (*process.in_ports, *process.out_ports):
        channel = channels.setdefault(port, Channel())
        setattr(made, port.name, channel)
        for source in port.get_src_ports() if port in process.in_ports else ():
            channels.setdefault(source, Channel()).receivers.append(channel)
    return made


def assemble(network: Network, layout: Layout, tag: str, places: dict[str, str]) -> list[Unit]:
    """All models of a network, upstream first.

    Args:
        tag: of the models. places: other tags by layer name.
    """
    found = [
        leaf
        for process in reached(build(network, layout).source)
        for leaf in leaves(process, places.get(process.name.split(".")[0], tag))
    ]
    channels: dict[Any, Channel] = {}
    return [Unit(process, instance(process, model, channels)) for process, model in found]


def step(parts: Iterable[Unit], number: int) -> None:
    """One step of Lava's time: the models prepare in the first one, and each one after moves a block."""
    for part in parts:
        part.model.time_step = number
        part.model.run_spk()


def run_parts(
    parts: list[Unit],
    layout: Layout,
    began: float,
    timeout: float | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    stop: Event | None = None,
    spent: float = 0.0,
) -> None:
    """Step all models through all blocks; arguments as of `session.run_session`.

    Args:
        began: when making the models began, of `time.perf_counter`.

    Raises:
        SessionError: a model raised, time ran out, or the run was stopped.
    """
    from basalt.lava_procs.metering import PREPARATION

    total, told, done = layout.rounds * layout.blocks, began, 0
    part = parts[0]
    try:
        for number in range(1, PREPARATION + 1):
            step(parts, number)
        built = time.perf_counter()
        for done in range(total):
            for part in parts:
                part.model.time_step = PREPARATION + done + 1
                part.model.run_spk()
            now = time.perf_counter()
            if timeout is not None and now > began + timeout - spent:
                raise overtime(timeout, f"{done + 1} of {total}")
            if stop is not None and stop.is_set():
                raise stopped(f"{done + 1} of {total}")
            if on_progress is not None and now - told > PROGRESS_SECONDS:
                told = now
                on_progress(done + 1, total)
    except SessionError:
        raise
    except Exception as error:
        raise SessionError(
            f"The run stopped at step {done} of {total} because of {part.process.name}: {reason_of(error)}.",
            traceback.format_exc(),
        ) from error
    if on_progress is not None:
        on_progress(total, total)
    seconds = {"build": built - began, "run": time.perf_counter() - built}
    (layout.folder / "timing.json").write_text(json.dumps(seconds))
