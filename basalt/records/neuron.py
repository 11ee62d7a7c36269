"""The spiking neuron."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Bool, Int, Num

from basalt.records.arithmetic import ALIGN, DECAY_BITS, STATE_BITS, decay, sat24, wrap24
from basalt.records.counts import Counts, event_counts
from basalt.records.fields import Found, choice, decay_rate, number, relation
from basalt.records.whole import Whole

THRESHOLD_BITS = 17
THRESHOLD_MAX = (1 << THRESHOLD_BITS) - 1
REST_BITS = 6
REFRACTORY_MAX = (1 << REST_BITS) - 1
"""What a counter of steps of rest holds."""

AFTER_SPIKE: dict[str, Callable[[Any, Any, Any], Any]] = {
    "hard": lambda membrane, spikes, amount: np.where(spikes, 0, membrane),
    "soft": lambda membrane, spikes, amount: membrane - spikes * amount,
    "none": lambda membrane, spikes, amount: membrane,
}
"""Reset → the membrane after a step, from what it was, spikes, and what a soft reset subtracts."""
RESETS = tuple(AFTER_SPIKE)

State = Num[np.ndarray, "states batch neurons"]
"""The neurons' states, in the order of `Neuron.states`."""


class SpikingStep(NamedTuple):
    """What one step leaves: spikes, states, and how many of the states wrapped or saturated, per sample."""

    spikes: Bool[np.ndarray, "batch neurons"]
    state: State
    saturations: Int[np.ndarray, "batch"]


class Charged(NamedTuple):
    """Current u and membrane v before spikes, and how many of them wrapped or saturated, per sample."""

    u: Int[np.ndarray, "batch neurons"]
    v: Int[np.ndarray, "batch neurons"]
    saturations: Int[np.ndarray, "batch"]


