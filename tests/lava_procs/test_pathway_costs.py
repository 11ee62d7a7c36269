"""What memory pathways count, and what they cost on a near-memory core: small cases by hand."""

from dataclasses import replace

import numpy as np
import pytest

from basalt.near_memory.core import Core
from basalt.near_memory.formula import bound, cost
from basalt.near_memory.geometry import OWNER, memories
from basalt.near_memory.hgrn import GatedSizes
from basalt.near_memory.hopfield import AssociativeSizes
from basalt.near_memory.sizes import Sizes
from basalt.records.hgrn import Hgrn
from basalt.records.hopfield import Hopfield
from tests.conformance.records import pathway

EVENTS, NONE = np.array([3]), np.array([0])


def layer(pathway):
    return Sizes(pathway.inputs, pathway.neurons, pathway=pathway)


def of(pathway, core, refresh=True):
    """Cycles and accesses of a step with three events."""
    found = cost(core, layer(pathway), EVENTS, refresh=refresh)
    return int(found.cycles[0]), {name: int(value[0]) for name, value in found.accesses.items()}


def units(variant):
    """A gated memory of four units."""
    return pathway(np.random.default_rng(0), Hgrn, 2, 4, variant)


def patterns(variant, neurons):
    """Five patterns over six inputs, three iterations."""
    rng = np.random.default_rng(0)
    keys, values = rng.integers(1, 9, (5, 6)), rng.integers(1, 9, (5, neurons))
    return Hopfield(variant, keys, values if variant == "modern" else None, 0, iterations=3)


def test_counts_of_a_gated_memory():
    """Two steps with three events in all, four units."""
    assert units("published").counts(EVENTS, NONE, 2) == {
        "events_in": EVENTS,
        "weight_words_read": 3 * 4 * 3 + 2 * 8,
        "synaptic_operations": 36,
        "dense_macs": 2 * 5 * 4,
        "dense_mac_bits": 2 * 4 * (2 * 12 * 12 + 2 * 12 * 24 + 8 * 24),
        "lookups": 2 * 3 * 4,
        "state_reads": 8,
        "state_writes": 8,
        "saturations": NONE,
    }
    gated = units("gated").counts(EVENTS, NONE, 2)
    assert gated["dense_macs"] == 2 * (2 * 16 + 4 * 4)
    assert gated["dense_mac_bits"] == 2 * (2 * 16 * 8 * 8 + 4 * (2 * 12 * 12 + 12 * 24 + 8 * 8))
    assert gated["weight_words_read"] == 36 + 2 * (32 + 8)
    assert (gated["lookups"], gated["state_reads"], gated["state_writes"]) == (32, 16, 16)


def test_counts_of_an_associative_memory():
    """Four steps, two of which recall: five patterns over six inputs for seven neurons, three iterations."""
    found = patterns("modern", 7).counts(EVENTS, NONE, 4, 2)
    similarity, recall = 3 * 30, 2 * 30 + 35
    assert found["dense_macs"] == 4 * 6 + 2 * (similarity + recall + 3 * 5)
    bits = similarity * 8 * 24 + recall * 12 * 8 + 3 * 5 * 12 * 12
    assert found["dense_mac_bits"] == 4 * 6 * 12 * 24 + 2 * bits
    assert found["weight_words_read"] == 2 * (similarity + recall)
    assert found["lookups"] == 2 * 3 * 6
    assert (found["state_reads"], found["state_writes"], found["synaptic_operations"]) == (24, 24, EVENTS)
    classical = patterns("classical", 6).counts(EVENTS, NONE, 4, 2)
    assert classical["dense_macs"] == 4 * 6 + 2 * 2 * 90
    assert classical["dense_mac_bits"] == 4 * 6 * 12 * 24 + 2 * 90 * (1 + 24)
    assert (classical["weight_words_read"], classical["lookups"]) == (2 * 2 * 3 * 4, 0)


