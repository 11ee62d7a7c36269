"""The compiled time loop computes SLAYER's integers and gradients."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.train.dynamics import cpu as dynamics
from basalt.train.dynamics import torch_loop as loop
from basalt.train.dynamics.constants import Constants
from basalt.train.dynamics.neuron import Neuron
from basalt.train.slayer import slayer

cuba = slayer.neuron.cuba
leaky_integrator = cuba.leaky_integrator

sizes = st.tuples(st.integers(1, 4), st.integers(1, 24), st.integers(1, 9))
decays = st.floats(0, 1)


def stock_and_ours(threshold, current_decay, voltage_decay, neurons, tau=0.01, scale=10.0):  # type: ignore[no-untyped-def]
    stock = cuba.Neuron(threshold, current_decay, voltage_decay, tau_grad=tau, scale_grad=scale)
    ours = Neuron(neurons, current_decay, voltage_decay, threshold=threshold, tau_grad=tau, scale_grad=scale)
    return stock, ours


@settings(max_examples=40, deadline=None)
@given(sizes, decays, decays, st.floats(1 / 64, 20), st.integers(0, 2**31), st.floats(0.001, 1))
def test_equals_slayer(size, current_decay, voltage_decay, threshold, seed, tau):  # type: ignore[no-untyped-def]
    batch, steps, neurons = size
    generator = torch.Generator().manual_seed(seed)
    current = threshold * torch.randn(batch, neurons, steps, generator=generator)
    weights = torch.randn(batch, neurons, steps, generator=generator)
    stock, ours = stock_and_ours(threshold, current_decay, voltage_decay, neurons, tau)
    results = []
    for neuron in (stock, ours):
        x = current.clone().requires_grad_()
        spikes = neuron(x)
        (spikes * weights).sum().backward()
        results.append((spikes.detach(), x.grad))
    _, voltage = stock.dynamics(current)
    _, fused = dynamics.lif(current.transpose(1, 2), ours.constants)
    assert torch.equal(results[0][0], results[1][0])
    assert torch.equal(voltage, fused.transpose(1, 2))
    torch.testing.assert_close(results[1][1], results[0][1], rtol=1e-5, atol=1e-7)


def test_decays_of_each_neuron_equal_slayer() -> None:
    generator = torch.Generator().manual_seed(0)
    current = torch.randn(3, 5, 20, generator=generator) * 2
    ours = Neuron(5, (0.1, 0.9), (0.0, 0.5), threshold=1.5)
    du, dv = ours.current_decay.clone(), ours.voltage_decay.clone()
    zero = torch.zeros(3, 5)
    u = leaky_integrator.dynamics(current, du, zero, ours.s_scale)
    v = leaky_integrator.dynamics(u, dv, zero, ours.s_scale, ours.threshold + ours.threshold_eps)
    _, fused = dynamics.lif(current.transpose(1, 2), ours.constants)
    assert du.unique().numel() == 5
    assert torch.equal(fused.transpose(1, 2), v)


def plain_neuron(drive, bias, du, dv, threshold, reset):  # type: ignore[no-untyped-def]
    """The specification's recurrence of one neuron in Python's own integers."""

    def decay(x: int, d: int) -> int:
        return (1 if x >= 0 else -1) * ((abs(x) * (4096 - d)) >> 12)

    u = v = 0
    spikes = []
    for current in drive:
        u = decay(u, du) + int(current)
        u = u - 2**24 if u > 2**23 else u + 2**24 if u <= -(2**23) else u
        free = min(max(decay(v, dv) + u + bias, -(2**23) + 1), 2**23 - 1)
        spike = free > threshold
        v = {"hard": 0, "soft": free - threshold, "none": free}[reset] if spike else free
        spikes.append(int(spike))
    return spikes


@pytest.mark.parametrize("reset", ["hard", "soft", "none"])
@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(-(2**23), 2**23), min_size=1, max_size=30),
    st.integers(-(2**20), 2**20),
    st.integers(0, 4096),
    st.integers(0, 4096),
    st.integers(1, 131071),
)
def test_states_wrap_and_saturate(reset, drive, bias, du, dv, threshold):  # type: ignore[no-untyped-def]
    constants = Constants(np.array([du]), np.array([dv]), threshold / 64, 1.0, 1.0, reset)
    current = torch.tensor(drive, dtype=torch.float32).view(1, -1, 1) / 4096
    shift = torch.tensor([bias / 4096])
    expected = plain_neuron(drive, bias, du, dv, threshold << 6, reset)
    for implementation in (dynamics.lif, loop.lif):
        spikes, _ = implementation(current, constants, shift)
        assert spikes.flatten().tolist() == expected


def test_overflow_shows_in_the_spikes() -> None:
    """Voltage that saturates low climbs back in two steps; a current past 24 bits turns negative."""
    full = 2**23 - 1
    saturating = Constants(np.array([4096]), np.array([0]), 1.0, 1.0, 1.0)
    wrapping = Constants(np.array([0]), np.array([4096]), 1.0, 1.0, 1.0)
    for constants, drive, expected in (
        (saturating, [-full] * 4 + [full, full], [0] * 5 + [1]),
        (wrapping, [full // 2 + 1] * 3, [1, 1, 0]),
    ):
        assert plain_neuron(
            drive, 0, *map(int, (constants.current_decay[0], constants.voltage_decay[0])), 4096, "hard"
        ) == (expected)
        current = torch.tensor(drive, dtype=torch.float32).view(1, -1, 1) / 4096
        for implementation in (dynamics.lif, loop.lif):
            assert implementation(current, constants)[0].flatten().tolist() == expected


@pytest.mark.parametrize("reset", ["hard", "soft", "none"])
@pytest.mark.parametrize("recurrent", [False, True])
def test_equals_torch_loop(reset: str, recurrent: bool) -> None:
    """The two implementations agree on spikes and every gradient; the loop is the one used on GPUs."""
    generator = torch.Generator().manual_seed(1)
    constants = Constants(np.array([400, 4096, 0, 90]), np.array([100, 300, 0, 4096]), 1.25, 0.7, 1.3, reset)
    results = []
    current = (torch.randn(3, 15, 4, generator=generator) * 64).round() / 64
    matrix = (torch.randn(4, 4, generator=generator) * 32).round() / 32
    weights = torch.randn(3, 15, 4, generator=generator)
    for implementation in (dynamics.lif, loop.lif):
        x, bias = current.clone().requires_grad_(), torch.full((4,), 0.125, requires_grad=True)
        feedback = matrix.clone().requires_grad_() if recurrent else None
        spikes, voltage = implementation(x, constants, bias, feedback)
        (spikes * weights).sum().backward()
        results.append([spikes.detach(), voltage, x.grad, bias.grad] + ([feedback.grad] if recurrent else []))
    assert results[0][0].sum() > 5
    for ours, other in zip(*results):
        torch.testing.assert_close(ours, other, rtol=1e-5, atol=1e-6)


def test_recurrent_spikes_equal_slayer() -> None:
    torch.manual_seed(2)
    stock = slayer.block.cuba.Recurrent({"threshold": 1.0, "current_decay": 0.3, "voltage_decay": 0.1}, 6, 8)
    stock.neuron.persistent_state = True
    ours = Neuron(8, 0.3, 0.1, threshold=1.0)
    current = (torch.randn(2, 8, 30) * 64).round() / 64
    matrix = stock.neuron.quantize_8bit(stock.recurrent_synapse.weight)[:, :, 0, 0, 0].detach() * 2
    stock.recurrent_synapse.weight.data[:, :, 0, 0, 0] = matrix
    expected = slayer.utils.recurrent.custom_recurrent(current, stock.neuron, stock.recurrent_synapse)
    spikes = ours(current, recurrent=matrix)
    assert expected.sum() > 10
    assert torch.equal(spikes, expected)
