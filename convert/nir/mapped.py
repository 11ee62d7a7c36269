"""A NIR network in Basalt's equations: one layer per stage, in float64 or in integers, and what such layers send.

    u[t] = α u[t−1] + W x[t] + V s[t−1],  v = β v[t−1] + u[t] + drive,  s = v > θ,  v −= amount where s

A layer hears what the one before it sends in the same step; in Basalt each is a step later, which changes nothing else.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Num, UInt8

from basalt.convert.nir.events import RESETS, SUMS, Before, Neurons, Ready
from basalt.convert.nir.operators import Kernel, Shape
from basalt.convert.nir.rows import Rows, dense_rows, diagonal_rows, kernel_rows, no_rows
from basalt.convert.nir.run import run_chain
from basalt.convert.nir.synapses import Block, apart
from basalt.convert.nir.writers import HARD, Values
from basalt.records.arithmetic import ALIGN, DECAY_BITS

UNITY = 1 << DECAY_BITS


@dataclass(frozen=True, eq=False)
class Mapped:
    """A layer in Basalt's equations.

    Attributes:
        weight: of the synapses, a row for each neuron, or for each channel of a convolution; scaled by gain / θ.
        blocks: what its columns hear: a source each, with the kernel's geometry of a convolution.
        recurrent: a matrix, or its diagonal.
        threshold: 1 in float64, or one per neuron; None where the layer only sums.
        amount: what a soft reset subtracts; the threshold where it is None.
        rests: a spike keeps the membrane as it is for a step, and silent.
        membranes: a layer that sums keeps the membranes themselves, which are not rounded before they are summed.
        reaches: a membrane at the threshold spikes.
        whole: states are integers, decays counts of 1/4096.
        delay: steps that each neuron's spikes are late. passes: it passes on each spike, and does nothing else.
    """

    name: str
    weight: Float[np.ndarray, "rows ..."]
    blocks: tuple[Block, ...]
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
    whole: bool = False
    membranes: bool = False
    delay: Int[np.ndarray, "_neurons"] | None = None
    passes: bool = False

    @property
    def hears(self) -> tuple[int, ...]:
        """Its sources: 0 is the network's input, k what the k-th layer sends."""
        return tuple(block.source for block in self.blocks)

    @property
    def kernel(self) -> Kernel | None:
        """The geometry of a convolution of its first source, else None."""
        return self.blocks[0].kernel

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
        parts = [rows_of(block, weight) for block, weight in apart(self.weight, self.blocks)]
        before: tuple[Before, ...] = ()
        ends: tuple[int, ...] = (0,)
        rows = parts[0]
        if len(parts) > 1:
            before = tuple(Before((place,), part, np.zeros(1)) for place, part in enumerate(parts))
            ends, rows = tuple(range(len(parts), 2 * len(parts))), diagonal_rows(np.ones(self.neurons))
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
        return Ready(self.hears, before, ends, rows, back, neurons, self.delay)


def rows_of(block: Block, weight: np.ndarray) -> Rows:
    """What the events of a source reach."""
    return (
        dense_rows(weight) if block.kernel is None else kernel_rows(block.kernel._replace(weight=weight), block.inputs)
    )


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
    sent = run_chain([layer.ready() for layer in layers], frames_of(spikes))
    return {layer.name: spikes_of(one, layer.neurons) for layer, one in zip(layers, sent, strict=True)}