def test_a_gated_memory_by_hand():
    """Two groups of four: three events take 6 cycles from cycle 1 on, then 8 a group for two look-ups a unit."""
    cycles, accesses = of(GatedSizes(10, 8, gated=False), Core())
    assert cycles == (1 + 6 + 1) + 8 + 1 + 8 + 3
    assert accesses["gate_weights_reads"] == accesses["gate_sums_writes"] == 3 * 6
    assert (accesses["gate_state_reads"], accesses["gate_state_writes"], accesses["gate_constants_reads"]) == (2, 2, 2)
    assert accesses["event_buffer_reads"] == 6
    assert of(GatedSizes(10, 8, gated=False), Core(macs=1))[0] == 8 + 20 + 1 + 20 + 3
    dense = Core(heterogeneous_stationarity=False)
    assert of(GatedSizes(10, 8, gated=False), dense)[1]["gate_weights_reads"] == 3 * 20
    separate = Core(operator_fusion=False)
    assert of(GatedSizes(10, 8, gated=False), separate)[0] == 1 + 16 + 8 + 1 + 3 * 3 * 2


def test_a_memory_that_hears_itself_by_hand():
    cycles, accesses = of(GatedSizes(10, 8, gated=True), Core())
    assert cycles == 8 * 2 * 2 + 8 + 1 + 8 + 3
    assert accesses["gate_recurrent_weights_reads"] == 2 * 8 * 2


@pytest.mark.parametrize(("iterations", "more"), [(1, 0), (3, 2 * (2 * 2 * 5 + 11))])
def test_an_associative_memory_by_hand(iterations, more):
    """Three events are known in cycle 5; two groups of traces, five patterns, a softmax of 5 + 2 + 4 cycles."""
    pathway = AssociativeSizes(8, 8, 5, iterations, modern=True)
    cycles, accesses = of(pathway, Core())
    assert cycles == 5 + (2 * 5 + 2) + 11 + more + 5 + 1 + 5 + 3
    assert accesses["keys_reads"] == 5 * 2 * (2 * iterations - 1)
    assert (accesses["values_reads"], accesses["trace_reads"], accesses["trace_writes"]) == (10, 2, 2)
    assert (accesses["recalled_writes"], accesses["recalled_reads"]) == (2, 2)
    assert accesses["similarities_writes"] == iterations * 15
    held, accesses = of(pathway, Core(), refresh=False)
    assert held == 1 + 2 * 2 + 1 + 1 + 3  # the events' rows, and the bank behind the last of them
    assert (accesses["keys_reads"], accesses["values_reads"], accesses["recalled_reads"]) == (0, 0, 2)


def test_a_classical_memory_by_hand():
    """40 keys of a bit are two rows of 32, each summed in 8 cycles, forth and back in each iteration."""
    cycles, accesses = of(AssociativeSizes(40, 40, 5, 2, modern=False), Core())
    assert cycles == 5 + (10 + 2) + 2 * 2 * (5 * 2 * 8) + 1 + 9 + 3
    assert accesses["keys_reads"] == 2 * 2 * 5 * 2


@pytest.mark.parametrize(
    "pathway",
    [
        GatedSizes(10, 8, gated=True),
        AssociativeSizes(8, 8, 5, 2, modern=True),
        AssociativeSizes(40, 40, 5, 2, modern=False),
    ],
)
def test_every_access_is_to_a_memory_and_bounds_the_step(pathway):
    found = cost(Core(), layer(pathway), EVENTS)
    names = set(memories(Core(), layer(pathway)))
    assert {name.rsplit("_", 1)[0] for name, value in found.accesses.items() if value.any()} <= names <= set(OWNER)
    assert bound(found)[0] == "pathway"
    alone = cost(Core(), replace(layer(pathway), pathway=None, passes=Sizes.passes), EVENTS)
    assert found.cycles[0] > alone.cycles[0]


def test_the_gates_weights_are_three_macros_at_least():
    found = memories(Core(bank_kib=1), layer(GatedSizes(100, 32, gated=True)))
    assert (found["gate_weights"].words, found["gate_weights"].banks) == (3 * 100 * 8, 3 * 4)
    assert found["gate_recurrent_weights"].banks == 2
