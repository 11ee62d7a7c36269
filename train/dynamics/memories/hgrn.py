"""The gated recurrent memory in the deployed integers, on any device; as its record specifies it.

    λ[t] = low + (((4096 − low)·SIGMOID[a_f] + 2048) >> 12)
    h[t] = sat24((λ·h[t−1] + (4096 − λ)·(TANH[a_c] << 8) + 2048) >> 12)      o[t] = (SIGMOID[a_g]·h[t] + 2048) >> 12
    memory[t] = (gain·o[t] + half) >> output_shift

"gated": a_f and a_g gain (R k[t−1] + 64) >> 7, k = clip((TANH of h + 16) >> 5, ±127); the candidate enters with
SIGMOID[a_g] in place of 4096 − λ, and the memory is (gain·(k[t] << 13) + half) >> output_shift.
"""

import numpy as np
import torch
from jaxtyping import Int, UInt8

from basalt.records import tables
from basalt.records.arithmetic import STATE_MAX
from basalt.records.hgrn import CANDIDATE, FRACTION, SQUASHED, SQUASHED_BITS, SQUASHED_SHIFT, Hgrn
from basalt.train.dynamics.events import integer_sums, late


def shifted(value: Int[torch.Tensor, "*shape"], shift: int) -> Int[torch.Tensor, "*shape"]:
    """(value + half) >> shift."""
    return (value + ((1 << shift) >> 1)) >> shift


def _index(activation: torch.Tensor, shift: int) -> torch.Tensor:
    return (shifted(activation, shift) + tables.ENTRIES // 2).clamp(0, tables.ENTRIES - 1)


def squashed(h: Int[torch.Tensor, "*shape"]) -> Int[torch.Tensor, "*shape"]:
    """k = clip((TANH[h to the nearest 2⁻⁴] + 16) >> 5, ±127)."""
    value = _on(tables.tanh(SQUASHED_SHIFT), h)[_index(h, SQUASHED)]
    return shifted(value, FRACTION - SQUASHED_BITS).clamp(-127, 127)


def _on(array, like: torch.Tensor) -> Int[torch.Tensor, "..."]:  # type: ignore[no-untyped-def]
    return torch.tensor(array, dtype=torch.int64, device=like.device)


def gates(
    memory: Hgrn, sums: Int[torch.Tensor, "batch steps {3*len(memory.gain)}"]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The activations a_f, a_c and a_g, without what the state adds to them, from the sums of all three weights."""
    biases = (memory.forget_bias, memory.candidate_bias, memory.gate_bias)
    forget, candidate, gate = (part + _on(bias, sums) for part, bias in zip(sums.chunk(3, -1), biases))
    return forget, candidate, gate


def forgetting(memory: Hgrn, forget: Int[torch.Tensor, "..."]) -> Int[torch.Tensor, "..."]:
    """λ of the forget gate's activations."""
    low = _on(memory.low, forget)
    sigmoid = _on(tables.sigmoid(memory.index_shift), forget)
    return low + shifted((tables.UNITY - low) * sigmoid[_index(forget, memory.index_shift)], FRACTION)


def integer_current(
    memory: Hgrn, sums: Int[torch.Tensor, "batch steps {3*len(memory.gain)}"]
) -> Int[torch.Tensor, "batch steps neurons"]:
    """The memory current in units of u, from the sums of forget, candidate and gate weights over s_in[t−1]."""
    return STEPPERS[memory.variant](memory, *gates(memory, sums))


def _published(
    memory: Hgrn, forget: torch.Tensor, candidate: torch.Tensor, gate: torch.Tensor
) -> Int[torch.Tensor, "batch steps neurons"]:
    shift = memory.index_shift
    kept = forgetting(memory, forget)
    entering = (tables.UNITY - kept) * (_on(tables.tanh(shift), gate)[_index(candidate, shift)] << CANDIDATE)
    state = torch.zeros_like(entering)
    h = state[:, 0]
    for t in range(state.shape[1]):
        h = shifted(kept[:, t] * h + entering[:, t], FRACTION).clamp_(-STATE_MAX, STATE_MAX)
        state[:, t] = h
    out = shifted(_on(tables.sigmoid(shift), gate)[_index(gate, shift)] * state, FRACTION)
    return shifted(_on(memory.gain, out) * out, memory.output_shift)


def _gated(
    memory: Hgrn, forget: torch.Tensor, candidate: torch.Tensor, gate: torch.Tensor
) -> Int[torch.Tensor, "batch steps neurons"]:
    shift = memory.index_shift
    sigmoid = _on(tables.sigmoid(shift), gate)
    entering = _on(tables.tanh(shift), gate)[_index(candidate, shift)] << CANDIDATE
    # Products of 8 and 9 bits are exact in float64, and there is no product of integers on a GPU.
    matrices = [
        torch.as_tensor(matrix.T, dtype=torch.float64, device=gate.device)
        for matrix in (memory.forget_recurrent, memory.update_recurrent)
        if matrix is not None
    ]
    out = torch.zeros_like(entering)
    h = k = out[:, 0]
    for t in range(out.shape[1]):
        heard = [shifted((k.double() @ matrix).long(), SQUASHED_BITS) for matrix in matrices]
        kept = forgetting(memory, forget[:, t] + heard[0])
        opened = sigmoid[_index(gate[:, t] + heard[1], shift)]
        h = shifted(kept * h + opened * entering[:, t], FRACTION).clamp_(-STATE_MAX, STATE_MAX)
        k = squashed(h)
        out[:, t] = k
    wide = out << (FRACTION + CANDIDATE - SQUASHED_BITS)
    return shifted(_on(memory.gain, wide) * wide, memory.output_shift)


STEPPERS = {"published": _published, "gated": _gated}


def current(
    memory: Hgrn, x: UInt8[torch.Tensor, "batch inputs steps"]
) -> Int[torch.Tensor, "batch steps {len(memory.gain)}"]:
    """memory[t] in units of u for the layer's input x."""
    weight = np.concatenate([memory.forget_weight, memory.candidate_weight, memory.gate_weight])
    return integer_current(memory, late(integer_sums(x, weight)).to(torch.int64))
