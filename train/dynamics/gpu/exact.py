"""A layer's exact integers on a GPU, for scoring thousands of samples between epochs.

Integers travel as float64 where products reach 2^53 at most (the slow memory's: 16-bit coefficients, 24-bit states) and
as float32 where sums stay within 2^24, which those of graded inputs need not; both are exact. The neurons are those of
`gpu.triton_lif`, `triton_recurrent` and `triton_diagonal`. Memory currents past 2^23, which wrap, would be
rounded there: the processor does such a batch.
"""

import numpy as np
import torch
from jaxtyping import Float, UInt8

from basalt.train.dynamics import exact
from basalt.train.dynamics.constants import Constants
from basalt.train.dynamics.delay import gathered
from basalt.train.dynamics.gpu import diagonal as fused_diagonal
from basalt.train.dynamics.gpu import feed_forward as fused
from basalt.train.dynamics.gpu import recurrent as fused_recurrent
from basalt.train.dynamics.scalars import DRIVE_MAX, RESETS, STATE_MAX, STATE_SCALE, WEIGHT_SCALE
from basalt.train.layers.integers import MemoryIntegers, SpikingIntegers


def _as(array: np.ndarray | int, like: torch.Tensor) -> torch.Tensor:
    return torch.as_tensor(array, dtype=like.dtype, device=like.device)


def memory_current(
    memory: MemoryIntegers, drive: Float[torch.Tensor, "batch steps"]
) -> Float[torch.Tensor, "batch steps neurons"]:
    """memory[t] of `MemoryIntegers` in units of u, from the integer sums drive_weight·s[t−1]; float64 throughout."""
    batch, steps = drive.shape
    x = ((drive + memory.drive_bias).clamp(min=0) * 2.0**memory.drive_shift).clamp(max=DRIVE_MAX)
    forced = x[..., None] * _as(memory.drive_input, x) + ((1 << memory.coefficient_shift) >> 1)
    transition = _as(memory.transition.T, x)
    scale = 2.0**-memory.coefficient_shift
    before = x.new_zeros(batch, steps, transition.shape[0])
    state = before[:, 0]
    for t in range(steps - 1):
        state = torch.addmm(forced[:, t], state, transition).mul_(scale).floor_().clamp_(-STATE_MAX, STATE_MAX)
        before[:, t + 1] = state
    sums = before @ _as(memory.memory_weight.T, x) + x[..., None] * _as(memory.drive_memory_weight, x)
    current = ((sums + ((1 << memory.memory_shift) >> 1)) * 2.0**-memory.memory_shift).floor_()
    held = torch.arange(steps, device=x.device) // memory.update_interval * memory.update_interval
    return current if memory.update_interval == 1 else current[:, held]


def spiking(
    layer: SpikingIntegers, x: UInt8[torch.Tensor, "batch inputs steps"]
) -> UInt8[torch.Tensor, "batch neurons steps"]:
    """Spikes of a layer without recurrence beside a slow memory, as deployed, after their delays; x may be graded."""
    s_in = x.transpose(1, 2).to(torch.float64 if x.numel() and x.max() > 1 else torch.float32)
    steps = s_in.shape[1]
    synaptic = s_in @ _as(layer.weight.T, s_in)
    full = None
    if isinstance(layer.memory, MemoryIntegers):
        drive = torch.nn.functional.pad(s_in @ _as(layer.memory.drive_weight, s_in), (1, 0))[:, :steps]
        full = memory_current(layer.memory, drive.double())
    return driven(layer, synaptic, full)


