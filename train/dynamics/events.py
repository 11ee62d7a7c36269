"""Products with sparse binary input: only the weight rows of active inputs are read.

Inputs are (batch, steps, features) arrays of 0 and 1, about 2.5 % ones for event-camera data, so walking the events is
some ten times less work than the dense product. Sums run over events in a fixed order, whatever the number of threads.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, Num, UInt8
from numba import njit, prange


@dataclass(frozen=True)
class Events:
    """The active inputs of every step: those of row r = sample·steps + step are features[pointers[r]:pointers[r+1]]."""

    pointers: Int[np.ndarray, "{shape[0]*shape[1]+1}"]
    features: Int[np.ndarray, "events"]
    shape: tuple[int, int, int]


@njit(parallel=True, nogil=True, cache=True)
def _count(rows, counts):  # type: ignore[no-untyped-def]
    for r in prange(rows.shape[0]):
        found = 0
        for f in range(rows.shape[1]):
            found += rows[r, f] != 0
        counts[r + 1] = found


@njit(parallel=True, nogil=True, cache=True)
def _fill(rows, pointers, features, other):  # type: ignore[no-untyped-def]
    for r in prange(rows.shape[0]):
        at = pointers[r]
        for f in range(rows.shape[1]):
            if rows[r, f] != 0:
                features[at] = f
                at += 1
                other[r] |= rows[r, f] != 1


@njit(parallel=True, nogil=True, cache=True)
def _fill_words(words, rows, pointers, features, other):  # type: ignore[no-untyped-def]
    for r in prange(rows.shape[0]):
        at = pointers[r]
        for w in range(words.shape[1]):
            if words[r, w] != 0:
                for f in range(8 * w, 8 * w + 8):
                    if rows[r, f] != 0:
                        features[at] = f
                        at += 1
                        other[r] |= rows[r, f] != 1


def events_of(
    spikes: Float[torch.Tensor, "batch steps features"] | UInt8[torch.Tensor, "batch steps features"],
) -> Events | None:
    """List the ones of a 0/1 array; None if it is graded, holding another value."""
    batch, steps, size = spikes.shape
    rows = spikes.detach().contiguous().numpy().reshape(batch * steps, size)
    pointers = np.zeros(batch * steps + 1, np.int64)
    _count(rows, pointers)
    np.cumsum(pointers, out=pointers)
    features = np.empty(pointers[-1], np.int32)
    other = np.zeros(batch * steps, np.bool_)
    if rows.dtype == np.uint8 and size % 8 == 0:
        _fill_words(rows.view(np.uint64), rows, pointers, features, other)
    else:
        _fill(rows, pointers, features, other)
    return None if other.any() else Events(pointers, features, (batch, steps, size))


@njit(parallel=True, nogil=True, cache=True)
def gather(pointers, features, steps, delay, columns, out):  # type: ignore[no-untyped-def]
    """out[row] = Σ columns[f] over the events f of the row `delay` steps before; columns is Wᵀ (features, neurons)."""
    for r in prange(out.shape[0]):
        for n in range(out.shape[1]):
            out[r, n] = 0
        if r % steps >= delay:
            for e in range(pointers[r - delay], pointers[r - delay + 1]):
                f = features[e]
                for n in range(out.shape[1]):
                    out[r, n] += columns[f, n]


@njit(nogil=True, cache=True)
def _receivers(pointers, features, steps, delay, size):  # type: ignore[no-untyped-def]
    """Events by feature: those of f reach the rows receivers[starts[f]:starts[f+1]]."""
    starts = np.zeros(size + 1, np.int64)
    for r in range(len(pointers) - 1):
        if r % steps + delay < steps:
            for e in range(pointers[r], pointers[r + 1]):
                starts[features[e] + 1] += 1
    for f in range(size):
        starts[f + 1] += starts[f]
    place = starts[:-1].copy()
    receivers = np.empty(starts[size], np.int32)
    for r in range(len(pointers) - 1):
        if r % steps + delay < steps:
            for e in range(pointers[r], pointers[r + 1]):
                receivers[place[features[e]]] = r + delay
                place[features[e]] += 1
    return starts, receivers


@njit(parallel=True, nogil=True, cache=True)
def _correlate(starts, receivers, grad, out):  # type: ignore[no-untyped-def]
    """out[f] = Σ grad[row] over the rows that f reaches: a row of `out` stays in the cache while it grows."""
    for f in prange(out.shape[0]):
        for n in range(out.shape[1]):
            out[f, n] = 0
        for e in range(starts[f], starts[f + 1]):
            r = receivers[e]
            for n in range(out.shape[1]):
                out[f, n] += grad[r, n]


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx, spikes, weight, delay, events):  # type: ignore[no-untyped-def]
        batch, steps, _ = spikes.shape
        out = torch.empty(batch, steps, weight.shape[0])
        columns = weight.detach().t().contiguous().numpy()
        flat = out.view(batch * steps, -1).numpy()
        gather(events.pointers, events.features, steps, delay, columns, flat)
        ctx.save_for_backward(weight)
        ctx.events, ctx.delay = events, delay
        return out

    @staticmethod
    def backward(ctx, grad):  # type: ignore[no-untyped-def]
        (weight,) = ctx.saved_tensors
        events: Events = ctx.events
        batch, steps, size = events.shape
        grad = grad.contiguous()
        grad_spikes = grad_weight = None
        if ctx.needs_input_grad[0]:
            grad_spikes = torch.zeros(batch, steps, size)
            kept = max(steps - ctx.delay, 0)
            grad_spikes[:, :kept] = grad[:, ctx.delay :] @ weight
        if ctx.needs_input_grad[1]:
            neurons = weight.shape[0]
            transposed = torch.empty(size, neurons)
            by_feature = _receivers(events.pointers, events.features, steps, ctx.delay, size)
            _correlate(*by_feature, grad.view(batch * steps, neurons).numpy(), transposed.numpy())
            grad_weight = transposed.t()
        return grad_spikes, grad_weight, None, None


def product(
    spikes: Float[torch.Tensor, "batch steps features"] | UInt8[torch.Tensor, "batch steps features"],
    weight: Float[torch.Tensor, "neurons features"],
    delay: int = 0,
) -> Float[torch.Tensor, "batch steps neurons"]:
    """a[t] = W s[t − delay], zero before the first spikes arrive.

    Event-driven on the CPU, a dense product elsewhere and for graded input. Sums of weights on the 1/64 grid are exact
    in float32.
    """
    if spikes.device.type == "cpu" and (events := events_of(spikes)) is not None:
        return _Product.apply(spikes, weight, delay, events)
    full = spikes.to(weight.dtype) @ weight.t()
    return torch.nn.functional.pad(full, (0, 0, delay, 0))[:, : full.shape[1]]


def late(rows: Num[torch.Tensor, "batch steps size"]) -> Num[torch.Tensor, "batch steps size"]:
    """rows[t − 1], zero at t = 0."""
    return torch.nn.functional.pad(rows, (0, 0, 1, 0))[:, :-1]


def integer_sums(
    x: UInt8[torch.Tensor, "batch inputs steps"], weight: Int[np.ndarray, "rows inputs"]
) -> Float[torch.Tensor, "batch steps rows"]:
    """The integers W s_in[t], not delayed; those of graded input may need more than the 24 bits of a float32."""
    graded = x.numel() > 0 and int(x.max()) > 1
    matrix = torch.as_tensor(weight, dtype=torch.float64 if graded else torch.float32, device=x.device)
    return product(x.transpose(1, 2), matrix)
