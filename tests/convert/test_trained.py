"""Whatever a recipe switches on: training, the file, the references and the backends compute the same integers."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.convert import netx
from basalt.deploy.job import Job, run
from basalt.records.network import Network as Deployed
from basalt.records.simulate import simulate
from basalt.train.networks import Network
from basalt.train.recipe import NetworkConfig
from tests.conformance.direct import run_direct

STEPS = 40

layers = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["lif", "dmp"]),
        "units": st.integers(1, 12),
        "threshold": st.just(1.0),
        "voltage_decay": st.sampled_from([0.0, 0.2, [0.1, 0.9], 1.0]),
        "current_decay": st.sampled_from([0.5, 1.0]),
        "reset": st.sampled_from(["hard", "soft", "none"]),
        "bias": st.booleans(),
        "leakage": st.sampled_from(["none", "learnable", "fixed", "complete"]),
        "recurrent": st.sampled_from(["none", "full", "diagonal"]),
        "delay": st.sampled_from([0, 1, 20, 62]),
        "delay_spread": st.just(25.0),
    }
)

PATHWAYS = [
    {"kind": "hgrn", "memory_scale": 4.0},
    {"kind": "hgrn", "variant": "gated", "memory_scale": 4.0},
    {"kind": "hopfield", "patterns": 5, "memory_scale": 4.0},
    {"kind": "hopfield", "patterns": 9, "iterations": 3, "update_interval": 4, "trace_decay": 0.3, "memory_scale": 4.0},
    {"kind": "hopfield", "variant": "classical", "patterns": 2, "iterations": 2, "memory_scale": 4.0},
]

readouts = st.sampled_from([{}, {"voltage_decay": 0.0}, {"voltage_decay": 0.13}, {"voltage_decay": 1.0}])


def trained(entries: list[dict], readout: dict, seed: int) -> tuple[Network, torch.Tensor]:
    """A network with random weights and biases, calibrated, and spikes for it."""
    torch.manual_seed(seed)
    network = Network(NetworkConfig(layers=[*entries, {"kind": "readout", **readout}]), 15, 3).eval()
    for layer in network.hidden:
        if layer.bias is not None:
            torch.nn.init.normal_(layer.bias, 0, 0.2)
        if layer.recurrence == "diagonal":
            torch.nn.init.normal_(layer.block.recurrent_synapse.weight, 0, 0.5)
        if layer.neuron.leak is not None:
            torch.nn.init.normal_(layer.neuron.leak.logit, 0, 3)
    spikes = (torch.rand(4, 15, STEPS) < 0.3).to(torch.uint8)
    network.calibrate(spikes)
    return network, spikes


def assert_same(network: Network, spikes: torch.Tensor, path: Path, through_lava: bool = False) -> None:
    """Training's trace against the references and the backends, after a way through a file."""
    trace = network.trace(spikes)
    netx.write(path, Deployed(network.records(), "a"))
    deployed = netx.read(path)
    sides = {"reference": simulate(deployed, spikes.numpy())}
    for backend in ("fixed", "compiled", "near-memory"):
        job = Job(deployed, spikes.numpy(), backend, 3)
        sides[backend] = (run(job, timeout=120) if through_lava else run_direct(job)).sent
    for name, sent in sides.items():
        for layer, expected in trace.spikes.items():
            assert np.array_equal(sent[layer], expected.numpy()), (name, layer)
        assert np.array_equal(sent["readout"][:, :, -1], trace.sums.numpy()), name


@settings(max_examples=10, deadline=None)
@given(st.lists(layers, min_size=1, max_size=2), readouts, st.integers(0, 2**31))
def test_every_combination_is_deployed_as_trained(tmp_path_factory, entries, readout, seed):
    network, spikes = trained(entries, readout, seed)
    assert_same(network, spikes, tmp_path_factory.mktemp("net") / "a.net")


@settings(max_examples=8, deadline=None)
@given(st.sampled_from(PATHWAYS), layers, st.sampled_from(PATHWAYS[:4]), st.booleans(), st.integers(0, 2**31))
def test_memory_pathways_are_deployed_as_trained(tmp_path_factory, first, common, second, fast, seed):
    """Two levels of as many units as inputs, which a classical memory needs."""
    entries = [{**common, "units": 15, **first, "fast": fast}, {**common, **second, "units": 15}]
    network, spikes = trained(entries, {}, seed)
    assert_same(network, spikes, tmp_path_factory.mktemp("net") / "a.net")


def test_all_memory_pathways_through_lava(tmp_path):
    """A level of each, without synapses beside them."""
    network, spikes = trained([{"units": 15, "threshold": 1.0, **memory, "fast": False} for memory in PATHWAYS], {}, 5)
    assert all(0.01 < sent.float().mean() < 0.99 for sent in network.trace(spikes).spikes.values())
    assert_same(network, spikes, tmp_path / "a.net", through_lava=True)


@pytest.mark.parametrize("kind", ["lif", "dmp"])
def test_everything_at_once_through_lava(tmp_path, kind):
    everything = {
        "kind": kind,
        "units": 12,
        "threshold": 1.0,
        "voltage_decay": [0.1, 0.4],
        "reset": "soft",
        "bias": True,
        "recurrent": True,
        "delay": 62,
        "delay_spread": 25.0,
    }
    network, spikes = trained([everything, everything], {"voltage_decay": 0.1}, 4)
    trace = network.trace(spikes)
    assert all(0.01 < sent.float().mean() < 0.9 for sent in trace.spikes.values())
    assert all(len(set(layer.delay)) > 5 for layer in network.records()[:-1])
    assert_same(network, spikes, tmp_path / "a.net", through_lava=True)


@pytest.mark.parametrize(("states", "window"), [(200, 784.0), (256, 40.0)])
def test_large_memories_are_deployed_as_trained(tmp_path, states, window):
    entry = {"kind": "dmp", "units": 10, "threshold": 1.0, "states": states, "window": window}
    network, spikes = trained([entry], {}, 0)
    assert_same(network, spikes, tmp_path / "a.net")
