"""Figures as paths in a box that stretches with the page; the template puts HTML labels around them.

Coordinates are those of the path's own view box. Strokes keep their width when the box stretches.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Num, UInt8

MAX_COLUMNS = 600


@dataclass(frozen=True)
class Mark:
    """A path, the style class it is drawn in, its name and where on the right edge (percent from the top) it ends."""

    path: str
    style: str
    name: str = ""
    end: float = 0.0


@dataclass(frozen=True)
class Tick:
    """A label at a position in percent from the left (x) or the top (y)."""

    position: float
    label: str


@dataclass(frozen=True)
class Plot:
    """One panel: its view box, height on the page in pixels, marks and labels."""

    title: str
    width: float
    height: float
    pixels: int
    marks: tuple[Mark, ...]
    y_ticks: tuple[Tick, ...] = ()
    note: str = ""


def raster(
    title: str, spikes: UInt8[np.ndarray, "neurons steps"], pixels: int, groups: Sequence[tuple[str, str]] = ()
) -> Plot:
    """Spikes as ticks, one row per neuron from the top. `groups` (name, style) divide the rows evenly.

    Rows and columns finer than the page can show are merged, so that the size of a report stays bounded.
    """
    neurons, steps = spikes.shape
    shown = _merge(_merge(spikes, 0, pixels), 1, MAX_COLUMNS)
    rows, columns = shown.shape
    tick = max(8, round(24 * rows / pixels))  # at least 2.4 pixels tall
    names = list(groups) or [("", "spike")]
    bands = np.array_split(np.arange(rows), len(names))
    marks = tuple(Mark(_ticks(shown, band, tick), style) for band, (_, style) in zip(bands, names) if len(band))
    labels = tuple(Tick(100 * (n + 0.5) / len(groups), name) for n, (name, _) in enumerate(groups))
    note = f"{int(spikes.sum()):,} spikes of {neurons:,} × {steps:,}".replace(",", "\u202f")
    return Plot(title, 2 * columns, height=10 * rows, pixels=pixels, marks=marks, y_ticks=labels, note=note)


def lines(
    title: str,
    curves: Mapping[str, Num[np.ndarray, "_steps"]],
    styles: Sequence[str],
    pixels: int,
    ticks: Sequence[str] = (),
) -> Plot:
    """Curves over time on one scale, from the least value (or zero) to the largest; `ticks` format both ends."""
    values = [np.asarray(curve, dtype=np.float64) for curve in curves.values()]
    low = min([float(v.min()) for v in values if len(v)] + [0.0])
    high = max([float(v.max()) for v in values if len(v)] + [low + 1e-12])
    steps = max([len(v) for v in values] + [2])
    heights = [1000 * (high - curve) / (high - low) for curve in values]
    ends = spread_labels([h[-1] / 10 if len(h) else 0.0 for h in heights])
    marks = tuple(
        Mark(_polyline(height), style, name, end) for name, height, style, end in zip(curves, heights, styles, ends)
    )
    y_ticks = tuple(Tick(position, label) for position, label in zip((0.0, 100.0), ticks))
    return Plot(title, steps - 1, 1000, pixels, marks, y_ticks)


def extent(curves: Sequence[Num[np.ndarray, "_steps"]]) -> tuple[float, float]:
    """Least value (or zero) and largest value of the curves, the ends of the scale of `lines`."""
    return min([float(c.min()) for c in curves] + [0.0]), max([float(c.max()) for c in curves] + [0.0])


def spread_labels(positions: Sequence[float], apart: float = 11.0) -> list[float]:
    """Positions in percent moved as little as needed to be `apart`, in the order given by their values."""
    order = sorted(range(len(positions)), key=lambda n: positions[n])
    placed = [0.0] * len(positions)
    below = -apart
    for n in order:
        placed[n] = below = max(positions[n], below + apart)
    above = 100.0 + apart
    for n in reversed(order):
        placed[n] = above = min(placed[n], above - apart)
    return placed


def time_ticks(steps: int, step_ms: float | None, wanted: int = 6) -> tuple[Tick, ...]:
    """Round times along a recording, the last with its unit: ms where a step has a duration, else steps."""
    unit = "ms" if step_ms else "steps"
    total = steps * (step_ms or 1.0)
    rough = total / wanted
    power = 10.0 ** np.floor(np.log10(rough))
    stride = power * next(m for m in (1, 2, 5, 10) if rough <= m * power)
    values = np.arange(0, total + stride / 1e6, stride)
    return tuple(
        Tick(100 * value / total, f"{value:g} {unit}" if value == values[-1] else f"{value:g}") for value in values
    )


def pictures(
    spikes: UInt8[np.ndarray, "features steps"], sensor: tuple[int, int, int], parts: int = 3
) -> list[tuple[tuple[int, int], list[Mark]]]:
    """Event images of consecutive parts of a recording: ((first step, last step), marks by polarity and level).

    A pixel shows the polarity that it had more events of; its level, 1 to 4, is their number.
    """
    images = []
    for steps in np.array_split(np.arange(spikes.shape[1]), min(parts, spikes.shape[1])):
        counts = spikes[:, steps].astype(np.int64).sum(axis=1).reshape(sensor)
        off, on = (counts[0], counts[1]) if sensor[0] == 2 else (np.zeros_like(counts[0]), counts.sum(axis=0))
        level = np.minimum(off + on, 4)
        marks = [
            Mark(_pixels((level == n) & side), f"{style} level{n}")
            for style, side in (("off", off > on), ("on", on >= off))
            for n in range(1, 5)
        ]
        images.append(((int(steps[0]), int(steps[-1])), [mark for mark in marks if mark.path]))
    return images


def _ticks(spikes: UInt8[np.ndarray, "rows columns"], band: Int[np.ndarray, "some"], tick: int) -> str:
    rows, columns = np.nonzero(spikes[band])
    return "".join(f"M{2 * c + 1} {10 * r + 5 - tick / 2:g}v{tick}" for r, c in zip(rows + band[0], columns))


def _polyline(heights: Float[np.ndarray, "steps"]) -> str:
    return "M" + "L".join(f"{n} {y:.0f}" for n, y in enumerate(heights)) if len(heights) else ""


def _pixels(mask: np.ndarray) -> str:
    return "".join(f"M{x} {y}h1v1h-1z" for y, x in zip(*np.nonzero(mask)))


def _merge(spikes: UInt8[np.ndarray, "a b"], axis: int, most: int) -> UInt8[np.ndarray, "c d"]:
    """At most `most` rows (or columns); one that stands for several has a spike where any of them has."""
    size = spikes.shape[axis]
    if size <= most:
        return spikes
    return np.maximum.reduceat(spikes, np.arange(most) * size // most, axis=axis)
