"""The gated recurrent memory: the reference's integers, training against them, lower bounds and time constants."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from basalt.errors import BasaltError
from basalt.records import pathways, tables
from basalt.records.synapses import Spiking
from basalt.study.memory_vision.time_constants import time_constants
from basalt.train.checkpoint import load
from basalt.train.dynamics.lookup import index_shift, look
from basalt.train.dynamics.memories import CURRENTS
from basalt.train.layers import HgrnConfig
from basalt.train.layers.hgrn import Hgrn
from basalt.train.loop import fit, make_fabric
from basalt.train.networks import Network
from basalt.train.recipe import NetworkConfig, parse
from tests.train.helpers import content, splits

VARIANTS = ["published", "gated"]


def spikes(inputs: int, steps: int, seed: int = 1, rate: float = 0.2, most: int = 1) -> torch.Tensor:
    draw = torch.Generator().manual_seed(seed)
    graded = torch.randint(1, most + 1, (3, inputs, steps), generator=draw)
    return ((torch.rand(3, inputs, steps, generator=draw) < rate) * graded).to(torch.uint8)


def made(variant: str, units: int = 7, inputs: int = 9, seed: int = 0, **config: Any) -> Hgrn:
    torch.manual_seed(seed)
    layer = Hgrn(HgrnConfig(units=units, threshold=1.0, variant=variant, **config), "a", inputs)
    torch.nn.init.normal_(layer.memory.bias[1:], 0, 1.0)
    torch.nn.init.normal_(layer.memory.gain, 0, 2.0)
    return layer


def reference(layer: Spiking, x: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Spikes and memory currents, a step at a time."""
    memory: Any = layer.memory
    batch, inputs, steps = x.shape
    h = np.zeros((batch, len(layer.weight)), np.int64)
    state = np.zeros((2, *h.shape), np.int64)
    arrived, sent, currents = np.zeros((batch, inputs), np.int64), [], []
    for t in range(steps):
        found = memory.step(arrived, h, h, t)
        h = found.m
        spiked = layer.neuron.step(arrived @ layer.weight.T, found.current, state)
        state = spiked.state
        arrived = x[:, :, t].numpy().astype(np.int64)
        sent.append(spiked.spikes)
        currents.append(found.current)
    return np.stack(sent, 2), np.stack(currents, 1)


@pytest.mark.parametrize("variant", VARIANTS)
@settings(max_examples=10, deadline=None)
@given(
    units=st.integers(1, 8),
    scale=st.sampled_from([0.5, 4.0, 30.0]),
    shift=st.integers(0, 2),
    most=st.sampled_from([1, 255]),
    seed=st.integers(0, 1000),
)
def test_integers_are_the_references(variant: str, units: int, scale: float, shift: int, most: int, seed: int) -> None:
    layer = made(variant, units, 6, seed, gate_scale=scale, forget_bias=(-2.0, 6.0))
    layer.memory.index_shift.fill_(shift)
    torch.nn.init.normal_(layer.memory.level)
    layer.memory.join([made("published", units).memory, layer.memory])
    x, k = spikes(6, 30, seed, most=most), layer.record()
    expected, currents = reference(k, x)
    assert isinstance(k.memory, pathways.Hgrn)
    assert (k.memory.low > 0).all() == (variant == "published")
    assert np.array_equal(CURRENTS["hgrn"](k.memory, x).numpy(), currents)
    assert np.array_equal(layer.exact(x).numpy(), expected)


@pytest.mark.parametrize("variant", VARIANTS)
def test_training_is_near_the_integers_and_may_be_equal(variant: str) -> None:
    layer = made(variant, 20, 30)
    x = spikes(30, 50)
    expected, _ = reference(layer.record(), x)
    assert 0.02 < expected.mean() < 0.9
    near = layer(x.float()).detach().numpy()
    assert np.mean(near != expected) < 1e-3
    layer.memory.exact = True
    sent = layer(x.float())
    assert np.array_equal(sent.detach().numpy(), expected)
    sent.sum().backward()
    for name, parameter in layer.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_the_published_current_is_within_rounding_of_the_integers() -> None:
    layer = made("published", 20, 30)
    x = spikes(30, 200)
    _, memory = layer.drive(x.float())
    _, currents = reference(layer.record(), x)
    assert memory is not None
    assert np.abs(currents).max() > 2000
    assert np.abs(memory.detach().numpy() * 4096 - currents).max() <= 2


