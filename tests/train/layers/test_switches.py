"""Leakage and recurrence by word: what neurons do with each, and the gradients of what is learned."""

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from basalt.errors import BasaltError
from basalt.train.dynamics import cpu as dynamics
from basalt.train.dynamics import torch_loop as loop
from basalt.train.dynamics.constants import Constants
from basalt.train.dynamics.leak import Leak
from basalt.train.layers import ConvConfig, DmpConfig, LifConfig
from basalt.train.layers.conv import Conv
from basalt.train.layers.spiking import Spiking
from basalt.train.publish import formula_count
from basalt.train.recipe import parse

WORDS = list(
    product(("none", "learnable", "fixed", "complete"), ("hard", "soft", "none"), ("none", "full", "diagonal"))
)
DECAYS = {"none": 0.0, "complete": 1.0, "fixed": 0.3, "learnable": 0.3}


def layer(leakage: str = "fixed", reset: str = "hard", recurrent: Any = "none", **keys: Any) -> Spiking:
    torch.manual_seed(0)
    given = {"units": 9, "threshold": 1.0, "weight_scale": 2.0, "current_decay": 0.7, "voltage_decay": 0.3, **keys}
    made = Spiking(LifConfig(leakage=leakage, reset=reset, recurrent=recurrent, **given), "a", 6)  # type: ignore[arg-type]
    if made.recurrent:
        torch.nn.init.normal_(made.block.recurrent_synapse.weight, 0, 0.5)
    return made


def spikes(steps: int = 30) -> torch.Tensor:
    return (torch.rand(4, 6, steps, generator=torch.Generator().manual_seed(1)) < 0.4).to(torch.uint8)


def plain(made: Spiking, x: np.ndarray) -> np.ndarray:
    """u = α·u₋₁·(1 − r·s₋₁) + W s_in + ρ·V s₋₁ in Python's integers, for one sample (inputs, steps)."""

    def decay(value: int, rate: int) -> int:
        return (1 if value >= 0 else -1) * ((abs(value) * (4096 - rate)) >> 12)

    config, weight = made.config, made.record().weight
    own = made.record().recurrent_weight
    matrix = np.zeros((9, 9), int) if own is None else np.diag(own) if own.ndim == 1 else own
    lost = made.record().neuron.voltage_decay
    u, v, fired, sent = [0] * 9, [0] * 9, np.zeros(9, int), []
    for t in range(x.shape[1]):
        drive = (weight @ x[:, t - 1] if t else np.zeros(9, int)) + matrix @ fired
        for n in range(9):
            u[n] = decay(u[n], round(4096 * config.current_decay)) + (int(drive[n]) << 6)
            v[n] = decay(v[n], int(lost[n])) + u[n]
            fired[n] = v[n] > 4096
            if fired[n]:
                v[n] = {"hard": 0, "soft": v[n] - 4096, "none": v[n]}[config.reset]
        sent.append(fired.copy())
    return np.stack(sent, 1)


@pytest.mark.parametrize(("leakage", "reset", "recurrent"), WORDS)
def test_all_combinations_compute_the_formula(leakage: str, reset: str, recurrent: str) -> None:
    """In the training form, in exact integers, and in the loop of torch operations."""
    made, x = layer(leakage, reset, recurrent), spikes()
    expected = np.stack([plain(made, sample.astype(int)) for sample in x.numpy()])
    assert 0.05 < expected.mean() < 0.9
    found = made(x.float())
    assert np.array_equal(found.detach().numpy(), expected)
    assert np.array_equal(made.exact(x).numpy(), expected)
    neuron, current = made.neuron, made.current(x.float()).transpose(1, 2)
    slow, _ = loop.lif(current, neuron.constants, None, made.recurrent_matrix, neuron.keep)
    assert np.array_equal(slow.detach().transpose(1, 2).numpy(), expected)
    lost = made.record().neuron.voltage_decay
    assert lost.tolist() == [round(4096 * DECAYS[leakage])] * 9


