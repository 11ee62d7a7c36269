"""A NIR network in Basalt's equations: one layer per stage, in float64 or in integers, and what such layers send.

    u[t] = α u[t−1] + W x[t] + V s[t−1],  v = β v[t−1] + u[t] + drive,  s = v > θ,  v −= amount where s

A layer hears what the one before it sends in the same step; in Basalt each is a step later, which changes nothing else.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Num, UInt8

from basalt.convert.nir.events import RESETS, SUMS, Neurons, Ready
from basalt.convert.nir.operators import Kernel, Shape
from basalt.convert.nir.rows import dense_rows, diagonal_rows, kernel_rows, no_rows
from basalt.convert.nir.writers import HARD, Values
from basalt.records.arithmetic import ALIGN, DECAY_BITS

UNITY = 1 << DECAY_BITS


@dataclass(frozen=True, eq=False)
class Mapped:
    """A layer in Basalt's equations.

    Attributes:
        weight: of the synapses, or the kernel of a convolution; input rows scaled by gain / θ.
        input_shape: of a convolution, else None. geometry: the same as a kernel with `weight`.
        recurrent: a matrix, or its diagonal.
        threshold: 1 in float64, or one per neuron; None where the layer only sums.
        amount: what a soft reset subtracts; the threshold where it is None.
        rests: a spike keeps the membrane as it is for a step, and silent.
        membranes: a layer that sums keeps the membranes themselves, which are not rounded before they are summed.
        reaches: a membrane at the threshold spikes.
        whole: states are integers, decays counts of 1/4096.
    """

    name: str
    weight: Float[np.ndarray, "neurons ..."]
    alpha: Values
    beta: Values
    shape: Shape
    drive: Values
    threshold: Values | float | None = 1.0
    reset: str = HARD
    amount: Values | None = None
    rests: bool = False
    reaches: bool = False
    recurrent: Float[np.ndarray, "neurons ..."] | None = None
    kernel: Kernel | None = None
    input_shape: Shape | None = None
    whole: bool = False
    membranes: bool = False

    @property
    def neurons(self) -> int:
        """Number of neurons."""
        return int(np.prod(self.shape))

    @property
    def grid(self) -> bool:
        """Membranes are sums of weights: nothing leaks."""
        return bool(np.all(self.alpha == 0) and np.all((self.beta == 1) | (self.beta == 0)))

    def ready(self) -> Ready:
        """The layer, ready to run."""
        if self.kernel is None or self.input_shape is None:
            rows = dense_rows(self.weight)
        else:
            rows = kernel_rows(self.kernel._replace(weight=self.weight), self.input_shape)
        back = no_rows(self.neurons)
        if self.recurrent is not None:
            back = diagonal_rows(self.recurrent) if self.recurrent.ndim == 1 else dense_rows(self.recurrent)
        alpha, beta = (np.rint(rest * UNITY) / UNITY if self.whole else rest for rest in (self.alpha, self.beta))
        unit = 1 << ALIGN if self.whole else 1
        level = np.ones(1) if self.threshold is None else unit * np.asarray(self.threshold)
        amount = level if self.amount is None else unit * self.amount
        neurons = Neurons(
            offset=rows.inside(np.zeros(1)),
            alpha=rows.inside(alpha),
            beta=rows.inside(beta),
            gain=rows.inside(np.ones(1)),
            drive=rows.inside(unit * self.drive),
            threshold=rows.inside(level),
            amount=rows.inside(amount),
            reset=SUMS if self.threshold is None else RESETS[self.reset],
            rests=self.rests,
            reaches=self.reaches,
            whole=self.whole,
            late=False,
            floors=self.whole and not self.membranes,
        )
        return Ready((), rows, back, neurons)


def frames_of(spikes: UInt8[np.ndarray, "samples inputs steps"]) -> UInt8[np.ndarray, "samples steps width"]:
    """Samples step by step, the width filled with zeros to a multiple of 8."""
    return padded(spikes.transpose(0, 2, 1))


def padded(frames: UInt8[np.ndarray, "samples steps inputs"]) -> UInt8[np.ndarray, "samples steps width"]:
    """The width filled with zeros to a multiple of 8."""
    samples, steps, inputs = frames.shape
    found = np.zeros((samples, steps, -(-inputs // 8) * 8), dtype=np.uint8)
    found[:, :, :inputs] = frames
    return found


def spikes_of(sent: Num[np.ndarray, "samples ..."], neurons: int) -> Num[np.ndarray, "samples neurons _steps"]:
    """The other way round; sums have one step."""
    if sent.ndim == 2:
        return sent[:, :, None]
    return np.ascontiguousarray(sent[:, :, :neurons].transpose(0, 2, 1))


def run_layers(layers: tuple[Mapped, ...], spikes: np.ndarray) -> dict[str, np.ndarray]:
    """What every layer sends, by name: spikes (samples, neurons, steps), or sums over all steps (steps 1)."""
    out, frames = {}, frames_of(spikes)
    for layer in layers:
        frames = layer.ready().run(frames)
        out[layer.name] = spikes_of(frames, layer.neurons)
    return out
