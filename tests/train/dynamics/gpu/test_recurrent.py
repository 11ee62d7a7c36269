"""The recurrent kernels, in Triton's interpreter and on a GPU: the processor's spikes, a float64 loop's gradients."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.train.dynamics import cpu as dynamics
from basalt.train.dynamics.constants import Constants
from tests.train.dynamics.gpu.recurrent_case import Case, run_case

UNIT = 4096
Run = Callable[..., Any]


def on_grid(draw: np.random.Generator, most: int, shape: tuple[int, ...]) -> np.ndarray:
    """Weights from −most/32 to most/32 in steps of 1/32."""
    return (draw.integers(-most, most, shape, endpoint=True) / 32).astype(np.float32)


def make_case(
    seed: int,
    batch: int,
    steps: int,
    inputs: int,
    neurons: int,
    reset: str,
    leak: bool,
    bias: bool,
    wanted: str = "both",
    strength: int = 48,
) -> Case:
    """A layer whose neurons spike now and then; with one input, that is graded."""
    draw = np.random.default_rng(seed)
    single = inputs == 1
    x = draw.integers(0, 4, (batch, steps, 1)) if single else draw.random((batch, steps, inputs)) < 0.3
    size = max(1, round(strength / neurons**0.5))
    return Case(
        x=x.astype(np.float32),
        weight=on_grid(draw, 40, (neurons, inputs)),
        recurrent=on_grid(draw, min(size, 127), (neurons, neurons)),
        constants={
            "current_decay": draw.integers(500, 4096, neurons) if leak else np.full(neurons, 4096),
            "voltage_decay": draw.integers(200, 4096, neurons, endpoint=True),
            "threshold": 1.5,
            "tau": 1.5,
            "scale": 0.6,
            "reset": reset,
        },
        bias=(draw.integers(-16, 32, neurons) / 64).astype(np.float32) if bias else None,
        grad=draw.normal(size=(batch, steps, neurons)).astype(np.float32) if wanted != "counts" else None,
        grad_counts=draw.normal(size=(batch, neurons)).astype(np.float32) if wanted != "spikes" else None,
    )


def reference(case: Case) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Spikes of `basalt.train.dynamics.cpu`; gradients of (grad·spikes + grad_counts·counts) in float64.

    The surrogate gradient is in 16 bits of its peak, as the kernel keeps it.
    """
    constants = Constants(**case.constants)
    late = np.pad(case.x, ((0, 0), (1, 0), (0, 0)))[:, :-1]
    sent, voltage = dynamics.lif(
        torch.from_numpy(late @ case.weight.T),
        constants,
        None if case.bias is None else torch.from_numpy(case.bias),
        torch.from_numpy(case.recurrent),
    )
    spikes = sent.numpy().astype(np.float64)
    grad = np.zeros(spikes.shape) if case.grad is None else case.grad.astype(np.float64)
    if case.grad_counts is not None:
        grad[:, :-1] += case.grad_counts[:, None]
    code = constants.scale / 2 / constants.tau / 65535
    rho = np.rint(constants.surrogate(voltage.double()).numpy() / code) * code
    keep_u, keep_v = (1 - decay / UNIT for decay in (constants.current_decay, constants.voltage_decay))
    gu = gv = grad_bias = np.zeros_like(grad[:, 0])
    current = np.zeros_like(grad)
    for t in reversed(range(grad.shape[1])):
        gv = keep_v * gv + rho[:, t] * (grad[:, t] + gu @ case.recurrent)
        gu = keep_u * gu + gv
        current[:, t], grad_bias = gu, grad_bias + gv
    grads = {
        "x": np.pad(current[:, 1:] @ case.weight, ((0, 0), (0, 1), (0, 0))),
        "weight": np.einsum("btn,bti->ni", current, late),
        "recurrent": np.einsum("btn,btm->nm", current[:, 1:], spikes[:, :-1]),
        "bias": grad_bias.sum(0),
    }
    return spikes, {name: value for name, value in grads.items() if name != "bias" or case.bias is not None}


