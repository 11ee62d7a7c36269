"""The slow memory's current without an FFT and without its states: two matrix products a layer.

Time is cut into C chunks of L steps. With H[j] = Ā^j B̄, the states before each chunk are one product of the drive,

    m[cL−1] = Σ_{j<cL} H[cL−1−j] x[j]                                       `starts` (T, C·d)

and inside a chunk [m[t−1]; x[t]] is linear in [m[cL−1]; x[cL], …, x[cL+L−1]] (`within`, L maps from d+L to d+1), so
with the projections [P, ν] folded in, the memory current of a chunk is a single product of width L·neurons.
"""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float, Int

from train.layers.legendre import impulse_response


@dataclass(frozen=True, eq=False)
class Chunks:
    """Constants of a slow memory for T steps in chunks of `length` steps.

    Attributes:
        starts: the drive → states before each chunk.
        within: states and drive of a chunk → [m[t−1]; x[t]] at its steps, held where the interval says so.
    """

    starts: Float[torch.Tensor, "T C*d"]
    within: Float[torch.Tensor, "L*(d+L) d+1"]
    length: int
    states: int
    _typed: dict[tuple[str, torch.dtype], torch.Tensor] = field(default_factory=dict)

    def constant(self, name: str, dtype: torch.dtype) -> torch.Tensor:
        """`starts` or `within` in another type, converted once."""
        if (name, dtype) not in self._typed:
            self._typed[name, dtype] = getattr(self, name).to(dtype)
        return self._typed[name, dtype]

    def inputs(
        self, drive: Float[torch.Tensor, "batch T"], dtype: torch.dtype = torch.float32
    ) -> Float[torch.Tensor, "batch*C d+L"]:
        """[m[cL−1]; x[cL], …, x[cL+L−1]] of every chunk."""
        drive = drive.to(dtype)
        before = (drive @ self.constant("starts", dtype)).view(-1, self.states)
        return torch.cat([before, drive.reshape(-1, self.length)], 1)

    def inputs_gradient(self, grad: Float[torch.Tensor, "batch*C d+L"], batch: int) -> Float[torch.Tensor, "batch T"]:
        """The drive's gradient from that of `inputs`."""
        before = grad[:, : self.states].reshape(batch, -1)
        return (before @ self.constant("starts", grad.dtype).t()).float() + grad[:, self.states :].reshape(
            batch, -1
        ).float()

    def weights(
        self, rows: Float[torch.Tensor, "width d+1"], dtype: torch.dtype = torch.float32
    ) -> Float[torch.Tensor, "d+L L*width"]:
        """What `inputs` is multiplied with, from the projections [P, ν]."""
        every = (self.constant("within", dtype) @ rows.to(dtype).t()).view(self.length, -1, len(rows))
        return every.transpose(0, 1).reshape(-1, self.length * len(rows))

    def weights_gradient(
        self, grad: Float[torch.Tensor, "d+L L*width"], width: int, dtype: torch.dtype = torch.float32
    ) -> Float[torch.Tensor, "width d+1"]:
        """The projections' gradient from that of `weights`."""
        every = grad.view(-1, self.length, width).transpose(0, 1).reshape(-1, width).to(dtype)
        return (every.t() @ self.constant("within", dtype)).float()


def chunk_length(steps: int, states: int, interval: int) -> int | None:
    """The divisor of `steps` and multiple of `interval` nearest to what suits d states; None if none does.

    Longer chunks need fewer states and more products inside: about L ≈ d/4 balances them, and 20 to 64 measured well.
    """
    wanted = min(max(states / 4, 24), 64)
    fitting = [n for n in range(4, min(steps, 128) + 1) if steps % n == 0 and n % interval == 0]
    return min(fitting, key=lambda n: abs(np.log(n / wanted)), default=None)


@lru_cache(maxsize=16)
def _numbers(transition: bytes, drive: bytes, shift: int, steps: int, interval: int) -> tuple[np.ndarray, np.ndarray]:
    b = np.frombuffer(drive, np.int64) * 2.0**-shift
    d = len(b)
    a = np.frombuffer(transition, np.int64).reshape(d, d) * 2.0**-shift
    length = chunk_length(steps, d, interval)
    assert length is not None
    response = impulse_response(a, b, steps).T
    starts = np.zeros((steps, steps // length, d))
    for c in range(1, steps // length):
        starts[: c * length, c] = response[: c * length][::-1]
    within = np.zeros((length, d + length, d + 1))
    power = np.eye(d)
    for step in range(length):
        within[step, :d, :d] = power.T
        within[step, d : d + step, :d] = response[:step][::-1]
        within[step, d + step, d] = 1.0
        power = power @ a
    return starts.reshape(steps, -1), within[np.arange(length) // interval * interval].reshape(-1, d + 1)


def chunks(
    transition: Int[np.ndarray, "d d"],
    drive_input: Int[np.ndarray, "d"],
    shift: int,
    steps: int,
    interval: int,
    device: torch.device,
) -> Chunks | None:
    """The constants for Ā = transition/2^shift, B̄ = drive_input/2^shift; None if `steps` cannot be cut so."""
    length = chunk_length(steps, len(drive_input), interval)
    if length is None:
        return None
    numbers = _numbers(np.ascontiguousarray(transition).tobytes(), drive_input.tobytes(), shift, steps, interval)
    starts, within = (torch.as_tensor(n, dtype=torch.float32, device=device) for n in numbers)
    return Chunks(starts, within, length, len(drive_input))
