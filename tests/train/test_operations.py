"""Operations are counted exactly: those of brute force, and of the deployed processes' counters."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.deploy.job import Job
from basalt.lava_procs.metering import COLUMN
from basalt.records.network import Network as Deployed
from basalt.records.neuron import Neuron
from basalt.records.synapses import Conv
from basalt.train.networks import Network
from basalt.train.operations import INPUT, activity, operations
from basalt.train.recipe import parse
from tests.conformance.direct import run_direct
from tests.train.helpers import content, events


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_fan_out_of_a_convolution_at_every_pixel(data: Any) -> None:
    pick = lambda low, high: data.draw(st.integers(low, high))  # noqa: E731
    groups = pick(1, 2)
    channels, outputs = groups * pick(1, 2), groups * pick(1, 3)
    size, stride, padding = (tuple(pick(low, high) for _ in range(2)) for low, high in ((1, 7), (1, 3), (0, 2)))
    kernel = tuple(pick(1, min(4, extent + 2 * pad)) for extent, pad in zip(size, padding))
    neuron = Neuron(1, np.zeros(1, np.int64), np.zeros(1, np.int64))
    layer = Conv(
        name="conv", weight=np.ones((outputs, channels // groups, *kernel), np.int64), neuron=neuron,
        input_shape=(channels, *size), stride=stride, padding=padding, groups=groups,
    )  # fmt: skip
    pixels = torch.eye(channels * size[0] * size[1]).reshape(-1, channels, *size)
    reached = torch.nn.functional.conv2d(pixels, torch.tensor(layer.weight).float(), None, stride, padding, 1, groups)
    assert layer.reach.tolist() == reached.sum((1, 2, 3)).int().tolist()


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
    for layer in network.records():
        arriving[layer.name] = before
        before = trace.spikes[layer.name].numpy() if layer.name in trace.spikes else before
    found = operations(network, done)
    for name, layer in zip(found, network.records()):
        heard = arriving[name][:, :, :-1]
        reach = layer.reach if name == "hidden1" else np.full(heard.shape[1], len(layer.weight))
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
    found, names = operations(network, done), dict(zip(LAYERS, done.sent))
    counts = run_direct(Job(Deployed(network.records()), some.dense(), "fixed", 5)).counts
    for kind in ("dmp", "hopfield", "classical", "hgrn", "gated"):
        table = counts[f"{names[kind]}.{network.layers[names[kind]].memory_record().kind}"]
        assert found[names[kind]].products * 5 == table[:, COLUMN["dense_macs"]].sum(), kind
        assert found[names[kind]].pathway * 5 == pytest.approx(table[:, COLUMN["synaptic_operations"]].sum()), kind
    assert found[names["lif"]].products == found[names["lif"]].pathway == 0


def test_features_are_kept_of_the_layers_asked_for(network: Network) -> None:
    some = events(5, 3)
    done = activity(network, some, ("hidden2",))
    spikes = network.trace(torch.from_numpy(some.dense())).spikes["hidden2"]
    assert np.allclose(done.features["hidden2"], spikes[..., :-1].float().mean(-1).numpy())
    assert list(done.features) == ["hidden2"]
    assert done.rates["hidden2"] == pytest.approx(float(spikes.float().mean()))
