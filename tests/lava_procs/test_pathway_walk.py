"""Gated and associative memories on a near-memory core: a walk through every cycle and the closed formula agree."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.near_memory import mechanisms as pathways
from basalt.near_memory.core import SWITCHES, Core
from basalt.near_memory.formula import bound, cost
from basalt.near_memory.geometry import OWNER, memories
from basalt.near_memory.hgrn import GatedSizes
from basalt.near_memory.hopfield import AssociativeSizes
from basalt.near_memory.schedule import schedule
from basalt.near_memory.sizes import Sizes
from basalt.near_memory.walk import PATHS, Events
from tests.lava_procs.test_near_memory import cores, events, of

OPTIMISED = {**dict.fromkeys(SWITCHES, True), "membrane_ports": 2}
CORES = st.one_of(cores, cores.map(lambda core: replace(core, **OPTIMISED)))
"""Half of them with all optimisations, which seldom meet by themselves."""
THOROUGH = settings(max_examples=150)


@st.composite
def layers(draw):
    """Small layers with a memory of every kind, and all that the layer may have beside it."""
    inputs, neurons = draw(st.integers(1, 40)), draw(st.integers(1, 30))
    if draw(st.integers(0, 2)) == 0:
        pathway = GatedSizes(inputs, neurons, draw(st.booleans()))
    else:
        patterns, iterations = draw(st.integers(1, 9)), draw(st.integers(1, 3))
        pathway = AssociativeSizes(inputs, neurons, patterns, iterations, draw(st.integers(0, 3)) > 0)
    recurrence = draw(st.sampled_from(["none", "full", "diagonal"]))
    return Sizes(
        inputs=inputs,
        neurons=neurons,
        recurrent=recurrence == "full",
        diagonal=recurrence == "diagonal",
        longest_delay=draw(st.sampled_from([None, 0, 7])),
        current=draw(st.booleans()),
        pathway=pathway,
        value_bits=draw(st.sampled_from([1, 5])),
    )


@THOROUGH
@given(CORES, layers(), events)
def test_the_formula_equals_the_walk(core, layer, step):
    walked, formula = of(core, layer, step)
    assert walked.cycles == formula.cycles[0]
    assert walked.stalls == formula.stalls[0]
    assert walked.products == formula.products[0]
    assert walked.counts() == {name: int(value[0]) for name, value in formula.accesses.items() if value[0]}


@THOROUGH
@given(CORES, layers(), events)
def test_every_access_is_to_a_row_that_is_there_through_a_port_that_is_free(core, layer, step):
    walked, _ = of(core, layer, step)
    found = memories(core, layer)
    assert set(found) <= set(OWNER)
    used = Counter((access.memory, access.cycle) for access in walked.accesses)
    assert all(times <= found[memory].ports for (memory, _), times in used.items())
    assert all(0 <= access.cycle < walked.cycles for access in walked.accesses)
    mine = [access for access in walked.accesses if access.memory in pathways.OWNER]
    assert all(access.row < found[access.memory].words for access in mine)
    assert {access.path for access in walked.accesses} <= {*PATHS, *pathways.PATHS}


@THOROUGH
@given(CORES, layers(), events)
def test_what_is_read_was_written_before_and_is_needed_no_more_when_written_again(core, layer, step):
    """Rows that live for one step are written before they are read, those of the last step read before they are
    written; a query and a similarity are forwarded where both are in one cycle, and a sum's register takes both."""
    walked, _ = of(core, layer, step)
    order = sorted(walked.accesses, key=lambda access: access.cycle)
    written = {}
    for access in order:
        place = (access.memory, access.row)
        if access.which == "writes":
            written.setdefault(place, []).append(access.cycle)
    for access in (access for access in order if access.which == "reads"):
        before = written.get((access.memory, access.row), [])
        if access.memory in ("query", "similarities"):
            assert before[0] <= access.cycle, access
        if access.memory == "gate_sums" or (access.memory == "recalled" and step.refresh):
            assert before[0] < access.cycle, access
        if access.path == "gate_bank" and access.memory == "gate_sums":
            assert before[-1] < access.cycle, access
        if access.memory in ("trace", "gate_state"):
            assert len(before) == 1, access
            assert before[0] > access.cycle, access


