"""Spiking layers beside an associative memory (Hopfield), asked at every step by a leaky trace of their input's spikes.

    q[t] = (1 − d)·q[t−1] + s[t−1]                                            the query

"modern" (keys X and values Y learned, one row per pattern, ξ = q at first):

    p = softmax(β X ξ),  ξ ← Xᵀ p in further iterations,  memory = Yᵀ p       energy −β⁻¹ log Σ exp(β X ξ) + ½|ξ|²

"classical" (as many neurons as inputs, patterns X of ±1):

    b = ±1 where q is above or below a level,  b ← sign(Xᵀ X b),  memory = gain·b           energy −½|X b|²

whose patterns are learned (the signs of parameters, straight through), or stored by Hebb's rule: where the queries of a
class are more often above the level than those of all.

Trace, softmax and roundings are the deployed integers' forwards, and smooth backwards, so training and deployment
spike alike; only sums over inputs are float32 here, and with `exact` not even those (`dynamics.memories.hopfield`).

Source: Ramsauer et al., ICLR 2021 (arXiv 2008.02217); Hopfield, PNAS 79, 1982; arXiv 2603.08730.
"""

from math import frexp, log2
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Float, Int, Num, UInt8
from pydantic import Field, field_validator

from basalt.errors import BasaltError
from basalt.records import tables
from basalt.records.hopfield import Hopfield as HopfieldRecord
from basalt.train.dynamics import grid
from basalt.train.dynamics.events import late
from basalt.train.dynamics.grid import eight_bits
from basalt.train.dynamics.memories import hopfield as integer_hopfield
from basalt.train.dynamics.scalars import DECAY_UNIT, STATE_SCALE, WEIGHT_SCALE
from basalt.train.dynamics.straight import instead, rounded, within
from basalt.train.layers.config import PathwayConfig
from basalt.train.layers.spiking import Spiking

SIMILARITY_SHIFT = 8
"""log₂ of the units of q, 2⁻¹², over those of the softmax, 2⁻⁴."""
MOST_GAIN = 127 / WEIGHT_SCALE


class HopfieldConfig(PathwayConfig):
    """Leaky integrate-and-fire neurons beside an associative memory, asked by a leaky trace of their input.

    Attributes:
        variant: "modern" (softmax over learned keys) or "classical" (signs; as many units as inputs).
        patterns: number of patterns.
        iterations: of a retrieval.
        update_interval: from one retrieval to the next, in steps.
        trace_decay: fraction that the trace of the spikes loses per step.
        beta: inverse temperature of the softmax, a power of two.
        key_scale: size of the keys that training starts with.
        memory_scale: the memory current that training starts with, in thresholds.
        query_level: of the classical memory: the trace above which an input counts as 1.
        store: of the classical memory: whether its patterns are learned or those of the classes ("hebbian").
    """

    kind: Literal["hopfield"] = "hopfield"
    variant: Literal["modern", "classical"] = "modern"
    patterns: int = Field(64, ge=1, le=4096)
    iterations: int = Field(1, ge=1, le=16)
    update_interval: int = Field(1, ge=1, le=4096)
    trace_decay: float = Field(0.1, ge=0, le=1)
    beta: float = Field(1.0, ge=2**-8, le=2**8)
    key_scale: float = Field(4.0, gt=0)
    memory_scale: float = Field(0.5, ge=0)
    query_level: float = Field(0.5, ge=0, le=2047)
    store: Literal["learned", "hebbian"] = "learned"

    @field_validator("beta")
    @classmethod
    def _power_of_two(cls, value: float) -> float:
        if frexp(value)[0] != 0.5:
            raise ValueError(f"a power of two, which is a shift when deployed (got {value:g})")
        return value


class _Trace(torch.autograd.Function):
    @staticmethod
    def forward(ctx, arrived, decay):  # type: ignore[no-untyped-def]
        ctx.keep = 1 - decay / DECAY_UNIT
        return integer_hopfield.trace(arrived, decay) / STATE_SCALE

    @staticmethod
    def backward(ctx, grad):  # type: ignore[no-untyped-def]
        out, later = torch.empty_like(grad), torch.zeros_like(grad[:, 0])
        for t in reversed(range(grad.shape[1])):
            later = torch.add(grad[:, t], later, alpha=ctx.keep)
            out[:, t] = later
        return out, None


class _Shares(torch.autograd.Function):
    """The deployed softmax of z, which is in units of 1/16; the gradient is the softmax's."""

    @staticmethod
    def forward(ctx, z):  # type: ignore[no-untyped-def]
        p = integer_hopfield.shares(torch.floor(z + 0.5).long()).to(z.dtype) / tables.UNITY
        ctx.save_for_backward(p)
        return p

    @staticmethod
    def backward(ctx, grad):  # type: ignore[no-untyped-def]
        (p,) = ctx.saved_tensors
        return p * (grad - (grad * p).sum(-1, keepdim=True)) / tables.STEPS_PER_FOLD


