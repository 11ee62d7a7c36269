"""The adaptive spiking neuron."""

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

import numpy as np
from jaxtyping import Int, Num

from basalt.records.arithmetic import ALIGN, DECAY_BITS, decay, sat24
from basalt.records.fields import Found, choice, decay_rate, number, relation
from basalt.records.neuron import THRESHOLD_MAX, Neuron, SpikingStep, State, axis


@dataclass(frozen=True, eq=False)
class Adaptive(Neuron):
    """A neuron whose threshold rises with each of its spikes and decays, SLAYER's adaptive LIF (ALIF).

        u[t] and v' as in `Neuron`, b' = decay(b[t−1], threshold_decay), r' = decay(r[t−1], refractory_decay)
        s[t] = v' ≥ (threshold << 6) + b' + r'
        v[t] = v'
        b[t] = sat24(b' + s[t]·(threshold_step << 6))
        r[t] = sat24(r' + s[t]·2·((threshold << 6) + b'))

    A spike does not reset the membrane; r, which it raises by twice the threshold that it met, holds it down instead.

    Source: lava-dl's `slayer.neuron.alif`; Bellec et al., NeurIPS 2018 (adaptive thresholds).
    """

    title: ClassVar[str] = "adaptive neuron"
    states: ClassVar[tuple[str, ...]] = ("u", "v", "b", "r")
    since: ClassVar[int] = 5
    file_type: ClassVar[str] = "ALIF"
    norm_in_current: ClassVar[bool] = True
    file_keys: ClassVar[dict[str, str]] = {
        "threshold_step": "vThStep",
        "threshold_decay": "thDecay",
        "refractory_decay": "refDecay",
    }

    reset: Annotated[str, choice(("none",), "of the membrane", "reset_known")] = "none"
    threshold_step: Annotated[int, number(0, THRESHOLD_MAX, "of a spike", "weight", "threshold_range")] = 0
    threshold_decay: Annotated[Int[np.ndarray, "#neurons"], decay_rate("of the raised threshold b")] = field(
        default_factory=lambda: axis(0)
    )
    refractory_decay: Annotated[Int[np.ndarray, "#neurons"], decay_rate("of the refractory state r")] = field(
        default_factory=lambda: axis(0)
    )

    @relation("refractory_range")
    def rests_by_r(self) -> Found:
        """The refractory state r is their rest."""
        if self.refractory:
            yield "refractory, of neurons that have a refractory state,", self.refractory, "0"

    @property
    def subtracts(self) -> bool:
        """r rises by the threshold."""
        return True

    def step(
        self,
        activation: Int[np.ndarray, "batch neurons"],
        memory: Int[np.ndarray, "batch neurons"] | int,
        state: State,
        bias: Int[np.ndarray, "neurons"] | int = 0,
    ) -> SpikingStep:
        """One step: the specification, in integers."""
        u, v, b, r = state
        charged = self.charge(activation, memory, u, v, bias)
        b, r = decay(b, self.threshold_decay), decay(r, self.refractory_decay)
        level = (self.threshold << ALIGN) + b
        spikes = charged.v >= level + r
        raised, rests = b + spikes * (self.threshold_step << ALIGN), r + spikes * 2 * level
        after = np.stack([charged.u, charged.v, sat24(raised), sat24(rests)])
        clipped = np.sum((after[2] != raised).astype(np.int64) + (after[3] != rests), axis=-1)
        return SpikingStep(spikes, after, charged.saturations + clipped)

    def real_step(
        self,
        activation: Num[np.ndarray, "batch neurons"],
        memory: Num[np.ndarray, "batch neurons"] | float,
        state: State,
        bias: Int[np.ndarray, "neurons"] | int = 0,
    ) -> SpikingStep:
        """The same in real numbers."""
        unity, scale = 1 << DECAY_BITS, 1 << ALIGN
        u, v = self.real_charge(activation, memory, state[0], state[1], bias)
        b, r = state[2] * (1 - self.threshold_decay / unity), state[3] * (1 - self.refractory_decay / unity)
        level = self.threshold * scale + b
        spikes: Any = v >= level + r
        after = np.stack([u, v, b + spikes * self.threshold_step * scale, r + spikes * 2 * level])
        return SpikingStep(spikes, after, np.zeros(len(u), dtype=np.int64))
