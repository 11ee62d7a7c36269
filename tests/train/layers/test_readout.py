"""Read-outs by sums and by mean membrane, after the last step and after every one."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.deploy.counted import saturations
from basalt.deploy.job import Job
from basalt.records.network import Network
from basalt.records.simulate import simulate
from basalt.train.layers.config import ReadoutConfig
from basalt.train.layers.readout import Readout, response
from basalt.train.objectives import OBJECTIVES
from tests.conformance.direct import run_direct

decays = st.one_of(st.none(), st.sampled_from([0.0, 1.0]), st.floats(0, 1))


def make(decay: float | None, seed: int, steps: int) -> tuple[Readout, torch.Tensor]:
    torch.manual_seed(seed)
    layer = Readout(ReadoutConfig(voltage_decay=decay, weight_scale=3.0, logit_scale=0.5), "readout", 11, 4)
    return layer, (torch.rand(3, steps, 11) < 0.3).float().transpose(1, 2)


def plain(layer: Readout, x: torch.Tensor) -> list[list[int]]:
    """The sums after the last step by the recurrence, in Python's own integers."""
    weight, decay = layer.record().weight.tolist(), layer.record().voltage_decay
    sums = []
    for sample in x.int().tolist():
        sums.append([0] * len(weight))
        for n, row in enumerate(weight):
            v = 0
            for t in range(1, x.shape[2]):
                arrived = sum(w for w, spikes in zip(row, sample) if spikes[t - 1])
                if decay is None:
                    sums[-1][n] += arrived
                else:
                    v = (1 if v >= 0 else -1) * (abs(v) * (4096 - decay) >> 12) + (arrived << 6)
                    sums[-1][n] += v >> 6
    return sums


@settings(max_examples=30, deadline=None)
@given(decays, st.integers(1, 40), st.integers(0, 2**31))
def test_exact_sums_follow_the_recurrence_and_logits_are_near(decay, steps, seed):  # type: ignore[no-untyped-def]
    layer, x = make(decay, seed, steps)
    exact = layer.exact(x.to(torch.uint8))
    assert exact.tolist() == plain(layer, x)
    logits = layer(x)
    mean = 1 if decay is None else steps
    # Every step rounds a membrane by less than 1/64 of a unit of weights, and its sum by less than one.
    assert (logits / 0.5 * 64 * mean - exact).abs().max() <= (0.01 if decay is None else 1.5 * steps + 0.01)
    assert decay is not None or torch.equal((logits / 0.5 * 64).round().long(), exact)


@settings(max_examples=15, deadline=None)
@given(decays, st.integers(2, 20), st.integers(0, 2**31))
def test_logits_over_time_are_those_of_shorter_samples(decay, steps, seed):  # type: ignore[no-untyped-def]
    layer, x = make(decay, seed, steps)
    every = layer(x, over_time=True)
    assert every.shape == (3, 4, steps)
    for t in range(steps):
        torch.testing.assert_close(every[..., t], layer(x[..., : t + 1]), rtol=1e-5, atol=1e-5)


def test_a_mean_is_a_weighted_count() -> None:
    """A spike in the first step of three: y = 0, 1, 1/2, so the running mean is 0, 1/2, 1/2."""
    assert response(3, 2048, torch.device("cpu"))[:, 0].tolist() == [0, 0.5, 0.5]


def test_cross_entropy_over_time_is_the_mean_of_all_steps() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(5, 3, 7), torch.tensor([0, 1, 2, 2, 1])
    over_time, last = OBJECTIVES["cross_entropy_over_time"], OBJECTIVES["cross_entropy"]
    expected = sum(last(logits[..., t], labels, 0.1) for t in range(7)) / 7
    torch.testing.assert_close(over_time(logits, labels, 0.1), expected)
    assert torch.equal(over_time.decision(logits), last.decision(logits[..., 6]))


@pytest.mark.parametrize("decay", [None, 0.1])
def test_gradients_reach_spikes_and_weights(decay: float | None) -> None:
    """Both forms have the gradients of the weighted count."""
    layer, x = make(decay, 1, 9)
    grads = []
    for over_time in (False, True):
        layer.zero_grad()
        spikes = x.clone().requires_grad_()
        logits = layer(spikes, over_time)
        (logits[..., -1] if over_time else logits)[:, 1].sum().backward()
        grads.append((spikes.grad, layer.synapse.weight.grad.clone()))
    assert grads[0][1].abs().sum() > 0
    for a, b in zip(*grads):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("decay", "inputs", "steps"), [(None, 2000, 400), (1.0, 8, 16_600)])
def test_sums_clip_at_32_bits_as_they_are_deployed(decay, inputs, steps):  # type: ignore[no-untyped-def]
    """Graded input that drives them to the end and one of them back; the clipping is counted."""
    layer = Readout(ReadoutConfig(voltage_decay=decay), "readout", inputs, 2)
    with torch.no_grad():
        layer.synapse.weight[:] = 127 / 32
        layer.synapse.weight[0, inputs // 2 :] = -4.0
    x = torch.zeros(1, inputs, steps, dtype=torch.uint8)
    x[:, : inputs // 2, :-100], x[:, inputs // 2 :, -100:] = 255, 255
    network = Network((layer.record(),))
    wanted = simulate(network, x.numpy())["readout"]
    assert np.array_equal(layer.exact(x), wanted[..., -1]) and wanted.max() == 2**31 - 1
    for backend in ("fixed", "compiled"):
        outcome = run_direct(Job(network, x.numpy(), backend))
        assert np.array_equal(outcome.sent["readout"], wanted) and saturations(outcome) > 50
