"""What spiking neurons and memory pathways count, whoever computes them.

Beside dense products, `dense_mac_bits` counts their sizes: the widths of the two factors multiplied, as an array
multiplier grows with both. Weights, keys, gains and k have 8 bits, gates, shares p and what tables give 12, states 24.
So do `graded_product_bits` beside `graded_products`, of a weight with the value of an event that is no spike.
"""

import numpy as np
from jaxtyping import Int

WEIGHT, GATE, STATE = 8, 12, 24
"""Widths of factors in bits."""

Counts = dict[str, Int[np.ndarray, "*#batch"] | int]
"""Counter → a number for every sample, or one for all."""


def event_counts(
    events: Int[np.ndarray, "*#batch"],
    synapses: Int[np.ndarray, "*#batch"],
    sent: Int[np.ndarray, "*#batch"],
    saturations: Int[np.ndarray, "*#batch"] | int,
    updates: int,
    states: int,
) -> Counts:
    """The counters of a layer that events drive: a weight is read for each synapse, each update moves all states.

    Args:
        synapses: that the events reach. sent: events of its own. states: of a neuron.
    """
    return {
        "events_in": events,
        "weight_words_read": synapses,
        "synaptic_operations": synapses,
        "neuron_updates": updates,
        "state_reads": states * updates,
        "state_writes": states * updates,
        "spikes_out": sent,
        "saturations": saturations,
    }


def graded_counts(products: Int[np.ndarray, "*#batch"] | int, value_bits: int) -> Counts:
    """The counters of weights multiplied by values of `value_bits` bits; none for spikes, whose weights are just added.

    Args:
        products: synapses that the input's events reach.
    """
    if value_bits == 1:
        return {}
    return {"graded_products": products, "graded_product_bits": products * WEIGHT * value_bits}
