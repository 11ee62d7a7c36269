"""Legendre coefficients, the FFT form and the exact integers of the slow memory."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.errors import BasaltError
from basalt.records import pathways
from basalt.train.dynamics.grid import exponent
from basalt.train.dynamics.memories.slow_memory import convolve, impulse_response, integer_current
from basalt.train.layers import legendre
from basalt.train.layers.dmp import SlowMemory, drive_shift
from basalt.train.networks import Network
from basalt.train.recipe import NetworkConfig


def test_published_coefficients() -> None:
    transition, drive = legendre.legendre(5, 40)
    np.testing.assert_allclose(drive, [0.023987, -0.076221, 0.110427, -0.157746, 0.161916], atol=6e-7)
    np.testing.assert_allclose(transition[0], [0.97601, -0.02541, -0.02209, -0.02254, -0.01799], atol=6e-6)
    np.testing.assert_allclose(np.diag(transition), [0.97601, 0.92188, 0.88081, 0.81663, 0.78893], atol=6e-6)


@pytest.mark.parametrize(
    ("states", "window", "radius"),
    [(5, 40, 0.91266), (10, 40, 0.87754), (10, 250, 0.97932), (40, 300, 0.96876), (100, 300, 0.95580)],
)
def test_published_spectral_radii(states: int, window: float, radius: float) -> None:
    transition, _ = legendre.legendre(states, window)
    assert np.abs(np.linalg.eigvals(transition)).max() == pytest.approx(radius, abs=6e-6)
    assert np.abs(transition).max() < 1


def test_constant_input_settles_at_the_first_state() -> None:
    transition, drive = legendre.legendre(5, 40)
    m = np.zeros(5)
    for _ in range(2000):
        m = transition @ m + drive
    np.testing.assert_allclose(m, [1, 0, 0, 0, 0], atol=1e-9)


def test_too_few_coefficient_bits_are_refused() -> None:
    with pytest.raises(BasaltError, match="choose a `window` from 2 to 32 steps, or more `coefficient_bits`"):
        legendre.quantised(40, 300.0, 6)
    with pytest.raises(
        BasaltError, match=r"Layer hidden1: .* that 16 bits .*: choose a `window` from 2 to 32768 steps\.$"
    ):
        layers = [{"kind": "dmp", "units": 2, "states": 3, "window": 0.5}, {"kind": "readout"}]
        Network(NetworkConfig(layers=layers), 2, 2)


@pytest.mark.parametrize("bits", [4, 6, 16])
def test_windows_that_the_refusal_names_fit(bits: int) -> None:
    for states in (1, 2, 3, 64):
        for window in (2.0, 2.5, 2.0 ** (bits - 1)):
            legendre.quantised(states, window, bits)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 12), st.floats(15, 200), st.integers(1, 90), st.integers(0, 2**31))
def test_convolution_equals_recurrence(states, window, steps, seed):  # type: ignore[no-untyped-def]
    transition, drive = legendre.legendre(states, window)
    x = np.random.default_rng(seed).uniform(0, 4, (3, steps))
    expected = np.zeros((3, steps, states))
    for b in range(3):
        m = np.zeros(states)
        for t in range(steps):
            m = transition @ m + drive * x[b, t]
            expected[b, t] = m
    response = torch.from_numpy(impulse_response(transition, drive, steps))
    got = convolve(torch.from_numpy(x), response)
    np.testing.assert_allclose(got.numpy(), expected, atol=1e-9)


def plain_memory(k: pathways.SlowMemory, drive: list[int]) -> list[list[int]]:
    """The specification's recurrence in Python's own record."""

    def half(p: int) -> int:
        return 1 << (p - 1) if p > 0 else 0

    m = [0] * len(k.drive_input)
    out: list[list[int]] = []
    for t, sum_ in enumerate(drive):
        x = min(max(sum_ + k.drive_bias, 0) << k.drive_shift, 32767)
        if t % k.update_interval == 0:
            rows = zip(k.memory_weight.tolist(), k.drive_memory_weight.tolist())
            out.append(
                [
                    (sum(p * s for p, s in zip(row, m)) + v * x + half(k.memory_shift)) >> k.memory_shift
                    for row, v in rows
                ]
            )
        else:
            out.append(out[-1])
        m = [
            min(
                max(
                    (sum(a * s for a, s in zip(row, m)) + b * x + half(k.coefficient_shift)) >> k.coefficient_shift,
                    -(2**23) + 1,
                ),
                2**23 - 1,
            )
            for row, b in zip(k.transition.tolist(), k.drive_input.tolist())
        ]
    return out


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 6),
    st.integers(1, 4),
    st.lists(st.integers(-3000, 30000), min_size=1, max_size=25),
    st.integers(0, 9),
    st.integers(0, 14),
    st.integers(4, 16),
    st.integers(1, 5),
    st.integers(0, 2**31),
)
def test_integer_memory_equals_the_plain_recurrence(states, neurons, drive, k, p, bits, interval, seed):  # type: ignore[no-untyped-def]
    draw = np.random.default_rng(seed)
    most = 2 ** (bits - 1) - 1
    memory = pathways.SlowMemory(
        drive_weight=np.zeros(1, np.int64),
        drive_bias=int(draw.integers(-200, 200)),
        drive_shift=k,
        transition=draw.integers(-most, most, (states, states), endpoint=True),  # also unstable: it must saturate
        drive_input=draw.integers(-most, most, states, endpoint=True),
        coefficient_shift=bits - 1,
        memory_weight=draw.integers(-128, 128, (neurons, states)),
        drive_memory_weight=draw.integers(-128, 128, neurons),
        memory_shift=p,
        update_interval=interval,
    )
    got = integer_current(memory, torch.tensor([drive], dtype=torch.float64))
    assert got[0].tolist() == plain_memory(memory, drive)


@pytest.mark.parametrize("interval", [1, 4])
def test_training_form_is_the_integers_but_for_rounding(interval: int) -> None:
    torch.manual_seed(3)
    memory = SlowMemory(6, 50, 8, 40.0, 16, interval, 4.0, 1.0)
    drive = (torch.rand(5, 60) * 7 * 64).round() / 64
    memory.watching = True
    memory(drive)
    memory.watching = False
    memory.calibrate()
    assert int(memory.shift) == 5
    record = memory.record(np.zeros(50, np.int64))
    exact = integer_current(record, (drive * 64).double()).numpy()
    trained = memory(drive).detach().numpy() * 4096
    steps_of_one = 2.0**-record.memory_shift * np.abs(record.memory_weight).sum(1).max() * 8 + 1
    assert np.abs(trained - exact).max() < steps_of_one
    assert np.abs(exact).max() > 20 * steps_of_one


def test_projections_fit_eight_bits_and_get_gradients() -> None:
    torch.manual_seed(0)
    memory = SlowMemory(16, 20, 6, 30.0, 16, 1, 4.0, 1.0)
    memory.shift.fill_(3)
    memory(torch.rand(2, 30)).sum().backward()
    record = memory.record(np.zeros(20, np.int64))
    peak = max(np.abs(record.memory_weight).max(), np.abs(record.drive_memory_weight).max())
    assert 64 <= peak <= 127
    assert record.memory_shift >= 0
    assert memory.weight.grad.abs().sum() > 0
    assert memory.drive_bias.grad.abs().sum() > 0


def test_shifts_follow_their_rules() -> None:
    for peak in (0.1, 1.0, 7.99, 31.0, 200.0):
        k = drive_shift(peak)
        assert k == 9 or peak * 2 * 64 * 2 ** (k + 1) > 32767
        assert k == 0 or peak * 2 * 64 * 2**k <= 32767
    assert exponent(torch.tensor(127.0), torch.tensor(9)) == 0
    assert exponent(torch.tensor(1.0), torch.tensor(0)) == 6
    assert exponent(torch.tensor(500.0), torch.tensor(2)) == 4  # p = k + e − 6 stays at 0, the weights are clipped
