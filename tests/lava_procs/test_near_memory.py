"""Sizes and events to cycles and accesses: a walk through every cycle, and a closed formula, that agree."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from basalt.near_memory.core import SWITCHES, Core
from basalt.near_memory.formula import bound, cost
from basalt.near_memory.geometry import OWNER, Multipliers, memories, misfits, multipliers
from basalt.near_memory.schedule import schedule, step_cost
from basalt.near_memory.sizes import MEAN_MEMBRANES, SUMS, WITHOUT_MEMORY, Sizes, readout_sizes, sizes_of
from basalt.near_memory.walk import PATHS, Events
from basalt.records.neuron import Neuron, axis
from basalt.records.readout import Readout
from basalt.records.slow_memory import SlowMemory
from basalt.records.synapses import Spiking
from tests.conformance.records import pathway

DEFAULT = Core()
LAYER = Sizes(inputs=700, neurons=128, states=8)
THRESHOLDS, AMOUNTS = ("thresholds", ("threshold",)), ("reset_amounts", ("reset",))
PUBLISHED = replace(DEFAULT, coefficient_bits=8, state_bits=16, membrane_ports=1)

cores = st.builds(
    Core,
    fused=st.integers(1, 8),
    macs=st.integers(1, 8),
    drive_macs=st.integers(1, 8),
    update_macs=st.integers(1, 9),
    event_buffer=st.integers(1, 12),
    membrane_ports=st.integers(1, 2),
    dependency_breaking=st.booleans(),
    operator_fusion=st.booleans(),
    heterogeneous_stationarity=st.booleans(),
)


@st.composite
def layers(draw):
    """Layers of every kind, small."""
    states = draw(st.integers(0, 9))
    readout = draw(st.sampled_from([None, SUMS, MEAN_MEMBRANES])) if not states else None
    recurrence = draw(st.sampled_from(["none", "full", "diagonal"])) if readout is None else "none"
    return Sizes(
        inputs=draw(st.integers(1, 40)),
        neurons=draw(st.integers(1, 70)),
        states=states,
        recurrent=recurrence == "full",
        diagonal=recurrence == "diagonal",
        longest_delay=draw(st.sampled_from([None, 0, 7])) if readout is None else None,
        current=readout is None and draw(st.booleans()),
        passes=readout or (Sizes.passes if states else WITHOUT_MEMORY),
        value_bits=draw(st.sampled_from([1, 1, 5])),
        fires=readout is None,
        more_states=draw(st.sampled_from([(), ("rest",), ("b", "r")])) if readout is None else (),
        constants=draw(
            st.sampled_from(
                [(), (THRESHOLDS,), (("thresholds", ("threshold", "reset")),), (THRESHOLDS, AMOUNTS), (AMOUNTS,)]
            )
        )
        if readout is None
        else (),
    )


events = st.builds(
    Events, spikes=st.integers(0, 40), recurrent=st.integers(0, 20), fired=st.integers(0, 20), refresh=st.booleans()
)


def of(core, layer, step):
    """What both say of a step, and only events that the layer can have."""
    own = min(step.recurrent, layer.neurons) if layer.hears_itself else 0
    step = replace(step, spikes=min(step.spikes, layer.inputs), recurrent=own)
    return schedule(core, layer, step), step_cost(core, layer, step)


@given(cores, layers(), events)
def test_the_formula_equals_the_schedule(core, layer, step):
    walked, formula = of(core, layer, step)
    assert walked.cycles == formula.cycles[0]
    assert walked.stalls == formula.stalls[0]
    assert walked.products == formula.products[0]
    assert walked.counts() == {name: int(value[0]) for name, value in formula.accesses.items() if value[0]}


@given(cores, layers(), events)
def test_no_memory_is_accessed_more_often_in_a_cycle_than_it_has_ports(core, layer, step):
    walked, _ = of(core, layer, step)
    found = memories(core, layer)
    used = Counter((access.memory, access.cycle) for access in walked.accesses)
    assert all(times <= found[memory].ports for (memory, _), times in used.items())
    assert all(0 <= access.cycle < walked.cycles for access in walked.accesses)
    assert {access.path for access in walked.accesses} <= set(PATHS)


@given(cores, layers(), events)
def test_no_event_is_read_in_the_cycle_in_which_it_enters(core, layer, step):
    """Each by the integration and by the drive, after it was written and before its place is taken by another."""
    walked, _ = of(core, layer, step)
    entries, readings = {}, {}
    for access in (access for access in walked.accesses if access.memory == "event_buffer"):
        found = entries if access.which == "writes" else readings.setdefault(access.path, {})
        found.setdefault(access.row, []).append(access.cycle)
    for cycles in readings.values():
        assert {row: len(each) for row, each in cycles.items()} == {row: len(each) for row, each in entries.items()}
        for row, each in cycles.items():
            written = [*sorted(entries[row]), np.inf]
            assert all(after < read < later for after, later, read in zip(written, written[1:], sorted(each)))


@given(cores, layers(), events)
def test_a_row_is_there_and_is_written_before_what_needs_it_reads_it(core, layer, step):
    walked, _ = of(core, layer, step)
    found = memories(core, layer)
    order = sorted(walked.accesses, key=lambda access: access.cycle)
    written = {}
    for access in order:
        if access.memory != "delay_line" and access.memory != "delays":
            assert access.row < found[access.memory].words
        if access.which == "writes":
            written.setdefault((access.memory, access.row), []).append(access.cycle)
    bank = [access for access in order if access.path == "neuron_bank"]
    summed = {access.row: access.cycle for access in bank if access.memory == "accumulators"}
    for access in order:
        if access.path == "neuron_bank" and access.which == "writes" and core.operator_fusion:
            assert summed.get(access.row, 0) < access.cycle
        if access.memory == "accumulators" and access.path == "neuron_bank" and access.which == "reads":
            assert max(written[access.memory, access.row]) < access.cycle
        if access.memory == "memory_current" and access.path == "neuron_bank" and step.refresh:
            assert max(written[access.memory, access.row]) < access.cycle


@given(cores, layers(), events)
def test_work_of_the_paths_is_that_of_their_memories_and_within_the_step(core, layer, step):
    walked, formula = of(core, layer, step)
    rows, beat = walked.counts(), -(-core.fused // core.macs)
    dense = not core.heterogeneous_stationarity
    wanted = {
        "spike_integration": rows.get("input_weights_reads", 0)
        + (0 if layer.diagonal else rows.get("recurrent_weights_reads", 0)),
        "neuron_bank": rows["membrane_reads"] * core.group_cycles,
        "drive": rows.get("drive_weights_reads", 0),
        "memory_product": rows.get("memory_weights_reads", 0) * (max(2, beat) if dense else beat),
        "drive_product": rows.get("drive_memory_weights_reads", 0) * max(2 if dense else 1, core.drive_cycles),
        "memory_update": rows.get("transition_reads", 0),
        "delay_line": 2 * rows.get("delay_line_reads", 0),
    }
    assert {name: int(work[0]) for name, work in formula.paths.items() if work[0]} == {
        name: work for name, work in wanted.items() if work
    }
    assert all(work[0] <= formula.cycles[0] for work in formula.paths.values())
    assert all(value[0] <= formula.cycles[0] for value in formula.bounds.values())
    assert bound(formula)[0] in PATHS


def test_sums_and_currents_of_the_memory_have_one_writer_each():
    """One state: in one cycle a group's sum is stored and another's read, a current is written and another's taken."""
    walked = schedule(DEFAULT, Sizes(4, 64, states=1), Events(0))
    for name, bits in (("memory_sums", 4 * 40), ("memory_current", 4 * 32)):
        accesses = [access for access in walked.accesses if access.memory == name]
        memory = memories(DEFAULT, LAYER)[name]
        assert max(Counter(access.cycle for access in accesses).values()) == memory.ports == 2
        assert len({access.path for access in accesses if access.which == "writes"}) == 1
        assert memory.bits == bits


