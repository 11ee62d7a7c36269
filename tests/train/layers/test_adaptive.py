"""Adaptive neurons in training: spikes as deployed, SLAYER's spikes and gradients."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from basalt.records.adaptive import Adaptive
from basalt.records.network import Network
from basalt.records.simulate import simulate
from basalt.train.dynamics import cpu, torch_loop
from basalt.train.layers.config import LifConfig
from basalt.train.layers.spiking import Spiking
from basalt.train.slayer import slayer

ADAPTIVE = {"threshold_step": 0.75, "threshold_decay": (0.02, 0.2), "refractory_decay": 0.3}


def made(seed=0, **config):
    torch.manual_seed(seed)
    settings = {"units": 6, "threshold": 1.5, "current_decay": 0.6, "voltage_decay": 0.1, "weight_scale": 4.0}
    return Spiking(LifConfig(**{**settings, "adaptive": ADAPTIVE, **config}), "a", 8)


def spikes(seed=1, steps=40):
    return (torch.rand(3, 8, steps, generator=torch.Generator().manual_seed(seed)) < 0.3).to(torch.uint8)


@pytest.mark.parametrize("recurrent", ["none", "full", "diagonal"])
@given(seed=st.integers(0, 1000), bias=st.booleans(), delay=st.sampled_from([0, 5]))
def test_training_spikes_as_deployed(recurrent, seed, bias, delay):
    layer = made(seed, recurrent=recurrent, bias=bias, delay=delay)
    if bias:
        torch.nn.init.normal_(layer.bias)
    x = spikes(seed)
    record = layer.record()
    wanted = simulate(Network((record,)), x.numpy())["a"]
    assert isinstance(record.neuron, Adaptive)
    assert np.array_equal(layer(x.float()).detach().numpy(), wanted)
    assert np.array_equal(layer.exact(x).numpy(), wanted)


@pytest.mark.parametrize("recurrent", ["none", "full", "diagonal"])
def test_the_loop_of_torch_operations_is_the_same(recurrent):
    layer = made(recurrent=recurrent)
    drive = layer.current(spikes().float()).transpose(1, 2).detach().requires_grad_()
    found = []
    for lif in (cpu.lif, torch_loop.lif):
        sent, _ = lif(drive, layer.neuron.constants, None, layer.recurrent_matrix)
        (gradient,) = torch.autograd.grad((sent * torch.arange(sent.numel()).view_as(sent) / 100).sum(), drive)
        found.append((sent.detach(), gradient))
    assert found[0][0].any() and torch.equal(found[0][0], found[1][0])
    assert torch.allclose(found[0][1], found[1][1], rtol=1e-4)


def test_spikes_and_gradients_are_slayers():
    adaptive = {"threshold_step": 0.75, "threshold_decay": 0.125, "refractory_decay": 0.25}
    layer = made(current_decay=0.5, voltage_decay=0.125, adaptive=adaptive, tau_grad=1.0, scale_grad=1.0)
    theirs = slayer.neuron.alif.Neuron(1.5, current_decay=0.5, voltage_decay=0.125, **adaptive)
    drive = layer.current(spikes().float()).detach()
    found = []
    for neuron in (layer.neuron, theirs):
        current = drive.clone().requires_grad_()
        sent = neuron(current)
        sent.backward(torch.linspace(0, 1, sent.numel()).view_as(sent))
        found.append((sent.detach(), current.grad))
    assert found[0][0].any() and torch.equal(found[0][0], found[1][0])
    assert torch.allclose(found[0][1], found[1][1], rtol=1e-2, atol=1e-5)


def test_adaptive_neurons_have_no_other_reset_and_a_fixed_leakage():
    with pytest.raises(ValidationError, match="refractory state in place of a reset"):
        made(reset="soft")
    with pytest.raises(ValidationError, match="cannot learn their leakage"):
        made(leakage="learnable")
    assert made().record().neuron.reset == "none"
    with torch.device("meta"):  # as a checkpoint is looked at before it is read
        assert made().neuron.adaptation.shape == (3, 6)
