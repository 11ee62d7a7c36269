"""NIR's Threshold: a spike where the input is above θ, and no state: a neuron that leaks all it has in each step.

    u[t] = x[t] (current decay 4096),  v = u (voltage decay 4096),  s = v > θ

Whatever a spike leaves of the membrane is lost in the next step, so that each reset is the same; a membrane at θ sends
none, whoever wrote the file.
"""

from collections.abc import Mapping

import numpy as np

from basalt.convert.nir.graph import Node
from basalt.convert.nir.operators import value
from basalt.convert.nir.writers import (
    AT_ONCE,
    DELAYED_SUBTRACT,
    DELAYED_ZERO,
    FLOORED,
    HARD,
    SEVERAL,
    SOFT,
    THRESHOLD,
    Constants,
    Values,
    Writer,
)

PLAIN: Mapping[str, str] = {DELAYED_SUBTRACT: SOFT, AT_ONCE: SOFT, SEVERAL: SOFT, FLOORED: SOFT, DELAYED_ZERO: HARD}
"""Reset of the other neurons → one of Basalt's neuron that layers beside them share."""


def stateless(node: Node | None) -> bool:
    """Whether it is a Threshold."""
    return node is not None and node.type == THRESHOLD


def of_threshold(node: Node) -> tuple[Constants, Values, Values]:
    """α, β, gain, threshold and drive."""
    none = np.zeros(1)
    return Constants(none, none, np.ones(1)), value(node, "threshold"), none


def reset_of(node: Node | None, reset: str) -> str:
    """The reset of a neuron, where `reset` is that of those with a state."""
    return PLAIN.get(reset, reset) if stateless(node) else reset


def reaches(node: Node | None, writer: Writer) -> bool:
    """Whether a membrane at the threshold spikes."""
    return writer.reaches and not stateless(node)
