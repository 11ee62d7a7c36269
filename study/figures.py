"""Figures as SVG text that takes its colours from the page: lines with bands, a map with contours, rows of bars.

Sizes are in units of the view box, one of which is a pixel at full width.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from jaxtyping import Float

WIDTH, HEIGHT = 560.0, 300.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 12.0, 12.0, 40.0


@dataclass(frozen=True)
class Scale:
    """From values to places along an axis, linear or logarithmic."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """The place of a value."""
        change: Callable[[float], float] = math.log10 if self.log else float
        low, high = change(self.low), change(self.high)
        return self.start + (change(value) - low) / ((high - low) or 1.0) * (self.end - self.start)

    def ticks(self, wanted: int = 5) -> list[float]:
        """Round values within the axis; decades where it is logarithmic."""
        if self.log:
            first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
            apart = max(-(-(last - first) // 6), 1)
            return [10.0**power for power in range(first, last + 1, apart)]
        rough = (self.high - self.low) / wanted or 1.0
        power = 10.0 ** math.floor(math.log10(rough))
        stride = next(m * power for m in (1, 2, 5, 10) if rough <= m * power * 1.0001)
        least = math.ceil(self.low / stride - 1e-9)
        return [n * stride for n in range(least, math.floor(self.high / stride + 1e-9) + 1)]


@dataclass(frozen=True)
class Axis:
    """What an axis shows: its title, its ends, and its ticks where they are not to be chosen."""

    title: str
    low: float
    high: float
    log: bool = False
    ticks: tuple[float, ...] = ()
    percent: bool = False

    def label(self, value: float) -> str:
        """A tick's label."""
        if self.log and not self.ticks:
            return f"10<tspan dy='-4' font-size='8'>{round(math.log10(value))}</tspan>"
        return f"{100 * value:g}" if self.percent else f"{value:g}"


