"""Learned axonal delays: SLAYER's values and gradients, and the spikes that are deployed."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from basalt.errors import BasaltError
from basalt.train.dynamics import delay as delays
from basalt.train.dynamics.delay import Delay
from basalt.train.layers import DmpConfig, LifConfig
from basalt.train.layers.dmp import Dmp
from basalt.train.layers.spiking import Spiking
from basalt.train.slayer import slayer
from tests.train.dynamics.gpu.interpreted import delayed, interpreter

RATE = 4.0


def both(values: torch.Tensor, neurons: int) -> tuple[torch.nn.Module, Delay]:
    """SLAYER's module and ours with the same delays in steps."""
    stock = slayer.axon.Delay(max_delay=20)
    stock.delay.data, stock.init = values.clone(), True
    ours = Delay(neurons, 20, 1.0, RATE)
    ours.scaled.data = values / RATE
    return stock, ours


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 3), st.integers(1, 40), st.integers(1, 9), st.integers(0, 2**31))
@example(2, 5, 4, 0)
def test_delay_equals_slayer(batch: int, steps: int, neurons: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    stock, ours = both(24 * torch.rand(neurons, generator=generator) - 2, neurons)  # some outside 0 … 20
    spikes = (torch.rand(batch, neurons, steps, generator=generator) < 0.4).float()
    weights = torch.randn(batch, neurons, steps, generator=generator)
    results = []
    for module, parameter, unit in ((stock, stock.delay, 1.0), (ours, ours.scaled, RATE)):
        x = spikes.clone().requires_grad_()
        sent = module(x)
        (sent * weights).sum().backward()
        results.append((sent.detach(), x.grad, parameter.grad / unit, parameter.detach() * unit))
    assert torch.equal(results[0][0], results[1][0])
    assert torch.equal(results[0][1], results[1][1])
    torch.testing.assert_close(results[1][2], results[0][2], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(results[1][3], results[0][3])
    assert np.array_equal(ours.steps(), stock.delay.detach().floor().numpy())


def test_the_form_for_gpus_equals_the_compiled_one() -> None:
    generator = torch.Generator().manual_seed(3)
    values = torch.randn(3, 17, 6, generator=generator)
    late = torch.tensor([0, 1, 5, 16, 17, 40])
    for shift in (late, -late):
        compiled = torch.from_numpy(delays.shifted(values.numpy(), shift.numpy()))
        assert torch.equal(delays.gathered(values, shift), compiled)


@pytest.fixture(scope="module")
def run() -> Iterator[Callable[..., Any]]:
    with interpreter() as runner:
        yield runner


@pytest.mark.parametrize(("batch", "steps", "neurons"), [(2, 33, 70), (1, 16, 64), (3, 1, 1), (1, 50, 5)])
def test_the_kernels_for_gpus_equal_the_compiled_ones(
    run: Callable[..., Any], batch: int, steps: int, neurons: int
) -> None:
    draw = np.random.default_rng(steps)
    sent = (draw.random((batch, steps, neurons)) < 0.4).astype(np.float32)
    grad = draw.normal(size=sent.shape).astype(np.float32)
    late = draw.integers(0, 20, neurons)
    found = run(delayed, sent, late, grad)
    assert np.array_equal(found[0], delays.shifted(sent, late))
    expected = delays.gradients(torch.from_numpy(grad), torch.from_numpy(found[0]), torch.from_numpy(late))
    assert np.array_equal(found[1], expected[0].numpy())
    np.testing.assert_allclose(found[2], expected[1].numpy(), rtol=1e-5, atol=1e-5)


def spikes(batch: int, inputs: int, steps: int) -> torch.Tensor:
    return (torch.rand(batch, steps, inputs) < 0.2).to(torch.uint8).transpose(1, 2)


@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("reset", ["hard", "soft", "none"])
def test_a_layer_trains_the_delays_it_deploys(reset: str, recurrent: bool) -> None:
    torch.manual_seed(0)
    common = {"units": 9, "threshold": 1.5, "reset": reset, "recurrent": recurrent}
    layer = Spiking(LifConfig(**common, delay=30, delay_spread=12.0), "a", 30)
    x = spikes(4, 30, 25)
    trained = layer(x)
    deployed = layer.record().delay
    assert deployed is not None and len(set(deployed)) > 3
    assert trained.sum() > 10
    assert torch.equal(trained.to(torch.uint8), layer.exact(x))
    layer.block.delay.scaled.data[:] = 0
    undelayed = layer(x)
    for neuron, late in enumerate(deployed):
        assert torch.equal(trained[:, neuron, late:], undelayed[:, neuron, : 25 - late])
        assert not trained[:, neuron, :late].any()


def test_delays_learn() -> None:
    """Gradient descent moves a delay to where a target train has its spikes."""
    delay = Delay(1, 20, 0.0, 1.0)
    train = torch.zeros(1, 1, 40)
    train[..., 5:9] = 1
    target = torch.roll(train, 3, -1)
    optimizer = torch.optim.SGD(delay.parameters(), 0.2)
    for _ in range(40):
        loss = ((delay(train) - target) ** 2).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert delay.steps().tolist() == [3]


def test_dual_memory_layers_have_delays_too() -> None:
    torch.manual_seed(1)
    layer = Dmp(DmpConfig(units=7, threshold=1.0, states=3, window=9.0, delay=62, delay_spread=8.0), "a", 20)
    x = spikes(2, 20, 30)
    late = layer.record().delay
    before = layer.exact(x)
    layer.block.delay.scaled.data[:] = 0
    undelayed = layer.exact(x)
    assert undelayed.sum() > 10
    expected = delays.shifted(undelayed.transpose(1, 2).numpy(), late)
    assert np.array_equal(before.transpose(1, 2).numpy(), expected)


def test_stock_netx_gets_no_recurrence_with_delays() -> None:
    with pytest.raises(BasaltError, match="recurrence and delays"):
        Spiking(LifConfig(units=2, recurrent=True, delay=3), "a", 3).export_hdf5(None)
