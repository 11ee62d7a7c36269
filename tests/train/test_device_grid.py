"""Weights on their grid as a GPU's few kernels round them: the processor's values and gradients."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from tests.train.interpreted import projections
from train.layers import device_grid
from train.layers.slow_memory import SlowMemory
from train.layers.spiking import _on_grid
from train.slayer import slayer

SLAYER = slayer.neuron.cuba.Neuron(1.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("ours", "theirs", "step", "most"),
    [(device_grid.weights, SLAYER.quantize_8bit, 1 / 32, 4), (device_grid.bias, _on_grid, 1 / 64, 64)],
)
def test_values_and_gradients(ours: Any, theirs: Any, step: float, most: float) -> None:
    """Around every kind of place: ties, the limits, and beyond them."""
    draw = np.random.default_rng(0)
    places = [draw.normal(0, most, 2000), np.arange(-40, 40) * step / 2, most * np.array([-1, 1, -1.5, 1.5, 100])]
    near = [sign * most + step * np.arange(-8, 9) / 4 for sign in (-1, 1)]
    value = np.concatenate([*places, *near]).astype(np.float32)
    grad = torch.from_numpy(draw.normal(size=len(value)).astype(np.float32))
    found = []
    for quantise in (ours, theirs):
        leaf = torch.from_numpy(value).requires_grad_()
        out = quantise(leaf)
        found.append((out.detach(), torch.autograd.grad(out, leaf, grad)[0]))
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1]) and (found[0][1] == 0).any()


@pytest.mark.parametrize(("shift", "scale"), [(0, 1.0), (3, 0.01), (6, 3e-4), (9, 30.0), (4, 1e-7), (2, 200.0)])
def test_projections(run: Callable[..., Any], shift: int, scale: float) -> None:
    """Where 8 bits hold all, where they clip, and at the ends of the exponents."""
    torch.manual_seed(shift)
    memory = SlowMemory(40, 5, 6, 30.0, 16, 1, 4.0, 1.0)
    memory.shift.fill_(shift)
    with torch.no_grad():
        memory.weight.mul_(scale)
    expected, _ = memory.projections()
    grad = torch.randn_like(expected)
    gradient = torch.autograd.grad(expected, memory.weight, grad)[0]
    ours, ours_gradient = run(projections, 6, shift, memory.weight.detach().numpy(), grad.numpy())
    assert np.array_equal(ours, expected.detach().numpy())
    assert np.array_equal(ours_gradient, gradient.numpy())
