"""What a framework's reset becomes: the resets of Basalt's neuron, or the one nearest to it."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from basalt.convert.nir.graph import Node
from basalt.convert.nir.operators import UnsaidError
from basalt.convert.nir.writers import (
    AT_ONCE,
    DELAYED_SUBTRACT,
    DELAYED_ZERO,
    FLOORED,
    HARD,
    NO,
    SEVERAL,
    SOFT,
    Constants,
    Values,
)

LEAST_KEPT = 1 / 64
"""Of a membrane in a step, where what a spike takes is divided by it."""


class After(NamedTuple):
    """What a spike of Basalt's neuron does: its reset, what it subtracts, in thresholds, where it is not one, and
    whether the membrane then rests for a step.
    """

    reset: str
    amount: Values | None = None
    rests: bool = False


Lowering = Callable[[Node, Constants, bool], After]
"""Of a reset: the neuron's node, its constants, and whether it hears itself."""


def reset_as_is(name: str) -> Lowering:
    """A reset that Basalt's neuron has."""
    return lambda node, constants, recurrent: After(name)


def delayed_subtract(node: Node, constants: Constants, recurrent: bool) -> After:
    """θ taken after the decay is θ/β taken before it."""
    if np.all(constants.beta == 1):
        return After(SOFT)
    if not np.all(constants.beta > LEAST_KEPT):
        raise LackingError(
            f"keeps {constants.beta.min():.3g} of its membrane in a step, and subtracts its threshold after that, a "
            f"reset amount beyond {1 / LEAST_KEPT:g} thresholds",
            SOFT,
        )
    return After(SOFT, 1 / constants.beta)


def delayed_zero(node: Node, constants: Constants, recurrent: bool) -> After:
    """Leaky's is a hard reset; the others ignore their input for a step too."""
    return After(HARD, rests=node.type == "CubaLIF" or recurrent)


def lacks(why: str) -> Lowering:
    """A reset that no neuron here has, to which a soft one is the nearest."""

    def lacking(node: Node, constants: Constants, recurrent: bool) -> After:
        raise LackingError(why, SOFT)

    return lacking


ONE_SPIKE = (
    "sends as many spikes in a step as thresholds fit into its membrane, and neurons here send one spike in a step"
)


class LackingError(UnsaidError):
    """A reset that the neuron does not have, and the nearest one that it has."""

    def __init__(self, why: str, nearest: str) -> None:
        super().__init__(f"{why}; see by --nearest what a {nearest} reset in its place costs")
        self.why, self.nearest = why, nearest


LOWERED: Mapping[str, Lowering] = {
    HARD: reset_as_is(HARD),
    SOFT: reset_as_is(SOFT),
    NO: reset_as_is(NO),
    SEVERAL: lacks(ONE_SPIKE),
    FLOORED: lacks(f"{ONE_SPIKE}, and have no floor at -threshold"),
    AT_ONCE: lacks(
        "subtracts its threshold again where the membrane is still above it, and gives it back without a spike, as "
        "snnTorch does with reset_delay=False; only where no membrane reaches twice its threshold is that a soft reset"
    ),
    DELAYED_SUBTRACT: delayed_subtract,
    DELAYED_ZERO: delayed_zero,
}
"""Reset of a framework → that of Basalt's neuron: the one place that says what the neuron can."""
