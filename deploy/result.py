"""What a run leaves: result.json, spikes.npz and the report."""

import platform
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from basalt import __version__, provenance
from basalt.deploy.counted import counts_file, saturations
from basalt.deploy.energy.conventions import result_entries, with_step
from basalt.deploy.energy.pricing import price
from basalt.deploy.inputs import Inputs
from basalt.deploy.job import Job, Outcome, predict, runtime_of
from basalt.deploy.mapping.counting import Hops, add_hops
from basalt.deploy.operations import operations_of
from basalt.deploy.report.arrays import ReportArrays, SampleTrace
from basalt.deploy.report.environment import processor, versions
from basalt.documents import understood
from basalt.files import atomic, write_json
from basalt.records.network import Network


@dataclass(frozen=True, eq=False)
class Done:
    """A run that is done.

    Attributes:
        job, inputs, outcome: what was run, on what, and what came of it.
    """

    job: Job
    inputs: Inputs
    outcome: Outcome

    @cached_property
    def predicted(self) -> Int[np.ndarray, "samples"]:
        """The class of each sample."""
        return predict(self.job.network, self.outcome.sent)

    @property
    def accuracy(self) -> float | None:
        """The fraction of right classes; None without labels."""
        return None if self.inputs.labels is None else float(np.mean(self.predicted == self.inputs.labels))

    def counts(self, step_ms: float | None = None, hops: Hops | None = None) -> dict[str, Any]:
        """Content of counts.json.

        Args:
            step_ms: how long a step lasts, where the network does not say.
            hops: of all spikes on a mesh, as `basalt map` placed them.

        Raises:
            BasaltError: the network says another duration.
        """
        counts = with_step(counts_file(self.job, self.outcome), step_ms)
        if hops is not None:
            add_hops(counts, hops, {"input": self.job.spikes, **self.outcome.sent})
        return counts | {"operations": operations_of(self.job, self.outcome, counts)}


@dataclass(frozen=True, eq=False)
class Written:
    """What `write_run` wrote: the contents of result.json, counts.json and energy.json."""

    result: dict[str, Any]
    counts: dict[str, Any]
    energy: dict[str, Any]


PRICED = ("energy.json", "result.json", "report.html")
"""What a run writes once its counts are priced."""


def write_run(
    folder: Path, done: Done, counts: dict[str, Any], tables: Sequence[str], strict: bool, notices: Sequence[str]
) -> Written:
    """Write spikes.npz and counts.json; then price the counts, and write energy.json, result.json and report.html.

    Raises:
        BasaltError: a table cannot price the counts, or a file cannot be written.
    """
    forget(folder, *PRICED)  # should pricing fail, they would stand beside other counts
    with atomic(folder / "spikes.npz") as temporary:
        arrays = spike_arrays(done.job.network, done.outcome, done.predicted)
        np.savez_compressed(temporary, allow_pickle=False, **arrays)
    write_json(folder / "counts.json", counts)
    energy = price(counts, tables, strict=strict)
    result = {**result_file(done, energy), "notices": list(notices)}
    write_json(folder / "energy.json", energy)
    write_json(folder / "result.json", result)
    write_html(folder / "report.html", done, result, counts, energy)
    return Written(result, counts, energy)


def forget(folder: Path, *names: str) -> None:
    """Remove what an earlier run left; where that cannot be done, writing says so."""
    for name in names:
        with suppress(OSError):
            (folder / name).unlink()


def result_file(done: Done, energy: dict[str, Any]) -> dict[str, Any]:
    """Content of result.json."""
    job, outcome, accuracy = done.job, done.outcome, done.accuracy
    samples, _, steps = job.spikes.shape
    return {
        "backend": job.backend,
        "runtime": runtime_of(job),
        "network": job.network.name,
        "file": None if job.file is None else str(job.file),
        "file_digest": None if job.file is None else provenance.digest(job.file),
        "samples": samples,
        "steps": steps,
        "batch": min(job.batch, samples),
        "accuracy": accuracy,
        "correct": None if accuracy is None else round(accuracy * samples),
        "seconds": outcome.seconds,
        "build_seconds": outcome.build_seconds,
        "sample_steps_per_second": samples * steps / outcome.seconds,
        **result_entries(energy, counted(outcome)),
        "saturations": saturations(outcome),
        "spike_rate": {name: int(events.sum()) / outcome.sent[name].size for name, events in step_events(done).items()},
        "machine": machine(),
        "origin": job.network.origin,
        "reading": job.network.reading,
        "command": provenance.command(),
        "commit": provenance.commit(),
        "written": provenance.now(),
    }