@dataclass(frozen=True, eq=False)
class Neuron(Whole):
    """Loihi's leaky integrate-and-fire neuron with a synaptic current (CUBA).

        u[t] = wrap24(decay(u[t−1], current_decay) + (a[t] << 6) + memory[t])
        v'   = sat24(decay(v[t−1], voltage_decay) + u[t] + (bias << 6))
        s[t] = v' > (threshold << 6)
        v[t] = v'·(1 − s[t]) (reset "hard") | v' − s[t]·(reset_amount << 6) ("soft") | v' ("none")
        decay(x, d) = sign(x)·((|x|·(4096 − d)) >> 12)

    and with refractory steps, in which u runs on and v stays as it is,

        v'   = v[t−1], s[t] = 0 while rest[t−1] > 0
        rest[t] = refractory·s[t] + max(rest[t−1] − 1, 0)

    Neurons may have a threshold each, and a reset amount, which is the threshold where it is left out. A reset that
    comes a step late, v[t+1] = β·v'[t] + … − s[t]·θ, is a soft one by θ/β (snnTorch's "subtract").

    Attributes:
        states: their names, in the order of `State`; rest only where there are refractory steps.
        since: version of the file format that it came with; `version` is that of what it holds.
        file_type, file_keys: its type in a .net file, and lava-dl's keys of the fields that not all neurons have.
        norm_in_current: SLAYER normalises what enters the current, and not the current, so that a bias outlives a step
            with it.

    Source: Davies et al., IEEE Micro 38(1), 2018; Lava's `PyLifModelBitAcc`, and `LIFRefractory` for the steps of rest.
    """

    since: ClassVar[int] = 1
    file_type: ClassVar[str] = "CUBA"
    file_keys: ClassVar[dict[str, str]] = {}
    norm_in_current: ClassVar[bool] = False
    called: ClassVar[str] = "neurons"

    threshold: Annotated[
        int | Int[np.ndarray, "#neurons"], number(0, THRESHOLD_MAX, "of the membrane", "weight", "threshold_range")
    ]
    current_decay: Annotated[Int[np.ndarray, "#neurons"], decay_rate("of the current u")]
    voltage_decay: Annotated[Int[np.ndarray, "#neurons"], decay_rate("of the membrane v")]
    reset: Annotated[str, choice(RESETS, "what a spike does to the membrane", "reset_known")] = "hard"
    reset_amount: Annotated[
        int | Int[np.ndarray, "#neurons"] | None,
        number(0, THRESHOLD_MAX, "that a soft reset subtracts; the threshold if left out", "weight", "reset_amount"),
    ] = None
    refractory: Annotated[
        int,
        number(0, REFRACTORY_MAX, "of rest after a spike, in which the membrane stays", "steps", "refractory_range"),
    ] = 0

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the states."""
        return ("u", "v", "rest") if self.refractory else ("u", "v")

    @property
    def state_bits(self) -> int:
        """Of all states of a neuron."""
        return sum(REST_BITS if state == "rest" else STATE_BITS for state in self.states)

    @property
    def version(self) -> int:
        """The oldest file format that holds it: thresholds that differ, reset amounts and rest came with version 5."""
        return max(self.since, 5 if self.own_thresholds or self.own_amount or self.refractory else 1)

    @property
    def own_thresholds(self) -> bool:
        """Whether neurons have a threshold each."""
        return bool(np.ptp(self.threshold))

    @property
    def amount(self) -> int | Int[np.ndarray, "#neurons"]:
        """What a soft reset subtracts, in weights."""
        return self.threshold if self.reset_amount is None else self.reset_amount

    @property
    def own_amount(self) -> bool:
        """Whether a soft reset subtracts anything but the threshold."""
        return self.reset == "soft" and bool(np.any(self.amount != self.threshold))

    @property
    def subtracts(self) -> bool:
        """Whether what a spike leaves depends on the threshold."""
        return self.reset == "soft" and not self.own_amount

    @relation("reset_amount")
    def only_soft(self) -> Found:
        """No other reset subtracts."""
        if self.reset_amount is not None and self.reset != "soft":
            yield f"the reset that has a reset amount of {np.max(self.reset_amount)}", repr(self.reset), "'soft'"

    def step(
        self,
        activation: Int[np.ndarray, "batch neurons"],
        memory: Int[np.ndarray, "batch neurons"] | int,
        state: State,
        bias: Int[np.ndarray, "neurons"] | int = 0,
    ) -> SpikingStep:
        """One step: the specification, in integers.

        Args:
            activation: a[t], in weight units. memory: current beside it, in units of u. state: of the step before.
        """
        charged = self.charge(activation, memory, state[0], state[1], bias, self.resting(state))
        spikes = self.awake(charged.v > self.threshold << ALIGN, state)
        after = AFTER_SPIKE[self.reset](charged.v, spikes, self.amount << ALIGN)
        return SpikingStep(spikes, np.stack([charged.u, after, *self.rests(spikes, state)]), charged.saturations)

    def resting(self, state: State) -> Bool[np.ndarray, "batch neurons"] | None:
        """Which neurons rest in the step after these states; None where none ever do."""
        return state[2] > 0 if self.refractory else None

    def awake(self, beyond: Bool[np.ndarray, "batch neurons"], state: State) -> Bool[np.ndarray, "batch neurons"]:
        """Those of the neurons beyond their threshold that may spike."""
        return beyond & (state[2] == 0) if self.refractory else beyond

    def rests(
        self, spikes: Bool[np.ndarray, "batch neurons"], state: State
    ) -> Iterator[Num[np.ndarray, "batch neurons"]]:
        """rest[t], where there is any."""
        if self.refractory:
            yield np.maximum(state[2] - 1, 0) + spikes * self.refractory

    def charge(
        self,
        activation: Int[np.ndarray, "batch neurons"],
        memory: Int[np.ndarray, "batch neurons"] | int,
        u: Int[np.ndarray, "batch neurons"],
        v: Int[np.ndarray, "batch neurons"],
        bias: Int[np.ndarray, "neurons"] | int,
        resting: Bool[np.ndarray, "batch neurons"] | None = None,
    ) -> Charged:
        """u[t] and v', before spikes."""
        current = decay(u, self.current_decay) + (activation << ALIGN) + memory
        wrapped = wrap24(current)
        potential = decay(v, self.voltage_decay) + wrapped + (bias << ALIGN)
        if resting is not None:
            potential = np.where(resting, v, potential)
        membrane = sat24(potential)
        saturations = np.sum((wrapped != current).astype(np.int64) + (membrane != potential), axis=-1)
        return Charged(wrapped, membrane, saturations)

    def real_step(
        self,
        activation: Num[np.ndarray, "batch neurons"],
        memory: Num[np.ndarray, "batch neurons"] | float,
        state: State,
        bias: Int[np.ndarray, "neurons"] | int = 0,
    ) -> SpikingStep:
        """The same in real numbers: no rounding, wrapping or saturation. What fixed point costs is the difference."""
        u, v = self.real_charge(activation, memory, state[0], state[1], bias, self.resting(state))
        spikes = self.awake(v > self.threshold * (1 << ALIGN), state)
        after = AFTER_SPIKE[self.reset](v, spikes, self.amount * (1 << ALIGN))
        states = np.stack([u, after, *self.rests(spikes, state)])
        return SpikingStep(spikes, states, np.zeros(len(u), dtype=np.int64))

    def real_charge(
        self,
        activation: Num[np.ndarray, "batch neurons"],
        memory: Num[np.ndarray, "batch neurons"] | float,
        u: Num[np.ndarray, "batch neurons"],
        v: Num[np.ndarray, "batch neurons"],
        bias: Int[np.ndarray, "neurons"] | int,
        resting: Bool[np.ndarray, "batch neurons"] | None = None,
    ) -> tuple[Num[np.ndarray, "batch neurons"], Num[np.ndarray, "batch neurons"]]:
        """u[t] and v' in real numbers."""
        unity, scale = 1 << DECAY_BITS, 1 << ALIGN
        current = u * (1 - self.current_decay / unity) + activation * scale + memory
        potential = v * (1 - self.voltage_decay / unity) + current + bias * scale
        return current, potential if resting is None else np.where(resting, v, potential)

    def counts(
        self,
        events: Int[np.ndarray, "*#batch"],
        synapses: Int[np.ndarray, "*#batch"],
        spikes: Int[np.ndarray, "*#batch"],
        saturations: Int[np.ndarray, "*#batch"] | int,
        updates: int,
    ) -> Counts:
        """The counters of a layer: each synapse that an event reaches is a weight read, an update all states."""
        return event_counts(events, synapses, spikes, saturations, updates, len(self.states))


def axis(value: int | np.integer | Int[np.ndarray, "*any"]) -> Int[np.ndarray, "#neurons"]:
    """A decay or a threshold as a one-dimensional int64 array, of length 1 when all neurons share it."""
    return np.atleast_1d(np.asarray(value, dtype=np.int64))
