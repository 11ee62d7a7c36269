"""The reference of a convolution against PyTorch, and the compiled kernel against the reference."""

from dataclasses import replace

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.kernels.bits import pack, planes_of, unpack
from basalt.kernels.conv import ConvLayer
from basalt.records.convolution import conv_sum, fan_out
from basalt.records.network import Network
from basalt.records.simulate import States, simulate
from basalt.records.synapses import Conv, Encoder
from tests.conformance.conv_strategies import make_conv_case

GEOMETRY = ("input_shape", "stride", "padding", "dilation", "groups")


def convolutions(seed):
    """The convolutions of a random network."""
    return [layer for layer in make_conv_case(seed).network.layers if isinstance(layer, Conv)]


def geometry(layer):
    return {name: getattr(layer, name) for name in GEOMETRY}


@given(seed=st.integers(0, 2**32 - 1))
def test_equals_torch(seed):
    """Stride, padding, dilation, groups, and rows and columns of zeros beyond the padding."""
    for layer in convolutions(seed):
        values = np.random.default_rng(seed).integers(0, 200, (3, layer.inputs))
        images = torch.from_numpy(values.reshape(3, *layer.input_shape)).double()
        below, right = layer.extra
        padded = torch.nn.functional.pad(
            images, (layer.padding[1], layer.padding[1] + right, layer.padding[0], layer.padding[0] + below)
        )
        weight = torch.from_numpy(layer.weight).double()
        want = torch.nn.functional.conv2d(padded, weight, None, layer.stride, 0, layer.dilation, layer.groups)
        assert tuple(want.shape[1:]) == layer.shape
        found = conv_sum(values, layer.weight, extra=layer.extra, **geometry(layer))
        assert np.array_equal(found, want.reshape(3, -1).numpy())


@given(seed=st.integers(0, 2**32 - 1))
def test_fan_out_counts_synapses(seed):
    """Every input alone, with a kernel of ones: as many neurons answer as it reaches, counted with repetition."""
    for layer in convolutions(seed)[:1]:
        single = np.eye(layer.inputs, dtype=np.int64)
        reached = conv_sum(single, np.ones_like(layer.weight), extra=layer.extra, **geometry(layer)).sum(axis=1)
        found = fan_out(layer.weight.shape[2:], output_shape=layer.shape, **geometry(layer))
        assert np.array_equal(found, reached)


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), block=st.integers(1, 7))
def test_kernel_equals_the_reference(seed, block):
    """Spikes at every step and u and v after the last, for convolutions and affine inputs, in blocks of any size."""
    case = make_conv_case(seed)
    spikes = case.spikes
    for layer in case.network.layers:
        if not isinstance(layer, Conv | Encoder):
            return
        states: dict[str, States] = {}
        wanted = simulate(Network((layer,)), spikes, states)[layer.name]
        held, sent = through_kernel(layer, spikes, block)
        assert np.array_equal(sent, wanted)
        for variable, value in held.items():
            assert np.array_equal(value, getattr(states[layer.name], variable)[:, :, -1])
        spikes = wanted


def through_kernel(layer, spikes, block):
    """A layer's states after the last step, and its spikes."""
    samples, _, steps = spikes.shape
    planes = planes_of(spikes)
    kernel = ConvLayer(samples, block, layer, planes)
    frames = np.zeros((steps + block, *spikes.shape[:2]), dtype=np.uint8)
    frames[:steps] = spikes.transpose(2, 0, 1)
    kernel.clear()
    sent = []
    for first in range(0, steps, block):
        length = min(block, steps - first)
        out = kernel.advance(pack(frames[first : first + block], planes), first, length)
        sent.append(unpack(out[:length], layer.neurons))
    return kernel.variables(), np.concatenate(sent).transpose(1, 2, 0)


def test_odd_weights_are_kept_whole():
    """An odd weight is not halved away."""
    layer = convolutions(0)[0]
    odd = replace(layer, weight=layer.weight | 1, bias=None)
    spikes = (np.random.default_rng(0).random((2, odd.inputs, 9)) < 0.5).astype(np.uint8)
    wanted = simulate(Network((odd,)), spikes)[odd.name]
    assert wanted.any()
    assert np.array_equal(through_kernel(odd, spikes, 4)[1], wanted)
