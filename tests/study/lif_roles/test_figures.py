"""Finely measured surfaces, and what the study's figures say of made outcomes."""

from xml.etree import ElementTree

import numpy as np

from basalt.study.figures import Axis, surface
from basalt.study.lif_roles import figures
from basalt.study.lif_roles.results import Results
from tests.study.lif_roles.made import STUDY, outcomes


def drawn(text):
    return ElementTree.fromstring(text.split("</svg>")[0] + "</svg>")


def test_a_surface_has_a_cell_a_value_and_its_contours():
    values = np.array([[0.0, 1.0, 2.0], [0.0, 1.0, 2.0]])
    svg = drawn(surface(Axis("a", -1, 1), Axis("b", -1, 1), values, [1.5, 9.0]))
    cells = [path for path in svg.iter("path") if path.get("class") == "cell"]
    assert len(cells) == 6
    assert len({path.get("style") for path in cells}) == 3
    lines = [path.get("d") for path in svg.iter("path") if path.get("class") == "contour"]
    assert lines[0] and not lines[1]
    xs = {float(part.split()[0]) for part in lines[0].replace("L", "M").split("M") if part}
    assert len(xs) == 1  # straight up, half-way between the columns of 1 and 2
    assert 52 + (548 - 52) / 3 * 2 - 1 < xs.pop() < 52 + (548 - 52) / 3 * 2 + 1


def test_an_attack_s_figure_has_the_networks_and_the_control():
    results = Results(STUDY, outcomes(lambda task, variant, seed: {"pgd": 0.1 * seed, "signs": 0.9}))
    section = figures.attack(results, "recall", "pgd")
    names = [part.split("</span>")[0].split("</i>")[1] for part in section.content.split("<span class='key'>")[1:]]
    assert names[1] == "control"
    assert len(names) == len(figures.SHOWN) + 1
    assert figures.attack(Results(STUDY, {}), "recall", "pgd") is None


def test_changes_are_drawn_where_there_are_several_amounts():
    results = Results(STUDY, outcomes(lambda task, variant, seed: {"longer": 0.5}))
    shown = {change.title: figures.changed(results, "camera-5", change) for change in figures.CHANGES}
    assert [title for title, section in shown.items() if section] == ["another speed", "steps of another length"]
    section = shown["another speed"]
    assert section is not None and section.content.count("<span class='key'>") == len(figures.SHOWN)
    heights = [path.get("cy") for path in drawn(section.content).iter("circle")]
    assert len(set(heights)) == 2  # all networks alike: without the change, and with half of it left


def test_integration_lengths_are_drawn_where_there_are_several():
    results = Results(STUDY, outcomes(lambda *_: {}))
    assert figures.lengths(results, "camera") is None
    assert figures.recordings(results) is None
    assert figures.rates(results, "recall").content.count("bars") == 3
