"""What a NIR neuron does to what its synapses bring, as its writer means it: plain numpy, one step at a time."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

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
)

State = Float[np.ndarray, "samples neurons"]


@dataclass
class Running:
    """A neuron node in the middle of a sample.

        u[t] = α u[t−1] + x[t] + back(s[t−1]),  v = β v[t−1] + gain·u[t] + drive

    Attributes:
        constants: α, β, gain. threshold: of each neuron. drive: a membrane's own, (1 − β)·v_leak.
        reset: a name of `RESETS`. reaches: a membrane at the threshold spikes.
        late: snnTorch's "zero" empties the membrane after the next step's input, as all but Leaky do.
    """

    constants: Constants
    threshold: np.ndarray
    drive: np.ndarray
    reset: str
    reaches: bool
    back: Callable[[State], State] | None = None
    late: bool = False
    u: State | float = 0.0
    v: State | float = 0.0
    sent: State | None = field(default=None)

    def step(self, arrived: State) -> State:
        """The spikes of a step, which may be several.

        snnTorch's "subtract" at once takes the threshold of a membrane that is still above it at the next step's
        beginning, and then takes one less, or gives it back.
        """
        sent = np.zeros_like(arrived) if self.sent is None else self.sent
        if self.back is not None:
            arrived = arrived + self.back(sent)
        alpha, beta, gain = self.constants
        self.u = alpha * self.u + arrived
        before = np.where(sent > 0, 0.0, self.v) if self.reset == DELAYED_ZERO else self.v
        v = beta * before + gain * self.u + self.drive
        if self.reset == DELAYED_ZERO and self.late:
            v = np.where(sent > 0, 0.0, v)
        if self.reset == DELAYED_SUBTRACT:
            v = v - sent * self.threshold
        owed = np.where(self.v > self.threshold, 1.0, 0.0) if self.reset == AT_ONCE else 0.0
        v = v - owed * self.threshold
        spikes = (v >= self.threshold if self.reaches else v > self.threshold).astype(np.float64)
        if self.reset in (SEVERAL, FLOORED):
            spikes = np.where(v > 0, np.trunc(v / self.threshold), 0.0)
        self.v = AFTER[self.reset](v, spikes - owed, self.threshold)
        self.sent = spikes
        return spikes


def kept(v: State, spikes: State, threshold: np.ndarray) -> State:
    """The membrane as it is."""
    return v


def emptied(v: State, spikes: State, threshold: np.ndarray) -> State:
    """0 after a spike."""
    return np.where(spikes > 0, 0.0, v)


def lessened(v: State, spikes: State, threshold: np.ndarray) -> State:
    """The threshold less for each spike."""
    return v - spikes * threshold


def floored(v: State, spikes: State, threshold: np.ndarray) -> State:
    """The same, and never below −θ."""
    return np.maximum(lessened(v, spikes, threshold), -threshold)


AFTER: dict[str, Callable[[State, State, np.ndarray], State]] = {
    HARD: emptied,
    SOFT: lessened,
    NO: kept,
    SEVERAL: lessened,
    FLOORED: floored,
    AT_ONCE: lessened,
    DELAYED_SUBTRACT: kept,
    DELAYED_ZERO: kept,
}
"""Reset → the membrane after a step."""
