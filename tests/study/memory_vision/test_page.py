"""The page shows what was measured, whatever is missing."""

import re
from xml.etree import ElementTree

import pytest

from basalt.study.basis import basis
from basalt.study.memory_vision.page import report
from basalt.study.memory_vision.results import Results
from basalt.study.memory_vision.study import MODELS, TASKS, Study
from tests.study.memory_vision.tiny import results


def sound(page: str) -> int:
    """How many figures there are; each is XML without a number that is none, and nothing is loaded."""
    assert "http" not in page
    for figure in page.split("<svg")[1:]:
        ElementTree.fromstring("<svg" + figure.split("</svg>")[0] + "</svg>")
    assert not re.search(r"\b(nan|inf|None)\b", page)
    return page.count("<svg")


def test_a_page_of_all_models() -> None:
    whole = results(True)
    made = report(whole.study, whole.outcomes, basis(whole.study, whole.outcomes, 24, "All eight."))
    assert sound(made.page) == 12
    for name in MODELS:
        assert f"<td>{name}<small>" in made.page
        assert f">{name}: 2 active, r 0.40 / 0.10</text>" in made.page
    accuracy = whole.mean("full", "integer")
    assert accuracy is not None
    assert f"{accuracy.value:.2f}<small>{accuracy.low:.2f} to {accuracy.high:.2f}</small>" in made.page
    assert "real recordings" not in made.page  # of which there are none
    assert "<td>conv1</td><td class='n'>1,000,000</td>" in made.page
    assert "hgrn2, from its lower bound alone" in made.page
    assert len(made.plain["verdicts"]) == len(made.lines) > 10


@pytest.mark.parametrize("left", ["none", "one seed", "one model"])
def test_a_page_of_what_there_is(left: str) -> None:
    whole = results(True)
    chosen = {"none": (), "one seed": [f"{n}-s1" for n in MODELS], "one model": ["hgrn-s1", "hgrn-s2"]}[left]
    some = {name: whole.outcomes[name] for name in chosen}
    study = Study("mnist", TASKS["mnist"], tuple(MODELS) if left != "one model" else ("hgrn",))
    page = report(study, some, basis(study, some, 24, "")).page
    assert sound(page) == 12
    assert "not measured" in page
    first = Results(study, some).first("hgrn")
    assert (first is None) == (left == "none")
