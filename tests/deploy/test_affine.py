"""SLAYER's Affine, a read-out, is deployed as it was trained: its sums, or the membranes of its own dynamics."""

import h5py
import numpy as np
import pytest
import torch

from basalt.convert import netx
from basalt.convert.stock import why_not_stock
from basalt.deploy.job import Job, predict, run
from basalt.deploy.result import spike_arrays
from basalt.errors import BasaltError
from basalt.records.simulate import simulate
from tests.conformance.direct import run_direct
from tests.deploy.test_inputs import BLOCK, PLAIN, exported

DYNAMICS = {
    "leaky": {"current_decay": 0.25, "voltage_decay": 0.03},
    "leaky membranes": {"current_decay": 1.0, "voltage_decay": 0.4},
    "leaky currents": {"current_decay": 0.7, "voltage_decay": 0.0},
    "no leak of currents": {"current_decay": 0.0, "voltage_decay": 0.9},
    "integrating": {"current_decay": 1.0, "voltage_decay": 0.0},
    "none": None,
}
LEAKY = [name for name, decays in DYNAMICS.items() if decays and name != "integrating"]


def make(name, path):
    """A hidden layer and a read-out with these dynamics: spikes, what SLAYER computes, what is deployed."""
    torch.manual_seed(7)
    decays = DYNAMICS[name]
    affine = BLOCK.Affine(
        {"threshold": 1, **(decays or {"current_decay": 1, "voltage_decay": 1})},
        16,
        5,
        weight_scale=2,
        dynamics=decays is not None,
    )
    spikes = (torch.rand(3, 12, 30) < 0.4).numpy()
    wanted = exported([BLOCK.Dense(PLAIN, 12, 16, weight_scale=4), affine], spikes, path)
    return spikes.astype(np.uint8), wanted["layer1"], netx.read(path)


@pytest.mark.parametrize("name", list(DYNAMICS))
@pytest.mark.parametrize("backend", ["fixed", "compiled", "near-memory"])
def test_affines_are_deployed_as_they_were_trained(name, backend, tmp_path):
    """Every value at every step; a read-out hears a spike a step after it was sent."""
    spikes, wanted, network = make(name, tmp_path / "a.net")
    readout = network.readout
    assert readout.membranes == (name in LEAKY)
    values = wanted if DYNAMICS[name] else wanted.cumsum(axis=-1)
    found = run_direct(Job(network, spikes, backend, 2, block=4)).sent["layer1"]
    assert len(np.unique(found)) > 20
    assert np.array_equal(found[..., 1:], np.rint(values * readout.unit)[..., :-1])
    assert np.array_equal(found, simulate(network, spikes)["layer1"])


def test_through_lava_and_our_own_file(tmp_path):
    spikes, wanted, network = make("leaky", tmp_path / "a.net")
    netx.write(tmp_path / "ours.net", network)
    ours = netx.read(tmp_path / "ours.net")
    assert (ours.readout.current_decay, ours.readout.voltage_decay) == (1024, 123)
    with h5py.File(tmp_path / "ours.net") as file:
        assert file.attrs["version"] == 4
    outcome = run(Job(ours, spikes, "fixed"), timeout=60)
    found = outcome.sent["layer1"]
    assert np.array_equal(found[..., 1:], np.rint(wanted * 4096)[..., :-1])
    predicted = predict(ours, outcome.sent)
    assert np.array_equal(predicted, wanted[..., :-1].sum(axis=-1).argmax(axis=1))
    arrays = spike_arrays(ours, outcome, predicted)
    assert np.array_equal(arrays["membranes"], found) and np.array_equal(arrays["readout"], found[..., -1])
    assert "no readout layer" in why_not_stock(ours.readout)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("bias", [0.0, 1, 0, 0, 0], "'bias' is not 0, which SLAYER's Affine, a read-out, does not have"),
        ("delay", [1.0] * 5, "'delay' is not 0"),
        ("neuron/vDecay", [1, 2, 3, 4, 5], "'neuron/vDecay' has 5 values, and neurons of a read-out share one"),
    ],
)
def test_what_an_affine_does_not_have_is_named(key, value, says, tmp_path):
    make("leaky", tmp_path / "a.net")
    with h5py.File(tmp_path / "a.net", "a") as file:
        group = file["layer/1"]
        if key in group:
            del group[key]
        group[key] = value
    with pytest.raises(BasaltError, match=says):
        netx.read(tmp_path / "a.net")


def test_a_trace_of_membranes_is_compared(tmp_path):
    from basalt.deploy.trace import align, read_trace

    for name in ("leaky", "integrating", "none"):
        spikes, wanted, network = make(name, tmp_path / f"{name}.net")
        np.savez(tmp_path / "t.npz", layer1=wanted)
        aligned = align(network, read_trace(tmp_path / "t.npz", network, 3, 30), simulate(network, spikes), shift=True)
        assert aligned.late == {"layer1": 1}
        assert np.array_equal(aligned.trained["layer1"], aligned.sent["layer1"]), name