@THOROUGH
@given(CORES, layers(), events)
def test_work_of_the_paths_is_that_of_their_memories_and_within_the_step(core, layer, step):
    walked, formula = of(core, layer, step)
    rows = Counter((access.path, access.memory, access.which) for access in walked.accesses)
    pathway, beat = layer.pathway, -(-core.fused // core.macs)
    if isinstance(pathway, GatedSizes):
        wanted = {
            "gate_integration": rows["gate_integration", "gate_weights", "reads"] // 3,
            "gate_product": rows["gate_product", "gate_recurrent_weights", "reads"] // 2 * pathway.product_beat(core),
            "gate_bank": rows["gate_bank", "gate_state", "reads"] * pathway.beat(core),
        }
    else:
        recalled = sum(rows["recall", memory, "reads"] for memory in ("keys", "values"))
        each = beat if pathway.modern else pathway.bit_beat(core)
        softmax = pathway.patterns + -(-pathway.patterns // core.macs) + 4
        wanted = {
            "trace_update": rows["trace_update", "trace", "reads"] * core.group_cycles,
            "similarity": rows["similarity", "keys", "reads"] * each,
            "recall": recalled * each,
            "softmax": rows["softmax", "similarities", "reads"] // pathway.patterns * softmax,
        }
    mine = {name: int(work[0]) for name, work in formula.paths.items() if work[0] and name in pathways.PATHS}
    assert mine == {name: work for name, work in wanted.items() if work}
    assert all(work[0] <= formula.cycles[0] for work in formula.paths.values())


def test_a_step_of_an_associative_memory_cycle_by_cycle():
    """Two groups of traces, a refresh: what is worked out by hand from the docstring."""
    walked = schedule(Core(), Sizes(8, 4, pathway=AssociativeSizes(8, 4, 5, 1, modern=True)), Events(3))
    at = {}
    for access in sorted(walked.accesses, key=lambda access: access.cycle):
        at.setdefault((access.path, access.memory, access.which), []).append(access.cycle)
    assert at["trace_update", "event_buffer", "reads"] == [1, 2, 3]
    assert at["trace_update", "trace", "reads"] == [5, 10]
    assert at["trace_update", "trace", "writes"] == [7, 12]
    assert at["similarity", "keys", "reads"] == list(range(6, 16))
    assert at["similarity", "similarities", "writes"] == list(range(7, 17))
    assert at["softmax", "similarities", "reads"] == list(range(17, 22))
    assert at["softmax", "similarities", "writes"] == [26, 26, 26, 26, 27]
    assert at["recall", "values", "reads"] == list(range(28, 33))
    assert at["recall", "recalled", "writes"] == [33]
    assert at["neuron_bank", "recalled", "reads"] == [34]
    assert walked.cycles == 37


def test_a_step_of_a_gated_memory_cycle_by_cycle():
    walked = schedule(Core(), Sizes(9, 8, pathway=GatedSizes(9, 8, gated=False)), Events(2))
    at = {}
    for access in sorted(walked.accesses, key=lambda access: access.cycle):
        at.setdefault((access.path, access.memory, access.which), []).append(access.cycle)
    assert at["gate_integration", "gate_weights", "reads"] == [cycle for cycle in range(1, 5) for _ in range(3)]
    assert at["gate_integration", "gate_sums", "reads"] == [4, 4, 4, 5, 5, 5]
    assert at["gate_bank", "gate_state", "reads"] == [6, 14]
    assert at["gate_bank", "gate_state", "writes"] == [14, 22]
    assert at["neuron_bank", "membrane", "reads"] == [15, 23]
    assert walked.cycles == 26


@pytest.mark.parametrize("fired", [0, 5])
def test_spikes_are_delayed_while_traces_are_still_written(fired):
    """A step that recalls nothing, with 100 groups of traces and one of neurons: the delay line waits for neurons
    only."""
    layer = Sizes(400, 4, longest_delay=3, pathway=AssociativeSizes(400, 4, 5, 1, modern=True))
    found = cost(Core(), layer, np.array([0]), fired=fired, refresh=False)
    assert (int(found.cycles[0]), bound(found)[0]) == (1 + 100 + 2, "trace_update")
    assert schedule(Core(), layer, Events(0, fired=fired, refresh=False)).cycles == found.cycles[0]


@given(CORES, layers(), st.integers(1, 30), st.integers(0, 40))
def test_a_part_of_the_neurons_costs_no_more_and_what_it_shares_is_whole(core, layer, neurons, spikes):
    part = replace(layer, neurons=neurons, pathway=layer.pathway.of_neurons(neurons))
    larger = replace(part, neurons=neurons + 9, pathway=part.pathway.of_neurons(neurons + 9))
    few, many = (cost(core, sizes, np.array([spikes])) for sizes in (part, larger))
    assert few.cycles[0] <= many.cycles[0]
    mine, theirs = memories(core, part), memories(core, larger)
    shared = {"trace", "query", "keys", "similarities"} & set(mine)
    assert all(mine[name] == theirs[name] for name in shared)
    own = {"values", "recalled", "gate_weights", "gate_constants", "gate_sums", "gate_state"} & set(mine)
    assert all(mine[name].size < theirs[name].size for name in own)
