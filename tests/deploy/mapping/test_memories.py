"""Layers with gated and associative memories on a mesh: their parts fit, compute the same and cost what they should."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from basalt.deploy.cores import load_core
from basalt.deploy.job import Job
from basalt.deploy.mapping.capacity import capacity
from basalt.deploy.mapping.partition import INPUT, partition, uniform_rates
from basalt.deploy.mapping.result import map_network
from basalt.deploy.mapping.summary import mapping_file
from basalt.deploy.mapping.traffic import traffic_graph
from basalt.errors import BasaltError
from basalt.lava_procs.metering import COLUMN
from basalt.near_memory.core import Core
from basalt.near_memory.formula import cost
from basalt.near_memory.geometry import memories, misfits
from basalt.near_memory.sizes import sizes_of
from basalt.records.hgrn import GATINGS, Hgrn
from basalt.records.hopfield import RECALLS, Hopfield
from basalt.records.network import Network
from basalt.records.simulate import simulate
from basalt.records.slow_memory import SlowMemory
from basalt.records.synapses import Spiking
from tests.conformance.direct import run_direct
from tests.conformance.records import even, held, pathway
from tests.deploy.mapping.nets import NEURON

CORE = Core(name="small", neurons=12, inputs=60, sram_kib={"input_weights": 1, "gate_weights": 3, "values": 0.15})
SPLIT = ("published", *RECALLS)
CYCLES = COLUMN["cycles"]


def memory(rng, variant, inputs, neurons):
    """Of a variant, with all numbers drawn."""
    return pathway(rng, Hgrn if variant in GATINGS else Hopfield, inputs, neurons, variant)


def remembering(seed, variant, inputs, neurons, recurrent=False):
    """A network of one layer with a memory."""
    rng = np.random.default_rng(seed)
    weight = even(rng, (neurons, inputs), 120)
    own = even(rng, (neurons, neurons), 60) if recurrent else None
    layer = Spiking("l", weight, NEURON, recurrent_weight=own, memory=memory(rng, variant, inputs, neurons))
    return Network((layer,))


def part_of(layer, first, end):
    """These neurons of a layer as a layer: a gated memory by its units, an associative one by what is recalled."""
    found = layer.memory
    if isinstance(found, Hgrn):
        mine = {name: value[first:end] for name, value in vars(found).items() if isinstance(value, np.ndarray)}
    else:
        mine = {"values": found.values[:, first:end]}
    return replace(layer, weight=layer.weight[first:end], memory=replace(found, **mine))


@given(st.sampled_from(SPLIT), st.integers(1, 20), st.integers(1, 40), st.integers(0, 99))
def test_parts_fit_and_keep_to_what_they_share(variant, inputs, neurons, seed):
    if variant == "classical":
        neurons = inputs
    net = remembering(seed, variant, inputs, neurons)
    rates = uniform_rates(net, {INPUT: 3.0, "l": 2.0})
    pieces = partition(net, CORE, rates)
    assert [n for piece in pieces for n in range(piece.first, piece.first + piece.neurons)] == list(range(neurons))
    whole = sizes_of(net.layers[0]).pathway
    for piece in pieces:
        assert misfits(CORE, piece.sizes) == []
        assert piece.sizes.pathway == replace(whole, neurons=piece.neurons)
        assert piece.longest == cost(CORE, piece.sizes, np.array(3)).cycles >= piece.cycles
    if len(pieces) > 1:
        graph = traffic_graph(net, pieces, rates)
        assert [spikes for _, _, spikes in graph.edges(data="spikes")] == [3.0] * len(pieces), "each hears the input"


def every(interval, kind, inputs=12, neurons=12):
    """A network of one layer whose memory is refreshed so often, and whose neurons do not fire."""
    rng = np.random.default_rng(8)
    record, variant = (SlowMemory, None) if kind == "slow" else (Hopfield, kind)
    found = pathway(rng, record, inputs, neurons, variant, **held(record, interval))
    quiet = replace(NEURON, threshold=1 << 16)
    return Network((Spiking("l", even(rng, (neurons, inputs), 120), quiet, memory=found),))


@pytest.mark.parametrize("interval", [1, 2, 7])
@pytest.mark.parametrize("kind", ["slow", *RECALLS])
def test_a_mean_step_is_that_of_the_steps_between_two_refreshes(kind, interval):
    """As the backend counts them, with as many spikes in each: all steps but the first, which hears none."""
    net = every(interval, kind)
    (piece,) = partition(net, CORE, uniform_rates(net, {INPUT: 3.0}))
    spikes = np.zeros((1, 12, interval + 1), np.uint8)
    spikes[:, :3] = 1
    total, first = (
        int(run_direct(Job(net, spikes[:, :, :steps], "near-memory", core=CORE)).counts["l.spiking"][0, CYCLES])
        for steps in (interval + 1, 1)
    )
    assert piece.cycles == -(-(total - first) // interval)
    assert piece.longest == cost(CORE, piece.sizes, np.array(3)).cycles
    assert (piece.longest > piece.cycles) == (interval > 1)


def test_most_cycles_are_those_of_a_mean_step():
    """A layer whose recalls alone take longer stays whole; what all steps take is split."""
    often, seldom = every(1, "modern", neurons=32), every(5, "modern", neurons=32)
    (whole,) = partition(seldom, Core(), uniform_rates(seldom, {INPUT: 3.0}))
    assert whole.longest > whole.cycles
    for net, split in ((seldom, False), (often, True)):
        rates = uniform_rates(net, {INPUT: 3.0})
        found = partition(net, Core(), rates, most_cycles=whole.longest - 1)
        assert (len(found) > 1) == split
        assert all(piece.cycles < whole.longest for piece in found)


def test_layers_share_a_core_where_neither_its_mean_nor_its_longest_step_is_longer():
    """Two that recall at once would make the longest step longer, two that do not the mean one."""
    (seldom,), (quick,) = (
        partition(net, Core(), uniform_rates(net, {INPUT: spikes}))
        for net, spikes in ((every(9, "modern"), 1.0), (every(1, "slow"), 10.0))
    )
    assert seldom.longest > quick.longest > seldom.cycles

    def together(*pieces, most=None):
        named = [replace(piece, layer=str(number)) for number, piece in enumerate(pieces)]
        found = capacity(Core(states=64), named, share=True, most_cycles=most)
        return bool(found.fits(found.needs[:2].sum(axis=0)))

    below, above = (replace(quick, cycles=each, longest=each) for each in (seldom.longest - 1, 2 * seldom.longest))
    assert not together(seldom, seldom, below), "for its longest step"
    assert not together(quick, quick, seldom), "for its mean step"
    assert together(seldom, seldom, above)
    assert together(quick, quick, below)
    assert together(seldom, seldom, most=2 * seldom.cycles)
    assert not together(seldom, seldom, most=2 * seldom.cycles - 1)


def test_a_mapping_tells_the_mean_and_the_longest_step():
    slow, recall = every(4, "slow").layers[0], every(3, "modern").layers[0]
    net = Network((replace(slow, name="s"), replace(recall, name="h")), name="two")
    mapped = map_network(net, Core(), uniform_rates(net, {INPUT: 1.0}), rounds=0)
    content = mapping_file(mapped, None)
    told = [(entry["cycles_per_step"], entry["longest_step_cycles"]) for entry in content["pieces"]]
    assert told == [(piece.cycles, piece.longest) for piece in mapped.pieces]
    assert content["busiest_core"]["cycles_per_step"] == max(mean for mean, _ in told)
    late = max(range(2), key=lambda number: told[number][1])
    wanted = {"place": content["pieces"][late]["place"], "cycles": told[late][1]}
    assert content["longest_step"] == wanted


@given(st.sampled_from(["published", "modern"]), st.integers(0, 99))
def test_parts_compute_what_the_whole_layer_does(variant, seed):
    net = remembering(seed, variant, 12, 30)
    (layer,) = net.layers
    pieces = partition(net, CORE, uniform_rates(net, {}))
    assert len(pieces) > 2
    spikes = (np.random.default_rng(seed).random((2, 12, 10)) < 0.3).astype(np.uint8)
    parts = [part_of(layer, piece.first, piece.first + piece.neurons) for piece in pieces]
    sent = [simulate(Network((part,)), spikes)["l"] for part in parts]
    np.testing.assert_array_equal(np.concatenate(sent, axis=1), simulate(net, spikes)["l"])
    for piece, part in zip(pieces, parts):
        assert piece.sizes == sizes_of(part)


@pytest.mark.parametrize(("kib", "neurons"), [(3, [20]), (2.9, [8, 12]), (1.5, [4, 8, 8])])
def test_a_memorys_sram_decides_how_a_layer_is_split(kib, neurons):
    """50 inputs of 20 units: three gates of 250 rows of 32 bits, 2.93 KiB; five rows of four units, split evenly."""
    net = remembering(1, "published", 50, 20)
    core = Core(inputs=60, sram_kib={"gate_weights": kib})
    found = partition(net, core, uniform_rates(net, {}))
    assert [piece.neurons for piece in found] == neurons
    assert sum(memories(core, piece.sizes)["gate_weights"].words for piece in found) == 750


def test_values_are_split_and_keys_are_not():
    net = remembering(2, "modern", 40, 40)
    (layer,) = net.layers
    patterns = len(layer.memory.keys)
    core = Core(inputs=60, sram_kib={"values": patterns * 40 / 1024 / 2})
    pieces = partition(net, core, uniform_rates(net, {}))
    assert [piece.neurons for piece in pieces] == [20, 20]
    assert [memories(core, piece.sizes)["values"].words for piece in pieces] == [patterns * 5] * 2
    assert [memories(core, piece.sizes)["keys"].words for piece in pieces] == [patterns * 10] * 2
    small = replace(core, sram_kib={"keys": patterns * 40 / 1024 - 0.01})
    with pytest.raises(BasaltError, match="not even 4 of its neurons: sram: KiB of keys"):
        partition(net, small, uniform_rates(net, {}))


@pytest.mark.parametrize(("variant", "recurrent", "why"), [("gated", False, "states of all"), ("modern", True, "hear")])
def test_what_binds_all_neurons_keeps_them_on_one_core(variant, recurrent, why):
    net = remembering(3, variant, 12, 20, recurrent)
    rates = uniform_rates(net, {INPUT: 2.0, "l": 3.0})
    (piece,) = partition(net, Core(neurons=20, inputs=12), rates)
    assert piece.sizes == sizes_of(net.layers[0])
    assert piece.longest == cost(Core(), piece.sizes, np.array(2), 3 * recurrent, 3).cycles
    with pytest.raises(BasaltError, match=f"is not split.*{why}.*the core has 19: 1 more than fits"):
        partition(net, Core(neurons=19, inputs=12), rates)
    with pytest.raises(BasaltError, match=rf"takes {piece.cycles} cycles for a mean step and is not split.*{why}"):
        partition(net, Core(neurons=20, inputs=12), rates, most_cycles=piece.cycles - 1)


def test_layers_that_share_a_core_share_its_memories():
    rng = np.random.default_rng(4)
    layers = tuple(
        Spiking(f"l{n}", even(rng, (8, 8), 120), NEURON, memory=memory(rng, "published", 8, 8)) for n in (0, 1)
    )
    net = Network(layers)
    each = memories(Core(), sizes_of(layers[0]))["gate_weights"].kib
    for room, together in ((2 * each, True), (2 * each - 0.01, False)):
        core = Core(sram_kib={"gate_weights": room})
        pieces = partition(net, core, uniform_rates(net, {}))
        found = capacity(core, pieces, share=True, most_cycles=10**6)
        assert found.fits(found.needs.sum(axis=0)) == together


def test_a_mapping_tells_the_kib_of_each_part():
    net = remembering(5, "modern", 12, 12)
    content = mapping_file(map_network(net, CORE, uniform_rates(net, {INPUT: 1.0, "l": 1.0}), rounds=0), None)
    (piece,) = partition(net, CORE, uniform_rates(net, {}))
    (entry,) = content["pieces"]
    bits = sum(memory.words * memory.bits for memory in memories(CORE, piece.sizes).values())
    assert entry["memory_kib"] == pytest.approx(bits / 8192, abs=1e-6)


@pytest.mark.parametrize("variant", [*GATINGS, *RECALLS])
def test_the_core_for_meshes_holds_the_memories_that_it_is_made_for(variant):
    net = remembering(6, variant, 128, 128)
    if isinstance(net.layers[0].memory, Hopfield):
        patterns = np.zeros((64, 128), dtype=np.int64)
        values = patterns if variant == "modern" else None
        net = Network((replace(net.layers[0], memory=replace(net.layers[0].memory, keys=patterns, values=values)),))
    assert len(partition(net, load_core("mesh"), uniform_rates(net, {}))) == 1
