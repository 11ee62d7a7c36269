"""Adaptive neurons against SLAYER's own, and through files; the backends are held to the grid."""

import h5py
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from basalt.convert import netx
from basalt.convert.stock import why_not_stock
from basalt.errors import BasaltError
from basalt.records.adaptive import Adaptive
from basalt.records.neuron import Neuron, axis
from basalt.records.simulate import simulate
from basalt.records.synapses import Spiking
from basalt.train.slayer import slayer
from tests.conformance.grid import ALL, VARIED, case
from tests.conformance.strategies import adaptive
from tests.deploy.test_inputs import exported

NEURON = Adaptive(5, axis(0), axis(0), threshold_step=2, threshold_decay=axis(40), refractory_decay=axis(400))

SLAYERS = {"threshold": 1.25, "threshold_step": 0.5, "current_decay": 0.5, "voltage_decay": 0.2}
SLAYERS |= {"threshold_decay": 0.05, "refractory_decay": 0.3}
ALIF = slayer.block.alif
BLOCKS = {  # SLAYER writes into the neuron's dictionary
    "dense": lambda: [
        ALIF.Dense(dict(SLAYERS), 12, 8, weight_scale=12),
        ALIF.Dense(dict(SLAYERS), 8, 5, weight_scale=4),
    ],
    "delays": lambda: [
        ALIF.Dense(dict(SLAYERS), 12, 8, weight_scale=3, delay=True),
        ALIF.Dense(dict(SLAYERS), 8, 8, weight_scale=3),
    ],
    "input": lambda: [ALIF.Input(dict(SLAYERS), weight=2, bias=0.2), ALIF.Dense(dict(SLAYERS), 12, 8, weight_scale=3)],
    "per neuron": lambda: [ALIF.Dense({**SLAYERS, "shared_param": False}, 12, 8, weight_scale=3)],
    "recurrent": lambda: [ALIF.Recurrent(dict(SLAYERS), 12, 8, weight_scale=3)],
    "pool": lambda: [ALIF.Conv(dict(SLAYERS), 3, 4, 2, weight_scale=2), ALIF.Pool(dict(SLAYERS), 1)],
}


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
    network = case(ALL - VARIED - 1).network
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


@pytest.mark.parametrize("name", BLOCKS)
def test_lava_dls_own_export_is_read(name, tmp_path):
    """SLAYER's blocks, their own export, and their own spikes."""
    torch.manual_seed(0)
    shape = (3, 2, 2) if name == "pool" else (12,)
    x = (torch.rand(3, *shape, 40) < 0.3).numpy()
    wanted = exported(BLOCKS[name](), x, tmp_path / "a.net")
    network = netx.read(tmp_path / "a.net", input_shape=shape)
    found = simulate(network, x.reshape(3, 12, 40).astype(np.uint8))
    assert all(type(layer.neuron) is Adaptive for layer in network.layers)
    assert all(spikes.any() and np.array_equal(found[layer], spikes) for layer, spikes in wanted.items())


def normalised(path, current_decay, norm):
    """SLAYER's block with a normalisation: its file, its input and its spikes."""
    torch.manual_seed(3)
    block = ALIF.Dense({**SLAYERS, "current_decay": current_decay, "norm": norm}, 12, 8, weight_scale=3)
    x = (torch.rand(3, 12, 40) < 0.3).numpy()
    exported([block], x, path)
    block.neuron.norm.running_mean = torch.linspace(-1, 1, 8)
    return x.astype(np.uint8), exported([block], x, path)["layer0"]


def test_a_normalisation_is_a_bias_where_the_current_is_gone_in_a_step(tmp_path):
    x, wanted = normalised(tmp_path / "a.net", 1.0, slayer.neuron.norm.MeanOnlyBatchNorm)
    network = netx.read(tmp_path / "a.net")
    assert np.any(network.layers[0].bias)
    assert wanted.any() and np.array_equal(simulate(network, x)["layer0"], wanted)


def test_a_normalisation_that_stays_in_the_current_is_refused(tmp_path):
    """SLAYER's other neurons add it to what leaves the current."""
    normalised(tmp_path / "a.net", 0.5, slayer.neuron.norm.MeanOnlyBatchNorm)
    with pytest.raises(BasaltError, match="ALIF block 'layer0' adds its bias, a normalisation, to what enters"):
        netx.read(tmp_path / "a.net")
    normalised(tmp_path / "b.net", 1.0, slayer.neuron.norm.WgtScaleBatchNorm)
    with h5py.File(tmp_path / "b.net", "r+") as file:
        file["layer/0/neuron/weight_exp"][...] = 1
    with pytest.raises(BasaltError, match="'neuron/weight_exp' is 1: WgtScaleBatchNorm"):
        netx.read(tmp_path / "b.net")


def test_a_spike_resets_no_membrane(tmp_path):
    netx.write(tmp_path / "a.net", case(ALL - VARIED - 1).network)
    with h5py.File(tmp_path / "a.net", "r+") as file:
        group = next(group for group in file["layer"].values() if "neuron" in group)
        group.pop("neuron/reset", None)
        group["neuron/reset"] = "hard"
    with pytest.raises(BasaltError, match="'neuron/reset' is 'hard', not one of none"):
        netx.read(tmp_path / "a.net")
