"""Backends without Lava's runtime: the same processes and process models, stepped one after another in this process.

Lava takes a third of a second to fork a network, so thousands of them are checked this way and hundreds through the
runtime. Processes, their connections, the models chosen by tag and the files of a run are the real ones; only the
channels between processes are queues here.
"""

import json
import tempfile
from collections import deque
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.model.sub.model import AbstractSubProcessModel
from lava.magma.core.process.process import AbstractProcess

from basalt.deploy.backends import find
from basalt.deploy.job import Job, Outcome, collect, prepare
from basalt.deploy.network import Layout, build
from basalt.lava_procs.metering import PREPARATION

STATES = ("u", "v", "m")
"""Variables of processes that show states."""


class Channel:
    """What one port sends, in order, to the queues of those that receive it."""

    def __init__(self) -> None:
        self.queue: deque[np.ndarray] = deque()
        self.receivers: list[Channel] = []

    def send(self, data: np.ndarray) -> None:
        """As a Lava port: what is sent is copied."""
        for receiver in self.receivers:
            receiver.queue.append(np.array(data))

    def recv(self) -> np.ndarray:
        """The oldest that has not been received."""
        return self.queue.popleft()


def model_class(process: AbstractProcess, tag: str) -> type:
    """The process model that a run configuration would choose."""
    found = import_module(type(process).__module__.removesuffix("process") + "models")
    for model in vars(found).values():
        if getattr(model, "implements_process", None) is type(process) and tag in model.tags:
            return model
    raise LookupError(f"no model of {process.name} carries the tag {tag!r}")


def reached(process: AbstractProcess) -> list[AbstractProcess]:
    """A process and all that is downstream of it, upstream first."""
    order: list[AbstractProcess] = []

    def visit(here: AbstractProcess) -> None:
        if here in order:
            return
        for port in here.out_ports:
            for next_port in port.out_connections:
                visit(next_port.process)
        order.insert(0, here)

    visit(process)
    return order


def leaves(process: AbstractProcess, tag: str) -> list[tuple[AbstractProcess, type]]:
    """The leaf processes of a process with their models, upstream first."""
    model = model_class(process, tag)
    if not issubclass(model, AbstractSubProcessModel):
        return [(process, model)]
    parts = [part for part in vars(model(process)).values() if isinstance(part, AbstractProcess)]
    ranks = {id(part): len(reached(part)) for part in parts}
    ordered = sorted(parts, key=lambda part: -ranks[id(part)])
    return [leaf for part in ordered for leaf in leaves(part, tag)]


def instance(process: AbstractProcess, model: type, channels: dict[Any, Channel]) -> Any:
    """A model with its variables and channels, as Lava's builder makes it."""
    made = model(process.proc_params)
    declared = {name: getattr(model, name) for name in dir(model) if isinstance(getattr(model, name), LavaPyType)}
    for var in process.vars:
        kind = declared[var.name]
        value = np.zeros(var.shape, kind.d_type)
        value[:] = var.init
        setattr(made, var.name, value)
    for port in (*process.in_ports, *process.out_ports):
        channel = channels.setdefault(port, Channel())
        setattr(made, port.name, channel)
        for source in port.get_src_ports() if port in process.in_ports else ():
            channels.setdefault(source, Channel()).receivers.append(channel)
    return made


def run_direct(job: Job, held: dict[str, dict[str, np.ndarray]] | None = None) -> Outcome:
    """What `basalt.deploy.job.run` gives, by the same models without Lava's runtime.

    Args:
        held: filled, by layer name, with the variables u, v and m that the models show after the last step.
    """
    backend = find(job.backend)
    with tempfile.TemporaryDirectory() as place:
        samples, _, steps = job.spikes.shape
        block = min(job.block, steps) if job.block else backend.block_of(steps)
        layout = Layout(samples, steps, min(job.batch, samples), Path(place), block, job.planes, job.core)
        layout = replace(layout, states=job.states)
        prepare(job, layout)
        parts = [
            leaf for process in reached(build(job.network, layout).source) for leaf in leaves(process, backend.tag)
        ]
        channels: dict[Any, Channel] = {}
        models = [instance(process, model, channels) for process, model in parts]
        for step in range(1, PREPARATION + layout.rounds * layout.blocks + 1):
            for model in models:
                model.time_step = step
                model.run_spk()
        assert not any(channel.queue for channel in channels.values()), "something was sent and not received"
        for (process, _), model in zip(parts, models, strict=True):
            shown = {name: getattr(model, name) for name in STATES if hasattr(process, name)}
            if held is not None and shown:
                held.setdefault(process.name.split(".")[0], {}).update(shown)
        (layout.folder / "timing.json").write_text(json.dumps({"build": 0.0, "run": 0.0}))
        return collect(job, layout)
