"""The fused layer's kernels, in Triton's interpreter: `basalt.train.dynamics.cpu`' spikes, SLAYER's gradients."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from basalt.train.dynamics import cpu as dynamics
from basalt.train.dynamics.constants import Constants
from basalt.train.dynamics.gpu import feed_forward
from basalt.train.dynamics.gpu.chunks import chunk_length
from basalt.train.layers.legendre import quantised
from tests.train.dynamics.gpu.interpreted import Case, Result, layer

UNIT = 4096
COARSE = 2
"""What `coarseness` says of the surrogate below."""
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
    states: int = 0,
    interval: int = 1,
    wanted: str = "both",
) -> Case:
    """A layer whose neurons spike now and then; with one input, that is graded. Even seeds code distances coarsely."""
    draw = np.random.default_rng(seed)
    memory, system = {}, None
    if states:
        # The largest drive, 1.99994, is off the grid of the sums, so that none meets it.
        system = (*quantised(states, 20.0, 16), interval, 8)
        memory = {
            "drive_weight": on_grid(draw, 48, (1, inputs)),
            "drive_bias": np.array([draw.choice([-0.25, 0.375])], np.float32),  # in the first step it is all there is
            "rows": draw.normal(0, 0.7, (neurons, states + 1)).astype(np.float32),
        }
    single = inputs == 1
    x = draw.integers(0, 4, (batch, steps, 1)) if single else draw.random((batch, steps, inputs)) < 0.3
    return Case(
        x=x.astype(np.float32),
        weight=draw.normal(0, 0.7, (neurons, 1)).astype(np.float32) if single else on_grid(draw, 40, (neurons, inputs)),
        constants={
            "current_decay": draw.integers(500, 4096, neurons) if leak else np.full(neurons, 4096),
            "voltage_decay": draw.integers(200, 4096, neurons, endpoint=True),
            "threshold": 1.5,
            "tau": 1.5,
            "scale": 5.0,
            "reset": reset,
        },
        bias=(draw.integers(-16, 32, neurons) / 64).astype(np.float32) if bias else None,
        memory=memory,
        system=system,
        coarse=None if seed % 2 else COARSE,
        grad=draw.normal(size=(batch, steps, neurons)).astype(np.float32) if wanted != "counts" else None,
        grad_counts=draw.normal(size=(batch, neurons)).astype(np.float32) if wanted != "spikes" else None,
    )


def current_of(case: Case, leaves: dict[str, torch.Tensor]) -> torch.Tensor:
    """Synaptic and memory current in float64, by the recurrence."""
    x = torch.nn.functional.pad(leaves["x"], (0, 0, 1, 0))[:, :-1]
    current = x @ leaves["weight"].t()
    if case.system is None:
        return current
    transition, into, shift, interval, drive_shift = case.system
    a, b = (torch.from_numpy(matrix * 2.0**-shift) for matrix in (transition, into))
    drive = torch.relu((x @ leaves["drive_weight"].t())[..., 0] + leaves["drive_bias"]).clamp(
        max=32767 / 64 / 2**drive_shift
    )
    m = torch.zeros(len(drive), len(b), dtype=torch.float64)
    parts: list[torch.Tensor] = []
    for t in range(drive.shape[1]):
        fresh = torch.cat([m, drive[:, t : t + 1]], 1) @ leaves["rows"].t()
        parts.append(fresh if t % interval == 0 else parts[-1])
        m = m @ a.t() + drive[:, t : t + 1] * b
    return current + torch.stack(parts, 1)


def reference(case: Case, result: Result) -> tuple[torch.Tensor, dict[str, np.ndarray]]:
    """Spikes of `basalt.train.dynamics.cpu`, and SLAYER's gradients of (grad·spikes + grad_counts·counts) in float64.

    The kernel rounds the memory current to 1/4096 before it is added, where `dynamics` truncates the sum; so
    `dynamics` gets the rounded one. Distances from the threshold are coded as the
    case says.
    """
    constants = Constants(**case.constants)
    leaves = {"x": case.x, "weight": case.weight, **case.memory}
    doubles = {name: torch.from_numpy(value).double().requires_grad_() for name, value in leaves.items()}
    current = current_of(case, doubles)
    late = np.pad(case.x, ((0, 0), (1, 0), (0, 0)))[:, :-1]
    units = np.trunc((late @ case.weight.T).astype(np.float32) * np.float32(UNIT)).astype(np.int64)
    if result.memory is not None:
        together = torch.from_numpy(late @ case.weight.T + result.memory).double()
        torch.testing.assert_close(together, current.detach(), rtol=1e-5, atol=1e-5)
        scaled = result.memory * np.float32(UNIT)
        units += (np.sign(scaled) * np.floor(np.abs(scaled) + 0.5)).astype(np.int64)
    rounded = torch.from_numpy((units / UNIT).astype(np.float32))
    spikes, voltage = dynamics.lif(rounded, constants, None if case.bias is None else torch.from_numpy(case.bias))
    grad = np.zeros(spikes.shape) if case.grad is None else case.grad.astype(np.float64)
    if case.grad_counts is not None:
        grad[:, :-1] += case.grad_counts[:, None]
    rho = constants.surrogate(voltage.double()).numpy()
    if case.coarse is not None:
        unit = 2.0**case.coarse
        code = np.floor((voltage.double().numpy() * UNIT - constants.threshold_state) / unit + 0.5).clip(-32768, 32767)
        rho = constants.scale / 2 / constants.tau * np.exp(-np.abs(code) * unit / (constants.tau * UNIT))
    keep_u, keep_v = (1 - decay / UNIT for decay in (constants.current_decay, constants.voltage_decay))
    gu = gv = grad_bias = np.zeros_like(grad[:, 0])
    grad_current = np.zeros_like(grad)
    for t in reversed(range(grad.shape[1])):
        gv = keep_v * gv + rho[:, t] * grad[:, t]
        gu = keep_u * gu + gv
        grad_current[:, t], grad_bias = gu, grad_bias + gv
    grads = torch.autograd.grad(current, list(doubles.values()), torch.from_numpy(grad_current))
    found = {name: value.numpy() for name, value in zip(doubles, grads)}
    return spikes, {**found, **({} if case.bias is None else {"bias": grad_bias.sum(0)})}


def check(run: Run, case: Case) -> torch.Tensor:
    """Spikes and counts equal the reference's, gradients to 1e-4 of their norm; returns the spikes."""
    result = run(layer, case)
    spikes, grads = reference(case, result)
    if result.spikes is None:
        assert case.grad is None
    else:
        assert np.array_equal(result.spikes, spikes.numpy())
    assert np.array_equal(result.counts, spikes[:, :-1].sum(1).numpy())
    assert result.grads.keys() == grads.keys()
    for name, expected in grads.items():
        error = np.linalg.norm(result.grads[name] - expected)
        assert error <= 1e-4 * np.linalg.norm(expected) + 1e-9, (name, error, np.linalg.norm(expected))
    return spikes