def test_a_core_pays_for_values_and_for_who_fires():
    """Values of 8 bits: 8 bits more an event, a multiplier a lane and one for the drive, N + 1 products an event."""
    graded = replace(LAYER, value_bits=8)
    plain, found = memories(DEFAULT, LAYER), memories(DEFAULT, graded)
    assert found["event_buffer"].bits == plain["event_buffer"].bits + 8 == 18
    added = multipliers(DEFAULT, graded).items() - multipliers(DEFAULT, LAYER).items()
    assert dict(added) == {"spike_integration": Multipliers(4, (8, 8)), "drive": Multipliers(1, (8, 8))}
    assert cost(DEFAULT, graded, np.array([0, 3])).products.tolist() == [0, 3 * 129]
    assert not cost(DEFAULT, LAYER, np.array([3])).products.any()
    assert plain["output_spikes"].size == 2 * 128 and plain["output_spikes"].registers
    assert cost(DEFAULT, LAYER, np.array([3])).accesses["output_spikes_writes"][0] == 32
    assert "output_spikes" not in memories(DEFAULT, readout_sizes(Readout("r", np.zeros((10, 128), dtype=np.int64))))


def test_every_multiplier_is_counted():
    """P m, ν x beside it, Ā m, B̄ x beside it, and the decays of a row of membranes."""
    found = multipliers(DEFAULT, LAYER)
    assert {path: entry.count for path, entry in found.items()} == {
        "memory_product": 4,
        "drive_product": 4,
        "memory_update": 8,
        "memory_input": 1,
        "neuron_bank": 4,
    }
    assert "drive_product" not in multipliers(replace(DEFAULT, dependency_breaking=False), LAYER)
    assert multipliers(DEFAULT, replace(LAYER, current=True))["neuron_bank"].count == 8
    assert multipliers(DEFAULT, readout_sizes(Readout("r", np.zeros((10, 128), dtype=np.int64)))) == {}
    one = replace(DEFAULT, drive_macs=1)
    slow = cost(one, LAYER, np.array([30, 0]))
    assert slow.paths["drive_product"].tolist() == [4 * 32] * 2
    assert slow.bounds["drive_product"][0] == 32 + 3 + 31 * 4 + 3  # x in cycle 32, then a group every four


