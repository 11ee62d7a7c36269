"""The slow memory of a dual-memory-pathway layer: a scalar drive, d Legendre states, an additive current.

Training form (floats on the integer grid, 2^k drive fraction bits beyond the weights'):

    x[t]      = min(relu(W_x s[t−1] + b), 32767/(64·2^k))
    m         = causal convolution of x with H[j] = Ā^j B̄, by FFT zero-padded to 2T (Ā, B̄ dequantised)
    memory[t] = P m[t−1] + ν x[t],   P = quantise(W_m Ā), ν = quantise(W_m B̄), held `update_interval` steps

The exact integers (`integer_memory`) round m and memory in every step; that is the only difference, and with `exact`
there is none: the training form then computes the deployed current, with the gradient of the form above.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from numba import njit, prange

from basalt.train.dynamics.gpu.chunks import Chunks, chunks
from basalt.train.dynamics.scalars import DRIVE_MAX, STATE_SCALE, WEIGHT_SCALE, sat24
from basalt.train.dynamics.straight import instead, rounded
from basalt.train.layers.integers import MemoryIntegers
from basalt.train.layers.legendre import impulse_response, quantised

MAX_DRIVE_SHIFT = 9
MAX_EXPONENT = 14
WEIGHT_MAX = 127


def drive_shift(peak: float) -> int:
    """The largest k in 0 … 9 that leaves a factor of two above the largest drive seen (float units)."""
    room = DRIVE_MAX / (2 * WEIGHT_SCALE * max(peak, 1e-9))
    return int(np.clip(np.floor(np.log2(room)), 0, MAX_DRIVE_SHIFT))


def exponent(peak: Float[torch.Tensor, ""], shift: Int[torch.Tensor, ""]) -> Int[torch.Tensor, ""]:
    """e of the grid 2^−e of P and ν: the largest at which `peak` fits 8 bits, within 6 − k … 14."""
    fitting = torch.frexp(WEIGHT_MAX / peak.clamp(min=1e-9)).exponent - 1
    return torch.minimum(torch.maximum(fitting, (6 - shift).clamp(min=0)), torch.full_like(fitting, MAX_EXPONENT))


def convolve(
    drive: Float[torch.Tensor, "batch steps"], response: Float[torch.Tensor, "d steps"]
) -> Float[torch.Tensor, "batch steps d"]:
    """m[t] = Σ_j H[j] x[t − j], the parallel form of m[t] = Ā m[t−1] + B̄ x[t]."""
    steps = drive.shape[1]
    spectrum = torch.fft.rfft(drive, 2 * steps)[:, None] * torch.fft.rfft(response, 2 * steps)
    return torch.fft.irfft(spectrum, 2 * steps)[:, :, :steps].transpose(1, 2)


def system_of(states: int, window: float, bits: int) -> tuple[torch.Tensor, torch.Tensor, int]:
    """Ā, B̄ and their fraction bits; without values in a network that is only laid out, since they take a while."""
    if torch.empty(0).is_meta:
        return torch.empty(states, states, dtype=torch.int64), torch.empty(states, dtype=torch.int64), bits - 1
    transition, drive, shift = quantised(states, window, bits)
    return torch.as_tensor(transition), torch.as_tensor(drive), shift


class SlowMemory(torch.nn.Module):
    """Training form and integers of one layer's slow memory.

    Args:
        neurons, inputs: of the layer.
        states: d.  window: θ in steps.  coefficient_bits: of Ā and B̄, the sign included.
        update_interval: steps between refreshes of the memory current.
        threshold: of the layer's neurons; scales the initial memory weights.
    """

    transition: torch.Tensor
    drive_input: torch.Tensor
    shift: torch.Tensor

    def __init__(
        self,
        neurons: int,
        inputs: int,
        states: int,
        window: float,
        coefficient_bits: int,
        update_interval: int,
        threshold: float,
        scale: float,
    ) -> None:
        super().__init__()
        transition, drive, self.coefficient_shift = system_of(states, window, coefficient_bits)
        self.update_interval = update_interval
        self.register_buffer("transition", transition, persistent=False)
        self.register_buffer("drive_input", drive, persistent=False)
        self.register_buffer("shift", torch.tensor(0))
        # A drive weight that starts negative behind the ReLU would never see a gradient.
        start = 8 / inputs**0.5 * torch.rand(1, inputs) if inputs > 1 else torch.full((1, 1), 2.0)
        self.drive_weight = torch.nn.Parameter(start)
        self.drive_bias = torch.nn.Parameter(torch.zeros(1))
        self.unit = scale * threshold / 8
        self.weight = torch.nn.Parameter(self.unit / states**0.5 * torch.randn(neurons, states))
        self.watching = False
        self.exact = False
        self.peak = 0.0
        self._constants: dict[Any, Any] = {}

    @property
    def limit(self) -> Float[torch.Tensor, ""]:
        """The largest drive that 16 bits hold, in float units."""
        return DRIVE_MAX / WEIGHT_SCALE * torch.exp2(-self.shift.to(self.weight.dtype))

    def quantised_bias(self) -> Float[torch.Tensor, "1"]:
        """b on the 1/64 grid."""
        return rounded(self.drive_bias, 1 / WEIGHT_SCALE)

    @property
    def system(self) -> Float[torch.Tensor, "d d+1"]:
        """[Ā, B̄]."""
        scale = 2.0**-self.coefficient_shift
        both = self.transition, self.drive_input[:, None]
        return self._constant("system", 0, lambda: torch.cat(both, 1).to(self.weight.dtype) * scale)

    def projections(self) -> tuple[Float[torch.Tensor, "neurons {self.weight.shape[1]+1}"], Int[torch.Tensor, ""]]:
        """[P, ν] on the grid 2^−e, and e."""
        exact = self.weight @ self.system
        e = exponent(exact.detach().abs().max(), self.shift)
        step = torch.exp2(-e.to(exact.dtype))
        most = WEIGHT_MAX * step
        return rounded(torch.minimum(torch.maximum(exact, -most), most), step), e

    def _constant(self, name: str, steps: int, make: Callable[[], Any]) -> Any:
        """A constant for so many steps, made once on each device."""
        key = (name, steps, self.weight.device)
        if key not in self._constants:
            self._constants[key] = make()
        return self._constants[key]

    def chunks(self, steps: int) -> Chunks | None:
        """The constants of the form in chunks (`train.dynamics.gpu.chunks`); None if `steps` cannot be cut so."""

        def make() -> Chunks | None:
            system = self.transition.cpu().numpy(), self.drive_input.cpu().numpy()
            return chunks(*system, self.coefficient_shift, steps, self.update_interval, self.weight.device)

        return self._constant("chunks", steps, make)

    def _response(self, steps: int) -> Float[torch.Tensor, "d steps"]:
        scale = 2.0**-self.coefficient_shift
        system = self.transition.cpu().numpy() * scale, self.drive_input.cpu().numpy() * scale
        return torch.as_tensor(impulse_response(*system, steps), dtype=self.weight.dtype, device=self.weight.device)

    def watch(self, drive: Float[torch.Tensor, "batch steps"]) -> None:
        """While `watching`, keep the largest drive."""
        if self.watching:
            self.peak = max(self.peak, float(drive.detach().max()))

    def forward(self, drive: Float[torch.Tensor, "batch steps"]) -> Float[torch.Tensor, "batch steps neurons"]:
        """memory from W_x s[t−1], the drive before bias and ReLU."""
        x = torch.relu(drive + self.quantised_bias())
        self.watch(x)
        x = torch.minimum(x, self.limit)
        steps = x.shape[1]
        states = convolve(x, self._constant("response", steps, lambda: self._response(steps)))
        before = torch.nn.functional.pad(states, (0, 0, 1, 0))[:, :steps]
        projections, _ = self.projections()
        memory = torch.cat([before, x[..., None]], 2) @ projections.t()
        if self.update_interval > 1:
            held = torch.arange(steps, device=x.device) // self.update_interval * self.update_interval
            memory = memory[:, held]
        return instead(memory, self.deployed(drive)) if self.exact else memory

    @torch.no_grad()
    def deployed(self, drive: Float[torch.Tensor, "batch steps"]) -> Float[torch.Tensor, "batch steps neurons"]:
        """The exact memory current for the drive before bias and ReLU, both in float units."""
        from basalt.train.dynamics.gpu import exact as exact_device

        integers = self.integers(np.zeros(self.drive_weight.shape[1], np.int64))
        sums = (drive.double() * WEIGHT_SCALE).round()
        if drive.device.type == "cpu":
            current = torch.from_numpy(integer_memory(integers, sums.long().numpy()))
        else:
            current = exact_device.memory_current(integers, sums)
        return (current.double() / STATE_SCALE).to(drive.dtype)

    def calibrate(self) -> None:
        """Set k from the largest drive seen while `watching`."""
        self.shift.fill_(drive_shift(self.peak))

    def integers(self, drive_weight: Int[np.ndarray, "inputs"]) -> MemoryIntegers:
        """The deployed integers; `drive_weight` is W_x after the layer's quantisation."""
        projections, exponent_ = self.projections()
        e = int(exponent_)
        rows = np.rint(projections.detach().cpu().double().numpy() * 2.0**e).astype(np.int64)
        shift = int(self.shift)
        return MemoryIntegers(
            drive_weight=drive_weight,
            drive_bias=int(np.rint(float(self.quantised_bias().detach()) * WEIGHT_SCALE)),
            drive_shift=shift,
            transition=self.transition.cpu().numpy(),
            drive_input=self.drive_input.cpu().numpy(),
            coefficient_shift=self.coefficient_shift,
            memory_weight=rows[:, :-1],
            drive_memory_weight=rows[:, -1],
            memory_shift=shift + e - 6,
            update_interval=self.update_interval,
        )


