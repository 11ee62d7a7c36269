"""docs/records.md says what the records say."""

from dataclasses import replace

from basalt.records import fields
from basalt.records.pathways import PATHWAYS
from tools import records


def test_the_page_is_current():
    assert records.FILE.read_text(encoding="utf-8") == records.page(), "run `python tools/records.py`"


def test_every_parameter_of_every_memory_is_there():
    page = records.page()
    for record in PATHWAYS.values():
        for item in fields.parameters(record):
            assert f"| `{item.name}` |" in page and item.limits.about in page


def test_another_limit_changes_the_page():
    (item,) = [item for item in fields.parameters(PATHWAYS["hgrn"]) if item.name == "index_shift"]
    other = replace(item, limits=replace(item.limits, high=9))
    assert records.cells(item) != records.cells(other) and "0 … 9" in records.cells(other)
