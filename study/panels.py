"""Small pictures of the same kind side by side, as SVG text: clouds of labelled points, and matrices."""

from collections.abc import Sequence
from html import escape

import numpy as np
from jaxtyping import Float, Int

COLOURS, LEVELS = 10, 12
SIDE, GAP, HEAD = 260.0, 20.0, 22.0


def clouds(
    panels: Sequence[tuple[str, Float[np.ndarray, "_points 2"], Int[np.ndarray, "_points"]]], columns: int = 4
) -> str:
    """Points in the colours of their labels (0 to 9), each panel filled by its own."""

    def draw(points: np.ndarray, labels: np.ndarray) -> str:
        low, high = points.min(0), points.max(0)
        places = 4 + (points - low) / np.where(high > low, high - low, 1) * (SIDE - 8)
        return "".join(
            f"<path class='c{label % COLOURS} dots' d='{_dots(places[labels == label])}'/>"
            for label in np.unique(labels).tolist()
        )

    return _panels([(title, draw(points, labels)) for title, points, labels in panels], columns, SIDE)


def _dots(places: Float[np.ndarray, "points 2"]) -> str:
    return "".join(f"M{x:.0f} {SIDE - y:.0f}h0" for x, y in places)


def matrices(
    panels: Sequence[tuple[str, Float[np.ndarray, "_rows _columns"]]], columns: int = 4, height: float = 150.0
) -> str:
    """Values from zero to each panel's largest, dark where they are large; rows from the top."""

    def draw(values: np.ndarray) -> str:
        rows, wide = values.shape
        across, down = SIDE / max(wide, 1), height / max(rows, 1)
        level = np.ceil(LEVELS * values / (values.max() or 1.0)).astype(int)
        parts = [f"<path class='frame' d='M0 0H{SIDE:g}V{height:g}H0z'/>"]
        for step in range(1, LEVELS + 1):
            cells = "".join(
                f"M{c * across:.1f} {r * down:.1f}h{across:.2f}v{down:.2f}h{-across:.2f}z"
                for r, c in np.argwhere(level == step).tolist()
            )
            if cells:
                parts.append(f"<path class='cell' style='--s:{100 * step // LEVELS}%' d='{cells}'/>")
        return "".join(parts)

    return _panels([(title, draw(values)) for title, values in panels], columns, height)


def _panels(panels: Sequence[tuple[str, str]], columns: int, height: float) -> str:
    rows = -(-len(panels) // columns) or 1
    parts = []
    for n, (title, drawn) in enumerate(panels):
        x, y = (n % columns) * (SIDE + GAP), (n // columns) * (height + HEAD + GAP)
        parts.append(f"<g transform='translate({x:g} {y + HEAD:g})'><text y='-7'>{escape(title)}</text>{drawn}</g>")
    wide, tall = columns * (SIDE + GAP) - GAP, rows * (height + HEAD + GAP) - GAP
    return f"<svg viewBox='0 0 {wide:g} {tall:g}' role='img'>{''.join(parts)}</svg>"
