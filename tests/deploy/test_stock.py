"""Stock layers: SLAYER, reference, stock netx and our processes send the same spikes, whoever wrote the file."""

import h5py
import numpy as np
import pytest
import torch

import basalt.lava_procs.conv.models  # noqa: F401
from basalt.convert import netx
from basalt.deploy.job import Job, run
from basalt.records.simulate import simulate
from basalt.train.slayer import slayer
from tests.conformance.conv_strategies import make_conv_case
from tests.conformance.slayer_nets import make_slayer_net
from tests.conformance.strategies import make_case

NEURON = {"threshold": 1.25, "current_decay": 0.25, "voltage_decay": 0.03, "tau_grad": 0.03, "scale_grad": 3}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A dense, a recurrent and a delayed SLAYER block, exported by lava-dl itself, with what SLAYER computes."""
    torch.manual_seed(0)
    blocks = [
        slayer.block.cuba.Dense(dict(NEURON), 30, 20, weight_scale=3, weight_norm=True),
        slayer.block.cuba.Recurrent(dict(NEURON), 20, 12, weight_scale=2),
        slayer.block.cuba.Dense(dict(NEURON), 12, 10, weight_scale=3, delay=True),
    ]
    spikes = (torch.rand(2, 30, 40) < 0.2).float()

    def forward():
        sent, x = {}, spikes
        for index, block in enumerate(blocks):
            x = block(x)
            sent[f"layer{index}"] = x.numpy().astype(np.uint8)
        return sent

    with torch.no_grad():
        forward()
        delays = blocks[2].delay.delay
        delays.data = torch.randint(0, 9, delays.shape).float()
        recurrent = blocks[1]
        recurrent.spike_state = torch.zeros(1)
        recurrent.neuron.current_state = recurrent.neuron.voltage_state = torch.zeros(1)
        sent = forward()
    path = tmp_path_factory.mktemp("stock") / "lava_dl.net"
    with h5py.File(path, "w") as file:
        for index, block in enumerate(blocks):
            block.export_hdf5(file.create_group(f"layer/{index}"))
    return path, spikes.numpy().astype(np.uint8), sent


def assert_same(found, wanted):
    for name, spikes in wanted.items():
        assert spikes.any() and not spikes.all()
        assert np.array_equal(found[name], spikes), name


def test_lava_dls_file_is_read_as_it_was_trained(trained):
    path, spikes, sent = trained
    assert_same(simulate(netx.read(path), spikes), sent)


def test_our_file_of_it_is_the_same_network(trained, tmp_path):
    path, spikes, sent = trained
    netx.write(tmp_path / "ours.net", netx.read(path))
    assert_same(simulate(netx.read(tmp_path / "ours.net"), spikes), sent)


@pytest.mark.parametrize("backend", ["fixed", "netx"])
def test_backends_send_the_trained_spikes(trained, backend):
    """Stock netx is given the file that lava-dl wrote, and below the one that we write."""
    path, spikes, sent = trained
    assert_same(run(Job(netx.read(path), spikes, backend, file=path), timeout=120).sent, sent)


def test_stock_netx_runs_our_file(trained, tmp_path):
    path, spikes, sent = trained
    netx.write(tmp_path / "ours.net", netx.read(path))
    job = Job(netx.read(path), spikes[:1], "netx", file=tmp_path / "ours.net")
    assert_same(run(job, timeout=120).sent, {k: v[:1] for k, v in sent.items()})


@pytest.mark.parametrize("seed", range(3))
def test_stock_netx_equals_the_reference_on_generated_networks(seed):
    case = make_case(seed, stock=True)
    found = run(Job(case.network, case.spikes[:1], "netx"), timeout=120).sent
    for name, spikes in simulate(case.network, case.spikes[:1]).items():
        assert np.array_equal(found[name], spikes), name


@pytest.mark.parametrize("seed", range(40))
def test_slayers_convolutions_are_read_as_they_were_trained(seed, tmp_path):
    """Inputs, convolutions, pools, dense and recurrent blocks, with delays: every spike of every layer."""
    trained = make_slayer_net(seed, tmp_path)
    found = simulate(netx.read(trained.file), trained.spikes)
    assert any(spikes.any() for spikes in trained.sent.values())
    for name, spikes in trained.sent.items():
        assert np.array_equal(found[name], spikes), name


@pytest.mark.parametrize("seed", range(20))
def test_slayers_normalisation_is_a_bias_from_step_1(seed, tmp_path):
    """SLAYER delays the output of a block by a step, Lava its input: so its biases act a step later."""
    trained = make_slayer_net(seed, tmp_path, biased=True)
    network = netx.read(trained.file)
    assert any(layer.bias is not None for layer in network.spiking)
    assert "act from step 1, as in SLAYER's training" in network.notices[0]
    found = simulate(network, trained.spikes)
    for name, spikes in trained.sent.items():
        assert np.array_equal(found[name], spikes), name


@pytest.mark.parametrize(
    ("backend", "seed"), [("fixed", 0), ("compiled", 1), ("compiled", 7), ("netx", 0), ("netx", 2)]
)
def test_backends_send_the_spikes_of_slayers_convolutions(backend, seed, tmp_path):
    trained = make_slayer_net(seed, tmp_path, stock=backend == "netx")
    job = Job(netx.read(trained.file), trained.spikes[:1], backend, file=trained.file)
    found = run(job, timeout=120).sent
    for name, spikes in trained.sent.items():
        assert np.array_equal(found[name], spikes[:1]), name


@pytest.mark.parametrize("seed", range(2))
def test_stock_netx_equals_the_reference_on_generated_convolutions(seed):
    case = make_conv_case(seed, stock=True)
    found = run(Job(case.network, case.spikes[:1], "netx"), timeout=120).sent
    for name, spikes in simulate(case.network, case.spikes[:1]).items():
        assert np.array_equal(found[name], spikes), name


@pytest.mark.parametrize("backend", ["fixed", "compiled"])
def test_backends_equal_the_reference_on_generated_convolutions(backend):
    """Every option at once, spikes and counts alike."""
    for seed in range(3):
        case = make_conv_case(seed)
        found = run(Job(case.network, case.spikes, backend, case.batch), timeout=120)
        for name, spikes in simulate(case.network, case.spikes).items():
            assert np.array_equal(found.sent[name], spikes), (seed, name)
