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


def graded_counts(products: Int[np.ndarray, "*#batch"] | int, value_bits: int) -> Counts:
    """The counters of weights multiplied by values of `value_bits` bits; none for spikes, whose weights are just added.

    Args:
        products: synapses that the input's events reach.
    """
    if value_bits == 1:
        return {}
    return {"graded_products": products, "graded_product_bits": products * WEIGHT * value_bits}