def driven(
    layer: SpikingIntegers,
    synaptic: Float[torch.Tensor, "batch steps neurons"],
    memory: Float[torch.Tensor, "batch steps neurons"] | None,
) -> UInt8[torch.Tensor, "batch neurons steps"]:
    """Spikes of a layer from the integers W s_in[t], not yet delayed, and memory[t] in units of u."""
    neurons, device = synaptic.shape[2], synaptic.device
    if synaptic.abs().max() > STATE_MAX >> 6 or (memory is not None and memory.abs().max() > STATE_MAX):
        return _on_the_processor(layer, synaptic, memory)
    current = None if memory is None else (memory.double() / STATE_SCALE).float().contiguous()
    synaptic = (synaptic / WEIGHT_SCALE).float().contiguous()
    constants = Constants(layer.current_decay, layer.voltage_decay, 1.0, 1.0, 1.0)
    decays = fused.Decays.of(constants, device, neurons)
    bias = decays.zero if layer.bias is None else torch.as_tensor(layer.bias << 6, device=device).to(torch.int32)
    if layer.diagonal:
        spikes = _fed_own(layer, synaptic, current, bias, decays)
    elif layer.recurrent_weight is None:
        spikes = _fed_forward(layer, synaptic, current, bias, decays)
    else:
        spikes = _fed_back(layer, synaptic, bias, decays)
    spikes = spikes.to(torch.uint8)
    if layer.delay is not None:
        spikes = gathered(spikes, torch.as_tensor(layer.delay, device=device))
    return spikes.transpose(1, 2)


def _fed_forward(
    layer: SpikingIntegers,
    synaptic: torch.Tensor,
    current: torch.Tensor | None,
    bias: torch.Tensor,
    decays: fused.Decays,
) -> Float[torch.Tensor, "batch steps neurons"]:
    from basalt.train.dynamics.gpu.triton_lif import forward_kernel

    (batch, steps, neurons), device = synaptic.shape, synaptic.device
    spikes = torch.empty(batch, steps, neurons, dtype=torch.float32, device=device)
    codes = torch.empty(batch, steps, neurons, dtype=torch.int16, device=device)
    counts = torch.empty(batch, neurons, device=device)
    forward_kernel[(batch, -(-neurons // fused.BLOCK))](
        synaptic, synaptic, synaptic if current is None else current, bias / STATE_SCALE, decays.keep_u, decays.keep_v,
        layer.threshold << 6, 0, spikes, codes, counts, steps, neurons, neurons, LEAK=decays.leak, SINGLE=False,
        MEMORY=current is not None, RESET=RESETS[layer.reset], SEND=True, BLOCK=fused.BLOCK, num_warps=fused.WARPS,
    )  # fmt: skip
    return spikes


def _fed_back(
    layer: SpikingIntegers, synaptic: torch.Tensor, bias: torch.Tensor, decays: fused.Decays
) -> Float[torch.Tensor, "batch steps neurons"]:
    assert layer.recurrent_weight is not None and layer.memory is None
    matrix = fused_recurrent.matrix(_as(layer.recurrent_weight, synaptic) / WEIGHT_SCALE)
    threshold = layer.threshold << 6
    return fused_recurrent.fire(synaptic, None, matrix, bias, decays, threshold, 1.0, layer.reset, synaptic.dtype)[0]


def _fed_own(
    layer: SpikingIntegers,
    synaptic: torch.Tensor,
    current: torch.Tensor | None,
    bias: torch.Tensor,
    decays: fused.Decays,
) -> Float[torch.Tensor, "batch steps neurons"]:
    own = torch.as_tensor(np.asarray(layer.recurrent_weight) << 6, device=synaptic.device).to(torch.int32)
    parts = (own, bias, decays, layer.threshold << 6, layer.reset, 0, synaptic.dtype)
    return fused_diagonal.launch(synaptic, current, *parts)[0]


def _on_the_processor(
    layer: SpikingIntegers,
    synaptic: Float[torch.Tensor, "batch steps neurons"],
    memory: Float[torch.Tensor, "batch steps neurons"] | None,
) -> UInt8[torch.Tensor, "batch neurons steps"]:
    late = torch.nn.functional.pad(synaptic, (0, 0, 1, 0))[:, :-1].long().cpu().numpy()
    spikes, _ = exact.spiking(layer, late, None if memory is None else memory.long().cpu().numpy())
    return torch.from_numpy(spikes).to(synaptic.device).transpose(1, 2)