resets = st.sampled_from(["hard", "soft", "none"])
outputs = st.sampled_from(["spikes", "counts", "both"])


@settings(max_examples=10)
@given(
    st.integers(0, 2**31), st.integers(1, 2), st.integers(2, 40), st.integers(1, 9), st.integers(1, 9), resets,
    st.booleans(), st.booleans(), outputs,
)  # fmt: skip
def test_layers_of_any_size(run, seed, batch, steps, inputs, neurons, reset, leak, bias, wanted):  # type: ignore[no-untyped-def]
    check(run, make_case(seed, batch, steps, inputs, neurons, reset, leak, bias, wanted=wanted))


@settings(max_examples=10)
@given(
    st.integers(0, 2**31), st.integers(4, 40), st.sampled_from([1, 1, 4, 7]), st.integers(1, 9), resets,
    st.booleans(), st.booleans(), outputs, st.integers(1, 6), st.sampled_from([1, 1, 2, 3]),
)  # fmt: skip
def test_layers_with_a_slow_memory(run, seed, steps, inputs, neurons, reset, leak, bias, wanted, states, interval):  # type: ignore[no-untyped-def]
    assume(chunk_length(steps, states, interval) is not None)
    check(run, make_case(seed, 2, steps, inputs, neurons, reset, leak, bias, states, interval, wanted))


