"""Training on the deployed integers: the training form's spikes are then the deployed ones."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.train.networks import Network
from basalt.train.recipe import parse


def network(seed: int, states: int, interval: int) -> Network:
    torch.manual_seed(seed)
    layer = {"kind": "dmp", "units": 7, "states": states, "window": 12.0, "update_interval": interval, "threshold": 1.0}
    layers = [{**layer, "bias": True, "memory_scale": 4.0}, {**layer, "memory_scale": 4.0}, {"kind": "readout"}]
    return Network(parse({"name": "x", "data": {}, "network": {"layers": layers}}, "test").network, 5, 3)


def inputs(seed: int, steps: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).random((3, 5, steps)) < 0.3).to(torch.uint8)


def spikes(model: Network, x: torch.Tensor) -> list[torch.Tensor]:
    found = []
    for layer in model.hidden:
        x = layer(x)
        found.append(x.detach().to(torch.uint8))
    return found


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), states=st.integers(1, 6), interval=st.integers(1, 4), steps=st.integers(2, 40))
def test_exact_training_spikes_as_deployed(seed: int, states: int, interval: int, steps: int) -> None:
    model, x = network(seed, states, interval), inputs(seed, steps)
    model.calibrate(x)
    model.compute_exactly(True)
    deployed = model.trace(x).spikes.values()
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(spikes(model, x), deployed))


def test_without_it_a_spike_differs_now_and_then_and_the_gradient_stays() -> None:
    differ = 0
    for seed in range(12):
        model, x = network(seed, 5, 1), inputs(seed, 60)
        model.calibrate(x)
        deployed = model.trace(x).spikes.values()
        differ += sum(int((a != b).sum()) for a, b in zip(spikes(model, x), deployed))
        model.compute_exactly(True)
        model(x).square().sum().backward()
        for layer in model.hidden:
            assert layer.memory.weight.grad.abs().sum() > 0 and layer.memory.drive_weight.grad.abs().sum() > 0
    assert differ > 0
