"""The slow memory's current without an FFT and without its states: two matrix products per layer.

Time is cut into C chunks of L steps. With H[j] = Ā^j B̄, the states before each chunk are one product of the drive,

    m[cL−1] = Σ_{j<cL} H[cL−1−j] x[j]                                       `starts` (T, C·d)

and inside a chunk [m[t−1]; x[t]] is linear in [m[cL−1]; x[cL], …, x[cL+L−1]] (`within`, L maps from d+L to d+1), so
with the projections [P, ν] folded in, the memory current of a chunk is a single product of width L·neurons. Lengths of
rows, below K of d+L and D of d+1, are padded with zeros to what a GPU's matrix units take.
"""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float, Int

from basalt.train.dynamics.memories.slow_memory import impulse_response

ALIGN = 8


@dataclass(frozen=True, eq=False)
class Chunks:
    """Constants of a slow memory for T steps in chunks of `length` steps.

    Attributes:
        starts: the drive → states before each chunk.
        within: states and drive of a chunk → [m[t−1]; x[t]] at its steps, held where the interval says so; for each of
            the K what it gives at each of the L steps.
    """

    starts: Float[torch.Tensor, "T starts"]
    within: Float[torch.Tensor, "rows D"]
    length: int
    states: int
    _typed: dict[tuple[str, torch.dtype], torch.Tensor] = field(default_factory=dict)

    def constant(self, name: str, dtype: torch.dtype) -> torch.Tensor:
        """`starts` or `within` in another type, converted once."""
        if (name, dtype) not in self._typed:
            self._typed[name, dtype] = getattr(self, name).to(dtype)
        return self._typed[name, dtype]

    @property
    def width(self) -> int:
        """K."""
        return padded(self.states + self.length)

    def inputs(
        self, drive: Float[torch.Tensor, "batch T"], dtype: torch.dtype = torch.float32
    ) -> Float[torch.Tensor, "{drive.numel()//self.length} K"]:
        """[m[cL−1]; x[cL], …, x[cL+L−1]; 0] of every chunk."""
        inside = drive.to(dtype).reshape(-1, self.length)
        rest = inside.new_zeros(len(inside), self.width - self.states - self.length)
        return torch.cat([self.before(drive.to(dtype)), inside, rest], 1)

    def before(self, drive: Float[torch.Tensor, "batch T"]) -> Float[torch.Tensor, "{drive.numel()//self.length} d"]:
        """The states before every chunk."""
        return (drive @ self.constant("starts", drive.dtype)).view(-1, self.states)

    def inputs_gradient(self, grad: Float[torch.Tensor, "chunks K"], batch: int) -> Float[torch.Tensor, "{batch} T"]:
        """The drive's gradient from that of `inputs`."""
        inside = grad[:, self.states : self.states + self.length].reshape(batch, -1)
        return self.starts_gradient(grad, batch).float() + inside.float()

    def starts_gradient(self, grad: Float[torch.Tensor, "chunks K"], batch: int) -> Float[torch.Tensor, "{batch} T"]:
        """The part of it that comes from the states before the chunks."""
        return grad[:, : self.states].reshape(batch, -1) @ self.constant("starts", grad.dtype).t()

    def weights(
        self, rows: Float[torch.Tensor, "width {self.states+1}"], dtype: torch.dtype = torch.float32
    ) -> Float[torch.Tensor, "K {self.length}*width"]:
        """What `inputs` is multiplied with, from the projections [P, ν]."""
        every = torch.nn.functional.pad(rows, (0, self.within.shape[1] - self.states - 1)).to(dtype)
        return (self.constant("within", dtype) @ every.t()).view(-1, self.length * len(rows))

    def weights_gradient(
        self, grad: Float[torch.Tensor, "K {self.length*width}"], width: int
    ) -> Float[torch.Tensor, "{width} {self.states+1}"]:
        """The projections' gradient from that of `weights`."""
        every = grad.view(-1, width).t() @ self.constant("within", grad.dtype)
        return every[:, : self.states + 1].float()


def padded(size: int) -> int:
    """The next multiple of `ALIGN`."""
    return -(-size // ALIGN) * ALIGN


def chunk_length(steps: int, states: int, interval: int) -> int | None:
    """The divisor of `steps` and multiple of `interval` nearest to what suits d states; None if none does.

    Longer chunks need fewer states and more products inside: about L ≈ d/4 balances them, and 20 to 64 measured well.
    Of those nearby, one whose d + L needs the fewest tiles of 64, and then no padding.
    """
    wanted = min(max(states / 4, 24), 64)

    def cost(n: int) -> tuple[float, ...]:
        far = abs(np.log(n / wanted))
        if far > np.log(1.5):
            return (1, far)
        return (0, -(-(states + n) // 64), (states + n) % ALIGN, far)

    fitting = [n for n in range(4, min(steps, 128) + 1) if steps % n == 0 and n % interval == 0]
    return min(fitting, key=cost, default=None)


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
    within = np.zeros((length, padded(d + length), padded(d + 1)))
    power = np.eye(d)
    for step in range(length):
        within[step, :d, :d] = power.T
        within[step, d : d + step, :d] = response[:step][::-1]
        within[step, d + step, d] = 1.0
        power = power @ a
    held = within[np.arange(length) // interval * interval]
    return starts.reshape(steps, -1), held.transpose(1, 0, 2).reshape(-1, padded(d + 1))


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
    starts, within = (torch.as_tensor(np.ascontiguousarray(n), dtype=torch.float32, device=device) for n in numbers)
    return Chunks(starts, within, length, len(drive_input))
