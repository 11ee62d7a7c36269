"""The account as a whole: what each row of the report's tables says."""

import pytest

from basalt.deploy.energy.pricing import price
from basalt.deploy.report.account_view import (
    MOST_ENTRIES,
    comparison,
    entry_name,
    operations_view,
    sensitivity_bars,
    shortcut_view,
)
from tests.deploy.report.synthetic import deployment


@pytest.fixture(scope="module")
def made():
    return deployment(samples=4)


def test_one_column_for_each_table_in_its_order(made):
    energy = made["energy"]
    view = comparison(energy)
    assert view["columns"] == [table["title"] for table in energy["tables"].values()]
    rows = {row["name"]: dict(zip(energy["tables"], row["cells"])) for row in view["rows"]}
    assert next(iter(rows)) == "energy in real time"
    assert rows["leakage in real time"]["loihi1-davies"] == "none known"
    assert rows["busiest process"]["loihi1-davies"] == "hidden1"
    assert rows["inferences"]["loihi1-davies"].endswith(" / s")
    assert rows["busiest process"]["near-memory-22nm"] == rows["inferences"]["near-memory-22nm"] == "–"
    assert rows["delay"]["near-memory-22nm"] == "300 ms, the duration of its steps"
    assert rows["energy at full speed"]["near-memory-22nm"] == "–"
    assert set(rows["a step lasts"].values()) == {"5 ms, given by the network"}


def test_the_entries_that_matter_least_are_shown_together(made):
    table = made["energy"]["tables"]["near-memory-22nm"]
    bars = sensitivity_bars(table)
    assert len(bars) == MOST_ENTRIES + 1
    assert bars[-1]["name"] == f"{len(table['sensitivity']) - MOST_ENTRIES} others"
    assert sum(bar["width"] for bar in bars) == pytest.approx(100)


@pytest.mark.parametrize(
    ("entry", "name"),
    [("prices.event_hop", "event hop"), ("sram.read", "SRAM reads"), ("static.logic", "leakage, logic")],
)
def test_entries_in_words(entry, name):
    assert entry_name(entry) == name


def test_operations_by_layer(made):
    view = operations_view(made["counts"])
    assert [row["name"] for row in view["rows"]] == ["hidden1", "hidden2", "output"]
    assert view["sparsity"] == "91.33 %"
    assert operations_view({}) is None
    assert operations_view({"operations": None}) is None


def test_the_shortcut_of_a_silent_network():
    counts = {
        "format": "basalt-counts", "version": 1, "samples": 1, "steps": 2,
        "processes": [{"name": "a", "part": "spiking", "kind": "spiking", "counters": {"neuron_updates": [4]}}],
    }  # fmt: skip
    view = shortcut_view(price(counts, ["textbook-45nm"]))
    assert (view["joule"], view["sparsity"], view["times"]) == ("0 J", "100.00 %", "–")
