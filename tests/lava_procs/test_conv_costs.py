"""Convolutions on a near-memory core: a walk through every cycle, a closed formula and a count of synapses agree."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.kernels.bits import pack, planes_of
from basalt.kernels.events import reach_block
from basalt.near_memory.convolution import ConvSizes, reached_by, spread
from basalt.near_memory.core import Core
from basalt.near_memory.formula import bound, cost
from basalt.near_memory.geometry import OWNER, memories, misfits
from basalt.near_memory.schedule import schedule, step_cost
from basalt.near_memory.sizes import WITHOUT_MEMORY, Sizes, sizes_of
from basalt.near_memory.walk import PATHS, Events
from basalt.records.convolution import fan_out
from basalt.records.synapses import Conv
from tests.conformance.conv_strategies import make_conv_case
from tests.lava_procs.test_near_memory import cores

SEEDS = st.integers(0, 2**32 - 1)


def layers(seed):
    """The convolutions of a random network, as a core sees them."""
    return [layer for layer in make_conv_case(seed).network.layers if isinstance(layer, Conv)]


@st.composite
def steps(draw):
    """A convolution of any geometry, and events of any of its inputs."""
    seed = draw(SEEDS)
    layer = draw(st.sampled_from(layers(seed)))
    rng = np.random.default_rng(seed)
    features = np.flatnonzero(rng.random(layer.inputs) < draw(st.sampled_from([0, 0.05, 0.4])))
    fired = draw(st.integers(0, layer.neurons))
    return layer, Events(len(features), fired=fired, features=tuple(features.tolist()))


@given(cores, steps())
def test_the_formula_equals_the_walk(core, drawn):
    layer, step = drawn
    for sizes in (sizes_of(layer), sizes_of(layer, 8)):
        walked, formula = schedule(core, sizes, step), step_cost(core, sizes, step)
        assert walked.products == formula.products[0]
    assert walked.products == conv_synapses(layer, step.features)
    assert walked.cycles == formula.cycles[0]
    assert walked.stalls == formula.stalls[0]
    assert walked.counts() == {name: int(value[0]) for name, value in formula.accesses.items() if value[0]}
    assert all(work[0] <= formula.cycles[0] for work in formula.paths.values())
    assert bound(formula)[0] in PATHS


def conv_synapses(layer, features):
    """Synapses that events reach, by the reference."""
    geometry = {name: getattr(layer, name) for name in ("input_shape", "stride", "padding", "dilation", "groups")}
    reach = fan_out(layer.weight.shape[2:], output_shape=layer.shape, **geometry)
    return int(sum(reach[feature] for feature in features))


@given(cores, steps())
def test_no_event_is_read_in_the_cycle_in_which_it_enters(core, drawn):
    layer, step = drawn
    found = {"reads": {}, "writes": {}}
    for access in schedule(core, sizes_of(layer), step).accesses:
        if access.memory == "event_buffer":
            found[access.which].setdefault(access.row, []).append(access.cycle)
    for row, written in found["writes"].items():
        later = [*sorted(written)[1:], np.inf]
        assert all(a < b < c for a, b, c in zip(sorted(written), sorted(found["reads"][row]), later, strict=True))


@given(cores, steps())
def test_every_access_is_to_a_row_that_is_there_through_a_port_that_is_free(core, drawn):
    layer, step = drawn
    walked, found = schedule(core, sizes_of(layer), step), memories(core, sizes_of(layer))
    assert set(found) <= set(OWNER)
    used = Counter((access.memory, access.cycle) for access in walked.accesses)
    assert all(times <= found[memory].ports for (memory, _), times in used.items())
    assert all(0 <= access.cycle < walked.cycles for access in walked.accesses)
    for access in walked.accesses:
        if access.memory not in ("delay_line", "delays"):
            assert access.row < found[access.memory].words


@given(cores, steps())
def test_sums_are_written_before_the_bank_reads_them_and_kept_until_then(core, drawn):
    layer, step = drawn
    sums = [access for access in schedule(core, sizes_of(layer), step).accesses if access.memory == "accumulators"]
    adding = [access for access in sums if access.path == "spike_integration"]
    read = {access.row: access.cycle for access in sums if access.path == "neuron_bank"}
    assert set(read) == {access.row for access in adding}
    assert max((access.cycle for access in adding), default=-1) < min(read.values(), default=0)
    for row in read:
        mine = [access for access in adding if access.row == row]
        begun = min(access.cycle for access in mine if access.which == "writes") - 2
        assert all(begun < access.cycle for access in mine if access.which == "reads"), "nothing was added yet"


@given(SEEDS, st.integers(1, 9))
def test_rows_are_those_of_the_synapses_that_an_event_reaches(seed, fused):
    """Counted one synapse at a time, by the definition of a convolution: borders, strides, groups, uneven rows."""
    core = Core(fused=fused)
    for layer in layers(seed)[:1]:
        conv = sizes_of(layer).conv
        met, used = [], set()
        for feature in range(layer.inputs):
            rows = set()
            for o, y, x, c, i, j in synapses(layer, feature):
                rows.add((y, x, o // fused, i, j))
                used.add((c, o // fused, i, j))
            met.append(len(rows))
        assert conv.event_rows(core).tolist() == met
        assert conv.heard_rows(core).sum() == sum(met)
        assert len(conv.heard_rows(core)) == conv.sweep(core) == sizes_of(layer).groups(core)
        assert conv.kernel_rows(core) >= len(used)
        _, height, width = layer.shape
        assert conv.sweep(core) == height * width * -(-layer.shape[0] // fused)


def synapses(layer, feature):
    """(output channel, row, column; input channel of the group, kernel row, column) of all synapses of an input."""
    channel, row, column = np.unravel_index(feature, layer.input_shape)
    outputs, channels = layer.weight.shape[:2]
    group = channel // channels
    for y in range(layer.shape[1]):
        for i in range(layer.weight.shape[2]):
            if y * layer.stride[0] - layer.padding[0] + i * layer.dilation[0] != row:
                continue
            for x in range(layer.shape[2]):
                for j in range(layer.weight.shape[3]):
                    if x * layer.stride[1] - layer.padding[1] + j * layer.dilation[1] == column:
                        for o in range(group * (outputs // layer.groups), (group + 1) * (outputs // layer.groups)):
                            yield o, y, x, channel, i, j


@settings(max_examples=30)
@given(SEEDS, st.integers(1, 12))
def test_the_kernel_adds_up_what_the_events_of_every_step_meet(seed, places):
    case = make_conv_case(seed)
    layer = layers(seed)[0]
    spikes = case.spikes[:, : layer.inputs] if case.spikes.shape[1] >= layer.inputs else None
    if spikes is None:
        return
    conv, core = sizes_of(layer).conv, Core(event_buffer=places)
    planes = planes_of(spikes)
    packed = pack(spikes.transpose(2, 0, 1), planes)
    found = np.zeros((4, *packed.shape[:2]), dtype=np.int64)
    reach_block(packed, planes, len(packed), conv.event_rows(core), conv.event_synapses, places, *found)
    for sample in range(len(spikes)):
        for t in range(spikes.shape[2]):
            wanted = reached_by(conv, core, np.flatnonzero(spikes[sample, :, t]))
            assert found[:, t, sample].tolist() == [int(part) for part in wanted]


CONV = ConvSizes((2, 6, 6), (8, 3, 3), (3, 3), (2, 2), (1, 1))
LAYER = Sizes(72, 72, passes=WITHOUT_MEMORY, conv=CONV)
"""A kernel of 3×3 with stride 2: an event at an even place of an axis is under one place of it, at an odd one of two,
but at the last one of one."""


@pytest.mark.parametrize(
    ("features", "rows", "cycles"),
    [
        ((), 0, 18 + 2),
        ((0,), 2, 18 + 2 + 1 + 2 + 2),  # even, even: one position of two rows of four channels
        ((7,), 8, 18 + 2 + 1 + 8 + 2),  # odd, odd: four positions
        ((35,), 2, 18 + 2 + 1 + 2 + 2),  # the last corner is odd, but no position lies beyond it
        ((0, 7, 35), 12, 18 + 2 + 1 + 12 + 2),
    ],
)
def test_steps_worked_out_by_hand(features, rows, cycles):
    """Two rows of four channels at nine positions: 18 rows, which the bank leaves two cycles after the last; the first
    event takes a cycle to enter."""
    step = Events(len(features), features=features)
    found = step_cost(Core(), LAYER, step)
    assert found.accesses["kernel_weights_reads"][0] == found.accesses["accumulators_reads"][0] == rows
    assert found.cycles[0] == schedule(Core(), LAYER, step).cycles == cycles
    assert found.accesses["membrane_reads"][0] == 18


def test_a_full_event_buffer_stalls_until_rows_are_done():
    """The third event enters when the first of 8 rows is done, which began in cycle 1, the fourth after 16."""
    narrow = Core(event_buffer=2)
    step = Events(4, features=(7, 9, 19, 21))
    assert schedule(narrow, LAYER, step).stalls == step_cost(narrow, LAYER, step).stalls[0] == 1 + 16 - 3
    assert step_cost(Core(), LAYER, step).stalls[0] == 0


def test_memories_of_a_convolution():
    found = memories(Core(), LAYER)
    assert (found["kernel_weights"].words, found["kernel_weights"].bits) == (2 * 9 * 2, 32)
    assert (found["accumulators"].words, found["accumulators"].bits, found["accumulators"].ports) == (18, 96, 2)
    assert not found["accumulators"].registers
    assert found["membrane"].words == found["touched"].bits == 18
    assert "input_weights" not in found


def test_a_pool_reads_no_weights():
    pool = ConvSizes((8, 6, 6), (8, 3, 3), (2, 2), (2, 2), groups=8, pool=True)
    layer = replace(LAYER, inputs=288, conv=pool)
    found = step_cost(Core(), layer, Events(2, features=(0, 287)))
    assert found.accesses["accumulators_writes"][0] == 2
    assert not any(name.startswith("kernel_weights") for name in found.accesses)
    kernel = memories(Core(), layer)["kernel_weights"]
    assert (kernel.size, kernel.registers) == (8, True)
    weighted = step_cost(Core(), replace(layer, conv=replace(pool, pool=False)), Events(1, features=(0,)))
    assert weighted.accesses["kernel_weights_reads"][0] == 1


@pytest.mark.parametrize(("fill", "pool"), [(30, True), (None, False)])
def test_equal_weights_make_a_pool(fill, pool):
    weight = np.arange(8, dtype=np.int64).reshape(2, 1, 2, 2) * 2 if fill is None else np.full((2, 1, 2, 2), fill)
    layer = Conv(name="p", weight=weight, neuron=layers(0)[0].neuron, input_shape=(2, 4, 4), groups=2)
    assert sizes_of(layer).conv.pool is pool


def test_events_of_which_only_the_number_is_known_are_spread_evenly():
    table = CONV.event_rows(Core())
    everywhere = cost(Core(), LAYER, np.array([72]))
    exact = step_cost(Core(), LAYER, Events(72, features=tuple(range(72))))
    assert everywhere.cycles[0] == exact.cycles[0]
    half = spread(CONV, Core(), np.array([36]))
    assert half.rows[0] == -(-table.sum() // 2)
    assert half.entered[0] == -(-4 * table.sum() // 72)
    assert half.synapses[0] == 36 * 8 * CONV.positions.sum() // 36


def test_without_stationarity_every_input_is_heard():
    dense = Core(heterogeneous_stationarity=False)
    found = step_cost(dense, LAYER, Events(0))
    assert found.accesses["kernel_weights_reads"][0] == CONV.event_rows(dense).sum()
    assert found.accesses["accumulators_writes"][0] == 18


def test_design_rules_of_a_convolution():
    core = Core(neurons=64, inputs=72, sram_kib={"kernel_weights": 0.1, "accumulators": 1})
    assert [(entry.rule, entry.what) for entry in misfits(core, LAYER)] == [
        ("neurons", "neurons of the layer are"),
        ("sram", "KiB of kernel_weights are"),
    ]