@pytest.mark.parametrize("variant", VARIANTS)
def test_gradients_are_those_of_the_smooth_equations(variant: str) -> None:
    layer = made(variant, 5, 8, gate_scale=2.0)
    with torch.no_grad():
        layer.memory.gain.clamp_(-2, 2)
    x = spikes(8, 25).float()
    weight = torch.randn(3, 25, 5)
    _, memory = layer.drive(x)
    assert memory is not None
    (memory * weight).sum().backward()
    own = layer.memory
    leaves = {n: p.detach().double().requires_grad_() for n, p in own.named_parameters() if p.requires_grad}
    arrived = torch.nn.functional.pad(x, (1, 0))[..., :-1].double()
    h = k = torch.zeros(3, 5, dtype=torch.float64)
    total = torch.zeros(())
    for t in range(25):
        a = (arrived[..., t] @ leaves["weight"].t() + leaves["bias"].reshape(-1)).chunk(3, -1)
        if variant == "published":
            kept = torch.sigmoid(a[0])
            h = kept * h + (1 - kept) * torch.tanh(a[1])
            out = torch.sigmoid(a[2]) * h
        else:
            fed = (k @ leaves["recurrent"].t()).chunk(2, -1)
            h = torch.sigmoid(a[0] + fed[0]) * h + torch.sigmoid(a[2] + fed[1]) * torch.tanh(a[1])
            out = k = torch.tanh(h)
        total = total + (leaves["gain"] * out * weight[:, t]).sum()
    total.backward()
    for name, leaf in leaves.items():
        ours, smooth = getattr(own, name).grad.double().flatten(), leaf.grad.flatten()
        assert torch.cosine_similarity(ours, smooth, 0) > 0.99, name
        assert ours.norm() == pytest.approx(float(smooth.norm()), rel=0.1), name


def network(units: tuple[int, ...], variant: str = "published") -> Network:
    layers = [{"kind": "hgrn", "units": size, "threshold": 1.0, "variant": variant} for size in units]
    return Network(NetworkConfig(layers=[*layers, {"kind": "readout"}]), 12, 3)


def test_lower_bounds_rise_with_the_level() -> None:
    torch.manual_seed(0)
    net = network((6, 6, 6))
    first, second, third = (layer.memory for layer in net.hidden)
    assert not net.records()[0].memory.low.any()
    assert np.all(net.records()[1].memory.low == 1365) and np.all(net.records()[2].memory.low == 2731)
    for memory in (first, second, third):
        torch.nn.init.normal_(memory.level)
    shares = torch.softmax(torch.stack([first.level, second.level, third.level]), 0)
    torch.testing.assert_close(second.low(), shares[0], atol=2e-4, rtol=0)
    torch.testing.assert_close(third.low(), shares[0] + shares[1], atol=2e-4, rtol=0)
    assert (third.low() > second.low()).all()
    net(spikes(12, 20)).sum().backward()
    assert all(memory.level.grad.abs().sum() > 0 for memory in (first, second, third))
    copied = network((6, 6, 6))
    copied.load_state_dict(net.state_dict())
    assert np.array_equal(copied.records()[2].memory.low, net.records()[2].memory.low)
    assert not network((5,)).hidden[0].memory.level.requires_grad


def test_levels_of_other_sizes_are_one_sentence() -> None:
    with pytest.raises(BasaltError, match=r"lower bounds.*hidden1 6, hidden2 5"):
        network((6, 5))
    network((6, 5), "gated")


