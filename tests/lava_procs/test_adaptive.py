"""Adaptive neurons against SLAYER's own, and through files; the backends are held to the grid."""

import h5py
import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from basalt.convert import netx
from basalt.convert.stock import why_not_stock
from basalt.records.adaptive import Adaptive
from basalt.records.neuron import Neuron, axis
from basalt.records.readout import Readout
from basalt.records.simulate import simulate
from basalt.records.synapses import Spiking
from basalt.train.slayer import slayer
from tests.conformance.grid import ALL, case
from tests.conformance.strategies import adaptive

NEURON = Adaptive(5, axis(0), axis(0), threshold_step=2, threshold_decay=axis(40), refractory_decay=axis(400))


@given(seed=st.integers(0, 2**32 - 1))
def test_steps_are_slayers(seed):
    """SLAYER's neuron on the same currents, which stay within 24 bits."""
    rng = np.random.default_rng(seed)
    neurons, steps = 4, 40
    threshold, current, voltage = int(rng.integers(1, 400)), *rng.integers(0, 4097, 2)
    record = adaptive(rng, Neuron(threshold, axis(current), axis(voltage)), 1)
    theirs = slayer.neuron.alif.Neuron(
        threshold=record.threshold / 64,
        threshold_step=record.threshold_step / 64,
        **{name: getattr(record, name).item() / 4096 for name in ("current_decay", "voltage_decay")},
        **{name: getattr(record, name).item() / 4096 for name in ("threshold_decay", "refractory_decay")},
    )
    activation = rng.integers(-400, 600, (neurons, steps)) * (rng.random((neurons, steps)) < 0.4)
    wanted = theirs(torch.from_numpy(activation / 64)[None].float())[0].numpy()
    state = np.zeros((4, 1, neurons), dtype=np.int64)
    found, saturated = [], 0
    for t in range(steps):
        after = record.step(activation[None, :, t], 0, state)
        state, saturated = after.state, saturated + int(after.saturations.sum())
        found.append(after.spikes[0])
    if not saturated:
        assert np.array_equal(np.stack(found, 1), wanted)


def test_a_file_keeps_it_and_says_its_version(tmp_path):
    network = case(ALL - 1).network
    netx.write(tmp_path / "a.net", network)
    again = netx.read(tmp_path / "a.net")
    with h5py.File(tmp_path / "a.net") as file:
        assert file.attrs["version"] == 5
    for layer, read in zip(network.layers, again.layers):
        if isinstance(layer, Spiking):
            assert type(read.neuron) is Adaptive
            assert read.neuron.threshold_step == layer.neuron.threshold_step
            for name in ("threshold_decay", "refractory_decay", "current_decay"):
                mine, kept = getattr(layer.neuron, name), getattr(read.neuron, name)
                assert np.array_equal(np.broadcast_to(mine, layer.neurons), np.broadcast_to(kept, layer.neurons))
            assert why_not_stock(layer)
    assert "no process of" in why_not_stock(Spiking("a", np.eye(2, dtype=np.int64), NEURON))


def test_lava_dls_own_export_is_read(tmp_path):
    """Two layers of SLAYER's block, its own export, and its own spikes."""
    torch.manual_seed(0)
    neuron = {"threshold": 1.25, "threshold_step": 0.5, "current_decay": 0.5, "voltage_decay": 0.2}
    neuron |= {"threshold_decay": 0.05, "refractory_decay": 0.3}
    blocks = [slayer.block.alif.Dense(neuron, 12, 8, weight_scale=3), slayer.block.alif.Dense(neuron, 8, 5)]
    for block in blocks:
        block.synapse.weight.data *= 4
    x = (torch.rand(3, 12, 30) < 0.3).float()
    wanted, heard = [], x
    for block in blocks:
        heard = block(heard).detach()  # a step later, by `delay_shift`
        wanted.append(heard.numpy())
    with h5py.File(tmp_path / "a.net", "w") as file:
        layers = file.create_group("layer")
        for index, block in enumerate(blocks):
            block.export_hdf5(layers.create_group(f"{index}"))
    network = netx.read(tmp_path / "a.net")
    found = list(simulate(network, x.numpy().astype(np.uint8)).values())
    assert all(isinstance(layer, Readout) or type(layer.neuron) is Adaptive for layer in network.layers)
    assert wanted[0].any() and all(np.array_equal(mine, theirs) for mine, theirs in zip(found, wanted))
