"""Thresholds per neuron, reset amounts and steps of rest: the record's integers in both loops, one gradient."""

import numpy as np
import pytest
import torch

from basalt.records.neuron import Neuron
from basalt.train.dynamics import cpu, torch_loop
from basalt.train.dynamics.constants import Constants

LOOPS = [cpu.lif, torch_loop.lif]
NEURONS = 5


def drawn(reset: str, amount: bool, refractory: int) -> Neuron:
    rng = np.random.default_rng(3)
    threshold = rng.integers(20, 200, NEURONS)
    return Neuron(
        threshold,
        rng.integers(0, 4097, NEURONS),
        rng.integers(0, 2000, NEURONS),
        reset,
        threshold * 2 if amount else None,
        refractory,
    )


def constants_of(neuron: Neuron, forgets: bool = False) -> Constants:
    threshold = neuron.threshold / 64
    amount = None if neuron.reset_amount is None else neuron.reset_amount / 64
    return Constants(
        neuron.current_decay,
        neuron.voltage_decay,
        threshold,
        0.7 * threshold,
        1.3,
        neuron.reset,
        amount=amount,
        refractory=neuron.refractory,
        forgets=forgets,
    )


def by_the_record(neuron: Neuron, drive: np.ndarray, back: np.ndarray | None) -> np.ndarray:
    """Spikes (batch, steps, neurons), one step of the specification at a time."""
    batch, steps, size = drive.shape
    state = np.zeros((len(neuron.states), batch, size), np.int64)
    sent, found = np.zeros((batch, size), np.int64), []
    for t in range(steps):
        fed = 0 if back is None else sent * back if back.ndim == 1 else sent @ back.T
        step = neuron.step(drive[:, t] + fed, 0, state)
        sent, state = step.spikes.astype(np.int64), step.state
        found.append(sent)
    return np.stack(found, axis=1)


@pytest.mark.parametrize("recurrence", ["none", "diagonal", "full"])
@pytest.mark.parametrize(
    ("reset", "amount", "refractory"),
    [("hard", False, 0), ("hard", False, 1), ("soft", True, 0), ("soft", False, 2), ("none", False, 3)],
)
def test_loops_compute_the_record(reset: str, amount: bool, refractory: int, recurrence: str) -> None:
    rng = np.random.default_rng(1)
    neuron = drawn(reset, amount, refractory)
    drive = rng.integers(-40, 90, (3, 40, NEURONS))
    back = {"none": None, "diagonal": rng.integers(-60, 60, NEURONS), "full": rng.integers(-60, 60, (NEURONS,) * 2)}[
        recurrence
    ]
    expected = by_the_record(neuron, drive, back)
    assert 20 < expected.sum() < 400
    weights = torch.as_tensor(rng.normal(size=drive.shape), dtype=torch.float32)
    gradients = []
    for lif in LOOPS:
        current = torch.as_tensor(drive / 64, dtype=torch.float32).requires_grad_()
        fed = None if back is None else torch.as_tensor(back / 64, dtype=torch.float32).requires_grad_()
        spikes, _ = lif(current, constants_of(neuron), None, fed)
        assert np.array_equal(spikes.detach().numpy(), expected)
        (spikes * weights).sum().backward()
        gradients.append([current.grad] + ([] if fed is None else [fed.grad]))
    for ours, other in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("lif", LOOPS)
@pytest.mark.parametrize(("forgets", "refractory"), [(False, 0), (True, 0), (False, 2), (True, 2)])
def test_gradients_end_at_resets_and_pass_rests(forgets: bool, refractory: int, lif) -> None:  # type: ignore[no-untyped-def]
    """Against autograd, of the recurrence with resets and rests cut out as constants; leaky integers are near it."""
    rng = np.random.default_rng(5)
    neuron = drawn("hard", False, refractory)
    neuron = Neuron(neuron.threshold, neuron.current_decay // 8, neuron.voltage_decay // 8, "hard", None, refractory)
    drive = torch.as_tensor(rng.integers(-10, 30, (2, 25, NEURONS)) / 64, dtype=torch.float32)
    weights = torch.as_tensor(rng.normal(size=drive.shape), dtype=torch.float32)
    constants = constants_of(neuron, forgets)
    current = drive.clone().requires_grad_()
    spikes, voltage = lif(current, constants)
    (spikes * weights).sum().backward()

    free = drive.double().requires_grad_()
    keep_u, keep_v = (torch.as_tensor(1 - one / 4096) for one in (neuron.current_decay, neuron.voltage_decay))
    u = v = torch.zeros(2, NEURONS, dtype=torch.float64)
    rest, loss = torch.zeros(2, NEURONS), 0.0
    for t in range(drive.shape[1]):
        u = keep_u * u + free[:, t]
        v = torch.where(rest > 0, v, keep_v * v + u)
        loss = loss + (constants.surrogate(voltage[:, t]) * (rest == 0) * weights[:, t] * v).sum()
        fired = spikes[:, t].detach() > 0
        rest = torch.where(fired, torch.tensor(float(refractory)), (rest - 1).clamp(min=0))
        if forgets:
            v = torch.where(fired, 0.0, v)
    loss.backward()
    assert spikes.sum() > 8
    torch.testing.assert_close(current.grad.double(), free.grad, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("lif", LOOPS)
def test_no_gradient_asks_a_resting_neuron_to_spike(lif) -> None:  # type: ignore[no-untyped-def]
    """In the last step, the neuron rests: its membrane is at the threshold, and nothing that arrives could help."""
    for refractory, learns in ((0, True), (1, False)):
        constants = Constants(np.array([4096]), np.array([4096]), 1.0, 1.0, 1.0, "none", refractory=refractory)
        current = torch.full((1, 2, 1), 1.5).requires_grad_()
        lif(current, constants)[0][0, 1, 0].backward()
        assert bool(current.grad[0, 1, 0] != 0) is learns
