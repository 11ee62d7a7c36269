"""What a trained layer hands to export: integers only, named as in the recurrences of `basalt/records/network.py`."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Int


@dataclass(frozen=True, eq=False)
class MemoryIntegers:
    """The slow memory of a layer with d states and one scalar drive.

        x[t]      = sat16(relu(drive_weight·s[t−1] + drive_bias) << drive_shift)
        memory[t] = (memory_weight m[t−1] + drive_memory_weight x[t] + half) >> memory_shift, held between
        m[t]      = sat24((transition m[t−1] + drive_input x[t] + half) >> coefficient_shift)

    Attributes:
        drive_weight: (inputs,), even, −256 … 254; drive_bias in the same units; drive_shift ≥ 0.
        transition, drive_input: (d, d) and (d,), with coefficient_shift fraction bits.
        memory_weight, drive_memory_weight: P (neurons, d) and ν (neurons,), signed 8 bit.
        memory_shift: p ≥ 0.  update_interval: steps between refreshes of memory[t].
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
    update_interval: int


@dataclass(frozen=True, eq=False)
class HgrnIntegers:
    """A hierarchically gated recurrent memory; the recurrence is in `basalt.train.layers.exact_hgrn`.

    Attributes:
        variant: "published" or "gated".
        forget_weight, candidate_weight, gate_weight: (neurons, inputs), even, −256 … 254; in "gated" the last is the
            update gate's.
        forget_bias, candidate_bias, gate_bias: (neurons,) in weight units.
        low: (neurons,), lower bound of the forget gate, 0 … 4096.  gain: (neurons,), signed 8 bit.
        output_shift: of gain·o into units of u.  index_shift: of an activation into an entry of the tables.
        forget_recurrent, update_recurrent: (neurons, neurons), even, −256 … 254, or None unless "gated".
    """

    kind: ClassVar[str] = "hgrn"

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
    index_shift: int
    forget_recurrent: Int[np.ndarray, "neurons neurons"] | None = None
    update_recurrent: Int[np.ndarray, "neurons neurons"] | None = None


@dataclass(frozen=True, eq=False)
class HopfieldIntegers:
    """An associative memory of K patterns; the recurrence is in `basalt.train.layers.exact_hopfield`.

    Attributes:
        variant: "modern" or "classical".
        keys: (K, inputs), signed 8 bit, ±1 if classical.  values: (K, neurons), signed 8 bit, or None if classical.
        trace_decay: of the query, 0 … 4096.
        similarity_shift: of keys·query into sixteenths of a factor e.  recall_shift: of a recalled query.
        output_shift: of the recalled values into units of u.
        iterations: of the retrieval.  update_interval: steps between retrievals.
        query_level, gain: of the classical memory: the query's level in units of 2^−12, the current in weight units.
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


@dataclass(frozen=True, eq=False)
class SpikingIntegers:
    """A spiking layer.

    Attributes:
        weight: (neurons, inputs), even, −256 … 254; recurrent_weight (neurons, neurons) likewise, or (neurons,) where
            each neuron hears itself alone, or None.
        bias: (neurons,) in weight units, or None.
        delay: (neurons,), steps by which the spikes leave later, 0 … 62, or None; recurrence sees them undelayed.
        threshold: in weight units: spikes where v > threshold << 6.
        current_decay, voltage_decay: (neurons,) or (1,), 0 … 4096.
        reset: "hard", "soft" or "none".
        memory: the memory beside the synapses, or None.
    """

    name: str
    weight: Int[np.ndarray, "neurons inputs"]
    threshold: int
    current_decay: Int[np.ndarray, "#neurons"]
    voltage_decay: Int[np.ndarray, "#neurons"]
    reset: str = "hard"
    recurrent_weight: Int[np.ndarray, "neurons ..."] | None = None
    bias: Int[np.ndarray, "neurons"] | None = None
    delay: Int[np.ndarray, "neurons"] | None = None
    memory: MemoryIntegers | HgrnIntegers | HopfieldIntegers | None = None
    kind: str = "spiking"

    @property
    def diagonal(self) -> bool:
        """Whether each neuron hears itself alone."""
        return self.recurrent_weight is not None and self.recurrent_weight.ndim == 1


@dataclass(frozen=True, eq=False, kw_only=True)
class ConvIntegers(SpikingIntegers):
    """A spiking layer with a convolution for synapses (a sum pooling is one with a group a channel).

        a[t, o, y, x] = Σ over c, i, j of weight[o, c, i, j]·s_in[t−1, g + c, y·stride₀ − padding₀ + i, …]

    Attributes:
        weight: (output channels, input channels / groups, kernel height, kernel width), even, −256 … 254.
        input_shape: (channels, height, width).
        stride, padding: (vertical, horizontal).
    """

    weight: Int[np.ndarray, "outputs channels height width"]
    input_shape: tuple[int, int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    groups: int
    kind: str = "conv"


@dataclass(frozen=True, eq=False)
class ReadoutIntegers:
    """Non-spiking integrators, which sum; or, with a voltage_decay (0 … 4096), whose leaky membranes are summed.

    Attributes:
        weight: (classes, inputs), even, −256 … 254.
    """

    name: str
    weight: Int[np.ndarray, "classes inputs"]
    voltage_decay: int | None = None
    kind: str = "readout"
