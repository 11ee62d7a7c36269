"""The slow memory of a layer (dual memory pathway)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from jaxtyping import Int, Num

from basalt.records.arithmetic import DRIVE_MAX, STATE_MAX, dense_sum, round_shift, sat24
from basalt.records.counts import STATE, WEIGHT, Counts, graded_counts
from basalt.records.fields import SHIFT_MAX, STEPS_MAX, Found, byte, number, outside, relation, shift, weights
from basalt.records.memory import MemoryPathway, PathwayStep
from basalt.records.reach import PRODUCT_MAX, Sums, rows_reach, signed_reach


@dataclass(frozen=True, eq=False)
class SlowMemory(MemoryPathway):
    """A compact slow state (dual memory pathway), d states, one scalar drive.

        x[t]      = sat16(max(drive_weight·s_in[t−1] + drive_bias, 0) << drive_shift)
        memory[t] = (memory_weight m[t−1] + drive_memory_weight x[t] + half(memory_shift)) >> memory_shift
                    where t is a multiple of update_interval, else memory[t−1]
        m[t]      = sat24((transition m[t−1] + drive_input x[t] + half(coefficient_shift)) >> coefficient_shift)
        half(p)   = 1 << (p − 1) if p > 0 else 0, so that shifts round half up

    Source: arXiv 2512.07602; Voelker et al., NeurIPS 2019 (Legendre memory units).
    """

    kind: ClassVar[str] = "slow_memory"
    title: ClassVar[str] = "slow memory"
    rule: ClassVar[str] = "memory_width"

    drive_weight: Annotated[Int[np.ndarray, "inputs"], weights("of the drive")]
    drive_bias: Annotated[int, number(-STATE_MAX, STATE_MAX, "of the drive", "weight")]
    drive_shift: Annotated[int, shift("fraction bits added to the drive")]
    transition: Annotated[
        Int[np.ndarray, "states states"],
        number(-1 << 15, (1 << 15) - 1, "Ā of the Legendre memory", "2^−coefficient_shift"),
    ]
    drive_input: Annotated[
        Int[np.ndarray, "states"], number(-1 << 15, (1 << 15) - 1, "B̄ of the Legendre memory", "2^−coefficient_shift")
    ]
    coefficient_shift: Annotated[int, shift("fraction bits of Ā and B̄")]
    memory_weight: Annotated[Int[np.ndarray, "neurons states"], byte("P = W_m Ā")]
    drive_memory_weight: Annotated[Int[np.ndarray, "neurons"], byte("ν = W_m B̄")]
    memory_shift: Annotated[int, shift("of P m + ν x into units of the current u")]
    update_interval: Annotated[int, number(1, STEPS_MAX, "between refreshes of memory[t]", "steps")] = 1

    @property
    def shape(self) -> tuple[int, int]:
        """(neurons, inputs)."""
        return (len(self.memory_weight), len(self.drive_weight))

    @property
    def states(self) -> int:
        """d, the size of the slow state."""
        return len(self.drive_input)

    @property
    def synapses(self) -> tuple[Int[np.ndarray, "rows inputs"], ...]:
        """The drive's weights."""
        return (self.drive_weight[None],)

    def sums(self, value: int) -> Sums:
        """The drive."""
        yield "the drive of its slow memory", rows_reach(self.drive_weight[None], value)

    @relation("memory_width")
    def products(self) -> Found:
        """[Ā B̄] and [P ν] on a full state and a full drive are exact in float64."""
        pairs = {"transition": self.drive_input, "memory_weight": self.drive_memory_weight}
        for name, forced in pairs.items():
            driven = int(np.abs(forced).max(initial=0)) * DRIVE_MAX
            reach = signed_reach(getattr(self, name), STATE_MAX) + driven
            yield from outside(f"product of {name}", reach, 0, PRODUCT_MAX)

    @relation("memory_contracts")
    def contracts(self) -> Found:
        """The state forgets: the spectral radius of Ā is below 1."""
        if not 0 <= self.coefficient_shift <= SHIFT_MAX:
            return  # breaks `memory_width`, and 2.0**shift perhaps all floats
        radius = np.abs(np.linalg.eigvals(self.transition / 2.0**self.coefficient_shift)).max(initial=0.0)
        if radius >= 1:
            yield "spectral radius of the transition", float(radius), "below 1"

    @property
    def bits(self) -> dict[str, int]:
        """Weights and coefficients of 8 bits; m of 24 bits per state."""
        arrays = (self.drive_weight, self.transition, self.drive_input, self.memory_weight, self.drive_memory_weight)
        return {"weights": 8 * sum(array.size for array in arrays), "state": 24 * self.states}

    def step(
        self,
        arrived: Num[np.ndarray, "batch inputs"],
        current: Int[np.ndarray, "batch neurons"],
        m: Int[np.ndarray, "batch states"],
        t: int,
    ) -> PathwayStep:
        """The current uses m[t−1] and x[t], never m[t], so the two products need not wait for each other."""
        x, wide = self.drive(arrived)
        if self.refreshes(t):
            product = dense_sum(m, self.matrices["memory_weight"]) + x[:, None] * self.drive_memory_weight
            current = round_shift(product, self.memory_shift)
        update = dense_sum(m, self.matrices["transition"]) + x[:, None] * self.drive_input
        update = round_shift(update, self.coefficient_shift)
        state = sat24(update)
        saturations = (x != wide).astype(np.int64) + np.sum(state != update, axis=-1)
        return PathwayStep(current, state, saturations)

    def drive(
        self, arrived: Num[np.ndarray, "batch inputs"]
    ) -> tuple[Int[np.ndarray, "batch"], Int[np.ndarray, "batch"]]:
        """x[t], and what it was before it saturated."""
        wide = np.maximum(dense_sum(arrived, self.drive_weight[None])[:, 0] + self.drive_bias, 0) << self.drive_shift
        return np.minimum(wide, DRIVE_MAX), wide

    def real_step(
        self,
        arrived: Num[np.ndarray, "batch inputs"],
        current: Num[np.ndarray, "batch neurons"],
        m: Num[np.ndarray, "batch states"],
        t: int,
    ) -> PathwayStep:
        """The same in real numbers."""
        x = np.maximum(arrived @ self.drive_weight + self.drive_bias, 0) * 2.0**self.drive_shift
        if self.refreshes(t):
            product = m @ self.matrices["memory_weight"].T + x[:, None] * self.drive_memory_weight
            current = product * 2.0**-self.memory_shift
        state = (m @ self.matrices["transition"].T + x[:, None] * self.drive_input) * 2.0**-self.coefficient_shift
        return PathwayStep(current, state, np.zeros(len(m), dtype=np.int64))

    def counts(
        self,
        events: Int[np.ndarray, "*#batch"],
        saturations: Int[np.ndarray, "*#batch"] | int,
        steps: int = 1,
        refreshes: Int[np.ndarray, "*#batch"] | int = 1,
        value_bits: int = 1,
    ) -> Counts:
        """[Ā B̄] at every step, [P ν] at every refresh, a weight of the drive per event."""
        neurons, states = self.memory_weight.shape
        macs = (states + 1) * (steps * states + refreshes * neurons)
        counts: Counts = {
            "events_in": events,
            "weight_words_read": events + macs,
            "synaptic_operations": events,
            "dense_macs": macs,
            "dense_mac_bits": macs * WEIGHT * STATE,
            "state_reads": steps * states,
            "state_writes": steps * states,
            "saturations": saturations,
        }
        return counts | graded_counts(events, value_bits)
