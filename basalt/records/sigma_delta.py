"""Layers that sum changes and send changes: lava-dl's sigma-delta networks, integer for integer."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from jaxtyping import Int, Integer, Num

from basalt.records.convolution import Convolution
from basalt.records.delta import STATE_BITS, VALUE_BITS, Delta, MessageStep
from basalt.records.fields import STEPS_MAX, Found, number, outside, relation
from basalt.records.reach import signed_reach
from basalt.records.readout import SUM_MAX, Readout

BIAS_MAX = (1 << 19) - 1
REACH_MAX = (1 << 27) - 1
"""Of the weights of a neuron: with messages of 26 bits, sums of a step stay below 2⁵³, where float64 is exact."""


@dataclass(frozen=True, eq=False, kw_only=True)
class SigmaDelta(Convolution, Delta):
    """Rectified sums of weighted changes, whose changes are sent in turn.

        σ[t] = sat32(σ[t−1] + Σ weight·m_in[t−1])       with the synapses of `Convolution`; dense ones have a kernel of
                                                        1 × 1 on an image of 1 × 1
        x[t] = min(max(σ[t] + (bias << 12), 0), 2³¹ − 1), the bias from step `start` on

    and then as `Delta`; sat32 clips to ±(2³¹ − 1).

    Source: lava-dl's `slayer.block.sigma_delta`.
    """

    kind: ClassVar[str] = "sigma_delta"

    bias: Annotated[
        Int[np.ndarray, "neurons"] | None, number(-BIAS_MAX - 1, BIAS_MAX, "of the sums", "1/64", "bias_range")
    ] = None
    start: Annotated[int, number(0, STEPS_MAX, "when the bias begins to act", "steps", "start_range")] = 0

    @property
    def dense(self) -> bool:
        """Each input reaches each neuron."""
        return (*self.input_shape[1:], *self.weight.shape[2:], self.groups) == (1, 1, 1, 1, 1)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the output, channels first."""
        return (self.neurons,) if self.dense else self.image

    @property
    def convolution(self) -> Convolution:
        """Its synapses as a convolution."""
        return self

    def inflow(self, arrived: Integer[np.ndarray, "batch inputs"], t: int) -> Int[np.ndarray, "batch neurons"]:
        """What the input brings at step `t`: weight ∗ m_in[t−1]."""
        return self.brings(self.received(arrived))

    def bias_at(self, t: int) -> Int[np.ndarray, "neurons"] | int:
        """The bias that acts at step `t`, in units of a sum."""
        return 0 if self.bias is None or t < self.start else self.bias << VALUE_BITS

    def step(
        self, incoming: Int[np.ndarray, "batch neurons"], state: Int[np.ndarray, "2 batch neurons"], t: int
    ) -> MessageStep:
        """One step: the specification, in integers; `incoming` is the inflow, `state` that of the step before."""
        whole = state[0] + incoming
        total = np.clip(whole, -SUM_MAX, SUM_MAX)
        moved = np.maximum(total + self.bias_at(t), 0)
        value = np.minimum(moved, SUM_MAX)
        clipped = np.sum((total != whole).astype(np.int64) + (value != moved), axis=-1)
        return self.send(value, total, state[1])._replace(saturations=clipped)

    def real_step(
        self, incoming: Num[np.ndarray, "batch neurons"], state: Num[np.ndarray, "2 batch neurons"], t: int
    ) -> MessageStep:
        """The same in real numbers."""
        total = state[0] + incoming
        return self.send(np.maximum(total + self.bias_at(t), 0), total, state[1], real=True)

    @relation("sum_width")
    def sums(self) -> Found:
        """What a step brings fits 53 bits, whatever the messages."""
        weight = self.weight.reshape(len(self.weight), -1)
        yield from outside("the sum of a neuron's weights", signed_reach(weight, 1), 0, REACH_MAX)


@dataclass(frozen=True, eq=False)
class SigmaOutput(Readout):
    """Sums of weighted changes, sent as they are: lava-dl's `sigma_delta.Output`, whose values have 18 fraction bits.

    As `Readout`, of messages in place of spikes: y[t] = sat32(y[t−1] + weight m_in[t−1]).
    """

    kind: ClassVar[str] = "sigma_output"

    @property
    def since(self) -> int:
        """It came with version 6."""
        return 6

    @property
    def unit(self) -> int:
        """How many of what is sent are 1.0 of SLAYER's."""
        return 1 << (VALUE_BITS + STATE_BITS)

    @property
    def every_step(self) -> str | None:
        """Its values."""
        return "values"

    @property
    def convolution(self) -> Convolution:
        """Its synapses as a convolution."""
        return Convolution(weight=self.weight[:, :, None, None], input_shape=(self.inputs, 1, 1))

    @relation("decay_range")
    def plain(self) -> Found:
        """It only sums."""
        for name in ("voltage_decay", "current_decay"):
            if getattr(self, name) is not None:
                yield f"{name} of a layer that sums changes", getattr(self, name), "none"

    @relation("sum_width")
    def sums(self) -> Found:
        """What a step brings fits 53 bits, whatever the messages."""
        yield from outside("the sum of a class's weights", signed_reach(self.weight, 1), 0, REACH_MAX)
