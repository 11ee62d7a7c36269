"""Figures: scales, contours, and text that a browser can read."""

from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from basalt.study.figures import Axis, Scale, Series, chart, contour, histograms, level_map


@given(st.floats(0.001, 1), st.floats(1.5, 1000), st.booleans())
def test_a_scale_takes_its_ends_to_its_ends(low: float, high: float, log: bool) -> None:
    scale = Scale(low, high, 50, 500, log)
    assert (scale(low), scale(high)) == pytest.approx((50, 500))
    ticks = scale.ticks()
    assert ticks == sorted(ticks)
    assert all(low * 0.999 <= tick <= high * 1.001 for tick in ticks)
    assert len(ticks) <= 12


@given(arrays.arrays(float, (3, 4), elements=st.floats(0, 1, width=16)), st.floats(0.01, 0.99))
def test_contours_lie_where_the_surface_is_at_the_level(values: np.ndarray, level: float) -> None:
    for ends in contour(values, level):
        for r, c in ends:
            i, j = min(int(r), 1), min(int(c), 2)
            a, b = r - i, c - j
            corner = values[i, j + 1] if b >= a else values[i + 1, j]
            first, second = (b, a) if b >= a else (a, b)
            height = values[i, j] + first * (corner - values[i, j]) + second * (values[i + 1, j + 1] - corner)
            assert height == pytest.approx(level, abs=1e-6)
    assert bool(contour(values, level)) == bool((values < level).any() and (values >= level).any())


def test_figures_are_well_formed_with_their_points() -> None:
    axis = Axis("x & more".replace("&", "&amp;"), 0, 4)
    series = Series("a < b", [1, 2, 3], [0.1, 0.5, 0.9], 0, [0.0, 0.4, 0.8], [0.2, 0.6, 1.0])
    tree = _tree(chart(axis, Axis("y", 0, 1, percent=True), [series], (0.1, "chance")))
    assert len(tree.findall(".//circle")) == 3
    assert sum("whisker" in path.get("class", "") for path in tree.iter("path")) == 3
    _tree(chart(axis, Axis("y", 1e-8, 1, log=True), [Series("", range(4), [0.0, 1e-9, 0.1, 1.0], 1)]))
    values = np.array([[0.1, 0.5], [np.nan, 0.9]])
    shown = _tree(level_map(Axis("θ", 0, 1, ticks=(3, 8)), Axis("d", 0, 1, ticks=(1, 2)), values, [0.3]))
    assert {text.text for text in shown.iter("text") if text.get("class") == "value"} == {"10.0", "50.0", "90.0"}
    bars = _tree(histograms(Axis("delay", 0, 7), [("θ = 3", [1.0, 2.0, 2.0]), ("none", [])], 7))
    assert "1.7" in [text.text for text in bars.iter("text")]


def _tree(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(f"<div>{text}</div>")
