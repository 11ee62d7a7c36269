"""The busiest process decides how long a step takes."""

import pytest

from basalt.deploy.energy.counts import parse_counts
from basalt.deploy.energy.latency import latency
from basalt.deploy.energy.tables import load_table
from basalt.errors import BasaltError
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
    first = [1000 * 3.5 + 200 * 3.5, 50 * 8.4 + 10 * 8.4]  # it receives longer than it updates, then the other way
    # Of the second sample b is the busiest, though a is so on average.
    seconds = ((first[0] + 500 * 3.5) / 2 + 10 * 113) * 1e-9
    assert found["resolution"] == "totals"
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


def test_each_step_takes_its_own_slowest_stage():
    """In six steps a and b update for 8.4 ns, in four b for 84; and packets leave for each layer that hears them."""
    kinds = [("a", "synaptic_operations", 0, 2, 1), ("b", "neuron_updates", 1, 9, 2), ("a", "neuron_updates", 1, 0, 0)]
    series = [
        {"process": process, "part": "spiking", "counter": counter, "base": base, "factor": factor, "column": column}
        for process, counter, base, factor, column in kinds
    ]
    activity = {"samples": 1, "series": series, "steps": ["6 1 0", "4 0 1"]}
    content = counts_of(process("a", neuron_updates=[10]), process("b", neuron_updates=[46])) | {"activity": activity}
    found = latency(LOIHI, parse_counts(content))
    assert found["resolution"] == "steps"
    assert found["inference_seconds"] == pytest.approx((6 * 8.4 + 4 * 84 + 10 * 113) * 1e-9)
    assert found["processes"] == pytest.approx({"a": 8.4e-9, "b": (6 * 8.4 + 4 * 84) / 10 * 1e-9})
    longer = {**activity, "steps": ["6 9 0", "4 0 1"]}
    found = latency(LOIHI, parse_counts(content | {"activity": longer}))
    assert found["inference_seconds"] == pytest.approx((6 * 18 * 3.5 + 4 * 84 + 10 * 113) * 1e-9)
    packets = [{**series[1], "counter": "packets_out", "base": 3, "factor": 0, "column": 0}]
    sent = latency(load_table("loihi1-sanafe"), parse_counts(content | {"activity": {**activity, "series": packets}}))
    assert sent["inference_seconds"] == pytest.approx(10 * (3 * 5.1e-9 + 0.6e-6))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"steps": ["6 1 0", "3 0 1"]}, "10 steps"),
        ({"steps": ["10 1"]}, "lacks a number"),
        ({"steps": []}, "no rows"),
        ({"steps": ["10 x 1"]}, "steps"),
        ({"samples": 0}, "samples"),
    ],
)
def test_a_faulty_activity_is_named(change, named):
    series = {"process": "a", "part": "spiking", "counter": "neuron_updates", "base": 1, "factor": 1, "column": 2}
    activity = {"samples": 1, "series": [series], "steps": ["6 1 0", "4 0 1"]} | change
    with pytest.raises(BasaltError, match=named):
        parse_counts(counts_of(process("a", neuron_updates=[10])) | {"activity": activity})


def test_a_barrier_is_that_of_the_tiles_that_the_cores_are_on():
    times = load_table("loihi1-sanafe").latency
    assert [times.barrier(cores) for cores in (0, 1, 4, 5, 8, 9, 12, 13, 112, 113, 128)] == pytest.approx(
        [0.6e-6] * 3 + [1.0e-6] * 4 + [1.4e-6] * 2 + [1.8e-6] * 2
    )
    assert [LOIHI.latency.barrier(cores) for cores in (4, 124, 125)] == pytest.approx([113e-9, 113e-9, 465e-9])


def test_cores_that_begin_each_step_together_take_the_slowest_ones_cycles():
    content = counts_of(process("a", cycles=[4000, 10]), process("b", cycles=[6000, 20]), samples=2) | {"core": CORE}
    assert latency(NEAR, parse_counts(content))["resolution"] == "totals"
    found = latency(NEAR, parse_counts(content | {"slowest_cycles": [7000, 22]}))
    assert (found["resolution"], found["busiest"]) == ("steps", "b")
    assert found["inference_seconds"] == pytest.approx(3511 / 200e6)
    with pytest.raises(BasaltError, match="slowest_cycles has 1 values for 2 samples"):
        parse_counts(content | {"slowest_cycles": [7000]})


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
