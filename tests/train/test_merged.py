"""AdamW in one kernel: PyTorch's values and moments, whatever the step it begins with."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from tests.train.dynamics.gpu.interpreted import updates

SHAPES = ((3, 5, 1, 1, 1), (1,), (40, 30), (7,))
UNITS = [1.0, 8.0, 0.5, 1.0]
CLIP = 1.5
RATES = [0.01, 0.03, 0.02, 0.001]


def drawn(seed: int) -> list[np.ndarray]:
    draw = np.random.default_rng(seed)
    return [draw.normal(size=shape).astype(np.float32) for shape in SHAPES]


VALUES = drawn(0)
GRADS = [[np.float32(0.03 * (1 + step % 2)) * grad for grad in drawn(1 + step)] for step in range(4)]


def by_torch(steps: int) -> tuple[list[np.ndarray], dict[int, dict[str, np.ndarray]], list[float]]:
    """Parameters, state and norms after the first steps."""
    parameters = [torch.nn.Parameter(torch.from_numpy(value.copy())) for value in VALUES]
    made = torch.optim.AdamW([{"params": [p], "unit": u} for p, u in zip(parameters, UNITS)], weight_decay=0.1)
    norms = []
    for step, rate in zip(GRADS[:steps], RATES):
        for p, grad in zip(parameters, step):
            p.grad = torch.from_numpy(grad.copy())
        for group in made.param_groups:
            group["lr"] = rate * group["unit"]
        norms.append(float(torch.nn.utils.clip_grad_norm_(parameters, CLIP)))
        made.step()
    state = made.state_dict()["state"]
    found = {key: {name: value.numpy() for name, value in entry.items()} for key, entry in state.items()}
    return [p.detach().numpy() for p in parameters], found, norms


@pytest.mark.parametrize("before", [0, 2])
def test_steps_are_those_of_pytorch(run: Callable[..., Any], before: int) -> None:
    """Two steps of PyTorch may come first, as when a run is resumed; every other step is clipped."""
    values, state, _ = by_torch(before)
    expected, theirs, norms = by_torch(4)
    assert min(norms[before:]) < CLIP < max(norms[before:])
    ours, left, found = run(updates, values, UNITS, state, GRADS[before:], RATES[before:], CLIP)
    assert found == pytest.approx(norms[before:], rel=1e-5)
    for value, other in zip(ours, expected):
        np.testing.assert_allclose(value, other, rtol=1e-5, atol=1e-7)
    assert left.keys() == theirs.keys()
    for key, entry in theirs.items():
        assert left[key].keys() == entry.keys()
        for name, value in entry.items():
            assert left[key][name].shape == value.shape
            np.testing.assert_allclose(left[key][name], value, rtol=1e-5, atol=1e-7)


def test_stopping_changes_nothing(run: Callable[..., Any]) -> None:
    values, state, _ = run(updates, VALUES, UNITS, {}, GRADS, RATES, CLIP)
    between, half, _ = run(updates, VALUES, UNITS, {}, GRADS[:2], RATES[:2], CLIP)
    final, after, _ = run(updates, between, UNITS, half, GRADS[2:], RATES[2:], CLIP)
    assert all(np.array_equal(a, b) for a, b in zip(values, final))
    assert all(np.array_equal(state[key][name], after[key][name]) for key in state for name in state[key])


@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_a_gradient_that_is_not_finite_counts_as_zero(run: Callable[..., Any], bad: float) -> None:
    broken = [[grad.copy() for grad in step] for step in GRADS]
    broken[1][2][0, 0] = bad
    zero = [step if i != 1 else [np.zeros_like(grad) for grad in step] for i, step in enumerate(GRADS)]
    ours, left, norms = run(updates, VALUES, UNITS, {}, broken, RATES, CLIP)
    expected, theirs, _ = run(updates, VALUES, UNITS, {}, zero, RATES, CLIP)
    assert [np.isfinite(norm) for norm in norms] == [True, False, True, True]
    assert all(np.array_equal(a, b) for a, b in zip(ours, expected))
    assert all(np.array_equal(left[key][name], theirs[key][name]) for key in theirs for name in theirs[key])