def shown(values: np.ndarray) -> np.ndarray:
    """Input values as pictures have them: bytes as they are, of wider ones where they are not 0."""
    return values if values.dtype == np.uint8 else (values != 0).astype(np.uint8)


CHUNK = 256
"""Samples that are looked at together, so that no copy of all spikes is made."""


def step_rates(done: Done) -> dict[str, np.ndarray]:
    """By layer, the share of its neurons that sent a spike or message in each step, over all samples."""
    sent = done.outcome.sent
    return {name: events / (sent[name].size / len(events)) for name, events in step_events(done).items()}


def step_events(done: Done) -> dict[str, np.ndarray]:
    """By layer, how many spikes or messages it sent in each step, of all samples together."""
    found = {}
    for layer in done.job.network.emitting:
        sent = done.outcome.sent[layer.name]
        found[layer.name] = np.zeros(sent.shape[2], dtype=np.int64)
        for first in range(0, len(sent), CHUNK):
            found[layer.name] += np.count_nonzero(sent[first : first + CHUNK], axis=(0, 1))
    return found


def events_of(done: Done) -> dict[str, np.ndarray]:
    """By layer, whether each neuron sent a spike or message, for every sample and step."""
    return {layer.name: done.outcome.sent[layer.name] != 0 for layer in done.job.network.emitting}


def counted(outcome: Outcome) -> bool:
    """Whether any process counted anything; stock processes do not."""
    return any(table.any() for name, table in outcome.counts.items() if name != "input.source")


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    import psutil

    known = versions()
    return {
        "processor": processor(),
        "architecture": platform.machine(),
        "cores": psutil.cpu_count(logical=True),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "system": platform.system(),
        "python": platform.python_version(),
        **{name: known[name] for name in ("numpy", "lava-nc", "lava-dl") if name in known},
        "basalt": __version__,
    }


def spike_arrays(network: Network, outcome: Outcome, predicted: np.ndarray) -> dict[str, np.ndarray]:
    """What spikes.npz holds: the predicted labels, what the last layer before a read-out sent, and its last sums, if
    any; of a read-out whose every step says something, what it sent (`Readout.every_step`)."""
    arrays = {"labels": predicted}
    before = [layer.name for layer in network.layers if layer is not network.readout]
    if before:
        arrays["spikes"] = outcome.sent[before[-1]]
    if network.readout is not None:
        arrays["readout"] = outcome.sent[network.readout.name][:, :, -1]
        if network.readout.every_step is not None:
            arrays[network.readout.every_step] = outcome.sent[network.readout.name]
    return arrays


def write_html(path: Path, done: Done, result: dict[str, Any], counts: dict[str, Any], energy: dict[str, Any]) -> None:
    """The report; what training and verify left beside the .net file goes into it."""
    from basalt.deploy.report.build import write_report
    from basalt.deploy.report.renew import known_beside

    job = done.job
    metrics = verify = None
    with understood(f"metrics.json or verify.json beside {job.file}", "remove it, or renew it with `basalt verify`"):
        if job.file is not None:
            metrics, verify = known_beside(path.parent, job.file, result)
    rates = step_rates(done)
    arrays = ReportArrays(
        predicted=done.predicted,
        labels=done.inputs.labels,
        samples=tuple(sample_trace(done, index) for index in interesting(done)),
        rates={"input": shown(job.spikes).mean(axis=(0, 1)), **rates},
    )
    with understood(f"metrics.json or verify.json beside {job.file}", "remove it, or renew it with `basalt verify`"):
        write_report(path, result, counts=counts, energy=energy, metrics=metrics, verify=verify, arrays=arrays)


def interesting(done: Done) -> list[int]:
    """Samples to show: the first one, and the first one that went wrong."""
    labels = done.inputs.labels
    wrong = [] if labels is None else np.flatnonzero(done.predicted != labels)[:1].tolist()
    return sorted({0, *wrong})


def sample_trace(done: Done, index: int) -> SampleTrace:
    """What one sample did in every layer."""
    network, sent = done.job.network, done.outcome.sent
    readout = network.readout
    return SampleTrace(
        index=index,
        input=shown(done.job.spikes[index]),
        layers={layer.name: (sent[layer.name][index] != 0).astype(np.uint8) for layer in network.emitting},
        readout=None if readout is None else sent[readout.name][index],
    )
