"""What networks of a comparison take on the machines of the price tables."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from basalt.convert.reading import TRAINING
from basalt.deploy.counted import counts_file
from basalt.deploy.energy.conventions import full_speed, real_time, with_step
from basalt.deploy.energy.pricing import price
from basalt.deploy.inputs import Inputs, read_both
from basalt.deploy.job import Job, predict, run
from basalt.deploy.on_core import fit_notices
from basalt.errors import BasaltError
from basalt.files import read_object
from basalt.near_memory.core import Core
from basalt.records.network import Network

SCHEDULED = "near-memory-22nm"
"""Prices what near-memory cores counted; the other tables price the counts of the backend compiled."""


@dataclass(frozen=True)
class Machine:
    """What an inference takes on what a price table describes.

    Attributes:
        joule: in real time: dynamic, and leakage for as long as the steps last; the headline.
        dynamic_joule: of what was counted.
        leakage_joule: in real time; None if the table has no static power.
        full_speed_joule: dynamic, and leakage for as long as it computes; None where the table has no durations.
        seconds: that an inference computes; None where the table has no durations.
        busiest: the process that is busy for longest.
        step_seconds: how long a step lasts in real time.
        step_seconds_from: who says so: "file", "option" or "table", which is an assumption.
        keeps_up: whether it computes an inference within its steps.
    """

    joule: float
    dynamic_joule: float
    leakage_joule: float | None
    full_speed_joule: float | None
    seconds: float | None
    busiest: str | None
    step_seconds: float
    step_seconds_from: str
    keeps_up: bool = True

    @property
    def energy_delay(self) -> float | None:
        """Joule times second of an inference at full speed."""
        if self.seconds is None or self.full_speed_joule is None:
            return None
        return self.full_speed_joule * self.seconds

    @property
    def rate(self) -> float | None:
        """Inferences per second at full speed."""
        return 1 / self.seconds if self.seconds else None


@dataclass(frozen=True)
class Entry:
    """A network and what it takes.

    Attributes:
        name: of its run.
        samples: that accuracy, rates and energies are means of.
        accuracy: None without labels.
        parameters: trained ones; None if unknown.
        rates: spikes per neuron and step, by layer.
        misfits: sentences about what does not fit into the near-memory core.
        machines: by price table.
        notices: sentences about how its file and its input were read.
    """

    name: str
    samples: int
    accuracy: float | None
    parameters: int | None
    rates: Mapping[str, float]
    misfits: tuple[str, ...]
    machines: Mapping[str, Machine]
    notices: tuple[str, ...] = ()

    def plain(self) -> dict[str, Any]:
        """As JSON knows it."""
        machines = {
            table: {**asdict(machine), "real_time_joule": machine.joule, "joule_seconds": machine.energy_delay}
            for table, machine in self.machines.items()
        }
        sentences = {"misfits": list(self.misfits), "notices": list(self.notices)}
        return {**asdict(self), **sentences, "rates": dict(self.rates), "machines": machines}


def machine_of(priced: Mapping[str, Any]) -> Machine:
    """The figures of a table in energy.json."""
    slow, fast = real_time(priced), full_speed(priced)
    return Machine(
        slow.joule,
        slow.dynamic_joule,
        leakage_joule=slow.leakage_joule,
        full_speed_joule=None if fast is None else fast.joule,
        seconds=None if fast is None else fast.seconds,
        busiest=priced["latency"]["busiest"] if priced["latency"] else None,
        step_seconds=priced["step_seconds"],
        step_seconds_from=priced["step_seconds_from"],
        keeps_up=priced["keeps_up"],
    )


@dataclass(frozen=True, eq=False)
class Subject:
    """A network to be compared, as its files have it.

    Attributes:
        name: what it is called. file: the .net file.
    """

    name: str
    file: Path
    network: Network
    inputs: Inputs

    @classmethod
    def read(cls, file: Path, samples: int | None, bias_start: str = TRAINING, name: str | None = None) -> "Subject":
        """An exported network and the first `samples` of its test.npz; called as its folder if no name is given."""
        return cls(name or file.parent.name, file, *read_both(file, None, bias_start, samples=samples))


def entry_of(subject: Subject, core: Core, tables: Sequence[str], step_ms: float | None = None) -> Entry:
    """Run a network on near-memory cores and on the backend compiled, and price both.

    Args:
        step_ms: of a step, where the network does not say.

    Raises:
        BasaltError: it cannot be run, or the two send other spikes.
    """
    path, network, inputs = subject.file, subject.network, subject.inputs
    scheduled = Job(network, inputs.spikes, "near-memory", file=path, core=core)
    plain = Job(network, inputs.spikes, "compiled", file=path)
    outcomes = {job.backend: run(job) for job in (scheduled, plain)}
    for layer, sent in outcomes["near-memory"].sent.items():
        if not np.array_equal(sent, outcomes["compiled"].sent[layer]):
            raise BasaltError(f"Layer {layer!r} of {path} sends different spikes on near-memory: a bug in Basalt.")
    step = step_ms if network.step_seconds is None else None
    counts = {job.backend: with_step(counts_file(job, outcomes[job.backend]), step) for job in (scheduled, plain)}
    machines = {}
    for table in tables:
        of = counts["near-memory" if table == SCHEDULED else "compiled"]
        machines[table] = machine_of(price(of, [table])["tables"][table])
    predicted = predict(network, outcomes["compiled"].sent)
    metrics = path.parent / "metrics.json"
    return Entry(
        name=subject.name,
        samples=len(inputs.spikes),
        accuracy=None if inputs.labels is None else float(np.mean(predicted == inputs.labels)),
        parameters=read_object(metrics).get("parameters") if metrics.exists() else None,
        rates={layer.name: float(outcomes["compiled"].sent[layer.name].mean()) for layer in network.spiking},
        misfits=tuple(fit_notices(scheduled.scheduled, core)),
        machines=machines,
        notices=(*network.notices, *inputs.notices),
    )
