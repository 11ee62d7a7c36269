"""The associative memory of a layer."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from jaxtyping import Int, Num

from basalt.records import tables
from basalt.records.arithmetic import ALIGN, DECAY_BITS, STATE_MAX, decay, dense_sum, round_shift, sat24
from basalt.records.counts import GATE, STATE, WEIGHT, Counts
from basalt.records.fields import STEPS_MAX, Found, byte, choice, decay_rate, number, outside, relation, shift
from basalt.records.memory import MemoryPathway, PathwayStep
from basalt.records.reach import PRODUCT_MAX, signed_reach

RECALLS = ("modern", "classical")
"""Variants of `Hopfield`."""
TRACE = 12
"""Fraction bits of the trace q."""
FRACTION = 12
"""Fraction bits of p."""
GAIN_MAX = (1 << 17) - 1
PATTERNS_MAX = 1 << 16


@dataclass(frozen=True, eq=False)
class Hopfield(MemoryPathway):
    """An associative memory of K patterns; its query is a leaky trace of the input spikes, one state q per input.

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

    Source: Ramsauer et al., ICLR 2021 (arXiv 2008.02217); Hopfield, PNAS 79, 1982.
    """

    kind: ClassVar[str] = "hopfield"
    title: ClassVar[str] = "associative memory"
    titles: ClassVar[dict[str, str]] = {
        "modern": "associative memory (modern Hopfield)",
        "classical": "associative memory (classical Hopfield)",
    }
    rule: ClassVar[str] = "hopfield_width"
    since: ClassVar[int] = 2
    symbol: ClassVar[str] = "q"

    variant: Annotated[str, choice(RECALLS, "how it recalls", "memory_variant")]
    keys: Annotated[Int[np.ndarray, "patterns inputs"], byte("patterns to compare with; ±1 in the classical variant")]
    values: Annotated[Int[np.ndarray, "patterns neurons"] | None, byte("what is recalled", "modern")]
    trace_decay: Annotated[int, decay_rate("of the trace q")]
    similarity_shift: Annotated[int, shift("of keys ξ into units of z: the inverse temperature β", 40)] = 0
    recall_shift: Annotated[int, shift("of keysᵀ p into units of q")] = 0
    output_shift: Annotated[int, shift("of valuesᵀ p into units of the current u")] = 0
    iterations: Annotated[int, number(1, 64, "updates of ξ or b at each recall")] = 1
    update_interval: Annotated[int, number(1, STEPS_MAX, "between recalls", "steps")] = 1
    query_level: Annotated[int, number(-STATE_MAX, STATE_MAX, "of b, in the classical variant", "2⁻¹²")] = 0
    gain: Annotated[int, number(-GAIN_MAX, GAIN_MAX, "of b, in the classical variant", "weight")] = 0

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
    def synapses(self) -> tuple[Int[np.ndarray, "rows inputs"], ...]:
        """One per input, into its trace."""
        return (np.ones((1, self.states), dtype=np.int64),)

    def misshapen(self, neurons: int, inputs: int) -> Found:
        """A classical memory has as many neurons as inputs."""
        return super().misshapen(neurons, neurons if self.variant == "classical" else inputs)

    @relation("hopfield_width")
    def patterns(self) -> Found:
        """There is something to recall, and its products are exact in float64; classical patterns are ±1."""
        if self.values is None:
            yield from outside("keys", self.keys, -1, 1)
            if not self.keys.all():
                yield "a key of a classical memory", 0, "−1 or 1"
        yield from outside("number of patterns", len(self.keys), 1, PATTERNS_MAX)
        yield from outside("product of keys", signed_reach(self.keys, STATE_MAX), 0, PRODUCT_MAX)

    @property
    def bits(self) -> dict[str, int]:
        """Keys and values of 8 bits, or patterns of one bit; q of 24 bits per state; the tables of a softmax."""
        if self.values is None:
            return {"weights": self.keys.size, "state": 24 * self.states}
        weights = 8 * (self.keys.size + self.values.size)
        return {"weights": weights, "state": 24 * self.states, "table": 2 * tables.BITS}

    def step(
        self,
        arrived: Num[np.ndarray, "batch inputs"],
        current: Int[np.ndarray, "batch neurons"],
        m: Int[np.ndarray, "batch states"],
        t: int,
    ) -> PathwayStep:
        """One step of the trace q, and a recall on a refresh."""
        wide = decay(m, np.array([self.trace_decay])) + (arrived.astype(np.int64) << TRACE)
        q = sat24(wide)
        if self.refreshes(t):
            current = self.recalled(q) if "values" in self.matrices else self.completed(q)
        return PathwayStep(current, q, np.sum(q != wide, axis=-1))

    def recalled(self, q: Int[np.ndarray, "batch inputs"]) -> Int[np.ndarray, "batch neurons"]:
        """The current of the modern variant.

        |X| and |Y| are at most 128 and Σ p about 4096, so that neither ξ nor the current can reach 24 bits.
        """
        keys, xi = self.matrices["keys"], q
        for iteration in range(self.iterations):
            p = softmax(round_shift(dense_sum(xi, keys), self.similarity_shift))
            if iteration < self.iterations - 1:
                xi = round_shift(dense_sum(p, keys.T), self.recall_shift)
        return round_shift(dense_sum(p, self.matrices["values"].T), self.output_shift)

    def completed(self, q: Num[np.ndarray, "batch inputs"]) -> Int[np.ndarray, "batch inputs"]:
        """The current of the classical variant: the signs of the query, all neurons updated at once.

        Source: Hopfield, PNAS 79, 1982, with the couplings XᵀX and their diagonal, as arXiv 2603.08730 draws it.
        """
        keys, b = self.matrices["keys"], np.where(q > self.query_level, 1, -1)
        for _ in range(self.iterations):
            y = dense_sum(dense_sum(b, keys), keys.T)
            b = np.where(y == 0, b, np.sign(y))
        return (self.gain * b) << ALIGN

    def real_step(
        self,
        arrived: Num[np.ndarray, "batch inputs"],
        current: Num[np.ndarray, "batch neurons"],
        m: Num[np.ndarray, "batch states"],
        t: int,
    ) -> PathwayStep:
        """The same in real numbers: the exponential itself."""
        q = m * (1 - self.trace_decay / (1 << DECAY_BITS)) + arrived * float(1 << TRACE)
        if self.refreshes(t) and "values" in self.matrices:
            keys, xi = self.matrices["keys"], q
            for iteration in range(self.iterations):
                z = xi @ keys.T * 2.0**-self.similarity_shift / tables.STEPS_PER_FOLD
                e = np.exp(z - z.max(axis=-1, keepdims=True))
                p = e / e.sum(axis=-1, keepdims=True) * (1 << FRACTION)
                if iteration < self.iterations - 1:
                    xi = p @ keys * 2.0**-self.recall_shift
            current = p @ self.matrices["values"] * 2.0**-self.output_shift
        elif self.refreshes(t):
            current = self.completed(q).astype(np.float64)
        return PathwayStep(current, q, np.zeros(len(q), dtype=np.int64))

    def counts(
        self,
        events: Int[np.ndarray, "*#batch"],
        saturations: Int[np.ndarray, "*#batch"] | int,
        steps: int = 1,
        refreshes: Int[np.ndarray, "*#batch"] | int = 1,
        value_bits: int = 1,
    ) -> Counts:
        """At every step each of m traces is read, leaked (a product) and written, and an event adds to one (a synaptic
        operation without a weight). At a refresh, each iteration compares with K·m keys and recalls with as many, the
        last one of the modern variant with K·n values. Its softmax takes K exponentials, a reciprocal and K products.
        Products with the ±1 of the classical variant are counted as products all the same; its words hold eight of
        them.
        """
        patterns, inputs = self.keys.shape
        modern, iterations = self.variant == "modern", self.iterations
        compared = patterns * inputs * iterations
        recalled = patterns * (inputs * (iterations - 1) + self.shape[0]) if modern else compared
        words = compared + recalled if modern else 2 * iterations * -(-patterns * inputs // 8)
        softmax = iterations * patterns if modern else 0
        sizes = (WEIGHT * STATE, WEIGHT * GATE) if modern else (1, STATE)  # keys·query and p·pattern, or ±1 and ±1·sum
        bits = compared * sizes[0] + recalled * sizes[1] + softmax * GATE * GATE
        return {
            "events_in": events,
            "weight_words_read": refreshes * words,
            "synaptic_operations": events,
            "dense_macs": steps * inputs + refreshes * (compared + recalled + softmax),
            "dense_mac_bits": steps * inputs * GATE * STATE + refreshes * bits,
            "lookups": refreshes * iterations * (patterns + 1) if modern else 0,
            "state_reads": steps * inputs,
            "state_writes": steps * inputs,
            "saturations": saturations,
        }


def softmax(z: Int[np.ndarray, "batch patterns"]) -> Int[np.ndarray, "batch patterns"]:
    """Softmax of z/16 with 12 fraction bits, by two tables and no division:

        e_k = EXP[min(max z − z_k, 255)],  S = Σ e_k,  L = ⌊log₂ S⌋
        p_k = min((e_k·RECIPROCAL[((S << 8) >> L) & 255] + half(L + 3)) >> (L + 3), 4096)

    The reciprocal of the mantissa is off by a five-hundredth at most, and so are all p of a sample alike.
    """
    e = tables.exponential()[np.minimum(z.max(axis=-1, keepdims=True) - z, tables.ENTRIES - 1)]
    total = e.sum(axis=-1, keepdims=True)
    log = np.frexp(total)[1].astype(np.int64) - 1  # exact: S is an integer below 2⁵³
    mantissa = ((total << 8) >> log) & (tables.ENTRIES - 1)
    product = e * tables.reciprocal()[mantissa]
    return np.minimum((product + (1 << (log + 2))) >> (log + 3), tables.UNITY)