def test_every_switch_changes_the_spikes() -> None:
    """But the reset of a membrane that forgets everything, which there is nothing left of."""
    found = {words: layer(*words).exact(spikes()).numpy() for words in WORDS if words[0] != "learnable"}
    for (a, one), (b, other) in product(found.items(), repeat=2):
        same = a == b or (a[0] == b[0] == "complete" and a[2] == b[2])
        assert np.array_equal(one, other) == same, (a, b)


class Spike(torch.autograd.Function):
    """v > 1, with the surrogate gradient."""

    @staticmethod
    def forward(ctx, v, constants):  # type: ignore[no-untyped-def]
        ctx.save_for_backward(v)
        ctx.constants = constants
        return (v > constants.threshold).double()

    @staticmethod
    def backward(ctx, grad):  # type: ignore[no-untyped-def]
        return grad * ctx.constants.surrogate(ctx.saved_tensors[0]), None


def by_autograd(current: torch.Tensor, keep: torch.Tensor, own: torch.Tensor, constants: Constants) -> torch.Tensor:
    """Spikes (batch, steps, neurons) in float64, the reset no part of the gradient; the current keeps half a step."""
    s = u = v = torch.zeros_like(current[:, 0])
    sent = []
    for t in range(current.shape[1]):
        u = u / 2 + current[:, t] + own * s
        free = keep * v + u
        s = Spike.apply(free, constants)
        fired = (free > constants.threshold).double()
        taken = {"hard": free, "soft": constants.threshold, "none": 0}[constants.reset]
        v = free - (fired * taken).detach()
        sent.append(s)
    return torch.stack(sent, 1)


@pytest.mark.parametrize("reset", ["hard", "soft", "none"])
@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("implementation", [dynamics.lif, loop.lif])
def test_gradients_of_leakage_and_diagonal_are_those_of_autograd(implementation, reset, recurrent):  # type: ignore[no-untyped-def]
    """Powers of a half over a few steps, so that integers round nothing."""
    torch.manual_seed(2)
    current = torch.randint(-3, 6, (5, 6, 4)) / 2
    keep = torch.tensor([0.0, 0.5, 0.25, 1.0])
    own = torch.tensor([0.5, -0.5, 1.0, 0.25]) * recurrent
    constants = Constants(np.full(4, 2048), np.full(4, 77), 1.0, 0.7, 1.3, reset)
    grad = torch.randn(5, 6, 4)
    ours = [current.clone().requires_grad_(), keep.clone().requires_grad_(), own.clone().requires_grad_()]
    theirs = [part.detach().double().requires_grad_() for part in ours]
    sent, _ = implementation(ours[0], constants, None, ours[2] if recurrent else None, ours[1])
    (sent * grad).sum().backward()
    expected = by_autograd(*theirs, constants)
    (expected * grad.double()).sum().backward()
    assert torch.equal(sent.double(), expected) and 0.1 < expected.mean() < 0.9
    for mine, other in list(zip(ours, theirs, strict=True))[: 3 if recurrent else 2]:
        assert mine.grad is not None and other.grad is not None and other.grad.abs().max() > 0.01
        torch.testing.assert_close(mine.grad.double(), other.grad, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("diagonal", [False, True])
@pytest.mark.parametrize("implementation", [dynamics.lif, loop.lif])
def test_a_gradient_that_explodes_is_large_and_a_number(implementation, diagonal):  # type: ignore[no-untyped-def]
    current = torch.zeros(2, 60, 4, requires_grad=True)
    own = (torch.full((4,), 3.9) if diagonal else torch.full((4, 4), 3.9)).requires_grad_()
    constants = Constants(np.full(4, 4096), np.zeros(4, int), 1.0, 0.7, 30.0, "hard")
    sent, _ = implementation(current, constants, None, own)
    sent.sum().backward()
    assert current.grad is not None and own.grad is not None
    assert current.grad[:, -1].abs().max() < 1e6 < current.grad[:, 0].abs().max()
    assert torch.isfinite(current.grad).all() and torch.isfinite(own.grad).all()
    assert torch.isfinite(current.grad.square().sum())


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-12, 12), min_size=1, max_size=5), st.integers(1, 3))
def test_what_is_learned_is_on_the_deployed_grid(logits: list[float], alike: int) -> None:
    leak = Leak(torch.full((len(logits),), 0.5), alike)
    leak.logit.data.copy_(torch.tensor(logits))
    keep, decay = leak.keep(), leak.decay()
    assert torch.equal(keep * 4096, 4096 - decay.float()) and keep.shape == (len(logits) * alike,)
    assert ((decay >= 0) & (decay <= 4096)).all()
    exact = 4096 / (1 + np.exp(-np.array(logits).repeat(alike)))
    assert np.abs(decay.numpy() - exact).max() <= 0.51
    keep.sum().backward()
    assert leak.logit.grad is not None and (leak.logit.grad <= 0).all()


