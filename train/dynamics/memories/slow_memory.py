"""The slow memory's states and current: in floats by FFT, and in the deployed integers, on any device.

m[t]      = Ā m[t−1] + B̄ x[t] = Σ_j H[j] x[t − j],   H[j] = Ā^j B̄
"""

import numpy as np
import torch
from jaxtyping import Float, UInt8

from basalt.records.arithmetic import DRIVE_MAX, STATE_MAX
from basalt.records.slow_memory import SlowMemory
from basalt.train.dynamics.events import integer_sums, late


def impulse_response(
    transition: Float[np.ndarray, "d d"], drive: Float[np.ndarray, "d"], steps: int
) -> Float[np.ndarray, "d steps"]:
    """H[:, j] = Ā^j B̄ for j = 0 … steps − 1."""
    response = np.empty((len(drive), steps))
    state = drive.astype(np.float64)
    for j in range(steps):
        response[:, j] = state
        state = transition @ state
    return response


def convolve(
    drive: Float[torch.Tensor, "batch steps"], response: Float[torch.Tensor, "d steps"]
) -> Float[torch.Tensor, "batch steps d"]:
    """m[t] = Σ_j H[j] x[t − j], the parallel form of m[t] = Ā m[t−1] + B̄ x[t]."""
    steps = drive.shape[1]
    spectrum = torch.fft.rfft(drive, 2 * steps)[:, None] * torch.fft.rfft(response, 2 * steps)
    return torch.fft.irfft(spectrum, 2 * steps)[:, :, :steps].transpose(1, 2)


def integer_current(
    memory: SlowMemory, drive: Float[torch.Tensor, "batch steps"]
) -> Float[torch.Tensor, "batch steps neurons"]:
    """memory[t] of the record in units of u, from the integer sums drive_weight·s[t−1]; float64 throughout.

    Products of 16-bit coefficients and 24-bit states, summed, stay below 2^53, where float64 is exact.
    """
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


def current(
    memory: SlowMemory, x: UInt8[torch.Tensor, "batch inputs steps"]
) -> Float[torch.Tensor, "batch steps neurons"]:
    """memory[t] in units of u for the layer's input x."""
    return integer_current(memory, late(integer_sums(x, memory.drive_weight[None]))[..., 0].double())


def _as(array: np.ndarray, like: torch.Tensor) -> torch.Tensor:
    return torch.as_tensor(array, dtype=like.dtype, device=like.device)
