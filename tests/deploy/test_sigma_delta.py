"""Sigma-delta networks on every backend that has them: the reference's messages and states, counted and priced."""

import json
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from basalt.convert import netx
from basalt.convert.stock import refusals
from basalt.deploy.commands.run import run_command
from basalt.deploy.counted import counts_file
from basalt.deploy.energy.activity import steps_of_network
from basalt.deploy.inputs import load_inputs
from basalt.deploy.job import Job, check, run
from basalt.deploy.main import app
from basalt.deploy.options import RunOptions
from basalt.errors import BasaltError
from basalt.lava_procs.metering import COLUMNS
from basalt.records.network import Network
from basalt.records.neuron import Neuron, axis
from basalt.records.sigma_delta import SigmaDelta
from basalt.records.simulate import States, simulate
from basalt.records.synapses import Spiking
from tests.basalt.test_sigma_delta import delays, unet
from tests.conformance.direct import run_direct
from tests.conformance.messages import case
from tests.deploy.test_inputs import exported


@pytest.mark.parametrize("seed", range(12))
def test_models_compute_and_count_what_the_reference_does(seed):
    """Messages at every step, states after the last, in blocks of any length; both models count the same."""
    network, values = case(seed)
    states: dict[str, States] = {}
    wanted, counts = simulate(network, values, states), {}
    for backend, block in (("fixed", 1), ("compiled", 1 + seed % 5)):
        done = run_direct(Job(network, values, backend, 2, block=block, states=True))
        for name, sent in wanted.items():
            assert np.array_equal(done.sent[name], sent), (backend, name)
        for name, held in done.states.items():
            for variable, value in held.items():
                assert np.array_equal(value, getattr(states[name], variable)[..., -1]), (backend, name, variable)
        assert set(done.states) == {layer.name for layer in network.emitting}
        counts[backend] = done.counts
    assert all(np.array_equal(counts["fixed"][meter], counts["compiled"][meter]) for meter in counts["fixed"])


def test_what_steps_do_adds_up_to_the_counts():
    """Counters of each step, from the messages alone."""
    for seed in range(6):
        network, values = case(seed)
        job = Job(network, values, "compiled", 4)
        done = run_direct(job)
        given = network, values, done.sent, done.fired, job.planes
        for layer, part, counters in steps_of_network(*given):
            for counter, steps in counters.items():
                if counter in COLUMNS:
                    column = done.counts[f"{layer}.{part}"][:, COLUMNS.index(counter)]
                    assert np.array_equal(steps.sum(axis=1), column), (layer, counter)
        assert counts_file(job, done)["activity"]["series"]


@pytest.mark.parametrize("seed", [2])
def test_stock_lava_sends_the_same(seed):
    """Layers and options that stock netx has, delays of any length among them."""
    network, values = case(seed, stock=True)
    assert not list(refusals(network))
    values = values[:1]
    sent, wanted = run(Job(network, values, "netx"), timeout=100).sent, simulate(network, values)
    assert wanted[network.layers[-1].name].any()
    for layer in network.layers:
        assert np.array_equal(sent[layer.name], wanted[layer.name]), layer.name


def test_spikes_reach_a_sigma_delta_layer():
    """As values of 0 and 1."""
    rng = np.random.default_rng(3)
    neuron = Neuron(20, axis(0), axis(500))
    spiking = Spiking("first", rng.integers(-20, 40, (6, 5)) * 2, neuron)
    changed = SigmaDelta(
        name="after", threshold=64, weight=rng.integers(0, 60, (4, 6, 1, 1)) * 2, input_shape=(6, 1, 1)
    )
    network = Network((spiking, changed))
    values = (rng.random((2, 5, 9)) < 0.5).astype(np.uint8)
    wanted = simulate(network, values)
    for backend in ("fixed", "compiled"):
        sent = run_direct(Job(network, values, backend, 2, block=4)).sent
        assert wanted["after"].any() and np.array_equal(sent["after"], wanted["after"])


@pytest.mark.parametrize("seed", range(4))
def test_inputs_of_more_than_a_byte(seed, tmp_path):
    """Signed, in multiples of 1/64 or with a fraction; bit planes bring the same integers on every backend."""
    rng = np.random.default_rng(seed)
    network, _ = case(seed, stock=True)
    first = replace(network.layers[0], signed=False)
    values = rng.integers(-(1 << 14), 1 << 14, (2, network.inputs, 7)) | 1
    np.savez(tmp_path / "a.npz", spikes=values, **({"fraction": 6} if seed % 2 else {}))
    inputs = load_inputs(tmp_path / "a.npz", network.inputs, None, first)
    network = replace(network, layers=(inputs.layer, *network.layers[1:]))
    assert np.array_equal(inputs.spikes, values) and inputs.layer.fraction == 6
    wanted = simulate(network, inputs.spikes)
    for backend in ("fixed", "compiled"):
        done = run_direct(Job(network, inputs.spikes, backend, 2, block=3))
        assert all(np.array_equal(done.sent[name], wanted[name]) for name in wanted), backend
    if seed == 0:
        sent = run(Job(network, inputs.spikes[:1], "netx"), timeout=100).sent
        assert all(np.array_equal(sent[name][0], wanted[name][0]) for name in wanted)
    with pytest.raises(BasaltError, match="`spikes` reach to 1,048,576, more than the"):
        np.savez(tmp_path / "a.npz", spikes=np.full_like(values, 1 << 20))
        load_inputs(tmp_path / "a.npz", network.inputs, None, first)


