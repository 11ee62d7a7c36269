"""Memory pathways of a spiking layer: what feeds a current into its neurons beside the synapses.

A pathway hears the layer's input spikes s_in[t−1], keeps a state of its own over time, and gives memory[t], an integer
for each neuron in units of the current u (4096 to a weight of 1.0). All states are zero before t = 0. `>>` is the
arithmetic shift, half(p) = 1 << (p − 1) if p > 0 else 0, so that shifts round half up; sat24 clips to ±(2²³ − 1), sat16
is min(·, 32767). The recurrences are implemented step by step in `lava_procs/*/reference.py`.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Int

from basalt.records.whole import Whole

Shapes = dict[str, tuple[int, ...] | None]


@dataclass(frozen=True, eq=False)
class SlowMemory(Whole):
    """A compact slow state (dual memory pathway), d states, one scalar drive.

        x[t]      = sat16(max(drive_weight·s_in[t−1] + drive_bias, 0) << drive_shift)
        memory[t] = (memory_weight m[t−1] + drive_memory_weight x[t] + half(memory_shift)) >> memory_shift
                    where t is a multiple of update_interval, else memory[t−1]
        m[t]      = sat24((transition m[t−1] + drive_input x[t] + half(coefficient_shift)) >> coefficient_shift)
        half(p)   = 1 << (p − 1) if p > 0 else 0, so that shifts round half up

    Attributes:
        drive_weight: (inputs,), even, −256 … 254.
        drive_bias: in weight units.
        drive_shift: fraction bits added to the drive.
        transition, drive_input: Ā (d, d) and B̄ (d,) of the Legendre memory with `coefficient_shift` fraction bits.
        memory_weight, drive_memory_weight: P = W_m Ā (neurons, d) and ν = W_m B̄ (neurons,), 8 bit.
        memory_shift: shift of their sum into the units of the current u.
        update_interval: steps between refreshes of memory[t].

    Source: arXiv 2512.07602; Voelker et al., NeurIPS 2019 (Legendre memory units).
    """

    kind: ClassVar[str] = "slow_memory"

    drive_weight: Int[np.ndarray, "inputs"]
    drive_bias: int
    drive_shift: int
    transition: Int[np.ndarray, "states states"]
    drive_input: Int[np.ndarray, "states"]
    coefficient_shift: int
    memory_weight: Int[np.ndarray, "neurons states"]
    drive_memory_weight: Int[np.ndarray, "neurons"]
    memory_shift: int
    update_interval: int = 1

    @property
    def shape(self) -> tuple[int, int]:
        """(neurons, inputs)."""
        return (len(self.memory_weight), len(self.drive_weight))

    @property
    def states(self) -> int:
        """d, the size of the slow state."""
        return len(self.drive_input)

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """What has the grid of synaptic weights, by field."""
        return {"drive_weight": self.drive_weight}

    def shapes(self, neurons: int, inputs: int) -> Shapes:
        """Of every array in a layer of these sizes, by field."""
        states = self.states
        return {
            "drive_weight": (inputs,),
            "transition": (states, states),
            "memory_weight": (neurons, states),
            "drive_memory_weight": (neurons,),
        }


GATES = ("forget", "candidate", "gate")
"""What each of `Hgrn`'s three weights and biases is of."""

GATINGS = ("published", "gated")
"""Variants of `Hgrn`."""

RECALLS = ("modern", "classical")
"""Variants of `Hopfield`."""


@dataclass(frozen=True, eq=False)
class Hgrn(Whole):
    """A hierarchically gated recurrent memory, one unit h a neuron, element-wise over time.

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

    Attributes:
        variant: one of `GATINGS`.
        forget_weight, candidate_weight, gate_weight: (neurons, inputs), even, −256 … 254.
        forget_bias, candidate_bias, gate_bias: (neurons,), in weight units.
        low: (neurons,), lower bound of the forget gate, 0 … 4096; it rises with the level, and is 0 in the first.
        gain: (neurons,), 8 bit.
        output_shift: shift of their product into units of the current u.
        index_shift: an entry of the tables stands for 2^index_shift weight units.
        forget_recurrent, update_recurrent: (neurons, neurons), even, −256 … 254; None in the published variant.

    Source: Qin, Yang, Zhong, NeurIPS 2023 (arXiv 2311.04823); the gates of the variant are those of arXiv 2603.08730.
    """

    kind: ClassVar[str] = "hgrn"
    update_interval: ClassVar[int] = 1

    variant: str
    forget_weight: Int[np.ndarray, "neurons inputs"]
    candidate_weight: Int[np.ndarray, "neurons inputs"]
    gate_weight: Int[np.ndarray, "neurons inputs"]
    forget_bias: Int[np.ndarray, "neurons"]
    candidate_bias: Int[np.ndarray, "neurons"]
    gate_bias: Int[np.ndarray, "neurons"]
    low: Int[np.ndarray, "neurons"]
    gain: Int[np.ndarray, "neurons"]
    output_shift: int
    index_shift: int = 2
    forget_recurrent: Int[np.ndarray, "neurons neurons"] | None = None
    update_recurrent: Int[np.ndarray, "neurons neurons"] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """(neurons, inputs)."""
        neurons, inputs = self.forget_weight.shape
        return (neurons, inputs)

    @property
    def states(self) -> int:
        """One a neuron."""
        return len(self.gain)

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """What has the grid of synaptic weights, by field."""
        names = (*(f"{gate}_weight" for gate in GATES), "forget_recurrent", "update_recurrent")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def shapes(self, neurons: int, inputs: int) -> Shapes:
        """Of every array in a layer of these sizes, by field; None for what the variant has not."""
        recurrent = (neurons, neurons) if self.variant == "gated" else None
        return {
            **{f"{gate}_weight": (neurons, inputs) for gate in GATES},
            **{f"{gate}_bias": (neurons,) for gate in GATES},
            **dict.fromkeys(("low", "gain"), (neurons,)),
            **dict.fromkeys(("forget_recurrent", "update_recurrent"), recurrent),
        }


