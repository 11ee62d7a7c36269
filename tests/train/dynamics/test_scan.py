"""Linear recurrences in a scan: the plain loop's states and gradients."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.train.dynamics.scan import doubled, looped, scan


def drawn(steps: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(seed)
    factor = torch.rand(2, steps, 3, generator=draw) ** 0.1
    factor[0, :, 0], factor[1, : steps // 2, 1] = 0.0, 1.0
    return factor, torch.randn(2, steps, 3, generator=draw)


def plain(factor: torch.Tensor, drive: torch.Tensor) -> torch.Tensor:
    held, states = torch.zeros_like(drive[:, 0]), []
    for t in range(drive.shape[1]):
        held = factor[:, t] * held + drive[:, t]
        states.append(held)
    return torch.stack(states, 1)


@pytest.mark.parametrize("form", [doubled, looped])
@settings(max_examples=15, deadline=None)
@given(steps=st.integers(1, 70), seed=st.integers(0, 1000))
def test_states_are_the_plain_loops(form, steps: int, seed: int) -> None:  # type: ignore[no-untyped-def]
    factor, drive = drawn(steps, seed)
    expected = plain(factor.double(), drive.double())
    np.testing.assert_allclose(form(factor, drive), expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(form(factor.double(), drive.double()), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("form", [doubled, looped])
def test_long_windows_lose_nothing(form) -> None:  # type: ignore[no-untyped-def]
    """Products of this many factors are too small for a float32: forms that divide by them fail."""
    factor, drive = torch.full((1, 2000, 1), 0.5), torch.randn(1, 2000, 1, generator=torch.Generator().manual_seed(1))
    np.testing.assert_allclose(form(factor, drive), plain(factor, drive), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("form", [doubled, looped])
@pytest.mark.parametrize("steps", [1, 2, 33])
def test_gradients_are_the_plain_loops(form, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("basalt.train.dynamics.scan._scan", form)
    leaves = [[part.double().requires_grad_() for part in drawn(steps, 3)] for _ in range(2)]
    weight = torch.randn(2, steps, 3, dtype=torch.float64)
    (scan(*leaves[0]) * weight).sum().backward()
    (plain(*leaves[1]) * weight).sum().backward()
    for ours, other in zip(*leaves):
        assert ours.grad is not None and other.grad is not None
        torch.testing.assert_close(ours.grad, other.grad, rtol=1e-10, atol=1e-10)
