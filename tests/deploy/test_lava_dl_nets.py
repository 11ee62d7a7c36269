"""lava-dl's own trained networks reproduce the outputs recorded beside them, on every implementation of ours."""

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

import basalt.lava_procs.conv.models  # noqa: F401
from basalt.convert import netx
from basalt.deploy.job import Job, run
from basalt.deploy.stock import needs_stock, notices
from basalt.records.network import Network, staggered
from basalt.records.simulate import States, simulate
from basalt.train.slayer import slayer


def folder() -> Path:
    """lava-dl's test data, which its package installs."""
    import lava.lib.dl.netx.hdf5 as hdf5

    return Path(hdf5.__file__).parents[4] / "tests/lava/lib/dl/netx"


DATA = folder()


def load(name: str) -> np.ndarray:
    """A recording, of which images (width, height, channels, …) become flat features, the channel slowest."""
    values = np.load(DATA / "gts" / f"{name}.npy")
    if values.ndim < 3:
        return values
    return values.transpose(2, 1, 0, *range(3, values.ndim)).reshape(-1, *values.shape[3:])


def driven_by_current(network: Network) -> Network:
    """Recordings give the current of the input neurons itself, and layers were reset one step after another."""
    first = replace(network.layers[0], weight=np.array([[1]]), offset=0)
    return staggered(replace(network, layers=(first, *network.layers[1:])))


def constant(values: np.ndarray, steps: int) -> np.ndarray:
    """One sample that does not change."""
    return np.repeat(values.astype(np.uint8)[None, :, None], steps, axis=2)


IMPLEMENTATIONS = {
    "reference": lambda network, spikes: simulate(network, spikes),
    "fixed": lambda network, spikes: run(Job(network, spikes, "fixed", 1), timeout=200).sent,
    "compiled": lambda network, spikes: run(Job(network, spikes, "compiled", 1), timeout=200).sent,
}


@pytest.fixture(params=list(IMPLEMENTATIONS))
def compute(request):
    """Each implementation of ours."""
    return IMPLEMENTATIONS[request.param]


def test_tinynet(compute):
    """Spikes of all three layers over 16 steps: test_hdf5.py resets layer i at step i − 1: hence `staggered`."""
    network = driven_by_current(netx.read(DATA / "tiny.net"))
    sent = compute(network, constant(load("tinynet/input_bias"), 18))
    for late, (layer, name) in enumerate(zip(network.layers, ("input", "layer1", "output"), strict=True)):
        recorded = np.load(DATA / f"gts/tinynet/{name}.npy")[0].reshape(-1, 16)
        assert recorded.any()
        assert np.array_equal(sent[layer.name][0, :, late : late + 16], recorded), layer.name


def test_tinynet_input_transform():
    """As test_hdf5.py reads it."""
    first = netx.read(DATA / "tiny.net").layers[0]
    assert (first.weight.item(), first.offset) == (36, 34)


PILOTNET = ["input", *(f"conv-{n}" for n in range(5)), *(f"fc-{n}" for n in range(3))]
"""Recordings by layer. fc-3 is left out: it was recorded every fourth step, and not in the run of the others."""

WINDOW = 16
"""Steps of a sample in the recording of PilotNet; layer n is reset at step n, and sees its sample from there."""


def window(values: np.ndarray, order: int) -> np.ndarray:
    """A recording between the first reset of its layer and the next, or its end."""
    return values[..., order : order + WINDOW]


@pytest.fixture(scope="module")
def pilotnet():
    """The network and its input."""
    network = driven_by_current(netx.read(DATA / "gts/pilotnet_lif/network.net"))
    return network, constant(load("pilotnet_lif/image"), 1 + len(PILOTNET) + WINDOW)


def test_pilotnet_spikes(compute, pilotnet):
    """Every neuron of nine layers at every step of a sample."""
    network, spikes = pilotnet
    sent = compute(network, spikes)
    for order, (layer, name) in enumerate(zip(network.layers, PILOTNET)):
        recorded = window(load(f"pilotnet_lif/{name}"), order)
        assert recorded.any()
        start = order + 1
        assert np.array_equal(sent[layer.name][0, :, start : start + recorded.shape[1]], recorded), name


