"""What a trained layer hands to export: integers only, named as in the recurrences of `convert/records.py`."""

from dataclasses import dataclass

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
class SpikingIntegers:
    """A spiking layer.

    Attributes:
        weight: (neurons, inputs), even, −256 … 254; recurrent_weight (neurons, neurons) likewise, or None.
        bias: (neurons,) in weight units, or None.
        delay: (neurons,), steps by which the spikes leave later, 0 … 62, or None; recurrence sees them undelayed.
        threshold: in weight units: spikes where v > threshold << 6.
        current_decay, voltage_decay: (neurons,) or (1,), 0 … 4096.
        reset: "hard", "soft" or "none".
        memory: the slow memory, or None.
    """

    name: str
    weight: Int[np.ndarray, "neurons inputs"]
    threshold: int
    current_decay: Int[np.ndarray, "#neurons"]
    voltage_decay: Int[np.ndarray, "#neurons"]
    reset: str = "hard"
    recurrent_weight: Int[np.ndarray, "neurons neurons"] | None = None
    bias: Int[np.ndarray, "neurons"] | None = None
    delay: Int[np.ndarray, "neurons"] | None = None
    memory: MemoryIntegers | None = None
    kind: str = "spiking"


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
