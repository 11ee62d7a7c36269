"""Forests and panels: what is drawn lies where the values say."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from basalt.study.effects import Effect
from basalt.study.forest import Row, forest
from basalt.study.panels import clouds, matrices


def test_a_forest_has_its_effects_in_order() -> None:
    rows = [
        Row("a & b", Effect(0.5, 0.2, 0.8, "3 seeds")),
        Row("c", Effect(-1.0, -1.5, -0.5, "3 seeds")),
        Row("d", None),
    ]
    drawn = forest("points", rows, 2)
    ElementTree.fromstring(drawn)
    places = [float(x) for x in re.findall(r"<circle [^>]*cx='([\d.]+)'", drawn)]
    (none,) = re.findall(r"class='rule' d='M([\d.]+)", drawn)
    assert places[1] < float(none) < places[0]
    whiskers = [tuple(map(float, ends)) for ends in re.findall(r"class='c0' d='M([\d.]+) [\d.]+H([\d.]+)'", drawn)]
    for (low, high), place in zip(whiskers, places, strict=True):
        assert (low + high) / 2 == pytest.approx(place, abs=0.11)
    assert "+0.50 (+0.20, +0.80)" in drawn
    assert drawn.count("not measured") == 1


def test_clouds_have_a_dot_a_point() -> None:
    points = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]])
    drawn = clouds([("one", points, np.array([0, 0, 3])), ("alike", np.ones((2, 2)), np.array([1, 1]))])
    ElementTree.fromstring(drawn)
    assert drawn.count("h0") == 5
    assert "class='c3 dots' d='M256 4h0'" in drawn  # the largest x and y: right and top


def test_matrices_are_dark_where_values_are_large() -> None:
    drawn = matrices([("one", np.array([[0.0, 1.0], [0.5, 0.0]])), ("silent", np.zeros((2, 2)))], height=100)
    ElementTree.fromstring(drawn)
    cells = dict(re.findall(r"--s:(\d+)%' d='M([\d. ]+)h", drawn))
    assert cells == {"100": "130.0 0.0", "50": "0.0 50.0"}