def _sign(value: torch.Tensor, positive: torch.Tensor, width: float) -> torch.Tensor:
    """±1, with the gradient of value/width where that is within ±1."""
    return instead(within(value / width, -1, 1), torch.where(positive, 1.0, -1.0).to(value.dtype))


class HopfieldMemory(torch.nn.Module):
    """Parameters, training form and integers of one layer's memory.

    Args:
        config: of the layer.
        inputs: of the layer.
    """

    def __init__(self, config: HopfieldConfig, inputs: int) -> None:
        super().__init__()
        self.config = config
        self.trace_decay = round(DECAY_UNIT * config.trace_decay)
        self.query_level = round(STATE_SCALE * config.query_level)
        self.unit = config.memory_scale * config.threshold
        self.watching, self.exact, self.peak = False, False, 0.0
        self.seen: torch.Tensor | None = None
        drawn = torch.randn(config.patterns, inputs)
        if config.variant == "modern":
            self.keys = torch.nn.Parameter(config.key_scale / inputs**0.5 * drawn)
            self.values = torch.nn.Parameter(self.unit * torch.randn(config.patterns, config.units))
        else:
            self.keys = torch.nn.Parameter(drawn / 2, requires_grad=config.store == "learned")
            self.gain = torch.nn.Parameter(torch.tensor(self.unit))

    @property
    def patterns(self) -> Float[torch.Tensor, "patterns inputs"]:
        """X on its grid: 8 bit, or ±1."""
        if self.config.variant == "modern":
            return eight_bits(self.keys)[0]
        return _sign(self.keys, self.keys > 0, 1.0)

    def query(self, x: Num[torch.Tensor, "batch inputs steps"]) -> Float[torch.Tensor, "batch refreshes inputs"]:
        """q at the steps that refresh the retrieval."""
        arrived = late(x.transpose(1, 2).to(self.keys.dtype))
        q = _Trace.apply(arrived, self.trace_decay)
        if self.watching:
            self.seen = (q.detach() * STATE_SCALE > self.query_level).to(q.dtype).mean(1)
        return q[:, :: self.config.update_interval]

    def forward(self, x: Num[torch.Tensor, "batch inputs steps"]) -> Float[torch.Tensor, "batch steps units"]:
        """The memory current of the layer's input."""
        q = self.query(x)
        recalled = (self._modern if self.config.variant == "modern" else self._classical)(q)
        current = integer_hopfield.held(recalled, x.shape[2], self.config.update_interval)
        return instead(current, self.deployed(x)) if self.exact else current

    def _modern(self, q: torch.Tensor) -> Float[torch.Tensor, "batch refreshes units"]:
        keys, xi = self.patterns, q
        for iteration in range(self.config.iterations):
            p = _Shares.apply(xi @ keys.t() * (self.config.beta * tables.STEPS_PER_FOLD))
            if iteration < self.config.iterations - 1:
                xi = rounded(p @ keys, 1 / STATE_SCALE)
        return rounded(p @ eight_bits(self.values)[0], 1 / STATE_SCALE)

    def _classical(self, q: torch.Tensor) -> Float[torch.Tensor, "batch refreshes units"]:
        keys, level = self.patterns, self.query_level / STATE_SCALE
        b = _sign(q - level, q > level, 1.0)
        for _ in range(self.config.iterations):
            y = b @ keys.t() @ keys
            b = _sign(y, torch.where(y == 0, b, y) > 0, keys.shape[1])
        return self._gain() * b

    def _gain(self) -> Float[torch.Tensor, ""]:
        return rounded(within(self.gain, -MOST_GAIN, MOST_GAIN), 1 / WEIGHT_SCALE)

    @torch.no_grad()
    def deployed(self, x: Num[torch.Tensor, "batch inputs steps"]) -> Float[torch.Tensor, "batch steps units"]:
        """The exact memory current, in float units."""
        return (integer_hopfield.current(self.record(), x).double() / STATE_SCALE).to(self.keys.dtype)

    def calibrate(self) -> None:
        """Nothing: keys and values find their own grids."""

    @torch.no_grad()
    def imprint(self, labels: Int[torch.Tensor, "batch"], classes: int, name: str) -> None:
        """Store a pattern per class by Hebb's rule, from the queries seen while `watching`.

        A class without a sample among them has all inputs off.

        Raises:
            BasaltError: there are not as many patterns as classes.
        """
        if self.config.variant == "modern" or self.config.store != "hebbian":
            return
        assert self.seen is not None
        labels = labels.to(self.seen.device)
        if len(self.keys) != classes:
            raise BasaltError(
                f"Layer {name} stores one pattern per class: set its `patterns` to {classes} (it has {len(self.keys)})."
            )
        chosen = torch.nn.functional.one_hot(labels, classes).to(self.seen.dtype)
        means = chosen.t() @ self.seen / chosen.sum(0).clamp(min=1)[:, None]
        self.keys.copy_(torch.where(means > self.seen.mean(0), 0.5, -0.5))

    def record(self) -> HopfieldRecord:
        """The memory as it is deployed."""
        config = self.config
        common: dict[str, Any] = {
            "variant": config.variant,
            "trace_decay": self.trace_decay,
            "iterations": config.iterations,
            "update_interval": config.update_interval,
        }
        if config.variant == "classical":
            patterns, gain = _integers(self.patterns, 0), int(grid.integers(self._gain()))
            return HopfieldRecord(keys=patterns, values=None, query_level=self.query_level, gain=gain, **common)
        keys, of_keys = eight_bits(self.keys)
        values, of_values = eight_bits(self.values)
        return HopfieldRecord(
            keys=_integers(keys, int(of_keys)),
            values=_integers(values, int(of_values)),
            similarity_shift=SIMILARITY_SHIFT + int(of_keys) - round(log2(config.beta)),
            recall_shift=int(of_keys),
            output_shift=int(of_values),
            **common,
        )


