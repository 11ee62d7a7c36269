"""Learned values on their grid: values and gradients as stated, whatever torch's own clamp does."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from basalt.train.dynamics import grid
from basalt.train.dynamics.straight import within
from basalt.train.slayer import slayer


def values(most: float, step: float) -> np.ndarray:
    """Around every kind of place: ties, the limits, and beyond them."""
    draw = np.random.default_rng(0)
    near = [sign * most + step * np.arange(-8, 9) / 4 for sign in (-1, 1)]
    far = most * np.array([-1, 1, -1.5, 1.5, 100])
    return np.concatenate([draw.normal(0, most, 2000), np.arange(-40, 40) * step / 2, far, *near]).astype(np.float32)


@pytest.mark.parametrize(
    ("quantise", "step", "low", "high"),
    [(grid.weights, 1 / 32, -4, 4 - 1 / 32), (grid.bias, 1 / 64, -64, 64 - 1 / 64)],
)
def test_values_and_gradients(
    quantise: Callable[[torch.Tensor], torch.Tensor], step: float, low: float, high: float
) -> None:
    leaf = torch.from_numpy(values(high, step)).requires_grad_()
    out = quantise(leaf)
    (found,) = torch.autograd.grad(out, leaf, torch.full_like(out, 3.0))
    nearest = np.rint(leaf.detach().numpy().astype(float) / step) * step
    np.testing.assert_array_equal(out.detach().numpy(), nearest.clip(low, high))
    np.testing.assert_array_equal(found.numpy(), np.where((nearest >= low) & (nearest <= high), 3.0, 0.0))
    at_limits = np.isin(nearest, (low, high))
    assert (found.numpy()[at_limits] == 3).all() and at_limits.any() and (found == 0).any()


def test_weights_are_slayers() -> None:
    value = torch.from_numpy(values(4, 1 / 32))
    assert torch.equal(grid.weights(value), slayer.neuron.cuba.Neuron(1.0, 1.0, 1.0).quantize_8bit(value))


def test_within_passes_the_gradient_at_its_limits() -> None:
    leaf = torch.tensor([-2.0, -1.0, 0.5, 1.0, 2.0, torch.inf], requires_grad=True)
    out = within(leaf, -1, 1)
    assert out.tolist() == [-1, -1, 0.5, 1, 1, 1]
    assert torch.autograd.grad(out.sum(), leaf)[0].tolist() == [0, 1, 1, 1, 0, 0]