@dataclass(frozen=True, eq=False)
class Hopfield(Whole):
    """An associative memory of K patterns; its query is a leaky trace of the input spikes, one state q an input.

        q[t] = sat24(decay(q[t−1], trace_decay) + (s_in[t−1] << 12))                (unit 2⁻¹², decay as in `Neuron`)

    Modern, with ξ = q[t] at first, where t is a multiple of update_interval (else memory[t] = memory[t−1]):

        z = (keys ξ + half(similarity_shift)) >> similarity_shift                       (16 to a factor e)
        e_k = EXP[min(max z − z_k, 255)],  S = Σ e_k,  L = ⌊log₂ S⌋
        p_k = min((e_k·RECIPROCAL[((S << 8) >> L) & 255] + half(L + 3)) >> (L + 3), 4096)       (softmax, unit 2⁻¹²)
        ξ = (keysᵀ p + half(recall_shift)) >> recall_shift      if another of the `iterations` follows
        memory[t] = (valuesᵀ p + half(output_shift)) >> output_shift                    after the last

    Classical, with patterns of ±1 and as many neurons as inputs:

        b_i = 1 if q_i[t] > query_level else −1;  each iteration: y = keysᵀ (keys b), b_i = sign(y_i), or b_i where 0
        memory[t] = (gain·b) << 6

    Attributes:
        variant: one of `RECALLS`.
        keys: (patterns, inputs), 8 bit; ±1 in the classical variant.
        values: (patterns, neurons), 8 bit, what is recalled; None in the classical variant.
        trace_decay: 0 (no leakage) … 4096 (complete leakage).
        similarity_shift, recall_shift, output_shift: of the three products, into units of z, q and u; the first holds
            the inverse temperature β.
        iterations: updates of ξ or b at each recall, at least 1.
        update_interval: steps between recalls.
        query_level: in units of q, of the classical variant.
        gain: in weight units, of the classical variant.

    Source: Ramsauer et al., ICLR 2021 (arXiv 2008.02217); Hopfield, PNAS 79, 1982.
    """

    kind: ClassVar[str] = "hopfield"

    variant: str
    keys: Int[np.ndarray, "patterns inputs"]
    values: Int[np.ndarray, "patterns neurons"] | None
    trace_decay: int
    similarity_shift: int = 0
    recall_shift: int = 0
    output_shift: int = 0
    iterations: int = 1
    update_interval: int = 1
    query_level: int = 0
    gain: int = 0

    @property
    def shape(self) -> tuple[int, int]:
        """(neurons, inputs)."""
        inputs = self.keys.shape[1]
        return (inputs if self.values is None else self.values.shape[1], inputs)

    @property
    def states(self) -> int:
        """One an input."""
        return self.keys.shape[1]

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """None: patterns have all of 8 bits."""
        return {}

    def shapes(self, neurons: int, inputs: int) -> Shapes:
        """Of every array in a layer of these sizes, by field; None for what the variant has not."""
        patterns = len(self.keys)
        if self.variant == "classical":
            return {"keys": (patterns, neurons), "values": None}
        return {"keys": (patterns, inputs), "values": (patterns, neurons)}


Pathway = SlowMemory | Hgrn | Hopfield
"""What a layer's `memory` may be."""

PATHWAYS: dict[str, type[SlowMemory] | type[Hgrn] | type[Hopfield]] = {
    pathway.kind: pathway for pathway in (SlowMemory, Hgrn, Hopfield)
}
"""Kind → its record."""
