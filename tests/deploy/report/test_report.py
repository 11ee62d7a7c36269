"""The page has its parts, loads nothing, trusts no string, and makes do with what it is given."""

import dataclasses
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from basalt.deploy.report.arrays import ReportArrays, SampleTrace
from basalt.deploy.report.build import render, write_report
from basalt.errors import BasaltError
from tests.deploy.report.synthetic import deployment

HOSTILE = "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>"
MOST_BYTES = 6_000_000


@pytest.fixture(scope="module")
def made():
    return deployment(samples=40)


@pytest.fixture(scope="module")
def page(made):
    return render(**made)


class Tags(HTMLParser):
    """All tags of a page with their attributes, and whether each is closed."""

    VOID = {"meta", "path", "br", "img", "link", "input"}  # noqa: RUF012

    def __init__(self, text):
        super().__init__()
        self.found, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_parts_are_there(page):
    for part in (
        "Accuracy", "Float", "Integer", "Lava", "95 % interval", "Same spikes as trained?", "Confusion", "recall",
        "A sample on its way", "Read-out", "Firing rates", "Verified, layer by layer", "Energy per process and action",
        "Near-memory core, 22 nm", "Textbook, 45 nm", "dynamic", "Where each price comes from", "SENECA",
        "CACTI", "Horowitz", "Loihi 1 (Davies 2018), 14 nm", "All price tables side by side", "What matters",
        "none known", "Effective_ACs", "MembraneUpdates", "For comparison only: shortcut (literature)",
        "is the busiest", "leakage",
        "in real time", "At full speed", "How these numbers were made",
        "runs/dmp-digits/model.net", "basalt run", "lava-nc 0.11.0",
    ):  # fmt: skip
        assert part in page, part


def test_the_page_is_well_formed_and_loads_nothing(page):
    tags = Tags(page)
    assert tags.open == []
    names = {name for name, _ in tags.found}
    assert not names & {"script", "link", "img", "iframe", "object", "embed", "base", "audio", "video"}
    for name, attributes in tags.found:
        assert not {"src", "href", "srcset", "xlink:href", "data"} & set(attributes), (name, attributes)
        assert not any(key.startswith("on") for key in attributes)
    assert not re.search(r"url\(|@import|https?://", page)
    assert len(page.encode()) < MOST_BYTES


def hostile_table(table):
    return {
        **table,
        "title": HOSTILE,
        "notes": [HOSTILE],
        "unpriced": [HOSTILE],
        "processes": [{**p, "name": HOSTILE, "part": HOSTILE} for p in table["processes"]],
        "sensitivity": [{**row, "kind": HOSTILE} for row in table["sensitivity"]],
        "costliest": {**table["costliest"], "name": HOSTILE},
        "no_static": HOSTILE,
        "prices": [{**row, "source": HOSTILE, "kind": HOSTILE, "name": HOSTILE} for row in table["prices"]],
    }


def test_hostile_names_are_text(made):
    operations = made["counts"]["operations"]
    counts = {
        **made["counts"],
        "operations": {**operations, "layers": {HOSTILE: operations["layers"]["hidden1"]}},
        "processes": [{**p, "name": HOSTILE, "part": HOSTILE} for p in made["counts"]["processes"]],
    }
    energy = {
        **made["energy"],
        "shortcut": {**made["energy"]["shortcut"], "label": HOSTILE, "explanation": HOSTILE},
        "tables": {HOSTILE: hostile_table(made["energy"]["tables"]["textbook-45nm"])},
    }
    trace = made["arrays"].samples[0]
    hostile = {
        **made,
        "counts": counts,
        "energy": energy,
        "result": {**made["result"], "network": HOSTILE, "backend": HOSTILE, "command": HOSTILE, "machine": HOSTILE},
        "metrics": {**made["metrics"], "dataset": HOSTILE, "seed": HOSTILE},
        "verify": {**made["verify"], "mismatches": 1, "first_divergence": {HOSTILE: HOSTILE}},
        "arrays": dataclasses.replace(
            made["arrays"],
            class_names=(HOSTILE,) * 10,
            samples=(dataclasses.replace(trace, layers={HOSTILE: trace.layers["hidden1"]}),),
            rates={HOSTILE: np.full(60, 0.1)},
        ),
    }
    text = render(**hostile)
    tags = Tags(text)
    assert not {"script", "img"} & {name for name, _ in tags.found}
    assert not any(key.startswith("on") for _, attributes in tags.found for key in attributes)
    assert "&lt;script&gt;" in text


def test_without_labels_metrics_or_verify(made):
    arrays = dataclasses.replace(made["arrays"], labels=None)
    text = render(
        **{**made, "metrics": None, "verify": None, "arrays": arrays, "result": {**made["result"], "accuracy": None}}
    )
    assert "no labels, so there is no confusion matrix" in text
    assert "no labels, so there is no accuracy" in text
    assert "not verified yet" in text
    assert 'class="confusion"' not in text


def test_without_operations_or_durations(made):
    tables = {name: made["energy"]["tables"][name] for name in ("textbook-45nm",)}
    counts = {key: value for key, value in made["counts"].items() if key != "operations"}
    text = render(**{**made, "counts": counts, "energy": {**made["energy"], "tables": tables, "shortcut": None}})
    assert "MembraneUpdates" not in text
    assert "For comparison only" not in text
    assert "is the busiest" not in text


def test_without_traces_rates_or_durations(made):
    counts = {**made["counts"], "step_seconds": None}
    bare = ReportArrays(made["arrays"].predicted, made["arrays"].labels)
    text = render(**{**made, "counts": counts, "arrays": bare})
    assert "A sample on its way" not in text
    assert "Firing rates" not in text


def test_an_input_that_is_no_image_and_a_silent_network(made):
    silent = np.zeros((16, 60), dtype=np.uint8)
    trace = SampleTrace(0, np.zeros((700, 60), dtype=np.uint8), {"hidden1": silent}, np.zeros((10, 60), dtype=np.int64))
    arrays = ReportArrays(np.zeros(40, dtype=np.int64), samples=(trace,), rates={"hidden1": np.zeros(60)})
    text = render(**{**made, "arrays": arrays})
    assert 'class="images"' not in text
    assert "nan" not in text.lower().replace("nano", "")


def test_what_went_wrong_is_said_at_the_top(made):
    processes = [dict(p) for p in made["counts"]["processes"]]
    processes[1]["counters"] = {**processes[1]["counters"], "saturations": [2] * 40}
    tables = {name: {**table, "unpriced": ["hops"]} for name, table in made["energy"]["tables"].items()}
    verify = {**made["verify"], "mismatches": 12, "first_divergence": {"layer": "hidden2", "neuron": 17, "step": 31}}
    text = render(
        **{
            **made,
            "counts": {**made["counts"], "processes": processes},
            "energy": {**made["energy"], "tables": tables},
            "verify": verify,
        }
    )
    warnings = text[text.index('class="warnings"') : text.index("<h2>Confusion")]
    assert "hidden1 (spiking): 80 times" in warnings
    assert "hops" in warnings
    assert "layer hidden2, neuron 17, step 31" in warnings


def test_no_warnings_where_all_is_well(page):
    assert 'class="warnings"' not in page


def test_the_file_is_written_whole(made, tmp_path):
    path = tmp_path / "report.html"
    write_report(path, **made)
    assert path.read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]


def test_a_file_that_cannot_be_written_is_named(made, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(BasaltError, match=r"report\.html"):
        write_report(tmp_path / "taken" / "report.html", **made)
