"""The busiest process decides how long a step takes."""

import pytest

from deploy.energy.counts import parse_counts
from deploy.energy.latency import latency
from deploy.energy.tables import load_table
from tests.deploy.energy.test_pricing import counts_of, process

LOIHI, NEAR = load_table("loihi1-davies"), load_table("near-memory-22nm")
CORE = {"clock_mhz": 200.0, "name": "default"}


def test_by_hand_with_loihi():
    counts = parse_counts(
        counts_of(
            {**process("input", "source", spikes_out=[9, 9]), "kind": "io"},
            process("a", synaptic_operations=[1000, 100], neuron_updates=[50, 50]),
            process("a", "slow_memory", dense_macs=[200, 0], state_writes=[10, 10]),
            process("b", synaptic_operations=[500, 500]),
            samples=2,
        )
    )
    found = latency(LOIHI, counts)
    first = [1000 * 3.5 + 50 * 8.4 + 200 * 3.5 + 10 * 8.4, 100 * 3.5 + 50 * 8.4 + 10 * 8.4]
    # Of the second sample b is the busiest, though a is so on average.
    seconds = ((first[0] + 500 * 3.5) / 2 + 10 * 113) * 1e-9
    assert found["inference_seconds"] == pytest.approx(seconds)
    assert found["step_seconds"] == pytest.approx(seconds / 10)
    assert found["inferences_per_second"] == pytest.approx(1 / seconds)
    assert found["busiest"] == "a"
    assert found["processes"] == pytest.approx({"a": sum(first) / 2 / 10 * 1e-9, "b": 500 * 3.5 / 10 * 1e-9})


def test_an_empty_list_of_a_kind_means_no_time():
    """A slow memory hears the packets that its layer's neurons hear."""
    sanafe = load_table("loihi1-sanafe")
    once = parse_counts(counts_of(process("a", events_in=[100])))
    both = parse_counts(counts_of(process("a", events_in=[100]), process("a", "slow_memory", events_in=[100])))
    assert latency(sanafe, once)["inference_seconds"] == latency(sanafe, both)["inference_seconds"]
    assert latency(sanafe, once)["inference_seconds"] == pytest.approx(100 * 16e-9 + 10 * 0.6e-6)


def test_cycles_of_near_memory_cores_are_time():
    content = counts_of(process("a", cycles=[4000], spikes_out=[1]), process("b", cycles=[6000])) | {"core": CORE}
    found = latency(NEAR, parse_counts(content))
    assert found["from"] == "cycles"
    assert found["busiest"] == "b"
    assert found["inference_seconds"] == pytest.approx(6000 / 200e6)


def test_a_machine_of_its_own_overrules_the_run_s_cores():
    content = counts_of(process("a", cycles=[4000], neuron_updates=[5])) | {"core": CORE}
    assert latency(LOIHI, parse_counts(content))["inference_seconds"] == pytest.approx((5 * 8.4 + 10 * 113) * 1e-9)


@pytest.mark.parametrize("core", [{"core": CORE}, {}])
def test_no_time_where_a_process_has_none(core):
    content = counts_of(process("a", cycles=[4000]), process("b", neuron_updates=[6000])) | core
    assert latency(NEAR, parse_counts(content)) is None
