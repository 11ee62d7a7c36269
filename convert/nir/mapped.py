"""A NIR network in Basalt's equations: one layer a stage, in float64 or in integers, and what such layers send.

    u[t] = α u[t−1] + W x[t] + V s[t−1],  v = β v[t−1] + u[t] + drive,  s = v > θ

A layer hears what the one before it sends in the same step; in Basalt each is a step later, which changes nothing else.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Num

from basalt.convert.nir.operators import Kernel, Shape, correlate
from basalt.convert.nir.writers import HARD, SOFT, Values
from basalt.records.arithmetic import DECAY_BITS, STATE_LIMIT, STATE_MAX

BYTES_AT_ONCE = 1 << 26
UNITY = 1 << DECAY_BITS


@dataclass(frozen=True, eq=False)
class Mapped:
    """A layer in Basalt's equations.

    Attributes:
        weight: of the synapses, or the kernel of a convolution; input rows scaled by gain / θ.
        input_shape: of a convolution, else None. geometry: the same as a kernel with `weight`.
        recurrent: a matrix, or its diagonal.
        threshold: 1 in float64; None where the layer only sums.
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
    threshold: float | None = 1.0
    reset: str = HARD
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

    def arrives(self, frames: Num[np.ndarray, "frames inputs"]) -> Float[np.ndarray, "frames neurons"]:
        """W x of each frame."""
        if self.kernel is None or self.input_shape is None:
            return frames @ self.weight.T
        images = frames.reshape(len(frames), *self.input_shape)
        return correlate(images, self.kernel._replace(weight=self.weight)).reshape(len(frames), -1)

    def feedback(self, sent: Float[np.ndarray, "samples neurons"]) -> np.ndarray | float:
        """V s."""
        if self.recurrent is None:
            return 0.0
        return sent * self.recurrent if self.recurrent.ndim == 1 else sent @ self.recurrent.T


def run_layer(
    layer: Mapped, spikes: Num[np.ndarray, "samples inputs steps"]
) -> Num[np.ndarray, "samples neurons _sent"]:
    """What a layer sends for every sample and step; sums (steps 1) of a layer that has no threshold."""
    return in_parts(lambda some: run_part(layer, some), spikes, layer.neurons)


def in_parts(
    work: Callable[[np.ndarray], np.ndarray], spikes: Num[np.ndarray, "samples inputs steps"], neurons: int
) -> np.ndarray:
    """What `work` makes of all samples: some at a time, which stay small, on as many cores as there are."""
    parts = [spikes[some] for some in batches(spikes, neurons)]
    if len(parts) == 1:
        return work(parts[0])
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return np.concatenate(list(pool.map(work, parts)))


def batches(spikes: np.ndarray, neurons: int) -> Iterator[slice]:
    """Samples that are computed at once."""
    samples, inputs, steps = spikes.shape
    size = max(1, BYTES_AT_ONCE // (8 * steps * max(neurons, inputs)))
    for first in range(0, samples, size):
        yield slice(first, first + size)


def run_part(layer: Mapped, spikes: np.ndarray) -> np.ndarray:
    """The same for some samples."""
    samples, inputs, steps = spikes.shape
    frames = spikes.transpose(2, 0, 1).reshape(steps * samples, inputs)
    currents = layer.arrives(frames.astype(np.float64)).reshape(steps, samples, -1)
    u = v = sent = total = np.zeros((samples, layer.neurons))
    out = np.zeros((steps, samples, layer.neurons), dtype=np.uint8)
    fade_u, fade_v = fading(layer, layer.alpha), fading(layer, layer.beta)
    for t in range(steps):
        u = wrapped(layer, fade_u(u) + unit(layer) * (currents[t] + layer.feedback(sent)))
        v = clipped(layer, fade_v(v) + u + unit(layer) * layer.drive)
        if layer.threshold is None:
            total = total + (np.floor(v / unit(layer)) if layer.whole and not layer.membranes else v)
            continue
        level = unit(layer) * layer.threshold
        fired = v >= level if layer.reaches and not layer.whole else v > level
        out[t] = fired
        sent = fired.astype(np.float64)
        if layer.reset == HARD:
            v = np.where(fired, 0.0, v)
        elif layer.reset == SOFT:
            v = v - level * sent
    return total[:, :, None] if layer.threshold is None else np.ascontiguousarray(out.transpose(1, 2, 0))


def unit(layer: Mapped) -> int:
    """Parts of a weight that states are kept in: 1/64 in integers."""
    return 64 if layer.whole else 1


def fading(layer: Mapped, rest: Values) -> Callable[[np.ndarray], np.ndarray]:
    """What a step leaves of a state; in integers rounded towards zero."""
    if not layer.whole:
        return lambda state: state * rest
    return lambda state: np.trunc(state * np.rint(rest * UNITY) / UNITY)


def wrapped(layer: Mapped, state: np.ndarray) -> np.ndarray:
    """A current in 24 bits, which drop what is above; as it is in float64."""
    return np.mod(state + STATE_MAX, 2 * STATE_LIMIT) - STATE_MAX if layer.whole else state


def clipped(layer: Mapped, state: np.ndarray) -> np.ndarray:
    """A membrane in 24 bits, which saturate."""
    return np.clip(state, -STATE_MAX, STATE_MAX) if layer.whole else state


def run_layers(layers: tuple[Mapped, ...], spikes: np.ndarray) -> dict[str, np.ndarray]:
    """What every layer sends, by name."""
    out = {}
    for layer in layers:
        spikes = out[layer.name] = run_layer(layer, spikes)
    return out