def test_pilotnet_states(pilotnet):
    """u and v of every neuron; the chip marks the membrane of a neuron that spiked with 1 << 7 (it rests)."""
    network, spikes = pilotnet
    states: dict[str, States] = {}
    sent = simulate(network, spikes, states)
    for order, (layer, name) in enumerate(zip(network.layers, PILOTNET)):
        if order == 0:
            continue
        for variable in ("u", "v"):
            recorded = window(load(f"pilotnet_lif/{name}-{variable}"), order)
            ours = slice(order + 1, order + 1 + recorded.shape[1])
            found = getattr(states[layer.name], variable)[0, :, ours]
            if variable == "v":
                found = np.where(sent[layer.name][0, :, ours], 1 << 7, found)
            assert np.array_equal(found, recorded), (name, variable)


def test_ntidigits(compute):
    """1,000 of its 3,000 steps through three layers with axonal delays; the recording is one step late."""
    network = netx.read(DATA / "gts/ntidigits/ntidigits.net")
    sent = compute(network, load("ntidigits/input").astype(np.uint8)[None, :, :1000])
    recorded = load("ntidigits/output")[:, :1000]
    spikes, sums = (sent[layer.name][0] for layer in network.layers[-2:])
    assert recorded.any()
    assert np.array_equal(spikes[:, :-1], recorded[:, 1:])
    assert np.array_equal(sums[:, 1:], spikes.reshape(11, 22, -1).sum(axis=1).cumsum(axis=1)[:, :-1])


def test_mnist():
    """There is no recording of it: ours and stock lava-dl's first three layers send the same spikes."""
    whole = netx.read(DATA / "mnist.net")
    assert whole.readout is not None and whole.readout.neurons == 10
    network = replace(whole, layers=whole.layers[:-1])
    pixels = np.random.default_rng(1).integers(0, 2, 784)
    spikes = constant(pixels, 12)
    wanted = simulate(whole, spikes)
    assert wanted[whole.layers[2].name].any()
    for backend in ("fixed", "compiled"):
        sent = run(Job(whole, spikes, backend), timeout=100).sent
        for layer in whole.layers:
            assert np.array_equal(sent[layer.name], wanted[layer.name]), (backend, layer.name)
    sent = run(Job(network, spikes, "netx"), timeout=100).sent
    for layer in network.layers:
        assert np.array_equal(sent[layer.name], wanted[layer.name]), layer.name


@pytest.mark.parametrize("backend", ["netx", "compiled", "fixed"])
def test_pilotnet_sdnn(backend):
    """Nine recorded steps of a sigma-delta network, which come a step later here; every message of every layer."""
    path = DATA / "gts/pilotnet_sdnn/network.net"
    network = netx.read(path, "lava")
    assert not needs_stock(network)
    network = replace(network, layers=(replace(network.layers[0], signed=True), *network.layers[1:]))
    values = constant(load("pilotnet_sdnn/input")[:, 0].astype(np.int8).view(np.uint8), 10)
    last, wanted = network.layers[-1].name, simulate(network, values)
    record = (last,) if backend == "netx" else None
    sent = run(Job(network, values, backend, file=path, record=record), timeout=100).sent
    for name, found in sent.items():
        assert np.array_equal(found, wanted[name]), name
    recorded = load("pilotnet_sdnn/output")
    assert np.count_nonzero(recorded) > 5
    assert np.array_equal(sent[last][0, :, 1:], recorded)


@pytest.mark.parametrize("kind", ["rf", "rf_iz"])
def test_resonate_and_fire(kind, tmp_path):
    """There is no recording of such a network: stock processes send the spikes that SLAYER computes."""
    torch.manual_seed(0)
    neuron = {"threshold": 0.1, "period": 6, "decay": 0.1}
    block = getattr(slayer.block, kind).Dense(neuron, 12, 5, weight_scale=3)
    spikes = (torch.rand(1, 12, 30) < 0.2).float()
    wanted = block(spikes).detach().numpy()
    with h5py.File(tmp_path / "rf.net", "w") as file:
        block.export_hdf5(file.create_group("layer/0"))
    network = netx.read(tmp_path / "rf.net")
    assert "RF_" in notices(network)[0] and wanted.any()
    job = Job(network, spikes.numpy().astype(np.uint8), "fixed", file=tmp_path / "rf.net")
    assert np.array_equal(run(job, timeout=60).sent["layer0"], wanted)