@dataclass(frozen=True)
class Series:
    """Points (x, y), joined by a line, in a colour of the page (0 to 5); `low` and `high` give a band or whiskers."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    colour: int
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    dots: bool = True
    dashed: bool = False
    line: bool = True


def chart(x_axis: Axis, y_axis: Axis, series: Sequence[Series], rule: tuple[float, str] | None = None) -> str:
    """Lines over x with 95 % whiskers; `rule` is a horizontal line and its name."""
    x = Scale(x_axis.low, x_axis.high, LEFT, WIDTH - RIGHT, x_axis.log)
    y = Scale(y_axis.low, y_axis.high, HEIGHT - BOTTOM, TOP, y_axis.log)
    parts = _frame(x, y, x_axis, y_axis)
    if rule is not None:
        at = y(rule[0])
        parts.append(f"<path class='rule' d='M{LEFT} {at:.1f}H{WIDTH - RIGHT}'/>")
        parts.append(f"<text class='quiet' x='{WIDTH - RIGHT - 4}' y='{at - 4:.1f}' text-anchor='end'>{rule[1]}</text>")
    for one in series:
        style = f"c{one.colour}"
        points = [(x(a), y(min(max(b, y_axis.low), y_axis.high))) for a, b in zip(one.x, one.y)]
        for a, low, high in zip(one.x, one.low, one.high):
            ends = [y(min(max(end, y_axis.low), y_axis.high)) for end in (low, high)]
            parts.append(f"<path class='{style} whisker' d='M{x(a):.1f} {ends[0]:.1f}V{ends[1]:.1f}'/>")
        if one.line and points:
            path = "L".join(f"{a:.1f} {b:.1f}" for a, b in points)
            parts.append(f"<path class='{style}{' dashed' if one.dashed else ''}' d='M{path}'/>")
        if one.dots:
            parts += [f"<circle class='{style}' cx='{a:.1f}' cy='{b:.1f}' r='3'/>" for a, b in points]
    return _svg(HEIGHT, parts) + legend([(one.name, one.colour, one.dashed) for one in series])


def level_map(
    x_axis: Axis, y_axis: Axis, values: Float[np.ndarray, "rows columns"], levels: Sequence[float], unit: float = 100
) -> str:
    """A surface over measured points (rows along y, columns along x; NaN where one is missing), with contours.

    Both axes have a place for each measured value, evenly spaced; between points the surface is linear on triangles.
    """
    rows, columns = values.shape
    x = Scale(-0.5, columns - 0.5, LEFT, WIDTH - RIGHT)
    y = Scale(-0.5, rows - 0.5, HEIGHT - BOTTOM, TOP)
    low, high = (float(np.nanmin(values)), float(np.nanmax(values))) if np.isfinite(values).any() else (0.0, 1.0)
    parts = []
    fine = 12
    for r in range((rows - 1) * fine):
        for c in range((columns - 1) * fine):
            value = _between(values, (r + 0.5) / fine, (c + 0.5) / fine)
            if math.isfinite(value):
                strength = 8 + 80 * (value - low) / ((high - low) or 1.0)
                left, top = x(c / fine), y((r + 1) / fine)
                parts.append(
                    f"<path class='cell' style='--s:{strength:.0f}%' d='M{left:.1f} {top:.1f}"
                    f"h{(x(1) - x(0)) / fine + 0.4:.1f}v{(y(0) - y(1)) / fine + 0.4:.1f}H{left:.1f}z'/>"
                )
    for level in levels:
        segments = "".join(
            f"M{x(a[1]):.1f} {y(a[0]):.1f}L{x(b[1]):.1f} {y(b[0]):.1f}" for a, b in contour(values, level)
        )
        parts.append(f"<path class='contour' d='{segments}'><title>{unit * level:g}</title></path>")
    for r, c in np.argwhere(np.isfinite(values)).tolist():
        parts.append(f"<text class='value' x='{x(c):.1f}' y='{y(r) + 4:.1f}'>{unit * values[r, c]:.1f}</text>")
    for c, tick in enumerate(x_axis.ticks):
        parts.append(
            f"<text x='{x(c):.1f}' y='{HEIGHT - BOTTOM + 15}' text-anchor='middle'>{x_axis.label(tick)}</text>"
        )
    for r, tick in enumerate(y_axis.ticks):
        parts.append(f"<text x='{LEFT - 7}' y='{y(r) + 4:.1f}' text-anchor='end'>{y_axis.label(tick)}</text>")
    return _svg(HEIGHT, parts + _titles(x_axis, y_axis))


def surface(x_axis: Axis, y_axis: Axis, values: Float[np.ndarray, "rows columns"], levels: Sequence[float]) -> str:
    """A finely measured surface, a cell a value (rows along y, columns along x), with contours and their values."""
    rows, columns = values.shape
    x, y = Scale(-0.5, columns - 0.5, LEFT, WIDTH - RIGHT), Scale(-0.5, rows - 0.5, HEIGHT - BOTTOM, TOP)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    parts = []
    for r, c in np.argwhere(np.isfinite(values)).tolist():
        strength = 8 + 80 * (float(values[r, c]) - low) / ((high - low) or 1.0)
        box = f"M{x(c - 0.5):.1f} {y(r + 0.5):.1f}h{x(1) - x(0) + 0.4:.1f}v{y(0) - y(1) + 0.4:.1f}H{x(c - 0.5):.1f}z"
        parts.append(f"<path class='cell' style='--s:{strength:.0f}%' d='{box}'/>")
    for level in levels:
        ends = contour(values, level)
        lines = "".join(f"M{x(a[1]):.1f} {y(a[0]):.1f}L{x(b[1]):.1f} {y(b[0]):.1f}" for a, b in ends)
        parts.append(f"<path class='contour' d='{lines}'><title>{level:g}</title></path>")
        if ends:
            top = max(ends, key=lambda pair: pair[0][0])[0]
            parts.append(f"<text class='value' x='{x(top[1]):.1f}' y='{y(top[0]) + 4:.1f}'>{level:g}</text>")
    along, up = Scale(x_axis.low, x_axis.high, x(0), x(columns - 1)), Scale(y_axis.low, y_axis.high, y(0), y(rows - 1))
    for tick in along.ticks():
        parts.append(
            f"<text x='{along(tick):.1f}' y='{HEIGHT - BOTTOM + 15}' text-anchor='middle'>{x_axis.label(tick)}</text>"
        )
    for tick in up.ticks():
        parts.append(f"<text x='{LEFT - 7}' y='{up(tick) + 4:.1f}' text-anchor='end'>{y_axis.label(tick)}</text>")
    return _svg(HEIGHT, parts + _titles(x_axis, y_axis))


def contour(
    values: Float[np.ndarray, "rows columns"], level: float
) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Segments ((row, column), (row, column)) where the surface, linear on two triangles a square, is at `level`."""
    found = []
    for r in range(values.shape[0] - 1):
        for c in range(values.shape[1] - 1):
            for corners in (((r, c), (r, c + 1), (r + 1, c + 1)), ((r, c), (r + 1, c), (r + 1, c + 1))):
                crossed = []
                for (r0, c0), (r1, c1) in (
                    (corners[0], corners[1]),
                    (corners[1], corners[2]),
                    (corners[0], corners[2]),
                ):
                    v0, v1 = float(values[r0, c0]), float(values[r1, c1])
                    if (v0 < level) != (v1 < level) and math.isfinite(v0 + v1):
                        part = (level - v0) / (v1 - v0)
                        crossed.append((r0 + part * (r1 - r0), c0 + part * (c1 - c0)))
                if len(crossed) == 2:
                    found.append((crossed[0], crossed[1]))
    return found


