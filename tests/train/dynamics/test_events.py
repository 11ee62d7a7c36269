"""Event-driven products equal dense ones."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.train.dynamics import events
from basalt.train.dynamics.synapse import Dense
from basalt.train.slayer import slayer


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(1, 40), st.integers(1, 20)),
    st.floats(0, 1),
    st.integers(0, 3),
    st.sampled_from([torch.uint8, torch.float32]),
    st.integers(0, 2**31),
)
def test_product_equals_matmul(size, density, delay, dtype, seed):  # type: ignore[no-untyped-def]
    batch, steps, inputs, neurons = size
    generator = torch.Generator().manual_seed(seed)
    spikes = (torch.rand(batch, steps, inputs, generator=generator) < density).to(dtype)
    weight = (torch.randn(neurons, inputs, generator=generator) * 32).round() / 32
    grad = torch.randn(batch, steps, neurons, generator=generator)
    results = []
    for function in (events.product, delayed_matmul):
        x = spikes.clone().requires_grad_() if dtype == torch.float32 else spikes
        w = weight.clone().requires_grad_()
        out = function(x, w, delay)
        (out * grad).sum().backward()
        results.append((out.detach(), w.grad, x.grad if dtype == torch.float32 else None))
    assert torch.equal(results[0][0], results[1][0])  # sums on the grid are exact
    torch.testing.assert_close(results[0][1], results[1][1], rtol=1e-4, atol=1e-5)
    if dtype == torch.float32:
        torch.testing.assert_close(results[0][2], results[1][2], rtol=1e-4, atol=1e-5)


def delayed_matmul(x: torch.Tensor, w: torch.Tensor, delay: int) -> torch.Tensor:
    full = x.float() @ w.t()
    return torch.cat([torch.zeros_like(full[:, :delay]), full[:, : max(full.shape[1] - delay, 0)]], 1)


def test_input_gradient_is_skipped_where_nobody_needs_it() -> None:
    x = torch.ones(1, 2, 3)
    events.product(x, torch.ones(2, 3, requires_grad=True)).sum().backward()
    assert x.grad is None


@pytest.mark.parametrize("size, dtype", [(4, torch.float32), (8, torch.uint8)])
def test_graded_input_has_no_events_and_the_same_sums(size: int, dtype: torch.dtype) -> None:
    x = torch.zeros(2, 3, size, dtype=dtype)
    x[1, 1, -1] = 3
    assert events.events_of(x) is None
    weight = torch.randint(-128, 128, (5, size)) / 32
    expected = torch.nn.functional.pad(x.float() @ weight.t(), (0, 0, 1, 0))[:, :3]
    assert torch.equal(events.product(x, weight, 1), expected)


def test_threads_do_not_change_a_bit() -> None:
    import numba

    torch.manual_seed(0)
    x = (torch.rand(4, 20, 64) < 0.2).float()
    g = torch.randn(4, 20, 33)
    results = []
    before = numba.get_num_threads()
    for threads in (1, before):
        numba.set_num_threads(threads)
        w = torch.ones(33, 64, requires_grad=True)
        (events.product(x, w, 1) * g).sum().backward()
        results.append(w.grad)
    numba.set_num_threads(before)
    assert torch.equal(*results)


def test_synapse_equals_slayers() -> None:
    torch.manual_seed(0)
    neuron = slayer.neuron.cuba.Neuron(1.0, 0.1, 0.1)
    stock = slayer.synapse.Dense(30, 7, weight_scale=8, pre_hook_fx=neuron.quantize_8bit)
    ours = Dense(30, 7, pre_hook_fx=neuron.quantize_8bit)
    ours.load_state_dict(stock.state_dict())
    x = (torch.rand(2, 30, 11) < 0.3).float()
    for synapse in (stock, ours):
        (synapse(x) ** 2).sum().backward()
    assert torch.equal(stock(x), ours(x))
    torch.testing.assert_close(ours.weight.grad, stock.weight.grad)
