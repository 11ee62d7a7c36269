"""Every neuron is in one piece, every piece fits a core, and none more than needed is made."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from basalt.deploy.mapping.capacity import capacity
from basalt.deploy.mapping.partition import INPUT, partition, uniform_rates
from basalt.deploy.mapping.traffic import counted_spikes, traffic_graph
from basalt.errors import BasaltError
from basalt.near_memory.core import Core
from basalt.near_memory.formula import cost
from basalt.near_memory.geometry import memories, misfits
from basalt.near_memory.sizes import sizes_of
from basalt.records.network import Network
from basalt.records.synapses import Conv, Encoder
from tests.deploy.mapping.nets import NEURON, SMALL, drawn_rates, network

LAYERS = st.lists(st.tuples(st.integers(1, 30), st.booleans(), st.integers(0, 2)), min_size=1, max_size=4)


@given(st.integers(1, 10), LAYERS, st.integers(0, 5), st.sampled_from([4, 3, 16]), st.integers(0, 99))
def test_every_neuron_is_in_one_piece_that_fits(inputs, layers, classes, fused, seed):
    net = network(inputs, *layers, classes=classes)
    core = replace(SMALL, fused=fused, sram_kib={"input_weights": 0.125 * fused})
    rates = drawn_rates(net, seed)
    pieces = partition(net, core, rates)
    assert list(dict.fromkeys(piece.layer for piece in pieces)) == [layer.name for layer in net.layers]
    for layer in net.layers:
        mine = [piece for piece in pieces if piece.layer == layer.name]
        covered = [n for piece in mine for n in range(piece.first, piece.first + piece.neurons)]
        assert covered == list(range(layer.neurons))
        assert max(piece.neurons for piece in mine) - min(piece.neurons for piece in mine[:-1] or mine) <= fused
        for piece in mine:
            assert misfits(core, piece.sizes) == []
        if len(mine) > 1 and layer.kind == "spiking" and layer.recurrent_weight is None:
            together = replace(mine[0].sizes, neurons=mine[0].neurons + mine[1].neurons)
            whole = sum(piece.neurons for piece in mine)
            assert misfits(core, together) or len(mine) > 2 or whole > core.neurons
    np.testing.assert_allclose(
        sum(piece.fired for piece in pieces), sum(rates[layer.name].sum() for layer in net.spiking)
    )


def test_the_fewest_pieces_are_made():
    core = Core(neurons=128, inputs=1000)
    rates = uniform_rates(net := network(700, (128, False, 0), (129, False, 0), (300, False, 0)), {})
    assert [piece.neurons for piece in partition(net, core, rates)] == [128, 64, 65, 100, 100, 100]


def test_memory_decides_where_it_is_scarcer_than_neurons():
    """2,312 inputs of 4 neurons a row of 32 bits: 128 KiB hold 14 rows, 56 neurons."""
    core = Core(neurons=128, inputs=4096, sram_kib={"input_weights": 128})
    net = network(2312, (128, False, 0))
    found = partition(net, core, uniform_rates(net, {}))
    assert [piece.neurons for piece in found] == [40, 44, 44]
    assert memories(core, found[-1].sizes)["input_weights"].kib <= 128


def test_a_piece_of_a_recurrent_layer_hears_the_others_as_inputs():
    core = Core(neurons=8, inputs=100)
    net = network(5, (16, True, 2))
    rates = {INPUT: np.full(5, 0.5), "l0": np.arange(16) / 16}
    first, second = partition(net, core, rates)
    assert first.sizes.inputs == second.sizes.inputs == 5 + 8
    assert first.sizes.states == second.sizes.states == 2, "each keeps the slow state"
    assert (first.own, second.own) == (28 / 16, 92 / 16)
    assert (first.arriving, second.arriving) == (2.5 + 92 / 16, 2.5 + 28 / 16)
    assert first.cycles == cost(core, first.sizes, np.array(9), 2, 2).cycles
    assert replace(first.sizes, inputs=5, neurons=16) == sizes_of(net.layers[0])


def test_layers_are_split_until_no_core_takes_longer_than_it_may():
    net = network(50, (64, False, 0))
    rates = uniform_rates(net, {INPUT: 20.0})
    (whole,) = partition(net, Core(), rates)
    assert whole.cycles == 20 * 16 + 4
    halves = partition(net, Core(), rates, most_cycles=whole.cycles - 1)
    assert [piece.cycles for piece in halves] == [20 * 8 + 4] * 2
    with pytest.raises(BasaltError, match=r"'l0' takes 24 cycles .* 4 more than --cycles 20"):
        partition(net, Core(), rates, most_cycles=20)


def test_what_does_not_fit_is_named_with_by_how_much_and_the_way_out():
    net = network(70, (20, False, 0))
    with pytest.raises(BasaltError, match=r"'l0' does not fit .* the core has 60: 10 more than fits.* --core"):
        partition(net, SMALL, uniform_rates(net, {}))
    affine = Encoder(name="e", weight=np.ones((1, 1), dtype=np.int64), neuron=NEURON, features=(9,))
    with pytest.raises(BasaltError, match=r"'e' is of the kind 'encoder'.*dense layers"):
        partition(replace(net, layers=(affine,)), SMALL, {INPUT: np.zeros(9), "e": np.zeros(9)})


def convolution(outputs, groups=1):
    """5×10 places to 3×8, 24 neurons per channel."""
    weight = np.zeros((outputs, 4 // groups, 3, 3), dtype=np.int64)
    weight[0, 0, 0, 0] = 2
    return Conv(name="c", weight=weight, neuron=NEURON, input_shape=(4, 5, 10), groups=groups)


@pytest.mark.parametrize(("neurons", "channels"), [(240, [10]), (239, [4, 6]), (96, [4, 4, 2]), (95, [2, 3, 2, 3])])
def test_a_convolution_is_split_by_its_output_channels(neurons, channels):
    net = Network((convolution(10),))
    core = Core(neurons=neurons, inputs=200)
    pieces = partition(net, core, uniform_rates(net, {INPUT: 9.0, "c": 24.0}))
    assert [piece.neurons // 24 for piece in pieces] == channels
    assert [piece.sizes.conv.output_shape[0] for piece in pieces] == channels
    for piece in pieces:
        alone = sizes_of(replace(net.layers[0], weight=net.layers[0].weight[: piece.neurons // 24]))
        assert piece.sizes == alone
        assert piece.cycles == cost(core, alone, np.array(9)).cycles
        assert misfits(core, piece.sizes) == []
    kernel = sum(memories(core, piece.sizes)["kernel_weights"].words for piece in pieces)
    assert kernel == 9 * 4 * sum(-(-count // 4) for count in channels)


def test_channels_with_groups_stay_together():
    net = Network((convolution(4, groups=2),))
    (piece,) = partition(net, Core(neurons=96, inputs=200), uniform_rates(net, {}))
    assert piece.sizes == sizes_of(net.layers[0])
    with pytest.raises(BasaltError, match="not even 96 of its neurons"):
        partition(net, Core(neurons=95, inputs=200), uniform_rates(net, {}))


@given(st.integers(1, 10), LAYERS, st.integers(0, 99))
def test_traffic_is_every_spike_to_every_piece_that_hears_it(inputs, layers, seed):
    net = network(inputs, *layers, classes=3)
    rates = drawn_rates(net, seed)
    pieces = {piece.name: piece for piece in partition(net, SMALL, rates)}
    names = [INPUT, *(layer.name for layer in net.layers)]
    graph = traffic_graph(net, list(pieces.values()), rates)
    for source, target, spikes in graph.edges(data="spikes"):
        sent = rates[INPUT].sum() if source == INPUT else pieces[source].fired
        assert abs(spikes - sent) <= 5e-7
        here = INPUT if source == INPUT else pieces[source].layer
        further = names.index(pieces[target].layer) - names.index(here)
        assert further in ((0, 1) if source != INPUT and pieces[source].sizes.recurrent else (1,))
    for name, piece in pieces.items():
        heard = sum(spikes for _, _, spikes in graph.in_edges(name, data="spikes"))
        assert abs(heard - piece.arriving) <= 1e-5


def test_what_parts_need_together_is_what_each_needs():
    core = replace(SMALL, sram_kib={"input_weights": 0.25, "membrane": 1})
    net = network(5, (10, False, 2), (6, False, 1))
    pieces = partition(net, core, uniform_rates(net, {INPUT: 2.0, "l0": 3.0}))
    found = capacity(core, pieces, share=True)
    needs = dict(zip(found.names, found.needs.sum(axis=0)))
    assert needs["neurons"] == 16
    assert needs["inputs"] == 15
    assert needs["states"] == 3
    assert needs["cycles"] == sum(piece.cycles for piece in pieces)
    assert needs["input_weights"] == 8 * (5 * 12 + 10 * 8)
    limits = dict(zip(found.names, found.limits))
    assert limits["cycles"] == max(piece.cycles for piece in pieces)
    assert limits["input_weights"] == 2048


def test_parts_of_one_layer_never_share_a_core():
    """A spike is a packet for each core that hears it: two parts of a layer on one core would count it twice."""
    net = network(5, (8, False, 0), (4, False, 0))
    pieces = partition(net, Core(neurons=4), uniform_rates(net, {}))
    found = capacity(Core(neurons=128), pieces, share=True, most_cycles=1000)
    together = [found.fits(found.needs[a] + found.needs[b]) for a, b in ((0, 1), (0, 2), (1, 2))]
    assert together == [False, True, True]


def test_spikes_of_a_run_are_read_from_its_counts(tmp_path):
    net = network(5, (10, False, 0))
    counts = {
        "format": "basalt-counts",
        "version": 1,
        "samples": 2,
        "steps": 10,
        "processes": [
            {"name": "input", "part": "source", "counters": {"spikes_out": [10, 30]}},
            {"name": "l0", "part": "spiking", "counters": {"spikes_out": [5, 0]}},
        ],
    }
    assert counted_spikes(counts, net, tmp_path) == {"input": 2.0, "l0": 0.25}
    with pytest.raises(BasaltError, match="'l1'"):
        counted_spikes(counts, network(5, (10, False, 0), (3, False, 0)), tmp_path)
    for process in counts["processes"]:
        process["counters"] = {}
    with pytest.raises(BasaltError, match="--rate"):
        counted_spikes(counts, net, tmp_path)
