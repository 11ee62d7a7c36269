"""What a run leaves: result.json, spikes.npz and the report."""

import platform
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from basalt import __version__, provenance
from basalt.deploy.energy.conventions import result_entries
from basalt.deploy.inputs import Inputs
from basalt.deploy.job import Job, Outcome, predict, saturations
from basalt.deploy.report.arrays import ReportArrays, SampleTrace
from basalt.deploy.report.environment import processor, versions
from basalt.documents import understood
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


def result_file(done: Done, energy: dict[str, Any]) -> dict[str, Any]:
    """Content of result.json."""
    job, outcome, accuracy = done.job, done.outcome, done.accuracy
    samples, _, steps = job.spikes.shape
    return {
        "backend": job.backend,
        "network": job.network.name,
        "file": str(job.file),
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
        "spike_rate": {name: float(events.mean()) for name, events in events_of(done).items()},
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


def write_html(
    folder: Path, done: Done, result: dict[str, Any], counts: dict[str, Any], energy: dict[str, Any]
) -> None:
    """The report; what training and verify left beside the .net file goes into it."""
    from basalt.deploy.report.build import write_report
    from basalt.deploy.report.renew import known_beside

    job = done.job
    assert job.file is not None
    with understood(f"metrics.json or verify.json beside {job.file}", "remove it, or renew it with `basalt verify`"):
        metrics, verify = known_beside(folder, job.file, result)
    rates = {name: events.mean(axis=(0, 1)) for name, events in events_of(done).items()}
    arrays = ReportArrays(
        predicted=done.predicted,
        labels=done.inputs.labels,
        samples=tuple(sample_trace(done, index) for index in interesting(done)),
        rates={"input": shown(job.spikes).mean(axis=(0, 1)), **rates},
    )
    with understood(f"metrics.json or verify.json beside {job.file}", "remove it, or renew it with `basalt verify`"):
        write_report(
            folder / "report.html", result, counts=counts, energy=energy, metrics=metrics, verify=verify, arrays=arrays
        )


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
