"""Gradients over time: what carries them, and how far."""

import numpy as np
import pytest
import torch

from basalt.study.dual_memory.gradients import LEAST, norms, profile, reach
from basalt.train.networks import Network
from basalt.train.recipe import NetworkConfig

STEPS = 40
LAYER = {"kind": "lif", "units": 8, "threshold": 1.0, "voltage_decay": 1.0}


def gradient(**second: object) -> np.ndarray:
    torch.manual_seed(0)
    layers = (LAYER, {**LAYER, **second}, {"kind": "readout"})
    network = Network(NetworkConfig(layers=layers), 6, 3)
    x = (torch.rand(5, 6, STEPS) < 0.4).to(torch.uint8)
    network.calibrate(x)
    return norms(network, x, torch.arange(5) % 3)


def test_without_any_memory_it_reaches_one_step_and_no_other() -> None:
    found = gradient()
    assert found.shape == (5, STEPS)
    assert (found[:, STEPS - 3] > 0).all()
    assert (np.delete(found, STEPS - 3, axis=1) == 0).all()
    assert np.allclose(reach(found), np.log10(LEAST))


def test_a_leaking_membrane_carries_it_back_less_and_less() -> None:
    found = gradient(voltage_decay=0.2, reset="none").mean(0)[: STEPS - 2]
    slope = np.polyfit(np.arange(STEPS - 2), np.log(found), 1)[0]
    assert slope == pytest.approx(-np.log(0.8), abs=0.02)


def test_a_slow_memory_carries_it_over_all_steps() -> None:
    found = gradient(kind="dmp", states=4, window=float(STEPS))
    assert (found[:, : STEPS - 2].max(0) > 0).mean() > 0.5  # at silent steps, the ReLU before the memory is shut
    assert np.median(reach(found)) > np.median(reach(gradient(voltage_decay=0.2))) + 0.5
    assert profile(found).max() == pytest.approx(1)


def test_a_delay_carries_it_as_far_as_it_is_long() -> None:
    found = gradient(delay=9, delay_spread=9.0)
    reached = np.flatnonzero(found.max(0))
    assert STEPS - 3 - 9 <= reached.min() < STEPS - 4
    assert reached.max() <= STEPS - 3


def test_graded_input_has_a_gradient_too() -> None:
    torch.manual_seed(0)
    network = Network(NetworkConfig(layers=(LAYER, {"kind": "readout"})), 6, 3)
    x = torch.randint(0, 4, (9, 6, STEPS), dtype=torch.uint8)
    found = norms(network, x, torch.arange(9) % 3)
    assert found[:, STEPS - 2].max() > 0
    assert (np.delete(found, STEPS - 2, axis=1) == 0).all()
