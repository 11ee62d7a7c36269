"""Effects side by side as SVG text: a row each, with its 95 % interval about a line of no effect."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from basalt.study.effects import Effect
from basalt.study.figures import WIDTH, Scale

NAMES, VALUES, ROW, TOP, BOTTOM = 150.0, 156.0, 25.0, 8.0, 40.0


@dataclass(frozen=True)
class Row:
    """An effect of that name, in a colour of the page (0 to 9); None where it could not be measured."""

    name: str
    effect: Effect | None
    colour: int = 0


def forest(title: str, rows: Sequence[Row], digits: int, none: float | None = 0.0) -> str:
    """The effects over an axis of that title; `none` is where there would be no effect, if there is such a place."""
    known = [row.effect for row in rows if row.effect is not None]
    ends = [end for effect in known for end in (effect.low, effect.high)] + ([] if none is None else [none])
    low, high = (min(ends), max(ends)) if ends else (-1.0, 1.0)
    margin = 0.04 * (high - low) or 0.5
    height = TOP + ROW * len(rows) + BOTTOM
    x = Scale(low - margin, high + margin, NAMES, WIDTH - VALUES)
    floor = height - BOTTOM
    parts = [f"<path class='grid' d='M{x(tick):.1f} {TOP}V{floor}'/>" for tick in x.ticks()]
    parts += [f"<text x='{x(tick):.1f}' y='{floor + 15}' text-anchor='middle'>{tick:.6g}</text>" for tick in x.ticks()]
    if none is not None:
        parts.append(f"<path class='rule' d='M{x(none):.1f} {TOP}V{floor}'/>")
    for n, row in enumerate(rows):
        y = TOP + ROW * (n + 0.5)
        parts.append(f"<text x='{NAMES - 9}' y='{y + 4}' text-anchor='end'>{escape(row.name)}</text>")
        if row.effect is None:
            parts.append(f"<text class='quiet' x='{WIDTH}' y='{y + 4}' text-anchor='end'>not measured</text>")
            continue
        e = row.effect
        parts.append(f"<path class='c{row.colour}' d='M{x(e.low):.1f} {y}H{x(e.high):.1f}'/>")
        parts.append(f"<circle class='c{row.colour}' cx='{x(e.value):.1f}' cy='{y}' r='4'/>")
        sign = "" if none is None else "+"
        said = f"{e.value:{sign}.{digits}f} ({e.low:{sign}.{digits}f}, {e.high:{sign}.{digits}f})"
        parts.append(f"<text class='quiet' x='{WIDTH}' y='{y + 4}' text-anchor='end'>{said}</text>")
    parts.append(f"<text x='{(x.start + x.end) / 2}' y='{height - 6}' text-anchor='middle'>{escape(title)}</text>")
    return f"<svg viewBox='0 0 {WIDTH:g} {height:g}' role='img'>{''.join(parts)}</svg>"
