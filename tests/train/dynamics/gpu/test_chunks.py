"""The slow memory in chunks is the recurrence m[t] = Ā m[t−1] + B̄ x[t], forwards and backwards."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from basalt.train.dynamics.gpu.chunks import Chunks, chunk_length, chunks
from basalt.train.layers.legendre import quantised

CPU = torch.device("cpu")


def recurrence(
    a: torch.Tensor, b: torch.Tensor, drive: torch.Tensor, rows: torch.Tensor, interval: int
) -> torch.Tensor:
    """[P, ν] [m[t−1]; x[t]], refreshed every `interval` steps; (batch, steps, neurons)."""
    m = torch.zeros(len(drive), len(b), dtype=drive.dtype)
    out: list[torch.Tensor] = []
    for t in range(drive.shape[1]):
        fresh = torch.cat([m, drive[:, t : t + 1]], 1) @ rows.t()
        out.append(fresh if t % interval == 0 else out[-1])
        m = m @ a.t() + drive[:, t : t + 1] * b
    return torch.stack(out, 1)


def compare(steps: int, states: int, window: float, interval: int, neurons: int, seed: int) -> Chunks:
    """Currents and both gradients to 1e-5 of their norm: float32 against float64."""
    transition, into, shift = quantised(states, window, 16)
    made = chunks(transition, into, shift, steps, interval, CPU)
    assert made is not None
    generator = torch.Generator().manual_seed(seed)
    drive = 4 * torch.rand(3, steps, generator=generator, dtype=torch.float64)
    rows, grad = (
        torch.randn(*n, generator=generator, dtype=torch.float64) for n in [(neurons, states + 1), (3, steps, neurons)]
    )
    leaves = drive.clone().requires_grad_(), rows.clone().requires_grad_()
    a, b = torch.from_numpy(transition * 2.0**-shift), torch.from_numpy(into * 2.0**-shift)
    expected = recurrence(a, b, *leaves, interval)
    expected_drive, expected_rows = torch.autograd.grad(expected, leaves, grad)

    z, folded = made.inputs(drive.float()), made.weights(rows.float())
    grouped = grad.float().reshape(len(z), -1)
    found = {
        "current": ((z @ folded).view(3, steps, neurons), expected.detach()),
        "drive": (made.inputs_gradient(grouped @ folded.t(), 3), expected_drive),
        "rows": (made.weights_gradient(z.t() @ grouped, neurons), expected_rows),
    }
    for name, (got, wanted) in found.items():
        assert got.shape == wanted.shape, name
        assert (got - wanted).norm() <= 1e-5 * wanted.norm(), name
    return made


@settings(max_examples=40)
@given(
    st.integers(4, 120), st.integers(1, 12), st.floats(15, 200), st.sampled_from([1, 1, 2, 3, 5]), st.integers(1, 5),
    st.integers(0, 2**31),
)  # fmt: skip
def test_chunks_equal_the_recurrence(steps, states, window, interval, neurons, seed):  # type: ignore[no-untyped-def]
    assume(chunk_length(steps, states, interval) is not None)
    compare(steps, states, window, interval, neurons, seed)


@pytest.mark.parametrize(("states", "window", "interval"), [(100, 784.0, 1), (60, 300.0, 1), (16, 784.0, 7)])
def test_sequential_mnist(states: int, window: float, interval: int) -> None:
    made = compare(784, states, window, interval, 3, 0)
    assert 784 % made.length == 0 and made.length % interval == 0 and 14 <= made.length <= 56


@settings(max_examples=60)
@given(st.integers(1, 3000), st.integers(1, 256), st.integers(1, 12))
def test_lengths_divide_the_steps_into_whole_intervals(steps, states, interval):  # type: ignore[no-untyped-def]
    length = chunk_length(steps, states, interval)
    possible = [n for n in range(4, 129) if steps % n == 0 and n % interval == 0]
    assert (length in possible) if possible else length is None


@pytest.mark.parametrize(("states", "length"), [(60, 28), (100, 28), (200, 56)])
def test_chunks_of_sequential_mnist_need_no_padding(states: int, length: int) -> None:
    assert chunk_length(784, states, 1) == length
    assert (states + length) % 8 == 0


def test_steps_that_cannot_be_cut_have_no_chunks() -> None:
    for steps, interval in ((3, 1), (131, 1), (12, 5)):  # too short, a large prime, no multiple of the interval
        assert chunks(*quantised(2, 40.0, 16), steps, interval, CPU) is None


def test_constants_are_converted_once() -> None:
    made = chunks(*quantised(3, 40.0, 16), 8, 1, CPU)
    assert made is not None
    assert made.constant("starts", torch.bfloat16) is made.constant("starts", torch.bfloat16)
    assert made.constant("within", torch.float16).dtype == torch.float16
    np.testing.assert_array_equal(made.constant("starts", torch.float32), made.starts)
