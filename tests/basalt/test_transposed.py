"""Transposed convolutions of spiking neurons: PyTorch's sums, SLAYER's spikes, the kernel's, and files."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.convert import netx
from basalt.convert.stock import why_not_stock
from basalt.deploy.job import Job, check
from basalt.errors import BasaltError
from basalt.records.network import Network
from basalt.records.neuron import Neuron, axis
from basalt.records.simulate import simulate
from basalt.records.synapses import Conv
from basalt.train.slayer import slayer
from tests.conformance.direct import run_direct
from tests.deploy.test_inputs import exported
from tests.lava_procs.test_conv import through_kernel


def transposed(seed: int) -> tuple[Conv, np.random.Generator]:
    """A random layer; the padding leaves something of the image."""
    rng = np.random.default_rng(seed)
    groups, channels, outputs = (int(rng.integers(1, 3)) for _ in range(3))
    kernel, stride, dilation = ([int(rng.integers(1, most)) for _ in range(2)] for most in (4, 4, 3))
    size = (groups * channels, int(rng.integers(1, 5)), int(rng.integers(1, 5)))
    full = [(size[1 + a] - 1) * stride[a] + dilation[a] * (kernel[a] - 1) + 1 for a in (0, 1)]
    layer = Conv(
        name="up",
        weight=2 * rng.integers(-60, 60, (groups * outputs, channels, *kernel)),
        neuron=Neuron(int(rng.integers(1, 300)), axis(int(rng.integers(4097))), axis(int(rng.integers(4097)))),
        input_shape=size,
        stride=(stride[0], stride[1]),
        padding=(int(rng.integers(0, (full[0] + 1) // 2)), int(rng.integers(0, (full[1] + 1) // 2))),
        dilation=(dilation[0], dilation[1]),
        groups=groups,
        transposed=True,
    )
    bias = rng.integers(-90, 90, layer.neurons) if rng.random() < 0.5 else None
    return replace(layer, bias=bias, delay=rng.integers(0, 5, layer.neurons) if rng.random() < 0.5 else None), rng


@settings(max_examples=50)
@given(seed=st.integers(0, 2**32 - 1), block=st.integers(1, 7))
def test_sums_are_torchs_and_spikes_the_kernels(seed, block):
    layer, rng = transposed(seed)
    values = rng.integers(0, 200, (2, layer.inputs, 9)) * (rng.random((2, layer.inputs, 9)) < 0.4)
    outputs, channels, *kernel = layer.weight.shape
    weight = layer.weight.reshape(layer.groups, outputs // layer.groups, channels, *kernel).swapaxes(1, 2)
    given_ = torch.from_numpy(np.ascontiguousarray(weight.reshape(-1, outputs // layer.groups, *kernel))).double()
    images = torch.from_numpy(values[..., 0].reshape(2, *layer.input_shape)).double()
    geometry = layer.stride, layer.padding, 0, layer.groups, layer.dilation
    want = torch.nn.functional.conv_transpose2d(images, given_, None, *geometry)
    assert tuple(want.shape[1:]) == layer.shape
    assert np.array_equal(layer.brings(values[..., 0]), want.reshape(2, -1).numpy())
    ones = replace(layer, weight=np.ones_like(layer.weight))
    assert np.array_equal(ones.brings(np.eye(layer.inputs)).sum(axis=1), layer.reach)
    spikes = values.astype(np.uint8)
    _, sent = through_kernel(layer, spikes, block)
    assert np.array_equal(sent, simulate(Network((layer,)), spikes)["up"])


CUBA = {"threshold": 0.8, "current_decay": 0.3, "voltage_decay": 0.1}
BLOCK = slayer.block.cuba


@pytest.mark.parametrize("groups", [1, 2])
def test_slayers_blocks_through_their_files(groups, tmp_path):
    """Down, and up again by a transposed convolution and an unpooling; a file of ours keeps them."""
    torch.manual_seed(2)
    blocks = [
        BLOCK.Conv(dict(CUBA), 2, 4, 3, stride=2, weight_scale=4),
        BLOCK.ConvT(dict(CUBA), 4, 6, (2, 3), stride=2, padding=(0, 1), groups=groups, weight_scale=5),
        BLOCK.Unpool(dict(CUBA), 2),
    ]
    spikes = (np.random.default_rng(2).random((2, 2, 9, 9, 20)) < 0.4).astype(np.uint8)
    wanted = exported(blocks, spikes, tmp_path / "a.net")
    network = netx.read(tmp_path / "a.net", input_shape=(2, 9, 9))
    flat = spikes.reshape(2, -1, 20)
    for backend in ("fixed", "compiled"):
        sent = run_direct(Job(network, flat, backend, 2)).sent
        for layer in network.layers:
            assert wanted[layer.name].any() and np.array_equal(sent[layer.name], wanted[layer.name]), layer.name
    netx.write(tmp_path / "b.net", network)
    again = simulate(netx.read(tmp_path / "b.net"), flat)
    assert all(np.array_equal(again[name], wanted[name]) for name in wanted)
    assert why_not_stock(network.layers[1]) == "stock netx has no transposed convolutions"
    with pytest.raises(BasaltError, match="'near-memory' has no transposed layers, as 'layer1' is one"):
        check(Job(network, flat, "near-memory"))
