"""How the scales of a layer are chosen: by its weights, or by what calibration samples show."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from basalt.convert.nir.events import Ready
from basalt.convert.nir.levels import arranged
from basalt.convert.nir.mapped import Mapped
from basalt.convert.nir.quantise import Quantised, bounded, quantised
from basalt.convert.nir.run import heard, run_ready, side_by_side
from basalt.convert.nir.synapses import Block
from basalt.convert.nir.writers import Values
from basalt.records.fields import WEIGHT_MAX, WEIGHT_MIN

PERCENTILE = 99.9
FACTORS = (1.0, 0.97, 0.94, 0.9, 0.85, 0.8, 0.7, 1.05, 1.1, 1.2, 1.35, 1.6, 2.0)
"""Of the scale by the largest weight, that the search tries; above 1 the largest weights are clipped."""


def heard_by(layer: Mapped, shared: bool) -> np.ndarray:
    """All weights of each row, of synapses and recurrence; of all rows in one where a scale is shared."""
    rows = layer.weight.reshape(len(layer.weight), -1)
    if layer.recurrent is not None:
        rows = np.concatenate([rows, layer.recurrent.reshape(len(rows), -1)], axis=1)
    return rows.reshape(1, -1) if shared or layer.threshold is None else rows


def by_max(layer: Mapped, shared: bool) -> Values:
    """The largest weight becomes 254, or −256."""
    rows = heard_by(layer, shared)
    with np.errstate(divide="ignore"):
        found = np.minimum(WEIGHT_MAX / rows.max(axis=1).clip(0), -WEIGHT_MIN / (-rows.min(axis=1)).clip(0))
    return bounded(layer, np.where(np.isfinite(found), found, 1.0))


def by_percentile(layer: Mapped, shared: bool) -> Values:
    """All but the largest thousandth of the weights that are not 0 fit; those are clipped."""
    rows = np.abs(heard_by(layer, shared))
    rows = np.where(rows > 0, rows, np.nan)
    silent = np.isnan(rows).all(axis=1)
    top = np.nanpercentile(np.where(silent[:, None], WEIGHT_MAX, rows), PERCENTILE, axis=1)
    return bounded(layer, WEIGHT_MAX / top)


def differing(layer: Mapped, ready: Ready, frames: Sequence[np.ndarray], meant: np.ndarray) -> np.ndarray:
    """Spikes that differ from those meant, of each row of weights."""
    size = layer.neurons

    def wrong(part: slice) -> np.ndarray:
        sent = ready.run(*(one[part] for one in frames))
        return np.sum(sent[:, :, :size] != meant[part, :, :size], axis=(0, 1))

    return np.sum(list(side_by_side(wrong, len(meant))), axis=0).reshape(len(layer.weight), -1).sum(axis=1)


def by_search(layer: Mapped, shared: bool, order: int, sources: Sequence[np.ndarray], meant: np.ndarray) -> Values:
    """Of some scales the one with which the fewest spikes of the calibration samples differ, for each row of weights.

    Rows are judged one by one: where they hear each other, each hears what the float layer sends. There the scales by
    the largest weight stay if those found are worse when all rows hear what the integers send.
    """
    first = by_max(layer, shared)
    if layer.threshold is None:
        return first
    alone, frames = forced(layer, sources, meant)

    def worth(judged: Mapped, scale: Values, frames: Sequence[np.ndarray]) -> np.ndarray:
        found = differing(judged, quantised(judged, scale, order).integers.ready(), frames, meant)
        return found.sum(keepdims=True) if first.size == 1 else found

    scales = np.stack([bounded(layer, first * factor) for factor in FACTORS])
    wrong = np.stack([worth(alone, scale, frames) for scale in scales])
    best = np.take_along_axis(scales, wrong.argmin(axis=0)[None], axis=0)[0]
    if layer.recurrent is not None and worth(layer, best, sources).sum() > worth(layer, first, sources).sum():
        return first
    return best


def forced(layer: Mapped, sources: Sequence[np.ndarray], meant: np.ndarray) -> tuple[Mapped, list[np.ndarray]]:
    """A layer without recurrence, that hears what it is to have sent in the step before as one more source."""
    if layer.recurrent is None:
        return layer, list(sources)
    before = np.zeros_like(meant)
    before[:, 1:] = meant[:, :-1]
    back = np.diag(layer.recurrent) if layer.recurrent.ndim == 1 else layer.recurrent
    weight = np.concatenate([layer.weight, back], axis=1)
    own = Block(len(sources), (layer.neurons,), None)
    return replace(layer, weight=weight, blocks=(*layer.blocks, own), recurrent=None), [*sources, before]


METHODS: Mapping[str, Callable[[Mapped, bool], Values] | None] = {
    "max": by_max,
    "percentile": by_percentile,
    "search": None,
}
"""Method → the scales of a layer by its weights; None where samples choose."""


def quantise(
    layers: tuple[Mapped, ...], method: str, frames: np.ndarray | None, shared: bool = False
) -> tuple[Quantised, ...]:
    """All layers in integers; each is calibrated on what the float64 layers before it send.

    Args:
        frames: of calibration samples, as `frames_of` has them. shared: one scale for all neurons of a layer.
    """
    found = []
    sent = [] if frames is None else [frames]
    levels = arranged(layers).level_of
    for number, layer in enumerate(layers, 1):
        by_weights = METHODS[method]
        if by_weights is not None:
            scale = by_weights(layer, shared)
        elif not sent:
            scale = by_max(layer, shared)
        else:
            sent.append(run_ready(layer.ready(), sent))
            scale = by_search(layer, shared, levels[number], heard(sent, layer.hears), sent[-1])
        found.append(quantised(layer, scale, levels[number]))
    return tuple(found)