def test_time_constants_are_those_of_the_mean_gate() -> None:
    torch.manual_seed(0)
    net = network((4, 4))
    memory = net.hidden[0].memory
    with torch.no_grad():
        memory.weight.zero_()
        memory.bias[0] = torch.tensor([-20.0, 0.0, 2.0, 4.0])
    found = time_constants(net, spikes(12, 20))
    assert list(found) == ["hidden1", "hidden2"]
    kept = tables.sigmoid(2)[[0, 128, 160, 192]] / 4096
    np.testing.assert_allclose(found["hidden1"], -1 / np.log(kept), rtol=1e-6)
    assert found["hidden1"][3] == pytest.approx(54.6, abs=1)
    # The same gates behind a lower bound of a half: λ = 0.5 + 0.5·σ.
    with torch.no_grad():
        for name in ("weight", "bias"):
            getattr(net.hidden[1].memory, name).copy_(
                getattr(memory, name)[..., :4] if name == "weight" else memory.bias
            )
    slower = time_constants(net, spikes(12, 20))["hidden2"]
    np.testing.assert_allclose(slower, -1 / np.log(0.5 + 0.5 * kept), rtol=2e-3)


@pytest.mark.parametrize(("peak", "shift"), [(0.0, 0), (1.9, 0), (2.1, 1), (4.0, 1), (5.0, 2), (1e6, 2)])
def test_the_finest_table_that_covers_the_range(peak: float, shift: int) -> None:
    assert index_shift(peak) == shift


def test_calibration_measures_the_activations() -> None:
    net = network((6,))
    memory = net.hidden[0].memory
    with torch.no_grad():
        memory.weight.fill_(0.25)
        memory.bias.zero_()
    x = torch.ones(1, 12, 5, dtype=torch.uint8)
    net.calibrate(x)
    assert memory.peak == 3.0 and int(memory.index_shift) == 1 and memory.watching is False


def test_tables_give_the_deployed_values_and_their_slopes() -> None:
    a = torch.arange(-700, 700).double() / 64
    for kind in ("sigmoid", "tanh"):
        for shift in range(3):
            leaf = a.clone().requires_grad_()
            value = look(kind, leaf, torch.tensor(shift))
            entries = getattr(tables, kind)(shift)[tables.index((a * 64).long().numpy(), shift)]
            assert np.array_equal((value.detach() * 4096).numpy(), entries)
            value.sum().backward()
            smooth = a.clone().requires_grad_()
            getattr(torch, kind)(smooth).sum().backward()
            inside = a.abs() < 2**shift * 2 - 1 / 8
            assert leaf.grad is not None and smooth.grad is not None
            torch.testing.assert_close(leaf.grad[inside], smooth.grad[inside], atol=0.03, rtol=0)


def test_without_a_fast_path_the_memory_is_all_that_drives() -> None:
    layer = made("published", 6, 20, fast=False, memory_scale=4.0)
    assert not layer.record().weight.any() and not layer.synapse.weight.requires_grad
    assert layer.exact(spikes(20, 30)).sum() > 5


@pytest.mark.parametrize("variant", VARIANTS)
def test_trains_and_is_loaded(variant: str, tmp_path: Path) -> None:
    changed = content(epochs=3, exact_epochs=1)
    layer = {"kind": "hgrn", "units": 8, "threshold": 1.0, "variant": variant}
    changed["network"]["layers"][:2] = [layer, layer]
    wanted = parse(changed, "tiny")
    state = fit(wanted, splits(), tmp_path / "run", make_fabric("cpu", "1"), False, Console(quiet=True))
    assert state.history[-1]["loss"] < state.history[0]["loss"]
    x = torch.from_numpy(splits().test.dense())
    loaded = load(tmp_path / "run")
    assert torch.equal(loaded.trace(x).sums, state.network.trace(x).sums)
    loaded.compute_exactly(True)
    for layer_, sent in zip(loaded.hidden, loaded.trace(x).spikes.values()):
        x = layer_(x)
        assert torch.equal(x.to(torch.uint8), sent)


def test_lava_dl_cannot_export_it() -> None:
    with pytest.raises(BasaltError, match=r"use convert/export.py"):
        made("published").export_hdf5(None)
