"""Counts become joules as worked out by hand, and nothing is lost between the sums."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.counters import COUNTERS
from basalt.deploy.energy.counts import parse_counts
from basalt.deploy.energy.pricing import available_tables, price, price_with
from basalt.deploy.energy.tables import load_table
from basalt.errors import BasaltError

KIB = 8 * 1024


def counts_of(*processes, samples=1, steps=10, step_seconds=0.005):
    return {
        "format": "basalt-counts",
        "version": 1,
        "backend": "fixed",
        "network": "model.net",
        "samples": samples,
        "steps": steps,
        "step_seconds": step_seconds,
        "processes": list(processes),
    }


def process(name="hidden1", part="spiking", weights=64 * KIB, state=1 * KIB, **counters):
    memory_bits = {"weights": weights, "state": state}
    return {"name": name, "part": part, "kind": part, "memory_bits": memory_bits, "counters": counters}


def test_by_hand_with_the_near_memory_table():
    counts = counts_of(
        process(weight_words_read=[800, 1600], synaptic_operations=[800, 1600], spikes_out=[10, 30]),
        samples=2,
    )
    table = price(counts, ["near-memory-22nm"], strict=True)["tables"]["near-memory-22nm"]
    actions = table["processes"][0]["actions"]
    assert actions["weight_words_read"]["count"] == 1200
    # 64 KiB in rows of 64 bit: 5.670 pJ and 0.8 pJ of control for eight weights of 8 bit.
    assert actions["weight_words_read"]["joule"] == pytest.approx(1200 * (5.670 + 0.8) / 8 * 1e-12)
    assert actions["synaptic_operations"]["joule"] == pytest.approx(1200 * (0.053 + 0.46) * 1e-12)
    assert actions["spikes_out"]["joule"] == pytest.approx(20 * 1.6e-12)
    assert table["static_joule"] == pytest.approx(65 * (0.153 + 0.0229) * 1e-6 * 10 * 0.005)
    assert table["per_inference_joule"] == table["dynamic_joule"] + table["static_joule"]
    assert table["step_seconds_from"] == "file"


def test_by_hand_with_the_textbook_table():
    counts = counts_of(process(neuron_updates=[100], dense_macs=[7]))
    table = price(counts, ["textbook-45nm"], strict=True)["tables"]["textbook-45nm"]
    assert table["dynamic_joule"] == pytest.approx((100 * (2 * 3.1 + 5 * 0.1) + 7 * 3.2) * 1e-12)


def test_time_comes_from_the_table_where_the_counts_give_none():
    counts = counts_of(process(), step_seconds=None)
    table = price(counts, ["near-memory-22nm"])["tables"]["near-memory-22nm"]
    assert (table["step_seconds"], table["step_seconds_from"]) == (0.001, "table")
    assert table["inference_seconds"] == pytest.approx(0.01)


def test_memory_and_arithmetic_alone_are_what_the_literature_finds():
    """0.76 pJ a synaptic operation with full rows of 64 KiB: control has to explain the rest."""
    table = load_table("near-memory-22nm")
    row = table.sram.read[table.sram.kib.index(64)][table.sram.word_bits.index(64)]
    assert row / 8 + table.prices["add_24_bit"].value == pytest.approx(0.76, abs=0.005)


def test_a_seneca_like_configuration_costs_what_seneca_reports():
    """SENECA: 256 KiB of data memory, whole rows of weights, about 2.8 pJ a synaptic operation at 22 nm."""
    events, neurons, steps = 1000, 128, 50
    operations = events * neurons
    counts = counts_of(
        process(
            weights=256 * KIB,
            state=neurons * 48,
            events_in=[events],
            weight_words_read=[operations],
            synaptic_operations=[operations],
            neuron_updates=[neurons * steps],
            state_reads=[2 * neurons * steps],
            state_writes=[2 * neurons * steps],
            spikes_out=[events // 3],
        ),
        steps=steps,
        step_seconds=None,
    )
    table = price(counts, ["near-memory-22nm"], strict=True)["tables"]["near-memory-22nm"]
    picojoule = table["dynamic_joule"] / operations * 1e12
    assert 2.8 / 2 <= picojoule <= 2.8 * 2
    assert picojoule == pytest.approx(2.38, abs=0.1)


amounts = st.lists(st.integers(0, 10**9), min_size=3, max_size=3)
processes = st.builds(
    lambda part, weights, state, counters: process("layer", part, weights, state, **counters),
    st.sampled_from(["spiking", "slow_memory", "readout"]),
    st.integers(0, 10**8),
    st.integers(0, 10**6),
    st.dictionaries(st.sampled_from(COUNTERS), amounts),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(processes, min_size=1, max_size=4), st.sampled_from(available_tables()))
def test_sums_agree_and_doubling_the_counts_doubles_the_dynamic_energy(parts, name):
    once = price(counts_of(*parts, samples=3), [name])["tables"][name]
    by_process = math.fsum(p["dynamic_joule"] + p["static_joule"] for p in once["processes"])
    by_action = math.fsum(a["joule"] for p in once["processes"] for a in p["actions"].values())
    assert once["per_inference_joule"] == pytest.approx(by_process, rel=1e-12)
    assert once["dynamic_joule"] == pytest.approx(by_action, rel=1e-12)
    assert once["static_joule"] == pytest.approx(
        math.fsum(joule for p in once["processes"] for joule in p["static"].values()), rel=1e-12
    )
    if once["per_inference_joule"]:
        assert math.fsum(p["share"] for p in once["processes"]) == pytest.approx(1, rel=1e-12)
    assert math.fsum(p["per_step_joule"] for p in once["processes"]) * 10 == pytest.approx(by_process, rel=1e-12)
    product = math.fsum(p["energy_delay_joule_second"] for p in once["processes"])
    assert once["energy_delay_joule_second"] == pytest.approx(product, rel=1e-12)

    doubled = [
        {**p, "counters": {key: [2 * n for n in values] for key, values in p["counters"].items()}} for p in parts
    ]
    twice = price(counts_of(*doubled, samples=3), [name])["tables"][name]
    assert twice["dynamic_joule"] == pytest.approx(2 * once["dynamic_joule"], rel=1e-12)
    assert twice["static_joule"] == once["static_joule"]


def test_more_samples_of_the_same_work_cost_the_same_per_inference():
    one = price(counts_of(process(events_in=[5], hops=[3])), available_tables())["tables"]
    four = price(counts_of(process(events_in=[5] * 4, hops=[3] * 4), samples=4), available_tables())["tables"]
    for name in available_tables():
        assert four[name]["per_inference_joule"] == pytest.approx(one[name]["per_inference_joule"])


def table_without(counter):
    table = load_table("near-memory-22nm")
    return table.model_copy(update={"actions": {k: v for k, v in table.actions.items() if k != counter}})


def test_a_counter_without_a_price_is_listed_or_refused():
    table, counts = table_without("hops"), parse_counts(counts_of(process(hops=[3], lookups=[0])))
    assert price_with(table, counts, "mine")["unpriced"] == ["hops"]
    assert price_with(table, parse_counts(counts_of(process(hops=[0]))), "mine", strict=True)["unpriced"] == []
    with pytest.raises(BasaltError, match=r"mine.*hops"):
        price_with(table, counts, "mine", strict=True)


def test_an_unknown_counter_is_unpriced_too():
    assert price(counts_of(process(miracles=[1])), ["textbook-45nm"])["tables"]["textbook-45nm"]["unpriced"] == [
        "miracles"
    ]


def test_free_counters_say_why():
    table = price(counts_of(process(saturations=[5])), ["textbook-45nm"], strict=True)["tables"]["textbook-45nm"]
    assert table["unpriced"] == []
    assert table["dynamic_joule"] == 0
    assert any(entry["action"] == "saturations" and entry["reason"] for entry in table["free"])


def test_every_price_used_has_its_provenance():
    counts = counts_of(process(**{counter: [1] for counter in COUNTERS}))
    for name, table in price(counts, available_tables(), strict=True)["tables"].items():
        priced = {row["action"] for row in table["prices"]}
        free = {entry["action"] for entry in table["free"]}
        static = {"static"} if table["no_static"] is None else set()
        assert priced | (free & {*COUNTERS}) == {*COUNTERS, *static}, name
        assert all(row["source"] and row["unit"] and row["node"] > 0 and row["kind"] for row in table["prices"])
        for counter in priced - {"static"}:
            # All units of the tables are pJ: the rows of an action add up to what one count of it costs.
            cost = sum(row["value"] * row["times"] for row in table["prices"] if row["action"] == counter)
            assert table["processes"][0]["actions"][counter]["joule"] == pytest.approx(cost * 1e-12)


def test_by_hand_with_the_tables_of_loihi():
    counts = counts_of(
        {**process("input", "source", 0, 0, spikes_out=[50]), "kind": "io"},
        process(events_in=[40], synaptic_operations=[400], neuron_updates=[100], state_reads=[7], spikes_out=[9]),
        process("hidden1", "slow_memory", events_in=[40], dense_macs=[30], state_writes=[20]),
    )
    tables = price(counts, ["loihi1-davies", "loihi1-sanafe"], strict=True)["tables"]
    davies = 40 * 1.7 + 400 * 23.6 + 100 * 81 + 30 * 23.6 + 20 * (81 + 1.7)
    assert tables["loihi1-davies"]["per_inference_joule"] == pytest.approx(davies * 1e-12)
    sanafe = 40 * 111 + 400 * 35.5 + 100 * (51.2 + 21.6) + 9 * 69.3 + 30 * 35.5 + 20 * (51.2 + 21.6 + 69.3 + 111)
    assert tables["loihi1-sanafe"]["per_inference_joule"] == pytest.approx(sanafe * 1e-12)
    assert all(table["static_joule"] == 0 and table["no_static"] for table in tables.values())


def test_leakage_of_the_energy_delay_product_lasts_as_long_as_the_delay():
    """10 steps of 5 ms, which a core of 200 MHz does in 20 000 cycles, 0.1 ms."""
    counts = counts_of(process(cycles=[20_000], dense_macs=[1000]))
    table = price(counts | {"core": {"clock_mhz": 200.0}}, ["textbook-45nm"])["tables"]["textbook-45nm"]
    joule = table["dynamic_joule"] + table["static_joule"] / 500
    assert table["full_speed_joule"] == pytest.approx(joule)
    assert table["energy_delay_joule_second"] == pytest.approx(joule * 1e-4)
    without = price(counts, ["textbook-45nm"])["tables"]["textbook-45nm"]
    assert without["full_speed_joule"] == pytest.approx(without["per_inference_joule"])
    assert without["energy_delay_joule_second"] == pytest.approx(without["per_inference_joule"] * 0.05)


def test_the_costliest_process_counts_with_all_its_parts():
    counts = counts_of(
        process("a", dense_macs=[100]),
        process("b", dense_macs=[60]),
        process("b", "slow_memory", dense_macs=[60]),
    )
    table = price(counts, ["loihi1-davies"])["tables"]["loihi1-davies"]
    assert table["costliest"]["name"] == "b"
    assert table["costliest"]["joule"] == pytest.approx(120 * 23.6e-12)
    assert table["costliest"]["share"] == pytest.approx(120 / 220)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"samples": 0}, "samples"),
        ({"format": "something"}, "format"),
        ({"processes": [process(events_in=[1, 2])]}, "events_in"),
        ({"processes": [process(events_in=[-1])]}, "events_in"),
    ],
)
def test_faulty_counts_are_refused_by_name(change, named):
    with pytest.raises(BasaltError, match=named):
        price({**counts_of(process()), **change}, ["textbook-45nm"])


def test_a_product_costs_what_its_widths_do_and_counts_without_widths_what_they_did():
    """0.27 pJ for 8 by 8 bits; 8 by 24 bits where a run of before does not tell."""

    def joule(**counters):
        counts = counts_of(process("hopfield", "hopfield", dense_macs=[100], **counters))
        return price(counts, ["near-memory-22nm"])["tables"]["near-memory-22nm"]["dynamic_joule"]

    beside = 0.071 + 0.46
    assert joule(dense_mac_bits=[6400]) == pytest.approx(100e-12 * (0.27 + beside))
    assert joule() == joule(dense_mac_bits=[19200]) == pytest.approx(100e-12 * (0.81 + beside))
