"""Convolutional layers and sum pooling: the reference's spikes, exact sums, shapes, and gradients."""

from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from basalt.errors import BasaltError
from basalt.records.network import Network as Deployed
from basalt.records.simulate import simulate
from basalt.train.checkpoint import load
from basalt.train.dynamics.gpu import exact as gpu_exact
from basalt.train.layers import LAYERS, ConvConfig, PoolConfig
from basalt.train.layers.conv import Conv, Pool
from basalt.train.loop import fit, make_fabric
from basalt.train.networks import Network
from basalt.train.recipe import NetworkConfig, parse
from tests.train.helpers import content, splits


def spikes(shape: tuple[int, ...], steps: int, seed: int, rate: float = 0.15) -> torch.Tensor:
    made = torch.Generator().manual_seed(seed)
    return (torch.rand(2, prod(shape), steps, generator=made) < rate).to(torch.uint8)


layers = st.fixed_dictionaries(
    {
        "channels": st.sampled_from([2, 4]),
        "kernel": st.sampled_from([1, 3, (2, 3)]),
        "stride": st.sampled_from([1, 2, (2, 1)]),
        "padding": st.sampled_from([0, 1, (0, 2)]),
        "groups": st.sampled_from([1, 2]),
        "bias": st.booleans(),
        "reset": st.sampled_from(["hard", "soft", "none"]),
        "current_decay": st.sampled_from([1.0, 0.3]),
        "voltage_decay": st.sampled_from([0.2, (0.0, 0.9)]),
    }
)


@settings(max_examples=12, deadline=None)
@given(layers, st.integers(0, 2**31))
def test_spikes_are_the_references(config: dict[str, Any], seed: int) -> None:
    torch.manual_seed(seed)
    shape = (2, 6, 5)
    layer = Conv(ConvConfig(**config, threshold=1.0, weight_scale=2.0), "a", shape)
    if layer.bias is not None:
        torch.nn.init.normal_(layer.bias, 0.05, 0.2)
    x = spikes(shape, 14, seed)
    made = layer.record()
    expected = simulate(Deployed((made,)), x.numpy())["a"]
    assert made.shape == layer.shape
    assert np.array_equal(layer.exact(x).numpy(), expected)
    assert np.array_equal(layer(x.float()).detach().numpy(), expected)


@pytest.mark.parametrize("config", [{}, {"size": (3, 2), "threshold": 2.5, "voltage_decay": 0.0, "reset": "soft"}])
def test_pooling_is_the_references(config: dict[str, Any]) -> None:
    shape = (3, 7, 6)
    layer = Pool(PoolConfig(**config), "a", shape)
    x = spikes(shape, 20, 1)
    expected = simulate(Deployed((layer.record(),)), x.numpy())["a"]
    assert 0.02 < expected.mean() < 0.9
    assert np.array_equal(layer.exact(x).numpy(), expected)
    assert np.array_equal(layer(x.float()).detach().numpy(), expected)
    assert not [p for p in layer.parameters() if p.requires_grad]


def test_a_default_pool_spikes_where_an_input_did() -> None:
    shape = (2, 4, 4)
    x = spikes(shape, 9, 2)
    sent = Pool(PoolConfig(), "a", shape).exact(x).view(2, 2, 2, 2, 9)
    windows = x.view(2, 2, 2, 2, 2, 2, 9).amax((3, 5))
    assert torch.equal(sent[..., 1:], windows[..., :-1])
    assert not sent[..., 0].any()


def test_graded_input_is_exact_beyond_float32() -> None:
    layer = Conv(ConvConfig(channels=1, kernel=(64, 64), threshold=1.0), "a", (8, 64, 64))
    torch.nn.init.constant_(layer.synapse.weight, 3.0)
    with torch.no_grad():
        layer.synapse.weight[0, 0, 0, 0] = -1 / 32
    x = torch.full((1, 8 * 64 * 64, 2), 255, dtype=torch.uint8)
    k = layer.record()
    sums = gpu_exact.SUMS["conv"](k, x)
    assert int(sums[0, 0, 0]) == 255 * int(k.weight.sum()) > 1 << 24


