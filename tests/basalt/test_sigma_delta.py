"""Sigma-delta records against plain loops in Python's integers, and against SLAYER's own blocks."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.convert import netx
from basalt.deploy.inputs import load_inputs
from basalt.errors import BasaltError
from basalt.kernels.messages import MessageLayer
from basalt.records.convolution import Convolution
from basalt.records.delta import DeltaInput
from basalt.records.layer import Layer
from basalt.records.network import Network
from basalt.records.readout import Readout
from basalt.records.sigma_delta import SigmaDelta, SigmaOutput
from basalt.records.simulate import States, simulate
from basalt.train.slayer import slayer
from tests.conformance.messages import case
from tests.deploy.test_inputs import exported

SEEDS = st.integers(0, 2**32 - 1)
MOST = 2**31 - 1


def synapses(conv: Convolution) -> list[tuple[int, int, int]]:
    """(Input, neuron, weight) of each synapse, by going through all places of all kernels."""
    outputs, channels, high, wide = conv.weight.shape
    _, height, width = conv.input_shape
    _, rows, columns = conv.image
    found = []
    for o, c, i, j in product(range(outputs), range(channels), range(high), range(wide)):
        channel = o // (outputs // conv.groups) * channels + c
        for y, x, p, q in product(range(height), range(width), range(rows), range(columns)):
            (a, b), (s, t) = ((p, y), (q, x)) if not conv.transposed else ((y, p), (x, q))
            meets = a * conv.stride[0] - conv.padding[0] + i * conv.dilation[0] == b
            if meets and s * conv.stride[1] - conv.padding[1] + j * conv.dilation[1] == t:
                place = (channel * height + y) * width + x
                found.append((place, (o * rows + p) * columns + q, int(conv.weight[o, c, i, j])))
    return found


def judged(layer: Layer, values: list[list[int]], steps: int) -> list[list[int]]:
    """What a layer sends of one sample, [neuron][step], in Python's integers."""
    met = synapses(layer.convolution)
    sums, last = [0] * layer.neurons, [0] * layer.neurons
    out = [[0] * steps for _ in range(layer.neurons)]
    for t in range(steps):
        brought = [0] * layer.neurons
        for place, n, weight in met:
            brought[n] += weight * (values[place][t - 1] if t else 0)
        for n in range(layer.neurons):
            if isinstance(layer, DeltaInput):
                value = ((brought[n] << 12) >> layer.fraction) + (layer.offset * 4096 if t else 0)
            else:
                sums[n] = min(max(sums[n] + brought[n], -MOST), MOST)
                value = sums[n]
            if isinstance(layer, SigmaOutput):
                out[n][t] = value
                continue
            if isinstance(layer, SigmaDelta):
                bias = 0 if layer.bias is None or t < layer.start else int(layer.bias[n]) * 4096
                value = min(max(value + bias, 0), MOST)
            change = value - last[n]
            if abs(change) >= layer.threshold:
                last[n] = value
                later = t + (0 if layer.delay is None else int(layer.delay[n]))
                if later < steps:
                    out[n][later] = change // 64
    return out


