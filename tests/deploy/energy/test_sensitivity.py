"""Doubling an entry of a table does to the total what `sensitivity` says."""

import pytest

from basalt.deploy.energy.counts import parse_counts
from basalt.deploy.energy.pricing import available_tables, price_with
from basalt.deploy.energy.tables import load_table
from tests.deploy.energy.test_pricing import counts_of, process

COUNTS = parse_counts(
    counts_of(
        process(
            events_in=[5, 8],
            weight_words_read=[700, 40],
            synaptic_operations=[700, 40],
            neuron_updates=[90, 90],
            state_reads=[180, 180],
            state_writes=[180, 180],
            spikes_out=[3, 1],
            hops=[2, 0],
        ),
        process("hidden1", "slow_memory", dense_macs=[500, 500], state_writes=[20, 20], lookups=[1, 0]),
        samples=2,
    )
)


def doubled(table, entry):
    """The table with one entry twice as large."""
    content = table.model_dump()
    section, _, name = entry.partition(".")
    if section == "sram":
        content["sram"][name] = [[2 * value for value in row] for row in content["sram"][name]]
    else:
        content[section][name]["value"] *= 2
    return type(table).model_validate(content)


@pytest.mark.parametrize("name", available_tables())
def test_it_is_what_pricing_with_the_doubled_entry_gives(name):
    table = load_table(name)
    once = price_with(table, COUNTS, name)
    rows = once["sensitivity"]
    assert len(rows) > 4
    for row in rows:
        twice = price_with(doubled(table, row["entry"]), COUNTS, name)
        rise = 100 * (twice["per_inference_joule"] / once["per_inference_joule"] - 1)
        assert row["percent"] == pytest.approx(rise, rel=1e-9, abs=1e-9), row["entry"]


@pytest.mark.parametrize("name", available_tables())
def test_entries_that_are_not_listed_do_not_matter(name):
    table = load_table(name)
    once = price_with(table, COUNTS, name)
    listed = {row["entry"] for row in once["sensitivity"]}
    for price in {f"prices.{price}" for price in table.prices} - listed:
        assert price_with(doubled(table, price), COUNTS, name)["per_inference_joule"] == once["per_inference_joule"]


@pytest.mark.parametrize("name", available_tables())
def test_the_rows_are_sorted_and_add_up_to_the_whole(name):
    rows = price_with(load_table(name), COUNTS, name)["sensitivity"]
    percents = [row["percent"] for row in rows]
    assert percents == sorted(percents, reverse=True)
    assert sum(percents) == pytest.approx(100)


def test_nothing_counted_depends_on_nothing():
    silent = parse_counts(counts_of(process("input", "source", 0, 0)))
    assert price_with(load_table("near-memory-22nm"), silent, "mine")["sensitivity"] == []
