"""Attacks that add and remove events: within their budget, against a slow reference, with a control as large."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.study.robustness.attacks import gradient
from basalt.study.robustness.event_attacks import Moves, flip_events, random_events
from tests.study.robustness.worlds import batch, spiking


def slow_flips(network, x, label, budget, iterations, add, remove):
    """One sample, one event at a time, each iteration's gains from one gradient."""
    start, x = x, x.clone()
    rounds, turned = min(iterations, budget), set()
    for done in range(rounds):
        grad = gradient(network, x[None], label[None])[0]
        gains = []
        for place in np.ndindex(*x.shape):
            if place not in turned and (add if start[place] == 0 else remove):
                gain = float(grad[place]) if x[place] == 0 else -float(grad[place])
                gains.append((-gain, place))
        gains.sort()
        count = budget * (done + 1) // rounds - budget * done // rounds
        for gain, place in gains[:count]:
            if gain < 0:
                x[place] = 1 - x[place]
                turned.add(place)
    return x


@pytest.mark.parametrize(
    ("budget", "iterations", "moves"),
    [(1, 1, Moves()), (5, 20, Moves()), (40, 4, Moves()), (7, 3, Moves(remove=False)), (7, 3, Moves(add=False))],
)
def test_it_is_the_slow_reference(budget, iterations, moves):
    network, (x, labels) = spiking(2), batch()
    x, labels = x[:3], labels[:3]
    expected = [slow_flips(network, one, k, budget, iterations, moves.add, moves.remove) for one, k in zip(x, labels)]
    found = flip_events(network, x, labels, budget, iterations, moves)
    gains = gradient(network, x, labels)
    assert len(gains.unique()) > 50  # else ties are taken in another order
    assert torch.equal(found, torch.stack(expected))
    assert not torch.equal(found, x)


@settings(max_examples=12)
@given(
    budget=st.integers(0, 250), iterations=st.integers(1, 5), seed=st.integers(0, 99),
    add=st.booleans(), remove=st.booleans(),
)  # fmt: skip
def test_never_more_than_the_budget_and_zeros_and_ones_only(budget, iterations, seed, add, remove):
    network, (x, labels) = spiking(seed % 3), batch()
    x = x.roll(seed, 1)
    moved = flip_events(network, x, labels, budget, iterations, Moves(add, remove))
    other = random_events(x, moved, torch.Generator().manual_seed(seed))
    for changed in (moved, other):
        assert ((changed == 0) | (changed == 1)).all()
        assert ((changed != x).flatten(1).sum(1) <= budget).all()
        assert add or not (changed > x).any()
        assert remove or not (changed < x).any()
    for more in (True, False):
        sizes = [((c > x) if more else (c < x)).flatten(1).sum(1) for c in (moved, other)]
        assert torch.equal(*sizes)


def test_random_events_are_elsewhere():
    x = batch()[0]
    like = x.clone()
    like[:, 0] = 1 - like[:, 0]
    one, two = (random_events(x, like, torch.Generator().manual_seed(seed)) for seed in (1, 2))
    assert not torch.equal(one, two)
    assert ((one != x) & (like != x)).sum() < 0.3 * (like != x).sum()


def test_the_attack_raises_the_loss_more_than_random_events():
    network, (x, labels) = spiking(2), batch()
    loss = lambda x: float(torch.nn.functional.cross_entropy(network(x), labels))  # noqa: E731
    moved = flip_events(network, x, labels, 12)
    other = random_events(x, moved, torch.Generator().manual_seed(1))
    assert loss(moved) - loss(x) > 3 * abs(loss(other) - loss(x)) > 0


def test_no_cell_is_turned_twice():
    """At 0 and at 1 alike, this loss rises towards the other end."""
    logits = lambda x: torch.stack([(x[:, 0, 0] - 0.5) ** 2, 0 * x[:, 0, 0]], 1)  # noqa: E731
    x, labels = torch.zeros(1, 1, 2), torch.zeros(1, dtype=torch.int64)
    assert flip_events(logits, x, labels, budget=2, iterations=2).tolist() == [[[1.0, 0.0]]]
