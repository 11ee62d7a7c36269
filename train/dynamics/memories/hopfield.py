"""The associative memory in the deployed integers, on any device; as its record specifies it.

    q[t] = sat24(decay(q[t−1], trace_decay) + (s[t−1] << 12))
    modern:    z = (X ξ + half) >> similarity_shift, p = `shares`(z), ξ = (Xᵀ p + half) >> recall_shift, ξ = q at first
               memory = (Yᵀ p + half) >> output_shift
    classical: b = ±1 (q > query_level), y = Xᵀ X b, b = sign(y), unchanged where y = 0;  memory = (gain·b) << 6

Integers travel as float64 where they are multiplied by matrices: products reach 2^53 for none of the widths allowed.
"""

from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float, Int, Num

from basalt.records import tables
from basalt.records.arithmetic import ALIGN, STATE_MAX
from basalt.records.hopfield import Hopfield
from basalt.train.dynamics.events import late
from basalt.train.dynamics.scalars import DECAY_UNIT, STATE_SCALE


@lru_cache(maxsize=16)
def _table(kind: str, device: torch.device) -> Int[torch.Tensor, "256"]:
    return torch.tensor(np.array(getattr(tables, kind)()), device=device)


def trace(arrived: Float[torch.Tensor, "batch steps inputs"], decay: int) -> Float[torch.Tensor, "batch steps inputs"]:
    """The integers q[t] of spikes that have arrived (s[t−1] at t, not negative), in the type of `arrived`."""
    keep = (DECAY_UNIT - decay) / DECAY_UNIT
    out = torch.empty_like(arrived)
    q = arrived.new_zeros(arrived[:, 0].shape, dtype=torch.float64)
    for t in range(arrived.shape[1]):
        q = torch.floor(q * keep).add_(arrived[:, t], alpha=STATE_SCALE).clamp_(max=STATE_MAX)
        out[:, t] = q
    return out


def shares(z: Int[torch.Tensor, "... patterns"]) -> Int[torch.Tensor, "... patterns"]:
    """Softmax of z/16 with 12 fraction bits, by two tables:

    e = EXP[min(max z − z, 255)],  S = Σ e,  L = ⌊log₂ S⌋
    p = min((e·RECIPROCAL[((S << 8) >> L) & 255] + half(L + 3)) >> (L + 3), 4096)
    """
    e = _table("exponential", z.device)[(z.amax(-1, keepdim=True) - z).clamp_(max=tables.ENTRIES - 1)]
    total = e.sum(-1, keepdim=True)
    log = torch.frexp(total.double()).exponent.long() - 1
    product = e * _table("reciprocal", z.device)[((total << 8) >> log) & (tables.ENTRIES - 1)]
    return ((product + (1 << (log + 2))) >> (log + 3)).clamp_(max=tables.UNITY)


def _double(matrix: np.ndarray, like: torch.Tensor) -> Float[torch.Tensor, "..."]:
    return torch.as_tensor(matrix, dtype=torch.float64, device=like.device)


def _shifted(value: Float[torch.Tensor, "..."], shift: int) -> Float[torch.Tensor, "..."]:
    return torch.floor((value + ((1 << shift) >> 1)) * 2.0**-shift)


def _modern(memory: Hopfield, q: torch.Tensor) -> Float[torch.Tensor, "batch refreshes neurons"]:
    assert memory.values is not None
    keys, xi = _double(memory.keys, q), q
    for iteration in range(memory.iterations):
        p = shares(_shifted(xi @ keys.T, memory.similarity_shift).long()).double()
        if iteration < memory.iterations - 1:
            xi = _shifted(p @ keys, memory.recall_shift)
    return _shifted(p @ _double(memory.values, q), memory.output_shift)


def _classical(memory: Hopfield, q: torch.Tensor) -> Float[torch.Tensor, "batch refreshes neurons"]:
    keys = _double(memory.keys, q)
    b = torch.where(q > memory.query_level, 1.0, -1.0).to(q.dtype)
    for _ in range(memory.iterations):
        y = b @ keys.T @ keys
        b = torch.where(y == 0, b, torch.sign(y))
    return b * (memory.gain << ALIGN)


RETRIEVALS = {"modern": _modern, "classical": _classical}


def current(memory: Hopfield, x: Num[torch.Tensor, "batch inputs steps"]) -> Int[torch.Tensor, "batch steps neurons"]:
    """memory[t] in units of u for the layer's input x."""
    arrived = late(x.transpose(1, 2).double())
    q = trace(arrived, memory.trace_decay)[:, :: memory.update_interval]
    recalled = RETRIEVALS[memory.variant](memory, q).long()
    return held(recalled, x.shape[2], memory.update_interval)


def held(
    recalled: Num[torch.Tensor, "batch refreshes neurons"], steps: int, interval: int
) -> Num[torch.Tensor, "batch {steps} neurons"]:
    """What was recalled last at every step."""
    return recalled if interval == 1 else recalled.repeat_interleave(interval, 1)[:, :steps]
