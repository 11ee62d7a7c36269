"""What `basalt verify` does once a network has run: reference, backend and, with a trace, training compared."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from basalt.deploy.comparison import Divergence, Pair, compare, verification
from basalt.deploy.comparison_states import backend_states, compare_states, reference_states, simulated, told
from basalt.deploy.job import Job, Outcome
from basalt.deploy.trace import Aligned, Trace, align
from basalt.records.network import Network

BESIDE = "trace.npz"
"""What export leaves beside a .net file: the trace of its test.npz."""


@dataclass(frozen=True, eq=False)
class Verified:
    """What came of a comparison.

    Attributes:
        pairs: training and reference, if there is a trace; reference and backend.
        training: what of training was compared and what not, as verify.json has it.
    """

    pairs: tuple[Pair, ...]
    training: dict[str, Any]

    @property
    def compared(self) -> int:
        """Values compared, spikes and states."""
        return sum(pair.compared for pair in self.pairs)

    @property
    def mismatches(self) -> int:
        """Values that differ."""
        return sum(pair.mismatches for pair in self.pairs)

    @property
    def first_divergence(self) -> Divergence | None:
        """Where the first pair that differs does so first."""
        return next((pair.first_divergence for pair in self.pairs if pair.first_divergence), None)

    @property
    def notes(self) -> list[str]:
        """What a user should know of it, a sentence each."""
        found: list[str] = self.training["notes"]
        return found

    def content(self) -> dict[str, Any]:
        """Of verify.json."""
        return verification(list(self.pairs), self.training)


def verified(job: Job, outcome: Outcome, trace: Trace | None = None) -> Verified:
    """A run with its states held against the reference, and the reference against training."""
    network, spikes = job.network, job.spikes
    sent, held = simulated(network, spikes)
    found = compare(network, ("reference", sent), (job.backend, outcome.sent))
    pairs = [replace(found, states=compare_states(network, held, outcome.states))]
    aligned = None if trace is None else align(network, trace, sent, shift=network.reading is not None)
    if aligned is not None:
        pairs.insert(0, training_pair(network, aligned))
    pairs = [with_states(network, spikes, pair, job.backend) for pair in pairs]
    return Verified(tuple(pairs), training_told(job, trace, aligned))


def training_pair(network: Network, aligned: Aligned) -> Pair:
    """Training against the reference; the step of a divergence is the reference's."""
    pair = compare(network, ("training", aligned.trained), ("reference", aligned.sent))
    layers = tuple(replace(layer, late=aligned.late.get(layer.layer, 0)) for layer in pair.layers)
    first = pair.first_divergence
    if first is not None:
        first = replace(first, step=first.step + aligned.late.get(first.layer, 0))
    return replace(pair, layers=layers, first_divergence=first)


def training_told(job: Job, trace: Trace | None, aligned: Aligned | None) -> dict[str, Any]:
    """What of training was compared and what not: what verify.json holds of it, with sentences under `notes`."""
    network, file = job.network, job.file
    everything = [layer.name for layer in network.layers]
    if trace is None or aligned is None:
        there = file is not None and (file.parent / BESIDE).exists()
        beside = f"; {BESIDE} beside the file is of test.npz" if there else ""
        note = (
            f"Training was not compared, as there is no trace of it for this input{beside}: give one with --trace "
            f"FILE.npz, which examples/trace_of_slayer.py records in three lines."
        )
        return {"compared": False, "trace": None, "layers": [], "not_compared": everything, "late": {}, "notes": [note]}
    notes = []
    missing, late = trace.missing(network), {name: steps for name, steps in aligned.late.items() if steps}
    if missing:
        notes.append(f"Of training, {', '.join(missing)} were not compared: {trace.path} has no array of that name.")
    if late:
        told_ = ", ".join(f"{name} {steps} step{'s' if steps > 1 else ''}" for name, steps in late.items())
        notes.append(f"Compared with training, layers send later here, which is allowed for: {told_}.")
    return {
        "compared": True,
        "trace": str(trace.path),
        "layers": list(trace.sent),
        "not_compared": missing,
        "other_arrays": list(trace.unnamed),
        "late": aligned.late,
        "notes": notes,
    }


def with_states(network: Network, spikes: np.ndarray, pair: Pair, backend: str) -> Pair:
    """A pair whose divergence, if it has one, has the states of the sides that keep them."""
    first = pair.first_divergence
    if first is None:
        return pair
    place = (first.layer, first.sample, first.step)
    held = {
        "reference": lambda: reference_states(network, spikes, *place),
        backend: lambda: backend_states(network, spikes, *place, backend),
    }
    states = {
        side: told(network, first.layer, first.neuron, held[side]()) if side in held else None for side in first.pair
    }
    return replace(pair, first_divergence=replace(first, states=states))
