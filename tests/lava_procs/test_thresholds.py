"""Thresholds per neuron or channel: files, rules, netx, and a core's memory of them; backends are held to the grid."""

from dataclasses import replace

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from basalt.convert import netx, rules
from basalt.convert.stock import why_not_stock
from basalt.near_memory.core import Core
from basalt.near_memory.geometry import memories
from basalt.near_memory.schedule import step_cost
from basalt.near_memory.sizes import sizes_of
from basalt.near_memory.walk import Events
from basalt.records.network import Network
from basalt.records.neuron import RESETS, Neuron, axis
from basalt.records.simulate import simulate
from basalt.records.synapses import Conv, Spiking

EYE = 100 * np.eye(3, dtype=np.int64)


def dense(threshold, reset="hard"):
    """Three neurons, an input each."""
    return Spiking("a", EYE, Neuron(threshold, axis(1024), axis(400), reset))


def conv(threshold):
    """Two channels of 2 × 2."""
    weight = np.full((2, 1, 1, 1), 60)
    return Conv("a", weight=weight, neuron=Neuron(threshold, axis(4096), axis(0)), input_shape=(1, 2, 2))


@given(st.lists(st.integers(0, 300), min_size=3, max_size=3), st.sampled_from(RESETS), st.integers(0, 2**32 - 1))
def test_each_neuron_spikes_as_alone_with_its_threshold(thresholds, reset, seed):
    spikes = (np.random.default_rng(seed).random((2, 3, 20)) < 0.5).astype(np.uint8)
    together = simulate(Network((dense(np.array(thresholds), reset),)), spikes)["a"]
    for neuron, threshold in enumerate(thresholds):
        alone = simulate(Network((dense(threshold, reset),)), spikes)["a"]
        assert np.array_equal(together[:, neuron], alone[:, neuron])


@pytest.mark.parametrize(
    ("layer", "kept", "version"),
    [
        (dense(np.array([5, 6, 7])), [5, 6, 7], 5),
        (dense(np.array([5, 5, 5])), 5, 1),
        (dense(np.array([5])), 5, 1),
        (conv(np.array([3, 3, 3, 3, 9, 9, 9, 9])), [3, 9], 5),
        (conv(np.arange(8)), list(range(8)), 5),
    ],
)
def test_a_file_holds_them_as_it_does_decays(tmp_path, layer, kept, version):
    """One number where all are equal, one per channel where those of a channel are."""
    netx.write(tmp_path / "a.net", Network((layer,)))
    with h5py.File(tmp_path / "a.net") as file:
        last = file["layer"][str(len(file["layer"]) - 1)]
        assert last["neuron/vThMant"][()].tolist() == kept
        assert file.attrs["version"] == version
    (read,) = netx.read(tmp_path / "a.net").layers
    every = np.broadcast_to(layer.neuron.threshold, layer.neurons)
    assert np.array_equal(np.broadcast_to(read.neuron.threshold, layer.neurons), every)
    reason = why_not_stock(read)
    assert reason is None if version == 1 else "a threshold each" in reason


def test_rules_name_what_is_wrong():
    beyond = rules.check(Network((dense(np.array([5, 1 << 17, 7])),)))
    assert [(found.rule, found.value) for found in beyond] == [("threshold_range", 1 << 17)]
    assert any("threshold" in found.what for found in rules.check(Network((dense(np.array([5, 6])),))))
    assert rules.check(Network((dense(np.array([5, 6, 7])),))) == []


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("reset", ["hard", "soft"])
def test_a_core_reads_a_row_a_group_only_where_they_differ(fused, reset):
    """17 bits each; a soft reset in a pass of its own reads them again; no step gets longer."""
    core = replace(Core(), operator_fusion=fused)
    same, own = (sizes_of(dense(threshold, reset)) for threshold in (5, np.array([5, 6, 7])))
    assert "thresholds" not in memories(core, same)
    row = memories(core, own)["thresholds"]
    assert (row.words, row.bits, row.ports) == (1, 4 * 17, 1)
    before, after = (step_cost(core, sizes, Events(2)) for sizes in (same, own))
    more = {name: n for name, n in after.accesses.items() if name not in before.accesses}
    assert {name: n.item() for name, n in more.items()} == {
        "thresholds_reads": 2 if reset == "soft" and not fused else 1
    }
    assert before.cycles.item() == after.cycles.item()
