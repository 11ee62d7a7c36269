"""Attacks on the input tensor: against slow references, within their ball, and like independent libraries."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.study.robustness.attacks import fgsm, gradient, pgd, random_signs
from tests.study.robustness.worlds import Plain, batch, images, spiking


@torch.no_grad()
def slow_gradient(network, x, label):
    """Central differences of one sample's cross-entropy, in double precision."""
    found = torch.zeros_like(x)
    for place in np.ndindex(*x.shape):
        ends = []
        for shift in (1e-6, -1e-6):
            moved = x.clone()
            moved[place] += shift
            ends.append(-torch.log_softmax(network(moved[None])[0], 0)[label])
        found[place] = (ends[0] - ends[1]) / 2e-6
    return found


def slow_pgd(network, x, label, eps, iterations, high):
    """One sample, one pixel at a time."""
    moved = x.clone()
    for _ in range(iterations):
        grad = slow_gradient(network, moved, label)
        for place in np.ndindex(*x.shape):
            at = float(moved[place]) + 2.5 * eps / iterations * float(np.sign(grad[place]))
            at = min(max(at, float(x[place]) - eps), float(x[place]) + eps)
            moved[place] = min(max(at, 0.0), high)
    return moved


@pytest.mark.parametrize(("iterations", "high"), [(1, 1.0), (4, 1.0), (3, 0.7)])
def test_pgd_is_the_slow_reference(iterations, high):
    network, (x, labels) = Plain().double(), images(3)
    x = (x * high).double()
    expected = torch.stack([slow_pgd(network, one, k, 0.1, iterations, high) for one, k in zip(x, labels)])
    found = pgd(network, x, labels, 0.1, iterations, high=high)
    assert torch.allclose(found, expected, rtol=0, atol=1e-12)
    assert (found - x).abs().max() > 0.09


def test_fgsm_is_one_step_of_the_slow_gradient():
    network, (x, labels) = Plain().double(), images(3)
    signs = torch.stack([slow_gradient(network, one, k).sign() for one, k in zip(x.double(), labels)])
    assert torch.equal(fgsm(network, x.double(), labels, 0.2), (x.double() + 0.2 * signs).clamp(0, 1))


def test_a_gradient_leaves_the_parameters_alone():
    network, (x, labels) = Plain(), images()
    gradient(network, x, labels)
    assert all(parameter.grad is None for parameter in network.parameters())


def test_each_sample_has_its_own_gradient():
    network, (x, labels) = spiking(), batch()
    whole = gradient(network, x, labels)
    assert whole.abs().sum() > 0
    alone = torch.cat([gradient(network, x[i : i + 1], labels[i : i + 1]) for i in range(4)])
    assert torch.allclose(whole[:4], alone, atol=1e-6)


@settings(max_examples=8)
@given(
    eps=st.floats(0, 1.5, width=32), iterations=st.integers(1, 4), seed=st.integers(0, 99), high=st.sampled_from([1, 9])
)
def test_all_stay_within_their_ball_and_the_input_s_range(eps, iterations, seed, high):
    network, (x, labels) = spiking(seed % 3), batch()
    x = x * high
    draw = torch.Generator().manual_seed(seed)
    for moved in (
        fgsm(network, x, labels, eps, high),
        pgd(network, x, labels, eps, iterations, high=high),
        pgd(network, x, labels, eps, iterations, high=high, draw=draw),
        random_signs(x, eps, draw, high),
    ):
        assert moved.min() >= 0
        assert moved.max() <= high
        assert (moved - x).abs().max() <= eps * (1 + 1e-5) + 1e-6


def test_a_random_start_is_anywhere_in_the_ball():
    x, labels = torch.full((50, 1, 6, 6), 0.5), torch.zeros(50, dtype=torch.int64)
    start = pgd(Plain(), x, labels, 0.1, 1, step=0.0, draw=torch.Generator().manual_seed(1)) - x
    other = pgd(Plain(), x, labels, 0.1, 1, step=0.0, draw=torch.Generator().manual_seed(2)) - x
    assert float(start.std()) == pytest.approx(0.1 / 3**0.5, rel=0.05)
    assert not torch.equal(start, other)


def test_random_signs_are_as_large_and_not_the_gradient_s():
    network, (x, labels) = Plain(), images(200)
    x = 0.5 + 0 * x + 0.1 * images(200, seed=5)[0]
    away, along = random_signs(x, 0.1, torch.Generator().manual_seed(1)) - x, fgsm(network, x, labels, 0.1) - x
    assert torch.allclose(away.abs(), along.abs(), atol=1e-6)
    assert abs(float((away.sign() == along.sign()).float().mean()) - 0.5) < 0.03


def test_an_attack_raises_the_loss_more_than_random_signs():
    network, (x, labels) = Plain(), images(200)
    loss = lambda x: float(torch.nn.functional.cross_entropy(network(x), labels))  # noqa: E731
    draw = torch.Generator().manual_seed(1)
    rises = [loss(m) - loss(x) for m in (random_signs(x, 0.1, draw), fgsm(network, x, labels, 0.1))]
    rises.append(loss(pgd(network, x, labels, 0.1, 10)) - loss(x))
    assert rises[2] >= rises[1] > 5 * abs(rises[0])


@pytest.mark.parametrize("seed", range(5))
def test_torchattacks_finds_the_same(seed):
    """FGSM and PGD without a random start, bit for bit."""
    torchattacks = pytest.importorskip("torchattacks")
    network, (x, labels) = Plain(seed).eval(), images(seed=seed)
    theirs = torchattacks.FGSM(network, eps=0.1)(x, labels)
    assert torch.equal(fgsm(network, x, labels, 0.1), theirs)
    theirs = torchattacks.PGD(network, eps=0.1, alpha=0.03, steps=7, random_start=False)(x, labels)
    assert torch.equal(pgd(network, x, labels, 0.1, 7, step=0.03), theirs)
    assert not torch.equal(theirs, x)


@pytest.mark.parametrize("seed", range(5))
def test_the_adversarial_robustness_toolbox_finds_the_same(seed):
    """FGSM and PGD without a random start, up to a rounding of float32: it adds and projects in another order."""
    pytest.importorskip("art")
    from art.attacks.evasion import FastGradientMethod, ProjectedGradientDescentPyTorch
    from art.estimators.classification import PyTorchClassifier

    network, (x, labels) = Plain(seed).eval(), images(seed=seed)
    shape = tuple(x.shape[1:])
    known = PyTorchClassifier(network, torch.nn.CrossEntropyLoss(), shape, 4, clip_values=(0.0, 1.0), device_type="cpu")
    theirs = FastGradientMethod(known, eps=0.1).generate(x.numpy(), labels.numpy())
    np.testing.assert_allclose(fgsm(network, x, labels, 0.1).numpy(), theirs, rtol=0, atol=1e-7)
    attack = ProjectedGradientDescentPyTorch(
        known, eps=0.1, eps_step=0.03, max_iter=7, num_random_init=0, verbose=False
    )
    theirs = attack.generate(x.numpy(), labels.numpy())
    np.testing.assert_allclose(pgd(network, x, labels, 0.1, 7, step=0.03).numpy(), theirs, rtol=0, atol=2e-7)
