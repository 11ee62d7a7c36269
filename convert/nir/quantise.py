"""From float64 to Basalt's integers: one scale for each layer, of its weights or of what calibration shows.

    weight = 2·round(S·W/2) in −256 … 254, threshold = S·θ, bias = round(S·drive), decays round(4096·(1 − α))

S is at most 254 / max|W|, what 17 bits leave of the threshold, and 13 bits of the bias; from 16 on it is a whole
number, so that the threshold, which is 1 here, is exact.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import ceil, floor

import numpy as np

from basalt.convert.nir.mapped import UNITY, Mapped, run_layer
from basalt.records.fields import BIAS_MAX, WEIGHT_MAX, WEIGHT_MIN
from basalt.records.layer import Layer
from basalt.records.neuron import THRESHOLD_MAX, Neuron, axis
from basalt.records.readout import Readout
from basalt.records.synapses import Conv, Spiking

WHOLE_FROM = 16
"""The scale from which on it is a whole number."""
PERCENTILE = 99.9
FACTORS = (1.0, 0.97, 0.94, 0.9, 0.85, 0.8, 0.7, 1.05, 1.1, 1.2, 1.35)
"""Of the scale by the largest weight, that the search tries; above 1 the largest weights are clipped."""

PARTS = ("decays", "weights", "thresholds")
"""What is rounded, each of which can be looked at alone."""


@dataclass(frozen=True, eq=False)
class Quantised:
    """A layer in integers.

    Attributes:
        mapped: in float64. scale: units of weight for 1.0 of the mapped layer.
        weight, recurrent, drive: integers, in units of weight. threshold: likewise, None of a layer that sums.
        order: of the layer, from 1: the step at which its bias begins to act.
    """

    mapped: Mapped
    scale: float
    weight: np.ndarray
    recurrent: np.ndarray | None
    drive: np.ndarray
    threshold: int | None
    order: int

    def part(self, names: tuple[str, ...]) -> Mapped:
        """The layer in float64 with some of `PARTS` as they are in integers."""
        layer = self.mapped
        if "decays" in names:
            layer = replace(layer, alpha=grid(layer.alpha), beta=grid(layer.beta))
        if "weights" in names:
            recurrent = None if self.recurrent is None else self.recurrent / self.scale
            drive = self.drive / self.scale if layer.threshold is not None else layer.drive
            layer = replace(layer, weight=self.weight / self.scale, recurrent=recurrent, drive=drive)
        if "thresholds" in names and self.threshold is not None:
            layer = replace(layer, threshold=self.threshold / self.scale, reaches=False)
        return layer

    def changes(self, name: str) -> bool:
        """Whether rounding one of `PARTS` changes anything."""
        layer, rounded = self.mapped, self.part((name,))
        same = (
            np.array_equal(layer.alpha, rounded.alpha)
            and np.array_equal(layer.beta, rounded.beta)
            and np.array_equal(layer.weight, rounded.weight)
            and np.array_equal(layer.drive, rounded.drive)
            and (
                layer.recurrent is None
                or rounded.recurrent is None
                or np.array_equal(layer.recurrent, rounded.recurrent)
            )
        )
        return not same or (layer.threshold, layer.reaches) != (rounded.threshold, rounded.reaches)

    @property
    def integers(self) -> Mapped:
        """The layer with all of it integers, states too."""
        layer = self.part(("decays",))
        threshold = None if self.threshold is None else float(self.threshold)
        recurrent = None if self.recurrent is None else self.recurrent.astype(np.float64)
        return replace(
            layer,
            weight=self.weight.astype(np.float64),
            recurrent=recurrent,
            drive=self.drive.astype(np.float64),
            threshold=threshold,
            reaches=False,
            whole=True,
        )

    def record(self) -> Layer:
        """What is deployed."""
        layer = self.mapped
        alpha, beta = decays(layer.alpha), decays(layer.beta)
        if layer.threshold is None or self.threshold is None:
            leaks = bool(np.any(layer.beta))
            return Readout(
                layer.name,
                self.weight,
                voltage_decay=int(beta[0]) if leaks or layer.membranes else None,
                current_decay=int(alpha[0]) if layer.membranes else None,
            )
        bias = np.broadcast_to(self.drive, layer.neurons).copy() if np.any(self.drive) else None
        neuron = Neuron(self.threshold, axis(alpha), axis(beta), layer.reset)
        start = self.order if bias is not None else 0
        if layer.kernel is None or layer.input_shape is None:
            return Spiking(layer.name, self.weight, neuron, self.recurrent, bias, start=start)
        kernel = layer.kernel
        channels, height, width = layer.input_shape
        return Conv(
            name=layer.name,
            weight=self.weight,
            neuron=neuron,
            bias=bias,
            start=start,
            input_shape=(channels, height, width),
            stride=kernel.stride,
            padding=kernel.padding,
            dilation=kernel.dilation,
            groups=kernel.groups,
        )


def decays(rest: np.ndarray) -> np.ndarray:
    """Decays in 1/4096, from what a step leaves."""
    return np.rint(UNITY * (1 - rest)).astype(np.int64)


def grid(rest: np.ndarray) -> np.ndarray:
    """What a step leaves with such decays."""
    return 1 - decays(rest) / UNITY


def quantised(layer: Mapped, scale: float, order: int) -> Quantised:
    """The integers of a layer for a scale."""

    def weights(found: np.ndarray) -> np.ndarray:
        return np.clip(2 * np.rint(scale * found / 2), WEIGHT_MIN, WEIGHT_MAX).astype(np.int64)

    return Quantised(
        mapped=layer,
        scale=scale,
        weight=weights(layer.weight),
        recurrent=None if layer.recurrent is None else weights(layer.recurrent),
        drive=np.clip(np.rint(scale * layer.drive), -BIAS_MAX - 1, BIAS_MAX).astype(np.int64),
        threshold=None if layer.threshold is None else threshold_of(layer, scale * layer.threshold),
        order=order,
    )


def threshold_of(layer: Mapped, level: float) -> int:
    """The largest integer that no membrane of a neuron that does not spike is above.

    Where nothing leaks, membranes are whole numbers, and the one below or at the threshold is exact; so it is where
    the threshold is a whole number itself.
    """
    near = round(level)
    if abs(level - near) < 1e-9 * max(1.0, level):
        found = near - 1 if layer.reaches else near
    elif layer.grid:
        found = ceil(level) - 1 if layer.reaches else floor(level)
    else:
        found = near
    return min(max(found, 0), THRESHOLD_MAX)


def largest(layer: Mapped) -> np.ndarray:
    """|W| and |V| of a layer, flat, where not 0."""
    parts = [layer.weight, *([] if layer.recurrent is None else [layer.recurrent])]
    found = np.abs(np.concatenate([part.reshape(-1) for part in parts]))
    return found[found > 0]


def bounded(layer: Mapped, wanted: float) -> float:
    """A scale within what threshold and bias leave, a whole number if it is large."""
    bounds = [wanted]
    if layer.threshold is not None:
        bounds.append(THRESHOLD_MAX / layer.threshold)
        drive = float(np.abs(layer.drive).max(initial=0.0))
        bounds += [BIAS_MAX / drive] if drive else []
    scale = min(bounds)
    return float(floor(scale)) if scale >= WHOLE_FROM and layer.threshold is not None else scale


def by_max(layer: Mapped, order: int, heard: np.ndarray | None) -> Quantised:
    """The largest weight becomes 254."""
    found = largest(layer)
    return quantised(layer, bounded(layer, WEIGHT_MAX / found.max() if found.size else np.inf), order)


def by_percentile(layer: Mapped, order: int, heard: np.ndarray | None) -> Quantised:
    """All but the largest thousandth of the weights fit; those are clipped."""
    found = largest(layer)
    top = np.percentile(found, PERCENTILE) if found.size else 0.0
    return quantised(layer, bounded(layer, WEIGHT_MAX / top if top else np.inf), order)


def by_search(layer: Mapped, order: int, heard: np.ndarray | None) -> Quantised:
    """Of some scales the one with which the fewest spikes of the calibration samples differ; by weights without any."""
    first = by_max(layer, order, heard)
    if heard is None or layer.threshold is None:
        return first
    meant = run_layer(layer, heard)
    scales = dict.fromkeys(bounded(layer, first.scale * factor) for factor in FACTORS)
    found = [quantised(layer, scale, order) for scale in scales]
    return min(found, key=lambda one: int(np.sum(run_layer(one.integers, heard) != meant)))


METHODS: Mapping[str, Callable[[Mapped, int, np.ndarray | None], Quantised]] = {
    "max": by_max,
    "percentile": by_percentile,
    "search": by_search,
}
"""Method → the integers of a layer, from what it hears of calibration samples."""


def quantise(layers: tuple[Mapped, ...], method: str, spikes: np.ndarray | None) -> tuple[Quantised, ...]:
    """All layers in integers; each is calibrated on what the float64 layers before it send."""
    found = []
    for order, layer in enumerate(layers, 1):
        found.append(METHODS[method](layer, order, spikes))
        if spikes is not None and method == "search":
            spikes = run_layer(layer, spikes)
    return tuple(found)
