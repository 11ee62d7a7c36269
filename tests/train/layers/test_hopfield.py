"""The associative memory: the reference's integers, training against them, gradients, stored classes, energies."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from basalt.errors import BasaltError
from basalt.records import pathways
from basalt.records.synapses import Spiking
from basalt.train.checkpoint import load
from basalt.train.dynamics.memories import CURRENTS
from basalt.train.layers import HopfieldConfig
from basalt.train.layers.hopfield import Hopfield, classical_energy, energy
from basalt.train.loop import fit, make_fabric
from basalt.train.networks import Network
from basalt.train.recipe import NetworkConfig, parse
from tests.train.helpers import content, splits
from tests.train.layers.test_hgrn import spikes

VARIANTS = ["modern", "classical"]


def made(variant: str, units: int = 7, inputs: int = 9, seed: int = 0, **config: Any) -> Hopfield:
    torch.manual_seed(seed)
    size = inputs if variant == "classical" else units
    config = {"patterns": 5, "trace_decay": 0.2, "memory_scale": 1.0, **config}
    return Hopfield(HopfieldConfig(units=size, threshold=1.0, variant=variant, **config), "a", inputs)


def reference(layer: Spiking, x: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Spikes and memory currents, a step at a time."""
    memory: Any = layer.memory
    batch, inputs, steps = x.shape
    current = np.zeros((batch, len(layer.weight)), np.int64)
    state = np.zeros((2, *current.shape), np.int64)
    q = arrived = np.zeros((batch, inputs), np.int64)
    sent, currents = [], []
    for t in range(steps):
        found = memory.step(arrived, current, q, t)
        current, q = found.current, found.m
        spiked = layer.neuron.step(arrived @ layer.weight.T, current, state)
        state = spiked.state
        arrived = x[:, :, t].numpy().astype(np.int64)
        sent.append(spiked.spikes)
        currents.append(current)
    return np.stack(sent, 2), np.stack(currents, 1)


@pytest.mark.parametrize("variant", VARIANTS)
@settings(max_examples=12, deadline=None)
@given(
    config=st.fixed_dictionaries(
        {
            "patterns": st.sampled_from([1, 2, 17]),
            "iterations": st.integers(1, 3),
            "update_interval": st.integers(1, 4),
            "trace_decay": st.sampled_from([0.0, 0.13, 1.0]),
            "beta": st.sampled_from([0.25, 1.0, 8.0]),
            "key_scale": st.sampled_from([0.1, 4.0, 60.0]),
            "query_level": st.sampled_from([0.0, 0.7]),
        }
    ),
    most=st.sampled_from([1, 255]),
    seed=st.integers(0, 1000),
)
def test_integers_are_the_references(variant: str, config: dict[str, Any], most: int, seed: int) -> None:
    layer = made(variant, 6, 8, seed, **config)
    x, k = spikes(8, 30, seed, most=most), layer.record()
    expected, currents = reference(k, x)
    assert isinstance(k.memory, pathways.Hopfield)
    assert np.array_equal(CURRENTS["hopfield"](k.memory, x).numpy(), currents)
    assert np.array_equal(layer.exact(x).numpy(), expected)


def test_a_trace_saturates_as_deployed() -> None:
    layer = made("modern", trace_decay=0.0)
    x = torch.full((1, 9, 20), 255, dtype=torch.uint8)
    _, currents = reference(layer.record(), x)
    assert np.array_equal(CURRENTS["hopfield"](layer.memory_record(), x).numpy(), currents)
    assert layer.memory.query(x.float())[0, -1].max() * 4096 == (1 << 23) - 1


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("config", [{}, {"iterations": 2, "update_interval": 3, "beta": 2.0}])
def test_training_spikes_as_deployed(variant: str, config: dict[str, Any]) -> None:
    layer = made(variant, 20, 30, **config)
    x = spikes(30, 50)
    expected, currents = reference(layer.record(), x)
    assert 0.02 < expected.mean() < 0.9 and len(np.unique(currents)) > 1
    for exact in (False, True):
        layer.memory.exact = exact
        sent = layer(x.float())
        assert np.array_equal(sent.detach().numpy(), expected)
    sent.sum().backward()
    for name, parameter in layer.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("iterations", [1, 2])
