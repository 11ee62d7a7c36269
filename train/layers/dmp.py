"""Dual-memory-pathway layers: spiking neurons beside a slow memory, which is a scalar drive and d Legendre states.

Training form (floats on the integer grid, 2^k drive fraction bits beyond the weights'):

    x[t]      = min(relu(W_x s[t−1] + b), 32767/(64·2^k))
    m         = causal convolution of x with H[j] = Ā^j B̄, by FFT zero-padded to 2T (Ā, B̄ dequantised)
    memory[t] = P m[t−1] + ν x[t],   P = quantise(W_m Ā), ν = quantise(W_m B̄), held `update_interval` steps

The deployed integers (`basalt.records.slow_memory.SlowMemory`) round m and memory in every step; that is the only
difference, and with `exact` there is none: the training form then computes the deployed current, with the gradient of
the form above.
"""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float, Int, Num
from pydantic import Field

from basalt.errors import BasaltError
from basalt.records.arithmetic import DRIVE_MAX
from basalt.records.slow_memory import SlowMemory as SlowMemoryRecord
from basalt.train.dynamics import events, grid
from basalt.train.dynamics.gpu.chunks import Chunks, chunks
from basalt.train.dynamics.memories.slow_memory import convolve, impulse_response, integer_current
from basalt.train.dynamics.scalars import STATE_SCALE, WEIGHT_SCALE
from basalt.train.dynamics.straight import instead, rounded
from basalt.train.layers.config import PathwayConfig
from basalt.train.layers.legendre import quantised
from basalt.train.layers.spiking import Spiking

MAX_DRIVE_SHIFT = 9


def drive_shift(peak: float) -> int:
    """The largest k in 0 … 9 that leaves a factor of two above the largest drive seen (float units)."""
    room = DRIVE_MAX / (2 * WEIGHT_SCALE * max(peak, 1e-9))
    return int(np.clip(np.floor(np.log2(room)), 0, MAX_DRIVE_SHIFT))


def system_of(states: int, window: float, bits: int) -> tuple[torch.Tensor, torch.Tensor, int]:
    """Ā, B̄ and their fraction bits; without values in a network on the meta device, since they take a while."""
    if torch.empty(0).is_meta:
        return torch.empty(states, states, dtype=torch.int64), torch.empty(states, dtype=torch.int64), bits - 1
    transition, drive, shift = quantised(states, window, bits)
    return torch.as_tensor(transition), torch.as_tensor(drive), shift


class DmpConfig(PathwayConfig):
    """Leaky integrate-and-fire neurons beside a slow Legendre memory.

    Attributes:
        states: d, the size of the slow state.
        window: θ, what the memory spans, in steps.
        update_interval: from one refresh of the memory current to the next, in steps.
        coefficient_bits: of the frozen matrices, in bits.
        memory_scale: factor on the initial memory weights.
    """

    kind: Literal["dmp"] = "dmp"
    states: int = Field(8, ge=1, le=256)
    window: float = Field(40.0, gt=0)
    update_interval: int = Field(1, ge=1, le=4096)
    coefficient_bits: int = Field(16, ge=4, le=16)
    memory_scale: float = Field(1.0, ge=0)


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
        e = grid.exponent(exact.detach().abs().max(), self.shift)
        step = torch.exp2(-e.to(exact.dtype))
        most = grid.WEIGHT_MAX * step
        return rounded(torch.minimum(torch.maximum(exact, -most), most), step), e

    def _constant(self, name: str, steps: int, make: Callable[[], Any]) -> Any:
        """A constant for this number of steps, made once on each device."""
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
        record = self.record(np.zeros(self.drive_weight.shape[1], np.int64))
        current = integer_current(record, (drive.double() * WEIGHT_SCALE).round())
        return (current / STATE_SCALE).to(drive.dtype)

    def calibrate(self) -> None:
        """Set k from the largest drive seen while `watching`."""
        self.shift.fill_(drive_shift(self.peak))

    def record(self, drive_weight: Int[np.ndarray, "inputs"]) -> SlowMemoryRecord:
        """The memory as it is deployed; `drive_weight` is W_x after the layer's quantisation."""
        projections, exponent_ = self.projections()
        e = int(exponent_)
        rows = np.rint(projections.detach().cpu().double().numpy() * 2.0**e).astype(np.int64)
        shift = int(self.shift)
        return SlowMemoryRecord(
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


class Dmp(Spiking):
    """A spiking layer whose current gains that of a slow memory of its input (`SlowMemory`)."""

    config: DmpConfig
    memory: SlowMemory

    def __init__(self, config: DmpConfig, name: str, inputs: int | tuple[int, ...]) -> None:
        super().__init__(config, name, inputs)
        try:
            self.memory = SlowMemory(
                config.units,
                self.inputs,
                config.states,
                config.window,
                config.coefficient_bits,
                config.update_interval,
                config.threshold,
                config.memory_scale,
            )
        except BasaltError as error:
            raise BasaltError(f"Layer {name}: {error}") from error
        if not config.fast:
            torch.nn.init.zeros_(self.synapse.weight).requires_grad_(False)

    def units_of(self) -> dict[torch.nn.Parameter, float]:
        """The scale of parameters, see `Network.units`."""
        return {**super().units_of(), self.memory.weight: self.memory.unit}

    def drive_matrix(self) -> Float[torch.Tensor, "1 inputs"]:
        """W_x after the quantisation hook."""
        return grid.weights(self.memory.drive_weight)

    def current(self, x: Num[torch.Tensor, "batch inputs steps"]) -> Float[torch.Tensor, "batch units steps"]:
        """What drives the neurons: synaptic and memory current."""
        both = torch.cat([self.synapse.matrix, self.drive_matrix()])
        sums = events.product(x.transpose(1, 2), both, delay=1)
        memory = self.memory(sums[..., -1])
        return (sums[..., :-1] + memory).transpose(1, 2)

    def memory_record(self) -> SlowMemoryRecord:
        """The slow memory as it is deployed."""
        return self.memory.record(grid.integers(self.drive_matrix())[0])

    def export_hdf5(self, handle: object) -> None:
        """Never: stock netx does not support slow memories.

        Raises:
            BasaltError: always.
        """
        raise BasaltError(
            f"Layer {self.name} has a slow memory, which lava-dl cannot export: use convert/export.py, which can."
        )