@pytest.mark.parametrize("backend", ["near-memory", "float"])
def test_other_backends_refuse_them_by_name(backend):
    network, values = case(0)
    with pytest.raises(BasaltError, match=f"The backend '{backend}' has no (delta_input|sigma_delta) layers, as"):
        check(Job(network, values, backend))


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    """A file of SLAYER's with its input and trace."""
    torch.manual_seed(5)
    folder: Path = tmp_path_factory.mktemp("sd")
    blocks, values = delays(), np.random.default_rng(5).normal(0, 1.5, (2, 128, 6)).repeat(5, axis=-1)
    for block in blocks[1:3]:
        block.delay.init, block.delay.delay.data = True, torch.arange(12.0)
    np.savez(folder / "trace.npz", **exported(blocks, values, folder / "a.net"))
    np.savez(folder / "in.npz", spikes=values)
    return folder


def test_verify_compares_training_reference_and_backend(deployed, tmp_path):
    options = ["--input", str(deployed / "in.npz"), "--trace", str(deployed / "trace.npz"), "--output", str(tmp_path)]
    done = CliRunner().invoke(app, ["verify", str(deployed / "a.net"), "--backend", "compiled", *options])
    assert done.exit_code == 0, done.output
    found = json.loads((tmp_path / "verify.json").read_text())
    assert found["mismatches"] == 0 and found["training"]["layers"] == ["layer0", "layer1", "layer2", "layer3"]
    assert {state["state"] for state in found["pairs"][1]["states"]} == {"sum", "sent"}


def test_a_wrong_message_is_named(deployed, tmp_path):
    with np.load(deployed / "trace.npz") as kept:
        trace = {name: kept[name].copy() for name in kept}
    trace["layer2"][1, 3, 20] += 2**-12
    np.savez(tmp_path / "wrong.npz", **trace)
    options = ["--input", str(deployed / "in.npz"), "--trace", str(tmp_path / "wrong.npz"), "--output", str(tmp_path)]
    done = CliRunner().invoke(app, ["verify", str(deployed / "a.net"), "--backend", "compiled", *options])
    first = json.loads((tmp_path / "verify.json").read_text())["first_divergence"]
    assert done.exit_code == 1 and (first["layer"], first["sample"], first["neuron"]) == ("layer2", 1, 3)


def test_run_prices_and_reports(deployed, tmp_path):
    """Every layer has energy, its products by their size; the values of the output are kept at every step."""
    run_command(RunOptions(deployed / "a.net", deployed / "in.npz", backend="compiled", output=tmp_path))
    energy = json.loads((tmp_path / "energy.json").read_text())
    counts = json.loads((tmp_path / "counts.json").read_text())
    assert all(process["counters"]["graded_product_bits"] for process in counts["processes"][1:])
    assert "not priced" not in json.dumps(energy)
    with np.load(tmp_path / "spikes.npz") as kept:
        assert kept["values"].shape == (2, 8, 30) and np.array_equal(kept["values"][..., -1], kept["readout"])
    assert "layer2" in (tmp_path / "report.html").read_text()


def test_stock_says_why_it_cannot(tmp_path):
    """Transposed convolutions, pools' extra rows and thresholds between multiples of 1/64."""
    torch.manual_seed(0)
    exported(unet(), np.zeros((1, 2, 8, 8, 3)), tmp_path / "a.net")
    found = {layer.name: reason for layer, reason in refusals(netx.read(tmp_path / "a.net"))}
    assert found["layer1"].startswith("its bias acts from step 2, as in training")
    found = {layer.name: reason for layer, reason in refusals(netx.read(tmp_path / "a.net", "lava"))}
    assert "layer1" not in found and found["layer4"] == "stock netx has no transposed convolutions"
    with h5py.File(tmp_path / "a.net", "a") as file:
        file["layer/3/neuron/threshold"] = 100
    found = {layer.name: reason for layer, reason in refusals(netx.read(tmp_path / "a.net", "lava"))}
    assert found["layer3"] == "stock thresholds of changes are multiples of 1/64"