def histograms(x_axis: Axis, rows: Sequence[tuple[str, Sequence[float]]], bins: int = 31) -> str:
    """A row of bars for each named set of values, on one scale, with its mean marked."""
    tall = 46.0
    height = TOP + tall * max(len(rows), 1) + BOTTOM
    x = Scale(x_axis.low, x_axis.high, LEFT + 40, WIDTH - RIGHT)
    edges = np.linspace(x_axis.low, x_axis.high, bins + 1)
    counts = [np.histogram(values, edges)[0] / max(len(values), 1) for _, values in rows]
    most = max([float(c.max()) for c in counts], default=1.0) or 1.0
    parts = []
    for n, ((name, values), count) in enumerate(zip(rows, counts)):
        floor = TOP + tall * (n + 1)
        bars = "".join(
            f"M{x(a):.1f} {floor}v{-(tall - 8) * share / most:.1f}H{x(b) - 0.8:.1f}V{floor}z"
            for a, b, share in zip(edges, edges[1:], count)
            if share
        )
        parts.append(f"<path class='bars c0' d='{bars}'/><path class='grid' d='M{x.start} {floor}H{x.end}'/>")
        parts.append(f"<text x='{x.start - 7}' y='{floor - 4}' text-anchor='end'>{escape(name)}</text>")
        if len(values):
            middle = float(np.mean(values))
            parts.append(f"<path class='c1' d='M{x(middle):.1f} {floor}v{-(tall - 8)}'/>")
            parts.append(f"<text class='quiet' x='{x(middle) + 4:.1f}' y='{floor - tall + 18}'>{middle:.1f}</text>")
    for tick in x.ticks():
        parts.append(f"<text x='{x(tick):.1f}' y='{height - BOTTOM + 15}' text-anchor='middle'>{tick:g}</text>")
    parts.append(f"<text x='{(x.start + x.end) / 2}' y='{height - 6}' text-anchor='middle'>{x_axis.title}</text>")
    return _svg(height, parts)


def legend(names: Sequence[tuple[str, int, bool]]) -> str:
    """The names of the colours under a figure."""
    keys = (
        f"<span class='key'><i class='c{colour}{' dashed' if dashed else ''}'></i>{escape(name)}</span>"
        for name, colour, dashed in names
        if name
    )
    return f"<p class='legend'>{''.join(keys)}</p>"


def _between(values: Float[np.ndarray, "rows columns"], r: float, c: float) -> float:
    """The surface at a place, linear on the two triangles that `contour` uses."""
    i, j = int(r), int(c)
    a, b = r - i, c - j
    v00, v11 = float(values[i, j]), float(values[i + 1, j + 1])
    if b >= a:
        return v00 + b * (float(values[i, j + 1]) - v00) + a * (v11 - float(values[i, j + 1]))
    return v00 + a * (float(values[i + 1, j]) - v00) + b * (v11 - float(values[i + 1, j]))


def _frame(x: Scale, y: Scale, x_axis: Axis, y_axis: Axis) -> list[str]:
    parts = []
    for tick in y_axis.ticks or y.ticks():
        parts.append(f"<path class='grid' d='M{LEFT} {y(tick):.1f}H{WIDTH - RIGHT}'/>")
        parts.append(f"<text x='{LEFT - 7}' y='{y(tick) + 4:.1f}' text-anchor='end'>{y_axis.label(tick)}</text>")
    for tick in x_axis.ticks or x.ticks():
        label = x_axis.label(tick)
        parts.append(f"<text x='{x(tick):.1f}' y='{HEIGHT - BOTTOM + 15}' text-anchor='middle'>{label}</text>")
    return parts + _titles(x_axis, y_axis)


def _titles(x_axis: Axis, y_axis: Axis) -> list[str]:
    middle = (TOP + HEIGHT - BOTTOM) / 2
    return [
        f"<text x='{(LEFT + WIDTH - RIGHT) / 2}' y='{HEIGHT - 6}' text-anchor='middle'>{x_axis.title}</text>",
        f"<text transform='rotate(-90)' x='{-middle}' y='12' text-anchor='middle'>{y_axis.title}</text>",
    ]


def _svg(height: float, parts: Sequence[str]) -> str:
    return f"<svg viewBox='0 0 {WIDTH:g} {height:g}' role='img'>{''.join(parts)}</svg>"