@njit(parallel=True, nogil=True, cache=True)
def _memory(drive, bias, k, transition, inputs, q, rows, last, p, interval, out):  # type: ignore[no-untyped-def]
    batch, steps, neurons = out.shape
    states = len(inputs)
    half_p, half_q = (1 << p) >> 1, (1 << q) >> 1
    for b in prange(batch):
        m = np.zeros(states, np.int64)
        following = np.zeros(states, np.int64)
        for t in range(steps):
            x = min(max(np.int64(drive[b, t]) + bias, 0) << k, 32767)
            for n in range(neurons):
                if t % interval != 0:
                    out[b, t, n] = out[b, t - 1, n]
                    continue
                total = last[n] * x + half_p
                for i in range(states):
                    total += rows[n, i] * m[i]
                out[b, t, n] = total >> p
            for i in range(states):
                total = inputs[i] * x + half_q
                for j in range(states):
                    total += transition[i, j] * m[j]
                following[i] = sat24(total >> q)
            m[:] = following


def integer_memory(
    memory: MemoryIntegers, drive: Int[np.ndarray, "batch steps"]
) -> Int[np.ndarray, "batch steps neurons"]:
    """The memory current in units of u, exactly as deployed, from the integer sums drive_weight·s[t−1]."""
    out = np.zeros((*drive.shape, len(memory.memory_weight)), np.int64)
    _memory(
        drive,
        memory.drive_bias,
        memory.drive_shift,
        np.ascontiguousarray(memory.transition),
        memory.drive_input,
        memory.coefficient_shift,
        np.ascontiguousarray(memory.memory_weight),
        np.ascontiguousarray(memory.drive_memory_weight),
        memory.memory_shift,
        memory.update_interval,
        out,
    )
    return out
