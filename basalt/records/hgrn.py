"""The hierarchically gated recurrent memory of a layer."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from jaxtyping import Float, Int, Num

from basalt.records import tables
from basalt.records.arithmetic import STATE_MAX, dense_sum, round_shift, sat24
from basalt.records.counts import GATE, STATE, WEIGHT, Counts, graded_counts
from basalt.records.fields import Found, biases, byte, choice, number, outside, relation, shift, weights
from basalt.records.memory import MemoryPathway, PathwayStep
from basalt.records.reach import Sums, rows_reach, signed_reach

GATES = ("forget", "candidate", "gate")
"""What each of `Hgrn`'s three weights and biases is of."""

GATINGS = ("published", "gated")
"""Variants of `Hgrn`."""

FRACTION = 12
"""Fraction bits of tables and gates."""
CANDIDATE = 8
"""Bits that a candidate is shifted by into units of h, 2⁻²⁰."""
SQUASHED = 16
"""log₂ of the units of h that an entry of the table of k stands for: 2⁻⁴."""
SQUASHED_SHIFT = 2
"""index_shift of the table of k, which has the same steps."""
SQUASHED_BITS = 7
"""Fraction bits of k."""
SQUASHED_MAX = 127


@dataclass(frozen=True, eq=False)
class Hgrn(MemoryPathway):
    """A hierarchically gated recurrent memory, one unit h per neuron, element-wise over time.

        a_f[t] = forget_weight s_in[t−1] + forget_bias,  a_c and a_g likewise                        (weight units)
        λ[t] = low + (((4096 − low)·SIGMOID[a_f] + 2048) >> 12)
        h[t] = sat24((λ·h[t−1] + (4096 − λ)·(TANH[a_c] << 8) + 2048) >> 12)                          (unit 2⁻²⁰)
        memory[t] = (gain·((SIGMOID[a_g]·h[t] + 2048) >> 12) + half(output_shift)) >> output_shift

    The variant "gated" has an update gate for `gate_weight`, and hears its own squashed state in both gates:

        k[t] = clip((TANH₂[h[t] to the nearest 2⁻⁴] + 16) >> 5, ±127)                                (8 bit, unit 2⁻⁷)
        a_f[t] = … + ((forget_recurrent k[t−1] + 64) >> 7),  a_g[t] = … + ((update_recurrent k[t−1] + 64) >> 7)
        h[t] = sat24((λ·h[t−1] + SIGMOID[a_g]·(TANH[a_c] << 8) + 2048) >> 12)
        memory[t] = (gain·(k[t] << 13) + half(output_shift)) >> output_shift

    Tables are those of `basalt/records/tables.py` with `index_shift`, those of k with 2.

    Source: Qin, Yang, Zhong, NeurIPS 2023 (arXiv 2311.04823); the gates of the variant are those of arXiv 2603.08730.
    """

    kind: ClassVar[str] = "hgrn"
    title: ClassVar[str] = "gated recurrent memory"
    titles: ClassVar[dict[str, str]] = {
        "published": "gated recurrent memory (HGRN)",
        "gated": "gated recurrent memory that hears itself",
    }
    rule: ClassVar[str] = "hgrn_width"
    since: ClassVar[int] = 2
    symbol: ClassVar[str] = "h"

    variant: Annotated[str, choice(GATINGS, "what the gates hear", "memory_variant")]
    forget_weight: Annotated[Int[np.ndarray, "neurons inputs"], weights("of the forget gate")]
    candidate_weight: Annotated[Int[np.ndarray, "neurons inputs"], weights("of the candidate")]
    gate_weight: Annotated[Int[np.ndarray, "neurons inputs"], weights("of the output gate, or the update gate")]
    forget_bias: Annotated[Int[np.ndarray, "neurons"], biases("of the forget gate")]
    candidate_bias: Annotated[Int[np.ndarray, "neurons"], biases("of the candidate")]
    gate_bias: Annotated[Int[np.ndarray, "neurons"], biases("of the output gate, or the update gate")]
    low: Annotated[
        Int[np.ndarray, "neurons"],
        number(
            0, tables.UNITY, "lower bound of the forget gate: 0 in the first level, rising with the level", "1/4096"
        ),
    ]
    gain: Annotated[Int[np.ndarray, "neurons"], byte("of what is read")]
    output_shift: Annotated[int, shift("of the product with the gain into units of the current u")]
    index_shift: Annotated[int, shift("log₂ of the weight units for an entry of the tables", tables.SHIFT_MAX)] = 2
    forget_recurrent: Annotated[
        Int[np.ndarray, "neurons neurons"] | None, weights("from k to the forget gate", "gated")
    ] = None
    update_recurrent: Annotated[
        Int[np.ndarray, "neurons neurons"] | None, weights("from k to the update gate", "gated")
    ] = None

    @property
    def shape(self) -> tuple[int, int]:
        """(neurons, inputs)."""
        neurons, inputs = self.forget_weight.shape
        return (neurons, inputs)

    @property
    def states(self) -> int:
        """One per neuron."""
        return len(self.gain)

    @property
    def synapses(self) -> tuple[Int[np.ndarray, "rows inputs"], ...]:
        """Those of the three gates."""
        return tuple(getattr(self, f"{gate}_weight") for gate in GATES)

    def sums(self, value: int) -> Sums:
        """The three gates, with what they hear of the state."""
        heard = {"forget": self.forget_recurrent, "gate": self.update_recurrent}
        for gate in GATES:
            own = heard.get(gate)
            more = 0 if own is None else signed_reach(own, SQUASHED_MAX)
            total = rows_reach(getattr(self, f"{gate}_weight"), value) + more
            yield f"the {gate} gate of its memory", total + int(np.abs(getattr(self, f"{gate}_bias")).max(initial=0))

    @relation("hgrn_width")
    def full_gain(self) -> Found:
        """The current fits 24 bits."""
        reach = int(np.abs(self.gain).max(initial=0)) << (FRACTION + CANDIDATE)
        yield from outside("the current of a full gain", reach >> max(self.output_shift, 0), 0, STATE_MAX)

    @property
    def gated(self) -> bool:
        """Whether it is the variant with an update gate that hears its own state."""
        return self.variant == "gated"

    @property
    def bits(self) -> dict[str, int]:
        """Weights and gains of 8 bits, lower bounds of 13; h of 24 bits, and k of 8 where it is heard; three tables."""
        neurons, inputs = self.shape
        recurrent = 0 if self.forget_recurrent is None else 2 * neurons * neurons
        weights = 8 * (3 * neurons * inputs + recurrent + neurons) + 13 * neurons
        return {"weights": weights, "state": (32 if recurrent else 24) * neurons, "table": 2 * tables.BITS}

    def step(
        self,
        arrived: Num[np.ndarray, "batch inputs"],
        current: Int[np.ndarray, "batch neurons"],
        m: Int[np.ndarray, "batch states"],
        t: int,
    ) -> PathwayStep:
        """In the published variant h is between −1 and 1 and never saturates; in the other it is clipped at 8."""
        forget, candidate, gate = (
            dense_sum(arrived, self.matrices[f"{name}_weight"]) + getattr(self, f"{name}_bias") for name in GATES
        )
        if self.gated and "forget_recurrent" in self.matrices:
            k = squashed(m)
            forget = forget + round_shift(dense_sum(k, self.matrices["forget_recurrent"]), SQUASHED_BITS)
            gate = gate + round_shift(dense_sum(k, self.matrices["update_recurrent"]), SQUASHED_BITS)
        sigmoid, tanh = tables.sigmoid(self.index_shift), tables.tanh(self.index_shift)
        opening = sigmoid[tables.index(forget, self.index_shift)]
        kept = self.low + round_shift((tables.UNITY - self.low) * opening, FRACTION)
        opened = sigmoid[tables.index(gate, self.index_shift)]
        entering = tanh[tables.index(candidate, self.index_shift)] << CANDIDATE
        wide = round_shift(kept * m + (opened if self.gated else tables.UNITY - kept) * entering, FRACTION)
        h = sat24(wide)
        out = squashed(h) << (FRACTION + CANDIDATE - SQUASHED_BITS) if self.gated else round_shift(opened * h, FRACTION)
        return PathwayStep(round_shift(self.gain * out, self.output_shift), h, np.sum(h != wide, axis=-1))

    def real_step(
        self,
        arrived: Num[np.ndarray, "batch inputs"],
        current: Num[np.ndarray, "batch neurons"],
        m: Num[np.ndarray, "batch states"],
        t: int,
    ) -> PathwayStep:
        """The same in real numbers: σ and tanh themselves."""
        unity = float(1 << (FRACTION + CANDIDATE))
        forget, candidate, gate = (
            arrived @ self.matrices[f"{name}_weight"].T + getattr(self, f"{name}_bias") for name in GATES
        )
        if self.gated and "forget_recurrent" in self.matrices:
            forget = forget + np.tanh(m / unity) @ self.matrices["forget_recurrent"].T
            gate = gate + np.tanh(m / unity) @ self.matrices["update_recurrent"].T
        bound = self.low / tables.UNITY
        kept = bound + (1 - bound) * logistic(forget)
        opened = logistic(gate)
        h = kept * m + (opened if self.gated else 1 - kept) * np.tanh(candidate / tables.WEIGHT_UNITY) * unity
        out = np.tanh(h / unity) * unity if self.gated else opened * h
        return PathwayStep(self.gain * out * 2.0**-self.output_shift, h, np.zeros(len(h), dtype=np.int64))

    def counts(
        self,
        events: Int[np.ndarray, "*#batch"],
        saturations: Int[np.ndarray, "*#batch"] | int,
        steps: int = 1,
        refreshes: Int[np.ndarray, "*#batch"] | int = 1,
        value_bits: int = 1,
    ) -> Counts:
        """Of n units.

        Synaptic operations: an event reaches n weights of each of three matrices. Look-ups: three gates per unit, and k
        when gated. Products: (4096 − low)·σ, the two of h, the gate's with h (not when gated), the gain's; and two
        n × n matrices with k when gated. Words: those of the weights, low and gain. States: h, and k when gated.
        """
        neurons = self.states
        reached = 3 * neurons * events
        recurrent = 2 * neurons * neurons if self.gated else 0
        gates = 2 * GATE * GATE + GATE * STATE  # (4096 − low)·σ and what enters, and λ·h
        out = WEIGHT * WEIGHT if self.gated else GATE * STATE + WEIGHT * STATE  # gain·k, or σ·h and gain·o
        counts: Counts = {
            "events_in": events,
            "weight_words_read": reached + steps * (recurrent + 2 * neurons),
            "synaptic_operations": reached,
            "dense_macs": steps * (recurrent + (4 if self.gated else 5) * neurons),
            "dense_mac_bits": steps * (recurrent * WEIGHT * WEIGHT + neurons * (gates + out)),
            "lookups": steps * (4 if self.gated else 3) * neurons,
            "state_reads": steps * (2 if self.gated else 1) * neurons,
            "state_writes": steps * (2 if self.gated else 1) * neurons,
            "saturations": saturations,
        }
        return counts | graded_counts(reached, value_bits)


def squashed(h: Int[np.ndarray, "*any"]) -> Int[np.ndarray, "*any"]:
    """k = clip((TANH[h to the nearest 2⁻⁴] + 16) >> 5, ±127): tanh in 8 bits, unit 2⁻⁷."""
    return squash(tables.tanh(SQUASHED_SHIFT)[tables.index(h, SQUASHED)])


def squash(value: Int[np.ndarray, "*any"]) -> Int[np.ndarray, "*any"]:
    """12 fraction bits rounded to 7, clipped to ±127."""
    return np.clip(round_shift(value, FRACTION - SQUASHED_BITS), -SQUASHED_MAX, SQUASHED_MAX)


def logistic(activation: Num[np.ndarray, "batch neurons"]) -> Float[np.ndarray, "batch neurons"]:
    """σ of an activation in weight units."""
    return 0.5 + 0.5 * np.tanh(activation / (2 * tables.WEIGHT_UNITY))