def test_gradients_are_those_of_the_smooth_equations(iterations: int) -> None:
    layer = made("modern", 5, 8, iterations=iterations, key_scale=1.0, patterns=6)
    x = spikes(8, 25).float().requires_grad_()
    weight = torch.randn(3, 25, 5)
    _, memory = layer.drive(x)
    assert memory is not None
    (memory * weight).sum().backward()
    smooth = x.detach().double().requires_grad_()
    keys = layer.memory.keys.detach().double().requires_grad_()
    values = layer.memory.values.detach().double().requires_grad_()
    arrived = torch.nn.functional.pad(smooth, (1, 0))[..., :-1]
    q, total = torch.zeros(3, 8, dtype=torch.float64), torch.zeros(())
    for t in range(25):
        q = 0.8 * q + arrived[..., t]
        xi = q
        for iteration in range(iterations):
            p = torch.softmax(xi @ keys.t(), -1)
            xi = p @ keys if iteration < iterations - 1 else xi
        total = total + (p @ values * weight[:, t]).sum()
    total.backward()
    for ours, other in ((layer.memory.keys, keys), (layer.memory.values, values), (x, smooth)):
        assert ours.grad is not None and other.grad is not None
        assert torch.cosine_similarity(ours.grad.double().flatten(), other.grad.flatten(), 0) > 0.99
        assert float(ours.grad.norm()) == pytest.approx(float(other.grad.norm()), rel=0.05)


def test_classes_are_stored_and_completed() -> None:
    torch.manual_seed(0)
    layers = [{"kind": "hopfield", "units": 40, "variant": "classical", "store": "hebbian", "patterns": 2}]
    net = Network(NetworkConfig(layers=[*layers, {"kind": "readout"}]), 40, 2)
    memory = net.hidden[0].memory
    labels = torch.arange(16) % 2
    rate = torch.where((torch.arange(40) < 20) == (labels[:, None] == 0), 0.6, 0.05)
    x = (torch.rand(16, 40, 30) < rate[..., None]).to(torch.uint8)
    net.calibrate(x, labels)
    halves = torch.where(torch.arange(40) < 20, 1.0, -1.0)
    assert torch.equal(memory.patterns, torch.stack([halves, -halves]))
    assert not memory.keys.requires_grad
    current = memory(x.float())[:, -1]
    assert torch.equal(torch.sign(current), memory.patterns[labels])
    net.calibrate(x, torch.zeros(16, dtype=torch.int64))  # the few samples of a small set may lack a class
    assert torch.equal(memory.patterns[1], -torch.ones(40))
    with pytest.raises(BasaltError, match=r"Layer hidden1 .* set its `patterns` to 3"):
        Network(NetworkConfig(layers=[*layers, {"kind": "readout"}]), 40, 3).calibrate(x, labels)


def test_energy_falls_with_the_retrieval() -> None:
    draw = torch.Generator().manual_seed(1)
    keys, state = torch.randn(6, 10, generator=draw), torch.randn(4, 10, generator=draw)
    by_hand = 0.5 * state.square().sum(1) - torch.log(torch.exp(2 * state @ keys.t()).sum(1)) / 2
    torch.testing.assert_close(energy(keys, state, 2.0), by_hand)
    before = energy(keys, state, 2.0)
    for _ in range(5):
        state = torch.softmax(2 * state @ keys.t(), -1) @ keys
        after = energy(keys, state, 2.0)
        assert (after <= before + 1e-5).all()
        before = after
    signs = torch.sign(keys)
    couplings = signs.t() @ signs
    expected = -0.5 * torch.einsum("bi,ij,bj->b", signs[:4], couplings, signs[:4])
    torch.testing.assert_close(classical_energy(signs, signs[:4]), expected)


@pytest.mark.parametrize("variant", VARIANTS)
def test_energies_are_read_at_every_retrieval(variant: str) -> None:
    layer = made(variant, update_interval=4)
    found = layer.energies(spikes(9, 21))
    assert found.shape == (3, 6) and len(found.unique()) > 3


def test_impossible_memories_are_one_sentence() -> None:
    with pytest.raises(BasaltError, match=r"Layer a: a classical memory .* as many units as inputs \(4, not 3\)"):
        Hopfield(HopfieldConfig(units=3, variant="classical"), "a", 4)
    layers = [{"kind": "hopfield", "units": 3, "beta": 3.0}, {"kind": "readout"}]
    with pytest.raises(BasaltError, match=r"layers\[0\].beta: a power of two.*got 3"):
        parse({"name": "x", "data": {}, "network": {"layers": layers}}, "here")


@pytest.mark.parametrize("config", [{}, {"variant": "classical", "units": 16, "store": "hebbian", "patterns": 2}])
def test_trains_and_is_loaded(config: dict[str, Any], tmp_path: Path) -> None:
    changed = content(epochs=3)
    changed["network"]["layers"][0] = {"kind": "hopfield", "units": 12, "threshold": 1.0, "patterns": 6, **config}
    wanted = parse(changed, "tiny")
    state = fit(wanted, splits(), tmp_path / "run", make_fabric("cpu", "1"), False, Console(quiet=True))
    assert state.history[-1]["loss"] < state.history[0]["loss"]
    x = torch.from_numpy(splits().test.dense())
    assert torch.equal(load(tmp_path / "run").trace(x).sums, state.network.trace(x).sums)
