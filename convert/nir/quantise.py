"""From float64 to Basalt's integers: a scale for each neuron (each channel of a convolution), or one for each layer.

    weight = 2·round(S·W/2) in −256 … 254, threshold = S·θ, reset amount = round(S·amount), bias = round(S·drive),
    decays round(4096·(1 − α))

S is at most what the largest weight, the threshold and the bias leave; from 16 on it is a whole number, so that the
threshold, which is 1 here, is exact.
"""

from dataclasses import dataclass, replace

import numpy as np

from basalt.convert.nir.mapped import UNITY, Mapped
from basalt.convert.nir.writers import Values
from basalt.records.fields import BIAS_MAX, WEIGHT_MAX, WEIGHT_MIN
from basalt.records.layer import Layer
from basalt.records.neuron import THRESHOLD_MAX, Neuron, axis
from basalt.records.readout import Readout
from basalt.records.synapses import Conv, Spiking

WHOLE_FROM = 16
"""The scale from which on it is a whole number."""
HEADROOM = 16
"""Thresholds that a membrane holds, at least, before it saturates."""

PARTS = ("decays", "weights", "thresholds")
"""What is rounded, each of which can be looked at alone."""


@dataclass(frozen=True, eq=False)
class Quantised:
    """A layer in integers.

    Attributes:
        mapped: in float64. scale: units of weight for 1.0 of the mapped layer, one for all or one per row of weights.
        weight, recurrent, drive: integers, in units of weight. threshold: likewise, None of a layer that sums.
        amount: likewise, None where a soft reset subtracts the threshold.
        order: the level of the layer, from 1: the step at which its bias begins to act.
    """

    mapped: Mapped
    scale: Values
    weight: np.ndarray
    recurrent: np.ndarray | None
    drive: np.ndarray
    threshold: np.ndarray | None
    order: int
    amount: np.ndarray | None = None

    def part(self, names: tuple[str, ...]) -> Mapped:
        """The layer in float64 with some of `PARTS` as they are in integers."""
        layer = self.mapped
        if "decays" in names:
            layer = replace(layer, alpha=grid(layer.alpha), beta=grid(layer.beta))
        if "weights" in names:
            recurrent = None if self.recurrent is None else self.recurrent / rowwise(self.scale, self.recurrent)
            drive = self.drive / each(layer, self.scale) if layer.threshold is not None else layer.drive
            weight = self.weight / rowwise(self.scale, self.weight)
            layer = replace(layer, weight=weight, recurrent=recurrent, drive=drive)
        if "thresholds" in names and self.threshold is not None:
            layer = replace(layer, threshold=self.threshold / each(layer, self.scale), reaches=False)
            if self.amount is not None:
                layer = replace(layer, amount=self.amount / each(layer, self.scale))
        return layer

    def changes(self, name: str) -> bool:
        """Whether rounding one of `PARTS` changes anything."""
        layer, rounded = self.mapped, self.part((name,))
        pairs = [(getattr(layer, field), getattr(rounded, field)) for field in ("alpha", "beta", "weight", "drive")]
        if layer.recurrent is not None:
            pairs.append((layer.recurrent, rounded.recurrent))
        if layer.threshold is not None:
            pairs.append((layer.threshold, rounded.threshold))
        if layer.amount is not None:
            pairs.append((layer.amount, rounded.amount))
        return layer.reaches != rounded.reaches or any(bool(np.any(one != other)) for one, other in pairs)

    @property
    def integers(self) -> Mapped:
        """The layer with all of it integers, states too."""
        layer = self.part(("decays",))
        recurrent = None if self.recurrent is None else self.recurrent.astype(np.float64)
        return replace(
            layer,
            weight=self.weight.astype(np.float64),
            recurrent=recurrent,
            drive=self.drive.astype(np.float64),
            threshold=None if self.threshold is None else self.threshold.astype(np.float64),
            amount=None if self.amount is None else self.amount.astype(np.float64),
            reaches=False,
            whole=True,
        )

    def record(self) -> Layer:
        """What is deployed, of a layer that hears one other."""
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
        amount = None if self.amount is None else one_or_each(self.amount)
        neuron = Neuron(
            one_or_each(self.threshold), axis(alpha), axis(beta), layer.reset, amount, refractory=int(layer.rests)
        )
        start = self.order if bias is not None else 0
        kernel = layer.kernel
        if kernel is None:
            return Spiking(layer.name, self.weight, neuron, self.recurrent, bias, layer.delay, start=start)
        channels, height, width = layer.blocks[0].inputs
        return Conv(
            name=layer.name,
            weight=self.weight.reshape(len(self.weight), *layer.blocks[0].shape),
            neuron=neuron,
            bias=bias,
            delay=layer.delay,
            start=start,
            input_shape=(channels, height, width),
            stride=kernel.stride,
            padding=kernel.padding,
            dilation=kernel.dilation,
            groups=kernel.groups,
        )


