"""Price tables are complete, and a faulty one is refused by file and key."""

import re
from pathlib import Path

import pytest

from basalt.deploy.energy.schema import ACTIONS
from basalt.deploy.energy.tables import FOLDER, available_tables, load_table, parse_table
from basalt.errors import BasaltError

NEAR = (FOLDER / "near-memory-22nm.toml").read_text()


def test_the_tables_that_basalt_brings():
    assert available_tables() == ["loihi1-davies", "loihi1-sanafe", "near-memory-22nm", "textbook-45nm"]


@pytest.mark.parametrize("name", available_tables())
def test_each_covers_every_counter_and_names_its_sources(name):
    table = load_table(name)
    assert {action for action in table.actions if "." not in action} == set(ACTIONS)
    used = {use.price for action in table.actions.values() for use in action.uses}
    assert used == set(table.prices), "a price that nothing uses"
    assert {action.memory for action in table.actions.values()} - {None} == set(table.memories)


def test_the_near_memory_table_has_a_control_overhead_and_leakage():
    table = load_table("near-memory-22nm")
    assert any(use.price == "control_of_an_operation" for use in table.actions["synaptic_operations"].uses)
    assert table.static.memory.value > 0
    assert table.static.logic.value > 0


def test_every_duration_of_a_machine_is_used():
    for name in ("loihi1-davies", "loihi1-sanafe"):
        latency = load_table(name).latency
        assert latency.used == set(latency.times)


def test_no_table_has_a_figure_of_loihi_2():
    """There is no public one."""
    assert all("Loihi 2" not in (FOLDER / f"{name}.toml").read_text() for name in available_tables())


def test_what_a_kind_of_process_does_may_have_its_own_price():
    table = load_table("loihi1-sanafe")
    assert table.action("conv", "synaptic_operations").uses[0].price == "synapse_convolution"
    assert table.action("spiking", "synaptic_operations").uses[0].price == "synapse_dense"
    assert table.action("io", "spikes_out").free
    assert table.action("spiking", "membrane_reads") == table.actions["row_reads"]
    assert table.action("spiking", "miracles") is None


def test_a_table_from_a_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(NEAR)
    assert load_table(str(path)) == load_table("near-memory-22nm")


def test_a_table_that_is_no_text_is_named(tmp_path):
    (tmp_path / "mine.toml").write_bytes(bytes(range(256)))
    with pytest.raises(BasaltError, match=r"mine\.toml is not valid TOML"):
        load_table(str(tmp_path / "mine.toml"))


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


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("no_static =", "title_of_static =", "title_of_static"),
        ('no_static = "', 'no_static = "" # "', "no_static"),
        ("weight_words_read = { free", 'weight_words_read = { rows = "read" } # {', "no [sram]"),
        ('"slow_memory.events_in"', '"slowmemory.events_in"', "slowmemory"),
        ('"slow_memory.events_in"', '"slow_memory.events"', "slow_memory.events"),
        ('time = "barrier" }', 'time = "barier" }', "barier"),
        ("{ tiles = 1,", "{ tiles = 2,", "begin with 1 tile"),
        ("{ tiles = 32,", "{ tiles = 1,", "tiles increase"),
        ("cores_per_tile = 4", "cores_per_tile = 0", "cores_per_tile"),
        ('neuron_updates = ["neuron_update"]', 'neuron_updates = ["update"]', "update"),
        ('neuron_updates = ["neuron_update"]', 'updates = ["neuron_update"]', "updates"),
        ('value = 113\nunit = "ns"', 'value = 113\nunit = "s"', "times.barrier.unit"),
    ],
)
def test_a_fault_of_a_table_with_durations_is_named_too(old, new, key):
    text = (FOLDER / "loihi1-davies.toml").read_text()
    assert old in text
    with pytest.raises(BasaltError, match=re.escape(key)):
        parse_table(text.replace(old, new, 1), Path("mine.toml"))


def test_static_power_is_given_or_its_absence_explained_and_not_both():
    both = NEAR.replace("supply_volt", 'no_static = "none is published"\nsupply_volt', 1)
    with pytest.raises(BasaltError, match="no_static"):
        parse_table(both, Path("mine.toml"))
    neither = re.sub(r"^no_static.*$", "", (FOLDER / "loihi1-davies.toml").read_text(), flags=re.MULTILINE)
    with pytest.raises(BasaltError, match="no_static"):
        parse_table(neither, Path("mine.toml"))


def test_a_price_without_a_source_is_refused():
    start = NEAR.index("source =", NEAR.index("[prices.event_hop]"))
    text = NEAR[:start] + NEAR[NEAR.index("\n", start) :]
    with pytest.raises(BasaltError, match=r"prices\.event_hop\.source"):
        parse_table(text, Path("mine.toml"))
