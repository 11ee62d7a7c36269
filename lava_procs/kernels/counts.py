"""What spiking neurons count, whoever computes them."""

import numpy as np
from jaxtyping import Int


def spiking_counts(
    events: Int[np.ndarray, "batch"],
    synapses: Int[np.ndarray, "batch"],
    spikes: Int[np.ndarray, "batch"],
    saturations: Int[np.ndarray, "batch"],
    updates: int,
) -> dict[str, Int[np.ndarray, "batch"] | int]:
    """The counters of spiking neurons: each synapse that an event reaches is a weight read, each update u and v."""
    return {
        "events_in": events,
        "weight_words_read": synapses,
        "synaptic_operations": synapses,
        "neuron_updates": updates,
        "state_reads": 2 * updates,
        "state_writes": 2 * updates,
        "spikes_out": spikes,
        "saturations": saturations,
    }
