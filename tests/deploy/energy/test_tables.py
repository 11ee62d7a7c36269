"""Price tables are complete, and a faulty one is refused by file and key."""

from pathlib import Path

import pytest

from basalt.errors import BasaltError
from deploy.energy.schema import ACTIONS
from deploy.energy.tables import FOLDER, available_tables, load_table, parse_table

NEAR = (FOLDER / "near-memory-22nm.toml").read_text()


def test_the_tables_that_basalt_brings():
    assert available_tables() == ["near-memory-22nm", "textbook-45nm"]


@pytest.mark.parametrize("name", ["near-memory-22nm", "textbook-45nm"])
def test_each_covers_every_counter_and_names_its_sources(name):
    table = load_table(name)
    assert set(table.actions) == set(ACTIONS)
    used = {use.price for action in table.actions.values() for use in action.uses}
    assert used == set(table.prices), "a price that nothing uses"
    assert {action.memory for action in table.actions.values()} - {None} == set(table.memories)


def test_the_near_memory_table_has_a_control_overhead_and_leakage():
    table = load_table("near-memory-22nm")
    assert any(use.price == "control_of_an_operation" for use in table.actions["synaptic_operations"].uses)
    assert table.static.memory.value > 0
    assert table.static.logic.value > 0


def test_a_table_from_a_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(NEAR)
    assert load_table(str(path)) == load_table("near-memory-22nm")


@pytest.mark.parametrize("name", ["nowhere", "/no/such/file.toml"])
def test_a_missing_table_is_named(name):
    with pytest.raises(BasaltError, match=name):
        load_table(name)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("value = 0.46", "value = -0.46", "prices.control_of_an_operation.value"),
        ("value = 0.46", 'value = "much"', "prices.control_of_an_operation.value"),
        ("value = 0.46", "valeu = 0.46", "prices.control_of_an_operation"),
        ('kind = "scaled"', 'kind = "guessed"', "prices.add_24_bit.kind"),
        ('unit = "uW/KiB"', 'unit = "W"', "static"),
        (
            '[prices.event_hop]\nvalue = 2.0\nunit = "pJ"',
            '[prices.event_hop]\nvalue = 2.0\nunit = "kWh"',
            "event_hop",
        ),
        ('price = "event_generation"', 'price = "event_genration"', "actions.spikes_out.uses"),
        ('memory = "table"', 'memory = "tabel"', "actions.lookups.memory"),
        ('memory = "table", access = "read"', 'memory = "table"', "actions.lookups"),
        ("hops = { uses", "hopps = { uses", "actions.hopps"),
        ("word_bits = [8, 16, 32", "word_bits = [16, 8, 32", "sram: `word_bits`"),
        ("kib = [1, 8, 32", "kib = [1, 8, 16, 32", "sram: `read`"),
        ("cycles = { free =", "cycles = { uses = [], free = 1, fre =", "actions.cycles"),
        ("version = 1", "version = 2", "version"),
        ("node_nm = 22\nsupply_volt", "supply_volt", "node_nm"),
        ("[time]", "[time", "TOML"),
    ],
)
def test_a_fault_is_named_by_file_and_key(old, new, key):
    assert old in NEAR
    with pytest.raises(BasaltError) as caught:
        parse_table(NEAR.replace(old, new, 1), Path("tables/mine.toml"))
    assert "tables/mine.toml" in str(caught.value)
    assert key in str(caught.value)


def test_a_price_without_a_source_is_refused():
    start = NEAR.index("source =", NEAR.index("[prices.event_hop]"))
    text = NEAR[:start] + NEAR[NEAR.index("\n", start) :]
    with pytest.raises(BasaltError, match=r"prices\.event_hop\.source"):
        parse_table(text, Path("mine.toml"))