def of_layer(current_decay=0, delay=None, memory=None):
    """Sizes of two neurons with three inputs."""
    weight, late = np.zeros((2, 3), dtype=np.int64), None if delay is None else np.array(delay)
    return sizes_of(Spiking("a", weight, Neuron(1, axis(current_decay), axis(0)), delay=late, memory=memory))


def test_a_current_is_kept_where_it_outlives_a_step():
    assert not of_layer(current_decay=4096).current
    assert of_layer(current_decay=np.array([4096, 4095])).current
    assert of_layer(delay=[3, 1]).longest_delay == 3
    assert "memory" not in of_layer().passes
    assert "memory" in of_layer(memory=pathway(np.random.default_rng(0), SlowMemory, 3, 2)).passes


def test_the_closed_formula_of_the_documentation():
    spikes = np.arange(33)
    first = spikes > 0
    wanted = np.maximum(np.maximum(34, 32 * spikes + first + 3), 260)
    assert np.array_equal(cost(DEFAULT, LAYER, spikes).cycles, wanted)


@pytest.mark.parametrize(
    ("step", "cycles", "because"),
    [
        (Events(0), 260, "memory_product"),
        (Events(7), 260, "memory_product"),
        (Events(9), 292, "spike_integration"),
        (Events(100), 3204, "spike_integration"),
        (Events(0, refresh=False), 34, "neuron_bank"),
        (Events(1, refresh=False), 36, "spike_integration"),
    ],
)
def test_steps_worked_out_by_hand(step, cycles, because):
    walked, formula = of(DEFAULT, LAYER, step)
    assert walked.cycles == cycles
    assert bound(formula)[0] == because


def test_a_full_event_buffer_stalls_and_loses_nothing():
    walked = schedule(DEFAULT, LAYER, Events(100))
    assert walked.counts()["input_weights_reads"] == 100 * 32
    assert walked.counts()["drive_weights_reads"] == 100
    assert walked.stalls == (100 - 32) * 32 + 1 - 99
    assert schedule(DEFAULT, LAYER, Events(32)).stalls == 0
    assert schedule(replace(DEFAULT, event_buffer=200), LAYER, Events(100)).stalls == 0