def one_or_each(found: np.ndarray) -> int | np.ndarray:
    """One number where all are the same."""
    each = axis(found)
    return each if np.ptp(each) else int(each[0])


def rowwise(scale: Values, weight: np.ndarray) -> Values:
    """A scale for each row of weights, or for all, to multiply them by."""
    return scale.reshape(-1, *[1] * (weight.ndim - 1))


def each(layer: Mapped, scale: Values) -> Values:
    """One scale for all neurons, or one for each, from those of the rows of weights."""
    return scale if scale.size == 1 else np.repeat(scale, layer.neurons // scale.size)


def of_rows(layer: Mapped, found: Values) -> Values:
    """The largest magnitude of what neurons have, for each row of weights."""
    return np.abs(np.broadcast_to(found, layer.neurons)).reshape(len(layer.weight), -1).max(axis=1)


def decays(rest: np.ndarray) -> np.ndarray:
    """Decays in 1/4096, from what a step leaves."""
    return np.rint(UNITY * (1 - rest)).astype(np.int64)


def grid(rest: np.ndarray) -> np.ndarray:
    """What a step leaves with such decays."""
    return 1 - decays(rest) / UNITY


def quantised(layer: Mapped, scale: Values, order: int) -> Quantised:
    """The integers of a layer for a scale."""

    def weights(found: np.ndarray) -> np.ndarray:
        return np.clip(2 * np.rint(rowwise(scale, found) * found / 2), WEIGHT_MIN, WEIGHT_MAX).astype(np.int64)

    own = each(layer, scale)
    return Quantised(
        mapped=layer,
        scale=scale,
        weight=weights(layer.weight),
        recurrent=None if layer.recurrent is None else weights(layer.recurrent),
        drive=np.clip(np.rint(own * layer.drive), -BIAS_MAX - 1, BIAS_MAX).astype(np.int64),
        threshold=None if layer.threshold is None else threshold_of(layer, np.atleast_1d(own * layer.threshold)),
        order=order,
        amount=None if layer.amount is None else np.rint(np.atleast_1d(own * layer.amount)).astype(np.int64),
    )


def threshold_of(layer: Mapped, level: Values) -> np.ndarray:
    """The largest integer that no membrane of a neuron that does not spike is above.

    Where nothing leaks, membranes are whole numbers, and the one below or at the threshold is exact; so it is where
    the threshold is a whole number itself.
    """
    near = np.rint(level)
    on_grid = np.abs(level - near) < 1e-9 * np.maximum(1.0, level)
    between = (np.ceil(level) - 1 if layer.reaches else np.floor(level)) if layer.grid else near
    found = np.where(on_grid, near - 1 if layer.reaches else near, between)
    return np.clip(found, 0, THRESHOLD_MAX).astype(np.int64)


def bounded(layer: Mapped, wanted: Values) -> Values:
    """Scales within what threshold and bias leave, whole numbers if they are large."""
    if layer.threshold is None:
        return wanted
    drive = of_rows(layer, layer.drive)
    with np.errstate(divide="ignore"):
        most = np.minimum(THRESHOLD_MAX / HEADROOM, BIAS_MAX / drive)
    if layer.amount is not None:
        most = np.minimum(most, THRESHOLD_MAX / of_rows(layer, layer.amount))
    scale = np.minimum(wanted, most if wanted.size > 1 else most.min())
    return np.where(scale >= WHOLE_FROM, np.floor(scale), scale)