def _integers(value: torch.Tensor, fraction: int) -> Int[np.ndarray, "..."]:
    return np.rint(value.detach().cpu().double().numpy() * 2.0**fraction).astype(np.int64)


class Hopfield(Spiking):
    """A spiking layer whose current gains what an associative memory recalls."""

    plain: ClassVar[bool] = False
    config: HopfieldConfig
    memory: HopfieldMemory

    def __init__(self, config: HopfieldConfig, name: str, inputs: int | tuple[int, ...]) -> None:
        super().__init__(config, name, inputs)
        if config.variant == "classical" and self.inputs != self.units:
            raise BasaltError(
                f"Layer {name}: a classical memory completes its own input, so it needs as many units as inputs "
                f"({self.inputs}, not {self.units})."
            )
        self.memory = HopfieldMemory(config, self.inputs)
        if not config.fast:
            torch.nn.init.zeros_(self.synapse.weight).requires_grad_(False)

    def units_of(self) -> dict[torch.nn.Parameter, float]:
        """The scale of parameters, see `Network.units`."""
        memory, unit = self.memory, max(self.memory.unit, 1e-3)
        if self.config.variant == "classical":
            return {**super().units_of(), memory.keys: 1.0, memory.gain: unit}
        return {**super().units_of(), memory.keys: self.config.key_scale, memory.values: unit}

    def drive(self, x: Num[torch.Tensor, "batch inputs steps"]) -> tuple[torch.Tensor, torch.Tensor | None]:
        """W s_in[t], not yet delayed, and the memory's current."""
        return self.synapse(x).transpose(1, 2), self.memory(x)

    def imprint(self, labels: Int[torch.Tensor, "batch"], classes: int) -> None:
        """Store a pattern per class, where the recipe says so."""
        self.memory.imprint(labels, classes, self.name)

    def memory_record(self) -> HopfieldRecord:
        """The memory as it is deployed."""
        return self.memory.record()

    @torch.no_grad()
    def energies(self, x: UInt8[torch.Tensor, "batch inputs steps"]) -> Float[torch.Tensor, "batch refreshes"]:
        """The energy of the query at every retrieval, before it."""
        keys, q = self.memory.patterns, self.memory.query(x)
        return ENERGIES[self.config.variant](keys, q, self.config, self.memory.query_level / STATE_SCALE)


def energy(
    keys: Float[torch.Tensor, "patterns size"], state: Float[torch.Tensor, "... size"], beta: float
) -> Float[torch.Tensor, "..."]:
    """E = −β⁻¹ log Σ_k exp(β x_k·ξ) + ½|ξ|² (Ramsauer et al. 2021, without its constant)."""
    return 0.5 * (state * state).sum(-1) - torch.logsumexp(beta * state @ keys.t(), -1) / beta


def classical_energy(
    keys: Float[torch.Tensor, "patterns size"], state: Float[torch.Tensor, "... size"]
) -> Float[torch.Tensor, "..."]:
    """E = −½ bᵀ Xᵀ X b (Hopfield 1982, with the diagonal)."""
    return -0.5 * (state @ keys.t()).square().sum(-1)


def _of_modern(keys: torch.Tensor, q: torch.Tensor, config: HopfieldConfig, level: float) -> torch.Tensor:
    return energy(keys, q, config.beta)


def _of_classical(keys: torch.Tensor, q: torch.Tensor, config: HopfieldConfig, level: float) -> torch.Tensor:
    return classical_energy(keys, torch.where(q > level, 1.0, -1.0).to(q.dtype))


ENERGIES = {"modern": _of_modern, "classical": _of_classical}