def test_what_turning_an_optimisation_off_costs():
    spikes = np.array([10, 0])
    on = cost(DEFAULT, LAYER, spikes)
    off = {switch: cost(replace(DEFAULT, **{switch: False}), LAYER, spikes) for switch in SWITCHES}
    assert off["dependency_breaking"].cycles[1] == on.cycles[1] + 8 - 1  # the update's rows, for the step of ν x
    assert "drive_memory_weights_reads" not in {k for k, v in off["dependency_breaking"].accesses.items() if v.any()}
    assert off["operator_fusion"].cycles[0] == 322 + 4 * 96
    assert off["operator_fusion"].accesses["membrane_reads"][0] == 5 * on.accesses["membrane_reads"][0]
    assert off["heterogeneous_stationarity"].accesses["input_weights_reads"][0] == 700 * 32
    assert off["heterogeneous_stationarity"].cycles[0] == 700 * 32 + 3
    assert off["heterogeneous_stationarity"].accesses["memory_current_writes"][0] == 9 * 32


def test_the_published_memories():
    """91.8 kB in all at 700 inputs, of which W_f is 97.6 %, without the registers."""
    found = {name: memory for name, memory in memories(PUBLISHED, LAYER).items() if not memory.registers}
    total = sum(memory.size for memory in found.values()) / 8
    assert total == 91772
    assert found["input_weights"].size / 8 / total == pytest.approx(0.976, abs=5e-4)
    assert (found["memory_weights"].words, found["memory_weights"].bits) == (32 * 8, 32)
    assert (found["transition"].words, found["transition"].bits) == (8, 64)
    assert (found["membrane"].words, found["membrane"].bits, found["membrane"].ports) == (32, 64, 1)


@given(cores, layers())
def test_every_memory_has_an_owner_and_a_larger_layer_needs_no_less(core, layer):
    found = memories(core, layer)
    assert set(found) <= set(OWNER)
    larger = memories(core, replace(layer, neurons=layer.neurons + 8, inputs=layer.inputs + 8))
    assert all(larger[name].size >= memory.size for name, memory in found.items())
    assert all(memory.banks * core.bank_kib >= memory.kib for memory in found.values())


def test_design_rules_say_what_does_not_fit_and_by_how_much():
    assert misfits(DEFAULT, LAYER) == []
    found = misfits(DEFAULT, replace(LAYER, neurons=200, inputs=701))
    assert [str(entry) for entry in found] == [
        "neurons: neurons of the layer are 200, the core has 128: 72 more than fits",
        "inputs: inputs of the layer are 701, the core has 700: 1 more than fits",
    ]
    assert {entry.rule for entry in misfits(replace(PUBLISHED, product_bits=24), LAYER)} == {
        "state_bits",
        "product_bits",
    }
    small = replace(DEFAULT, sram_kib={"input_weights": 64.0})
    (rule,) = misfits(small, LAYER)
    assert "input_weights" in str(rule)
    assert str(rule).endswith("87.5, the core has 64: 23.5 more than fits")


def test_a_diagonal_recurrence_costs_rows_and_no_cycles():
    """G rows of weights in the steps after a spike, as many bits as there are neurons, and nothing is integrated."""
    alone = Sizes(inputs=30, neurons=18, passes=WITHOUT_MEMORY)
    diagonal, full = replace(alone, diagonal=True), replace(alone, recurrent=True)
    spikes, own = np.array([0, 3, 3, 0, 2]), np.array([0, 0, 7, 18, 1])
    without, found, dense = (
        cost(DEFAULT, layer, spikes, own * layer.hears_itself) for layer in (alone, diagonal, full)
    )
    assert np.array_equal(found.cycles, without.cycles) and (dense.cycles >= found.cycles).all()
    assert found.accesses["recurrent_weights_reads"].tolist() == [0, 0, 5, 5, 5]
    assert found.accesses["output_spikes_reads"].tolist() == [0, 0, 5, 5, 5]
    assert found.accesses.keys() - without.accesses.keys() == {"recurrent_weights_reads", "output_spikes_reads"}
    assert memories(DEFAULT, diagonal)["recurrent_weights"].size == 20 * 8
    assert memories(DEFAULT, full)["recurrent_weights"].size == 18 * 20 * 8
    straightforward = replace(DEFAULT, heterogeneous_stationarity=False)
    assert cost(straightforward, diagonal, spikes, own).accesses["recurrent_weights_reads"].tolist() == [5] * 5
