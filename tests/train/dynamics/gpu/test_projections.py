"""A slow memory's projections as a GPU's two kernels round them: the processor's values and gradients."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from basalt.train.layers.dmp import SlowMemory
from tests.train.dynamics.gpu.interpreted import projections


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