@pytest.mark.parametrize("steps", [2, 3, 17, 18, 19, 33, 34, 35])
def test_every_way_around_the_groups_of_sixteen_steps(run: Run, steps: int) -> None:
    check(run, make_case(steps, 1, steps, 3, 5, "hard", True, True))


@pytest.mark.parametrize(("reset", "inputs", "states"), [("hard", 5, 0), ("soft", 1, 3), ("none", 1, 0)])
def test_more_neurons_than_a_block(run: Run, reset: str, inputs: int, states: int) -> None:
    """Seventy: two blocks of 64 lanes, the second mostly empty."""
    spikes = check(run, make_case(1, 2, 20, inputs, 70, reset, True, True, states))
    assert 0.02 < spikes.mean() < 0.9
    assert ((spikes.sum((0, 1)) > 0).float().mean()) > 0.3


@pytest.mark.parametrize(("tau", "coarse"), [(0.35, 0), (0.6, 0), (1.5, COARSE), (6.0, 4)])
def test_distances_are_as_fine_as_16_bits_allow(tau: float, coarse: int) -> None:
    constants = Constants(**{**make_case(1, 1, 2, 1, 1, "hard", False, False).constants, "tau": tau})
    assert feed_forward.coarseness(constants) == coarse


FULL = 2**23 - 1


@settings(max_examples=10)
@given(
    st.lists(st.integers(-(2**23), 2**23), min_size=2, max_size=30), st.integers(-(2**20), 2**20),
    st.integers(0, 4096), st.integers(0, 4096), st.integers(1, 131071), resets,
)  # fmt: skip
@example([FULL // 2 + 1] * 3 + [0], 0, 0, 4096, 64, "hard")
@example([-FULL // 2 - 1] * 3 + [0], 0, 0, 4096, 64, "hard")
@example([-FULL] * 4 + [FULL, FULL, 0], 0, 4096, 0, 64, "hard")
@example([FULL] * 4 + [-FULL, -FULL, 0], 0, 4096, 0, 64, "none")
def test_states_wrap_and_saturate(run, drive, bias, du, dv, threshold, reset):  # type: ignore[no-untyped-def]
    constants = {"current_decay": np.array([du]), "voltage_decay": np.array([dv]), "threshold": threshold / 64}
    case = Case(
        x=(np.array(drive, np.float32) / UNIT).reshape(1, -1, 1),
        weight=np.ones((1, 1), np.float32),
        constants={**constants, "tau": 1.0, "scale": 1.0, "reset": reset},
        bias=np.array([bias / UNIT], np.float32),
        grad=np.zeros((1, len(drive), 1), np.float32),
    )
    late = torch.nn.functional.pad(torch.from_numpy(case.x), (0, 0, 1, 0))[:, :-1]
    expected, _ = dynamics.lif(late, Constants(**case.constants), torch.from_numpy(case.bias))
    assert run(layer, case).spikes.ravel().tolist() == expected.flatten().tolist()


def test_a_gradient_reaches_each_part(run: Run) -> None:
    """None of the gradients compared above is zero only because nothing arrives."""
    for inputs in (1, 6):
        case = make_case(3, 2, 24, inputs, 9, "hard", True, True, 4)
        grads = run(layer, case).grads
        assert set(grads) == {"x", "weight", "bias", "drive_weight", "drive_bias", "rows"}
        assert all(np.abs(grad).max() > 1e-3 for grad in grads.values())


def test_steps_after_which_nothing_follows(run: Run) -> None:
    """What arrives in the last two steps reaches no count: it changes none, and its gradient is zero."""
    case = make_case(5, 2, 20, 4, 6, "hard", True, False, wanted="counts")
    loud = replace(case, x=np.concatenate([case.x[:, :-1], 1 - case.x[:, -1:]], 1))
    first, second = run(layer, case), run(layer, loud)
    assert np.array_equal(first.counts, second.counts)
    assert not first.grads["x"][:, -2:].any() and first.grads["x"][:, :-2].any()