def check(run: Run, case: Case, most: float = 1e-4, **where: str) -> np.ndarray:
    """Spikes and counts equal the reference's, gradients to `most` of their norm; returns the spikes."""
    result = run(run_case, case, *where.values())
    spikes, grads = reference(case)
    if result.spikes is None:
        assert case.grad is None
    else:
        assert np.array_equal(result.spikes, spikes)
    assert np.array_equal(result.counts, spikes[:, :-1].sum(1))
    assert result.grads.keys() == grads.keys()
    for name, expected in grads.items():
        error = np.linalg.norm(result.grads[name] - expected)
        assert error <= most * np.linalg.norm(expected) + 1e-9, (name, error, np.linalg.norm(expected))
    return spikes


resets = st.sampled_from(["hard", "soft", "none"])
outputs = st.sampled_from(["spikes", "counts", "both"])


@settings(max_examples=20)
@given(
    st.integers(0, 2**31), st.sampled_from([1, 2, 16, 19]), st.integers(2, 23), st.integers(1, 9),
    st.sampled_from([1, 2, 5, 8, 37, 70]), resets, st.booleans(), st.booleans(), outputs,
)  # fmt: skip
def test_layers_of_any_size(run, seed, batch, steps, inputs, neurons, reset, leak, bias, wanted):  # type: ignore[no-untyped-def]
    check(run, make_case(seed, batch, steps, inputs, neurons, reset, leak, bias, wanted))


def test_recurrence_matters(run: Run) -> None:
    """Spikes fed back change the spikes, and each gradient that is compared above is not zero."""
    case = make_case(1, 18, 21, 6, 40, "hard", True, True)
    spikes = check(run, case)
    alone, _ = reference(replace(case, recurrent=0 * case.recurrent))
    assert 0.05 < spikes.mean() < 0.8 and (spikes != alone).mean() > 0.05
    grads = run(run_case, case).grads
    assert set(grads) == {"x", "weight", "recurrent", "bias"}
    assert all(np.abs(grad).max() > 1e-2 for grad in grads.values())


@pytest.mark.parametrize("sign", [-1, 1])
def test_the_largest_weights(run: Run, sign: int) -> None:
    """All neurons spike from a bias, and each gets 64 times the largest weight."""
    case = make_case(2, 1, 7, 2, 64, "soft", True, True)
    full = np.full((64, 64), -4.0 if sign < 0 else 127 / 32, np.float32)
    case = replace(
        case, recurrent=full, bias=np.full(64, 1.75, np.float32), grad=None, grad_counts=np.ones((1, 64), np.float32)
    )
    spikes = check(run, case)
    assert spikes[:, 0].all() and spikes[:, 1].all() == (sign > 0)


def test_what_comes_last_reaches_nobody(run: Run) -> None:
    case = make_case(5, 2, 20, 4, 6, "hard", True, False, "counts")
    loud = replace(case, x=np.concatenate([case.x[:, :-1], 1 - case.x[:, -1:]], 1))
    first, second = run(run_case, case), run(run_case, loud)
    assert np.array_equal(first.counts, second.counts)
    assert not first.grads["x"][:, -2:].any() and first.grads["x"][:, :-2].any()


def test_a_gradient_that_explodes_is_large_and_a_number(run: Run) -> None:
    case = make_case(1, 3, 60, 5, 8, "hard", False, False)
    strong = replace(
        case, recurrent=np.full((8, 8), 3.5, np.float32), constants=case.constants | {"tau": 50.0, "scale": 900.0}
    )
    for name, grad in run(run_case, strong).grads.items():
        assert np.isfinite(grad).all() and np.isfinite(np.square(grad).sum()), name
        assert np.abs(grad).max() > 1e6, name


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize(("dtype", "most"), [("float32", 1e-4), ("bfloat16", 1e-2)])
@pytest.mark.parametrize("reset", ["hard", "soft", "none"])
@pytest.mark.parametrize(("neurons", "batch", "steps"), [(200, 40, 101), (256, 16, 2), (33, 5, 784), (128, 64, 100)])
def test_the_compiled_kernels(neurons: int, batch: int, steps: int, reset: str, dtype: str, most: float) -> None:
    for inputs, leak, wanted in ((30, True, "both"), (1, False, "counts"), (7, False, "spikes")):
        case = make_case(neurons + inputs, batch, steps, inputs, neurons, reset, leak, True, wanted)
        spikes = check(lambda function, *args: function(*args), case, most, device="cuda", dtype=dtype)
        assert 0.01 < spikes.mean() < 0.95
