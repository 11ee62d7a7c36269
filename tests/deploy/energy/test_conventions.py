"""The two conventions: their sums by hand, the words that go with them, and what `--step-ms` may set."""

import pytest

from basalt.deploy.energy.conventions import full_speed, in_words, real_time, result_entries, stated, with_step
from basalt.deploy.energy.pricing import available_tables, price
from basalt.errors import BasaltError
from tests.deploy.energy.test_pricing import KIB, counts_of, process

CORE = {"core": {"clock_mhz": 200.0}}
LEAKAGE_WATT = 65 * (0.153 + 0.0229) * 1e-6
"""Of 64 KiB of weights and 1 KiB of states, by near-memory-22nm."""


def priced(counts, table="near-memory-22nm"):
    return price(counts, [table])["tables"][table]


def test_in_real_time_leakage_lasts_as_long_as_the_steps_and_at_full_speed_as_the_cycles():
    table = priced(counts_of(process(cycles=[20_000], dense_macs=[1000])) | CORE)
    slow, fast = real_time(table), full_speed(table)
    assert slow.leakage_joule == pytest.approx(LEAKAGE_WATT * 10 * 0.005)
    assert fast.leakage_joule == pytest.approx(LEAKAGE_WATT * 1e-4) and fast.seconds == pytest.approx(1e-4)
    assert slow.dynamic_joule == fast.dynamic_joule == table["dynamic_joule"] > 0
    for one in (slow, fast):
        assert one.joule == pytest.approx(one.dynamic_joule + one.leakage_joule)
    assert slow.joule == table["per_inference_joule"] and fast.joule == table["full_speed_joule"]


def test_a_machine_slower_than_the_steps_leaks_as_long_as_it_computes_and_says_so():
    """20 000 cycles of 5 ns are 100 µs; ten steps of 1 µs are 10 µs."""
    table = priced(counts_of(process(cycles=[20_000]), step_seconds=1e-6) | CORE)
    assert not table["keeps_up"]
    assert real_time(table).leakage_joule == pytest.approx(LEAKAGE_WATT * 1e-4)
    assert real_time(table).joule == pytest.approx(full_speed(table).joule)
    assert "which the machine exceeds: it needs 100 µs" in in_words(table)[0]
    assert priced(counts_of(process(cycles=[2_000]), step_seconds=1e-6) | CORE)["keeps_up"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, "10 steps of 5 ms, given by the network"),
        ({"step_seconds": 0.002, "step_seconds_from": "option"}, "10 steps of 2 ms, given by --step-ms"),
        ({"step_seconds": None}, "10 steps of 1 ms, assumed; --step-ms sets it"),
    ],
)
def test_every_headline_says_dynamic_leakage_duration_and_whose_it_is(change, says):
    for name in available_tables():
        headline, beside = in_words(priced(counts_of(process(cycles=[20_000], dense_macs=[9])) | CORE | change, name))
        assert "in real time" in headline and says in headline and "dynamic" in headline
        assert "leakage" in headline or "no static power is known" in headline
        assert "at full speed" in beside and ("100 µs" in beside or name.startswith("loihi"))


def test_without_durations_full_speed_is_not_known():
    table = priced(counts_of(process(dense_macs=[9])))
    assert full_speed(table) is None and table["full_speed"] is None
    assert "at full speed not known" in in_words(table)[1]


def test_without_static_power_leakage_is_not_known_and_not_zero():
    table = priced(counts_of(process(dense_macs=[9])), "loihi1-davies")
    assert real_time(table).leakage_joule is None and full_speed(table).leakage_joule is None


def test_what_result_json_says():
    energy = price(counts_of(process(dense_macs=[9])), ["near-memory-22nm"])
    entries = result_entries(energy, True)
    one = entries["energy_per_inference"]["near-memory-22nm"]
    assert one == stated(energy["tables"]["near-memory-22nm"])
    assert (one["headline"], one["step_seconds"], one["step_seconds_from"]) == ("in real time", 0.005, "file")
    assert entries["energy_per_inference_joule"]["near-memory-22nm"] == one["real_time"]["joule"]
    assert set(result_entries(energy, False)["energy_per_inference"].values()) == {None}


def test_the_option_sets_what_the_file_does_not_say_and_nothing_else():
    silent = counts_of(process(state=KIB), step_seconds=None)
    given = with_step(silent, 2.0)
    assert (given["step_seconds"], given["step_seconds_from"]) == (0.002, "option")
    assert with_step(given, 4.0)["step_seconds"] == 0.004
    assert with_step(silent, None) == silent
    assert with_step(counts_of(process()), 5.0)["step_seconds_from"] == "file"
    with pytest.raises(BasaltError, match=r"lasts 5 ms, and --step-ms says 2: leave --step-ms out"):
        with_step(counts_of(process()), 2.0)