def test_gradients_are_a_convolutions() -> None:
    torch.manual_seed(0)
    layer = Conv(ConvConfig(channels=3, kernel=3, stride=2, padding=1, bias=True, threshold=1.0), "a", (2, 5, 5))
    x = spikes((2, 5, 5), 7, 3).float().requires_grad_()
    weight = torch.randn(2, layer.units, 7)
    (layer.current(x) * weight).sum().backward()
    images = x.detach().view(2, 2, 5, 5, 7).permute(0, 4, 1, 2, 3)[:, :-1].reshape(-1, 2, 5, 5).requires_grad_()
    kernel = layer.matrix.detach().requires_grad_()
    sums = torch.nn.functional.conv2d(images, kernel, stride=2, padding=1).view(2, 6, layer.units)
    (sums * weight[..., 1:].transpose(1, 2)).sum().backward()
    torch.testing.assert_close(layer.synapse.weight.grad[..., 0], kernel.grad, rtol=1e-4, atol=1e-4)
    expected = images.grad.view(2, 6, 50).transpose(1, 2)
    torch.testing.assert_close(x.grad[..., :-1], expected, rtol=1e-4, atol=1e-5)
    assert not x.grad[..., -1].any()


def test_a_network_hands_shapes_on() -> None:
    torch.manual_seed(0)
    entries = [
        {"kind": "conv", "channels": 4, "kernel": 3, "stride": 2, "padding": 1, "weight_scale": 4.0},
        {"kind": "pool"},
        {"kind": "dmp", "units": 6, "threshold": 1.0},
        {"kind": "readout"},
    ]
    net = Network(NetworkConfig(layers=entries), (2, 8, 8), 3)
    assert [layer.shape for layer in net.hidden] == [(4, 4, 4), (4, 2, 2), (6,)]
    assert net.inputs == 128
    x = spikes((2, 8, 8), 10, 4)
    net.calibrate(x)
    trace = net.trace(x)
    assert [sent.shape[1] for sent in trace.spikes.values()] == [64, 16, 6]
    net(x).sum().backward()
    assert set(dict(net.units())) == {p for p in net.parameters() if p.requires_grad}


def test_a_run_knows_its_sensor(tmp_path: Path) -> None:
    changed = content(epochs=2)
    changed["network"]["layers"][0] = {"kind": "conv", "channels": 4, "kernel": 2, "threshold": 1.0}
    wanted = parse(changed, "tiny")
    state = fit(wanted, splits(), tmp_path / "run", make_fabric("cpu", "1"), False, Console(quiet=True))
    assert state.history[1]["loss"] < state.history[0]["loss"]
    x = splits().test.dense()
    trained, loaded = state.network.trace(torch.from_numpy(x)), load(tmp_path / "run").trace(torch.from_numpy(x))
    assert loaded.spikes["hidden1"].shape[1] == 4 * 3 * 3
    assert torch.equal(trained.sums, loaded.sums)


def test_impossible_shapes_are_one_sentence() -> None:
    with pytest.raises(BasaltError, match=r"Layer a .* needs an input with channels"):
        Conv(ConvConfig(channels=2), "a", 20)
    with pytest.raises(BasaltError, match=r"Layer a: a kernel of .* larger than its input"):
        Conv(ConvConfig(channels=2, kernel=9), "a", (1, 4, 4))
    with pytest.raises(BasaltError, match="Layer a: 2 groups"):
        Conv(ConvConfig(channels=2, groups=2), "a", (3, 4, 4))
    with pytest.raises(BasaltError, match=r"use convert/export.py"):
        Conv(ConvConfig(channels=2), "a", (1, 4, 4)).export_hdf5(None)
    layers = [{"kind": "conv", "channels": 2, "kernel": "3"}, {"kind": "readout"}]
    with pytest.raises(
        BasaltError, match=r"layers\[0\].kernel: give a whole number up to 4096, or \[vertical, horizontal\]"
    ):
        parse({"name": "x", "data": {}, "network": {"layers": layers}}, "here")
    assert LAYERS["conv"].module is Conv
