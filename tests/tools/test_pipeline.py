"""docs/pipeline.svg is what the registries hold, and no line of it is cut."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from basalt.deploy import backends
from basalt.deploy.energy.tables import available_tables
from basalt.records.pathways import PATHWAYS
from basalt.train.data.sets import SETS
from basalt.train.layers import LAYERS
from tools import pipeline


def words() -> str:
    """All text of the picture, each in spaces."""
    return f" {' '.join(element.text or '' for element in ElementTree.fromstring(pipeline.picture()).iter())} "


def test_the_picture_is_current():
    assert pipeline.FILE.read_text(encoding="utf-8") == pipeline.picture(), "run `python tools/pipeline.py`"


def test_every_registered_name_is_there():
    shown = re.sub(r"[*,]", " ", words())
    for name in (*LAYERS, *SETS, *PATHWAYS, *backends.BACKENDS, *available_tables()):
        assert f" {name} " in shown, name


def test_a_new_backend_changes_the_picture(monkeypatch):
    new = replace(backends.BACKENDS["fixed"], name="brand-new", why_not="it needs a board, which you have not")
    monkeypatch.setitem(backends.BACKENDS, new.name, new)
    assert " brand-new*" in words() and "* brand-new: it needs a board " in words()
    assert pipeline.FILE.read_text(encoding="utf-8") != pipeline.picture()


@pytest.mark.parametrize("more", [0, 12])
def test_nothing_is_cut(more, monkeypatch):
    for number in range(more):
        monkeypatch.setitem(backends.BACKENDS, f"another-backend-{number}", backends.BACKENDS["fixed"])
    root = ElementTree.fromstring(pipeline.picture())
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    for element in root.iter("{http://www.w3.org/2000/svg}text"):
        half = len(element.text) * pipeline.LETTER * (1.2 if element.attrib["class"] in "hfv" else 1) / 2
        x, y = float(element.attrib["x"]), float(element.attrib["y"])
        assert x - half >= 0 and x + half <= width and 0 < y < height, element.text
        if element.attrib["class"] in ("t", "m") and y < height - 40:
            assert 2 * half <= pipeline.COLUMN + pipeline.GAP, element.text