@settings(max_examples=25)
@given(seed=SEEDS)
def test_records_and_kernels_compute_what_plain_loops_do(seed):
    """Every layer of a random network, in the reference and in the compiled kernel, block by block."""
    network, values = case(seed)
    samples, _, steps = values.shape
    states: dict[str, States] = {}
    sent = simulate(network, values, states)
    arriving, block = values, int(np.random.default_rng(seed).integers(1, steps + 1))
    for layer in network.layers:
        heard = layer.received(arriving) if hasattr(layer, "received") else arriving
        found = sent[layer.name]
        for sample in range(samples):
            assert judged(layer, heard[sample].tolist(), steps) == found[sample].tolist(), layer.name
        kernel = MessageLayer(samples, block, layer, 0, steps)
        frames = np.zeros((-(-steps // block) * block, samples, layer.inputs), dtype=np.int32)
        frames[:steps] = heard.transpose(2, 0, 1)
        parts = []
        for first in range(0, steps, block):
            length = min(block, steps - first)
            parts.append(kernel.advance(frames[first : first + block], first, length)[:length].copy())
        assert np.array_equal(np.concatenate(parts).transpose(1, 2, 0), found), layer.name
        if layer.name in states:
            for name in layer.state_names:
                assert np.array_equal(kernel.variables()[name], getattr(states[layer.name], name)[..., -1])
        arriving = found


@given(seed=SEEDS)
def test_real_steps_are_the_same_without_rounding(seed):
    """What a message rounds down is less than 1/4096; nothing saturates here."""
    rng = np.random.default_rng(seed)
    layer = SigmaDelta(name="a", threshold=0, weight=2 * rng.integers(-9, 9, (5, 3, 1, 1)), input_shape=(3, 1, 1))
    state, real = np.zeros((2, 2, 1, 5), dtype=np.int64)
    for t in range(6):
        incoming = layer.inflow(rng.integers(-500, 500, (1, 3)), t)
        whole, exact = layer.step(incoming, state, t), layer.real_step(incoming, real, t)
        assert np.array_equal(whole.state, exact.state) and not whole.saturations.any()
        assert np.array_equal(whole.messages, np.floor(exact.messages))
        state, real = whole.state, exact.state


BLOCK = slayer.block.sigma_delta
NEURON = {"threshold": 0.1, "activation": torch.nn.functional.relu}
NORM = {**NEURON, "norm": slayer.neuron.norm.MeanOnlyBatchNorm}
SHIFTED = {"delay": True, "delay_shift": True}


def unet():
    """Down and up again, as the networks for DHP19."""
    return [
        BLOCK.Input(dict(NEURON), weight=1.3, bias=-0.3),
        BLOCK.Conv(dict(NORM), 2, 4, 3, padding=1, weight_scale=2),
        BLOCK.Pool(dict(NEURON), 2),
        BLOCK.Conv(dict(NEURON), 4, 6, (3, 2), stride=(1, 2), padding=1, groups=2, weight_scale=2),
        BLOCK.ConvT(dict(NORM), 6, 4, 3, stride=2, padding=1, groups=2, weight_scale=2),
        BLOCK.Unpool(dict(NEURON), 2),
        BLOCK.Conv(dict(NEURON), 4, 1, 3, weight_scale=3),
    ]


def pilotnet():
    """Convolutions with strides, dense layers and an output."""
    return [
        BLOCK.Input(dict(NEURON)),
        BLOCK.Conv(dict(NORM), 2, 4, 3, stride=2, weight_scale=3),
        BLOCK.Flatten(),
        BLOCK.Dense(dict(NORM), 36, 9, weight_scale=3),
        BLOCK.Output(dict(NEURON), 9, 2, weight_scale=3),
    ]


def delays():
    """The baseline of the N-DNS challenge: two delayed layers between an input and an output."""
    return [
        BLOCK.Input(dict(NEURON)),
        BLOCK.Dense(dict(NEURON), 128, 12, weight_scale=2, **SHIFTED),
        BLOCK.Dense(dict(NEURON), 12, 12, weight_scale=2, **SHIFTED),
        BLOCK.Output(dict(NEURON), 12, 8, weight_scale=2),
    ]


@pytest.mark.parametrize("build", [unet, pilotnet, delays])
def test_slayers_blocks_through_their_files(build, tmp_path):
    """Every message of every layer, signed inputs with a fraction; here each layer takes a step."""
    torch.manual_seed(3)
    blocks, rng = build(), np.random.default_rng(3)
    shape = (128,) if build is delays else (2, 8, 8)
    values = rng.normal(0, 1.5, (3, *shape, 5)).repeat(4, axis=-1)
    for block in blocks:
        if getattr(block, "neuron", None) is not None and block.neuron.norm is not None:
            block.neuron.norm.running_mean = torch.linspace(-0.4, 0.4, block.synapse.out_channels)
        if getattr(block, "delay", None) is not None:
            block.delay.init, block.delay.delay.data = True, torch.arange(12.0)
    wanted = exported(blocks, values, tmp_path / "a.net")
    np.savez(tmp_path / "a.npz", spikes=values)
    network = netx.read(tmp_path / "a.net", input_shape=None)
    inputs = load_inputs(tmp_path / "a.npz", network.inputs, None, network.layers[0], as_trained=True)
    network = replace(network, layers=(inputs.layer, *network.layers[1:]))
    shifted = [int(getattr(block, "delay_shift", False)) for block in blocks]
    sent, late = simulate(network, inputs.spikes), 0
    order = {layer.name: position for position, layer in enumerate(network.layers)}
    for layer in network.layers:
        late = 1 + order[layer.name] - sum(shifted[: int(layer.name[5:]) + 1])
        values = wanted[layer.name] * layer.unit
        steps = values.shape[-1] - late
        assert np.array_equal(sent[layer.name][..., late:], values[..., :steps]), layer.name
        assert values.any() and not sent[layer.name][..., :late].any()
    netx.write(tmp_path / "b.net", network)
    again = simulate(netx.read(tmp_path / "b.net"), inputs.spikes)
    assert all(np.array_equal(again[name], sent[name]) for name in sent)


def layer(**changes):
    weight = np.full((2, 3, 1, 1), 2)
    return replace(SigmaDelta(name="a", threshold=64, weight=weight, input_shape=(3, 1, 1)), **changes)


BROKEN = {
    "threshold_range": layer(threshold=1 << 30),
    "bias_range": layer(bias=np.array([0, 1 << 19])),
    "delay_range": layer(delay=np.array([0, -1])),
    "weight_range": layer(weight=np.full((2, 3, 1, 1), 256)),
    "geometry": layer(transposed=True, padding=(3, 3)),
    "shapes": layer(bias=np.zeros(3, dtype=np.int64)),
    "sum_width": SigmaOutput("a", np.full((1, 1 << 20), 254)),
    "encoder_range": DeltaInput(name="a", threshold=64, features=(3,), fraction=13),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_rules(rule, tmp_path):
    with pytest.raises(BasaltError, match=f"'a' breaks the rule {rule}"):
        netx.write(tmp_path / "a.net", Network((BROKEN[rule],)))


def test_spikes_do_not_take_messages(tmp_path):
    with pytest.raises(BasaltError, match="'b' breaks the rule messages: what layer 'a' sends is values"):
        netx.write(tmp_path / "a.net", Network((layer(), Readout("b", np.full((1, 2), 2)))))


def test_sums_saturate_and_say_so():
    """Where Lava's 32 bits would wrap."""
    wide = layer(weight=np.full((2, 3, 1, 1), 254))
    state = np.zeros((2, 1, 2), dtype=np.int64)
    counted = 0
    for t in range(6):
        done = wide.step(wide.inflow(np.full((1, 3), 1 << 20), t), state, t)
        state, counted = done.state, counted + int(done.saturations.sum())
    assert state.max() == MOST and counted == 2 * 4
