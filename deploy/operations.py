"""The operations of a run, as its counts.json has them."""

from typing import Any

from basalt.deploy.energy.operations import memory_products, operations
from basalt.deploy.job import Job, Outcome
from basalt.records.readout import Readout
from basalt.records.synapses import Spiking

MEMBRANE_SAMPLES = 8
"""The first samples, of whose membranes the changes are stated."""


def operations_of(job: Job, outcome: Outcome, counts: dict[str, Any]) -> dict[str, Any] | None:
    """NeuroBench's figures per inference, those of the membranes from the first samples of networks of dense layers.

        MembraneUpdates = neurons + Σ over t ≥ 1 of [v[t] ≠ v[t−1]]          (the first step counts as a change)

    Returns:
        What `deploy.energy.operations.operations` gives, with `MembraneUpdates` and `membrane_samples` where the run
        counted any; None where a layer only runs on stock lava-dl.
    """
    found = operations(job.network, job.spikes, outcome.sent, memory_products(counts))
    kinds = [layer.kind for layer in job.network.layers]
    if found is None or set(kinds) - {Spiking.kind, Readout.kind} or len(outcome.changed) < kinds.count(Spiking.kind):
        return found
    few = min(len(job.spikes), MEMBRANE_SAMPLES)
    dense = [layer for layer in job.network.layers if layer.kind == Spiking.kind]
    updates = sum((int(outcome.changed[layer.name][:few].sum()) + few * layer.neurons) / few for layer in dense)
    return {**found, "MembraneUpdates": updates, "membrane_samples": few}