@pytest.mark.parametrize("start", [0.0, 0.25, 1.0, [0.1, 0.9]])
def test_learning_starts_where_the_recipe_says(start: Any) -> None:
    lost = layer("learnable", voltage_decay=start).record().neuron.voltage_decay
    low, high = (start, start) if isinstance(start, float) else start
    assert np.abs(lost - np.linspace(4096 * low, 4096 * high, 9)).max() <= 1.5


def test_learning_moves_each_neuron_and_nothing_else_of_the_others() -> None:
    made = layer("learnable")
    optimizer = torch.optim.SGD(made.parameters(), lr=1.0)
    made(spikes().float())[:, 3].sum().backward()
    optimizer.step()
    moved = made.record().neuron.voltage_decay != round(4096 * 0.3)
    assert moved.tolist() == [n == 3 for n in range(9)]


def test_convolutions_learn_a_decay_a_channel() -> None:
    config = ConvConfig(channels=3, kernel=(2, 2), leakage="learnable", voltage_decay=(0.1, 0.5), threshold=1.0)
    made = Conv(config, "a", (2, 4, 5))
    assert made.neuron.leak is not None and made.neuron.leak.logit.shape == (3,)
    lost = made.record().neuron.voltage_decay.reshape(3, -1)
    assert (lost == lost[:, :1]).all() and len(set(lost[:, 0])) == 3
    x = (torch.rand(2, 40, 12) < 0.4).to(torch.uint8)
    assert torch.equal(made(x.float()).detach(), made.exact(x).float())
    made(x.float()).sum().backward()
    assert (made.neuron.leak.logit.grad != 0).all()


def test_old_recipes_and_words() -> None:
    assert LifConfig(units=1, recurrent=True).recurrent == "full"  # type: ignore[arg-type]
    assert LifConfig(units=1, recurrent=False).recurrent == "none"  # type: ignore[arg-type]
    assert DmpConfig(units=1, leakage="complete", voltage_decay=0.2).membrane_decay == 1.0
    for keys in ({"recurrent": "sideways"}, {"leakage": "some"}, {"recurrent": 1}):
        with pytest.raises(ValidationError):
            LifConfig(units=1, **keys)  # type: ignore[arg-type]


def test_lava_dl_does_not_export_a_diagonal() -> None:
    with pytest.raises(BasaltError, match=r"diagonal recurrence, which lava-dl cannot export: use convert/export.py"):
        layer(recurrent="diagonal").export_hdf5(None)


def test_the_papers_formula_counts_a_diagonal() -> None:
    layers = [{"kind": "lif", "units": 6, "recurrent": "diagonal"}, {"kind": "readout"}]
    network = parse({"name": "x", "data": {}, "network": {"layers": layers}}, "test").network
    assert formula_count(network, 10) == 60 + 6
