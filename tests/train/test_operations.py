"""Operations are counted exactly: those of brute force, and of the deployed processes' counters."""

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.records.pathways import PATHWAYS
from basalt.train.layers.integers import ConvIntegers
from basalt.train.networks import Network
from basalt.train.operations import INPUT, activity, fan_out, operations
from basalt.train.recipe import parse
from tests.train.helpers import content, events


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_fan_out_of_a_convolution_at_every_pixel(data: Any) -> None:
    pick = lambda low, high: data.draw(st.integers(low, high))  # noqa: E731
    groups = pick(1, 2)
    channels, outputs = groups * pick(1, 2), groups * pick(1, 3)
    size, stride, padding = (tuple(pick(low, high) for _ in range(2)) for low, high in ((1, 7), (1, 3), (0, 2)))
    kernel = tuple(pick(1, min(4, extent + 2 * pad)) for extent, pad in zip(size, padding))
    layer = ConvIntegers(
        name="conv", weight=np.ones((outputs, channels // groups, *kernel), np.int64), threshold=1,
        current_decay=np.zeros(1, np.int64), voltage_decay=np.zeros(1, np.int64),
        input_shape=(channels, *size), stride=stride, padding=padding, groups=groups,
    )  # fmt: skip
    pixels = torch.eye(channels * size[0] * size[1]).reshape(-1, channels, *size)
    reached = torch.nn.functional.conv2d(pixels, torch.tensor(layer.weight).float(), None, stride, padding, 1, groups)
    assert fan_out(layer).tolist() == reached.sum((1, 2, 3)).int().tolist()


LAYERS: dict[str, dict[str, Any]] = {
    "conv": {"kind": "conv", "channels": 3, "kernel": 3, "stride": 2, "padding": 1, "threshold": 0.3},
    "lif": {"kind": "lif", "units": 7, "recurrent": True, "threshold": 0.3},
    "dmp": {"kind": "dmp", "units": 7, "threshold": 0.3, "states": 3, "window": 8.0, "update_interval": 5},
    "hopfield": {
        "kind": "hopfield",
        "units": 7,
        "threshold": 0.3,
        "patterns": 5,
        "iterations": 2,
        "update_interval": 3,
    },
    "classical": {"kind": "hopfield", "units": 7, "threshold": 0.3, "variant": "classical", "patterns": 3},
    "hgrn": {"kind": "hgrn", "units": 7, "threshold": 0.3},
    "gated": {"kind": "hgrn", "units": 7, "threshold": 0.3, "variant": "gated"},
}


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(1)
    given = content()
    given["network"]["layers"] = [*LAYERS.values(), {"kind": "readout"}]
    recipe = parse(given, "test")
    return Network.of(recipe, (1, 4, 4), 2).eval()


def test_operations_are_those_of_brute_force(network: Network) -> None:
    """Spike by spike: each but those of the last step times the synapses that it reaches, whatever their weights."""
    some = events(5, 3)
    done = activity(network, some)
    x = torch.from_numpy(some.dense())
    trace = network.trace(x)
    arriving = {}
    before = x.numpy()
    for layer in network.integers():
        arriving[layer.name] = before
        before = trace.spikes[layer.name].numpy() if layer.name in trace.spikes else before
    found = operations(network, done)
    for name, layer in zip(found, network.integers()):
        heard = arriving[name][:, :, :-1]
        reach = fan_out(layer) if name == "hidden1" else np.full(heard.shape[1], len(layer.weight))
        synapses = int((heard.sum((0, 2)) * reach).sum())
        if getattr(layer, "recurrent_weight", None) is not None:
            synapses += int(trace.spikes[name][:, :, :-1].sum()) * len(layer.weight)
        assert found[name].synapses == pytest.approx(synapses / 5, rel=1e-12), name
    assert found["hidden1"].synapses > 0 and found["hidden2"].synapses > found["hidden1"].pathway == 0
    assert done.sent["hidden1"].tolist() == trace.spikes["hidden1"].sum((0, 2)).tolist()
    assert done.arrived[INPUT].sum() == x[:, :, :-1].sum()
    assert done.predicted.tolist() == trace.sums.argmax(1).tolist()


def test_memory_pathways_count_what_their_processes_count(network: Network) -> None:
    some = events(5, 3)
    done = activity(network, some)
    found, steps, none = operations(network, done), some.steps, np.zeros(1, np.int64)
    names = dict(zip(LAYERS, found))
    arrived = {name: int(done.arrived[before].sum()) for before, name in zip(found, list(found)[1:])}
    layers = {layer.name: layer for layer in network.integers()}
    for kind in ("dmp", "hopfield", "classical", "hgrn", "gated"):
        name = names[kind]
        memory = vars(layers[name].memory)
        record = next(record for record in PATHWAYS.values() if {f.name for f in fields(record)} == set(memory))
        refreshes = record(**memory).refreshes(0, steps)
        counts = record(**memory).counts(np.array([arrived[name]]), none, steps, refreshes)
        assert found[name].products == counts["dense_macs"], kind
        assert found[name].pathway * 5 == pytest.approx(int(np.ravel(counts["synaptic_operations"])[0])), kind
    assert found[names["lif"]].products == found[names["lif"]].pathway == 0


def test_features_are_kept_of_the_layers_asked_for(network: Network) -> None:
    some = events(5, 3)
    done = activity(network, some, ("hidden2",))
    spikes = network.trace(torch.from_numpy(some.dense())).spikes["hidden2"]
    assert np.allclose(done.features["hidden2"], spikes[..., :-1].float().mean(-1).numpy())
    assert list(done.features) == ["hidden2"]
    assert done.rates["hidden2"] == pytest.approx(float(spikes.float().mean()))
