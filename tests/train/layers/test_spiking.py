"""Layers and networks: training form against exact integers, traces, lava-dl's exporter."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from basalt.errors import BasaltError
from basalt.records.synapses import Spiking as Record
from basalt.train.layers import DmpConfig, LifConfig
from basalt.train.layers.dmp import Dmp
from basalt.train.layers.spiking import Spiking
from basalt.train.networks import Network
from basalt.train.recipe import NetworkConfig
from tests.train.dynamics.test_cpu import plain_neuron
from tests.train.layers.test_dmp import plain_memory


def spikes(batch: int, inputs: int, steps: int, density: float = 0.2) -> torch.Tensor:
    return (torch.rand(batch, steps, inputs) < density).to(torch.uint8).transpose(1, 2)


@pytest.mark.parametrize("reset", ["hard", "soft", "none"])
@pytest.mark.parametrize(("bias", "recurrent"), [(False, False), (True, True)])
def test_lif_trains_the_integers_it_deploys(reset: str, bias: bool, recurrent: bool) -> None:
    torch.manual_seed(0)
    config = LifConfig(units=9, threshold=1.5, voltage_decay=(0.05, 0.4), reset=reset, bias=bias, recurrent=recurrent)
    layer = Spiking(config, "a", 30)
    if layer.bias is not None:
        torch.nn.init.normal_(layer.bias, 0, 0.2)
    x = spikes(4, 30, 25)
    trained = layer(x)
    assert trained.sum() > 10
    assert torch.equal(trained.to(torch.uint8), layer.exact(x))


@pytest.mark.parametrize("memory", [False, True])
def test_integers_follow_the_specification(memory: bool) -> None:
    """The layer against the plain recurrence, from the integers it hands to export and nothing else."""
    torch.manual_seed(1)
    common = {"units": 5, "threshold": 2.0, "voltage_decay": 0.2, "current_decay": 0.5, "bias": True}
    slow = DmpConfig(**common, states=4, window=10.0)
    layer = Dmp(slow, "a", 20) if memory else Spiking(LifConfig(**common), "a", 20)
    torch.nn.init.normal_(layer.bias, 0, 0.2)
    x = spikes(1, 20, 30)
    k = layer.record()
    assert isinstance(k, Record)
    late = np.concatenate([np.zeros((20, 1), np.int64), x[0].numpy().astype(np.int64)[:, :-1]], 1)
    drive = (k.weight @ late) << 6
    if memory:
        assert k.memory is not None
        drive = drive + np.array(plain_memory(k.memory, (k.memory.drive_weight @ late).tolist())).T
    decays = zip(k.neuron.current_decay.tolist(), k.neuron.voltage_decay.tolist())
    expected = [
        plain_neuron(drive[n], int(k.bias[n]) << 6, *decay, k.neuron.threshold << 6, "hard")
        for n, decay in enumerate(decays)
    ]
    got = layer.exact(x)[0].tolist()
    assert sum(map(sum, got)) > 5
    assert got == expected


def test_without_a_fast_path_the_memory_is_all_that_drives() -> None:
    torch.manual_seed(0)
    layer = Dmp(DmpConfig(units=6, threshold=1.0, states=4, window=10.0, fast=False), "a", 20)
    x = spikes(3, 20, 25)
    trained = layer(x)
    assert trained.sum() > 10
    assert torch.equal(trained.to(torch.uint8), layer.exact(x))
    trained.sum().backward()
    assert not layer.synapse.weight.requires_grad
    assert layer.memory.weight.grad.abs().sum() > 0
    assert not layer.record().weight.any()
    same = Dmp(DmpConfig(units=6, threshold=1.0, states=4, window=10.0), "a", 20)
    assert same.synapse.weight.requires_grad
    assert same.synapse.weight.abs().sum() > 0


def test_weights_lie_on_the_deployed_grid() -> None:
    torch.manual_seed(0)
    layer = Dmp(DmpConfig(units=6, threshold=20.0), "a", 4)
    k = layer.record()
    assert k.memory is not None
    for weight in (k.weight, k.memory.drive_weight):
        assert np.all(weight % 2 == 0)
        assert weight.min() >= -256
        assert weight.max() <= 254
    assert k.weight.max() == 254  # the large threshold made some weights clip
    assert k.memory.drive_weight.min() >= 0


def network(kind: str = "dmp") -> Network:
    layers = [{"kind": kind, "units": 12, "threshold": 1.0}, {"kind": "lif", "units": 7, "threshold": 1.0}]
    return Network(NetworkConfig(layers=[*layers, {"kind": "readout"}]), 40, 3)


def test_trace_and_integer_mode() -> None:
    torch.manual_seed(0)
    net = network().eval()
    x = spikes(5, 40, 20)
    net.calibrate(x)
    trace = net.trace(x)
    assert list(trace.spikes) == ["hidden1", "hidden2"]
    assert {name: (s.shape, s.dtype) for name, s in trace.spikes.items()} == {
        "hidden1": ((5, 12, 20), torch.uint8),
        "hidden2": ((5, 7, 20), torch.uint8),
    }
    with net.integer():
        assert torch.equal(net(x), trace.sums)
    logits = net(x)
    assert logits.dtype == torch.float32
    readout = net.records()[-1].weight
    expected = readout @ trace.spikes["hidden2"][:, :, :-1].sum(-1).numpy().astype(np.int64).T
    assert np.array_equal(trace.sums.numpy(), expected.T)
    scale = 64 / net.readout.config.logit_scale
    assert (logits * scale - trace.sums).abs().max() < 0.1 * trace.sums.abs().max()


def test_a_plain_network_has_no_rounding_at_all() -> None:
    torch.manual_seed(0)
    net = network("lif").eval()
    x = spikes(5, 40, 20)
    scale = 64 / net.readout.config.logit_scale
    assert torch.equal((net(x) * scale).round().long(), net.trace(x).sums)


def test_calibration_leaves_room() -> None:
    torch.manual_seed(0)
    net = network()
    x = spikes(16, 40, 20)
    net.calibrate(x)
    memory = net.layers["hidden1"].memory
    k = net.records()[0].memory
    drive = np.maximum(k.drive_weight @ x.numpy().astype(np.int64), 0)
    peak = (drive.max() + k.drive_bias) << k.drive_shift
    assert 32767 / 4 < peak <= 32767 / 2 or k.drive_shift == 9
    assert memory.watching is False


@pytest.mark.parametrize("recurrent", [False, True])
def test_lava_dl_exports_plain_layers(tmp_path: Path, recurrent: bool) -> None:
    torch.manual_seed(0)
    layer = Spiking(
        LifConfig(units=6, threshold=1.5, current_decay=0.25, voltage_decay=0.1, recurrent=recurrent), "a", 10
    )
    with h5py.File(tmp_path / "a.net", "w") as file:
        layer.export_hdf5(file.create_group("layer/0"))
    k = layer.record()
    with h5py.File(tmp_path / "a.net") as file:
        group = file["layer/0"]
        assert np.array_equal(group["weight"][()], k.weight)
        assert group["neuron/vThMant"][()] == k.neuron.threshold == 96
        assert np.all(group["neuron/iDecay"][()] == k.neuron.current_decay) and np.all(k.neuron.current_decay == 1024)
        assert np.all(group["neuron/vDecay"][()] == k.neuron.voltage_decay)
        if recurrent:
            assert np.array_equal(group["weight_rec"][()], k.recurrent_weight)


def test_lava_dl_export_refuses_what_it_would_lose() -> None:
    with pytest.raises(BasaltError, match="bias"):
        Spiking(LifConfig(units=2, bias=True), "a", 3).export_hdf5(None)
    with pytest.raises(BasaltError, match="soft reset"):
        Spiking(LifConfig(units=2, reset="soft"), "a", 3).export_hdf5(None)
    with pytest.raises(BasaltError, match="slow memory"):
        Dmp(DmpConfig(units=2), "a", 3).export_hdf5(None)
