"""Sweeps of budgets: accuracy, control and intervals of what the attacks return, sample for sample."""

import pytest
import torch

from basalt.study.robustness.attacks import fgsm, gradient
from basalt.study.robustness.event_attacks import flip_events
from basalt.study.robustness.surrogate import widened
from basalt.study.robustness.sweep import ATTACKS, Setting, correct, kept, sweep
from basalt.train.scores import wilson
from tests.study.robustness.worlds import Plain, batch, images, spiking


def test_points_are_the_attack_s_accuracies():
    network, (x, labels) = Plain(), images(50)
    labels = network(x).argmax(1)
    found = sweep(network, x, labels, ATTACKS["fgsm"], (0.01, 0.1), batch=7)
    for eps, point in zip((0.01, 0.1), found):
        hits = int((network(fgsm(network, x, labels, eps)).argmax(1) == labels).sum())
        assert point.accuracy == hits / 50
        assert point.interval == wilson(hits, 50)
        assert point.moved == 1
        assert 0 < point.used <= eps + 1e-6
    assert found[1].accuracy < found[0].accuracy <= 1
    assert found[1].accuracy < found[1].control


def test_a_budget_is_a_fraction_of_the_input_s_range():
    network, (x, labels) = Plain(), images(20)
    scaled = Plain()
    with torch.no_grad():
        scaled.first /= 7
    ours, theirs = (
        sweep(net, k * x, labels, ATTACKS["fgsm"], (0.1,), Setting(high=k))[0]
        for net, k in ((network, 1.0), (scaled, 7.0))
    )
    assert (ours.accuracy, ours.control) == (theirs.accuracy, theirs.control)
    assert abs(ours.used - theirs.used) < 1e-6


def test_events_are_counted():
    network, (x, labels) = spiking(2), batch()
    (point,) = sweep(network, x, labels, ATTACKS["events"], (6,), Setting(3))
    changed = flip_events(network, x, labels, 6, 3)
    assert point.used == float((changed != x).sum()) / len(x) <= 6
    assert point.accuracy == float(correct(network, changed, labels).float().mean())
    assert point.moved == float((changed != x).flatten(1).any(1).float().mean())


def test_a_sample_stands_only_if_it_does_under_every_surrogate():
    network, (x, labels) = spiking(2, tau_grad=0.001), batch()
    labels = network(x).argmax(1)
    stands = []
    for width in (1.0, 30.0):
        with widened(network, width):
            moved = flip_events(network, x, labels, 10, 4)
        stands.append(correct(network, moved, labels))
    both = float((stands[0] & stands[1]).float().mean())
    (point,) = sweep(network, x, labels, ATTACKS["events"], (10,), Setting(4, widths=(1.0, 30.0)))
    assert point.accuracy == both < float(stands[0].float().mean())


def test_a_wider_surrogate_keeps_the_spikes_and_is_undone():
    network, (x, labels) = spiking(2), batch()
    before = network(x), gradient(network, x, labels)
    constants = [layer.neuron.constants for layer in network.hidden]
    with widened(network, 3.0):
        assert torch.equal(network(x), before[0])
        wide = [layer.neuron.constants for layer in network.hidden]
        assert not torch.allclose(gradient(network, x, labels), before[1], rtol=0.1)
    for one, two in zip(constants, wide):
        assert (two.tau, two.scale) == pytest.approx((3 * one.tau, 3 * one.scale))
    assert torch.equal(gradient(network, x, labels), before[1])


def test_kept_is_relative():
    assert kept([0.5, 0.25], 0.5) == 0.75
    assert kept([0.8], 0.0) == 0.0
