"""The operations of a run, as its counts.json has them."""

from typing import Any

from basalt.deploy.energy.operations import membrane_updates, memory_products, operations
from basalt.deploy.job import Job, Outcome
from basalt.records.readout import Readout
from basalt.records.simulate import States, simulate
from basalt.records.synapses import Spiking

MEMBRANE_SAMPLES = 8
"""Samples of which the reference computes the membranes again, as a run does not keep them."""


def operations_of(job: Job, outcome: Outcome, counts: dict[str, Any]) -> dict[str, Any] | None:
    """NeuroBench's figures per inference, those of the membranes from the first samples of networks of dense layers.

    Returns:
        What `deploy.energy.operations.operations` gives, with `MembraneUpdates` and `membrane_samples` where there are
        any; None where a layer only runs on stock lava-dl.
    """
    found = operations(job.network, job.spikes, outcome.sent, memory_products(counts))
    if found is None or any(layer.kind not in (Spiking.kind, Readout.kind) for layer in job.network.layers):
        return found
    states: dict[str, States] = {}
    few = job.spikes[:MEMBRANE_SAMPLES]
    simulate(job.network, few, states)
    updates = membrane_updates([state.v for state in states.values()])
    return {**found, "MembraneUpdates": updates, "membrane_samples": len(few)}
