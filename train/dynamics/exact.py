"""A layer's exact integers, as they are deployed: what evaluation and `Network.trace` compute."""

import numpy as np
import torch
from jaxtyping import Int, UInt8
from numba import njit, prange

from basalt.train.dynamics.delay import shifted
from basalt.train.dynamics.events import Events, events_of, gather
from basalt.train.dynamics.scalars import RESETS, after_reset, decayed, neuron_vector, sat24, wrap24
from basalt.train.layers.integers import SpikingIntegers


def active(x: UInt8[torch.Tensor, "batch inputs steps"]) -> Events | UInt8[np.ndarray, "batch steps inputs"]:
    """The events of a binary input; a graded one as it is."""
    rows = x.transpose(1, 2)
    events = events_of(rows)
    return rows.numpy() if events is None else events


def activation(
    events: Events | UInt8[np.ndarray, "batch steps inputs"], weight: Int[np.ndarray, "neurons inputs"]
) -> Int[np.ndarray, "batch steps neurons"]:
    """a[t] = W s[t−1] in int32."""
    batch, steps, _ = events.shape
    if not isinstance(events, Events):
        late = np.zeros((batch, steps, len(weight)), np.int32)
        late[:, 1:] = events[:, :-1].astype(np.float64) @ weight.T.astype(np.float64)
        return late
    out = np.empty((batch * steps, weight.shape[0]), np.int32)
    gather(events.pointers, events.features, steps, 1, np.ascontiguousarray(weight.T, dtype=np.int32), out)
    return out.reshape(batch, steps, -1)


@njit(parallel=True, nogil=True, cache=True)
def _spike(activation, memory, columns, own, bias, keep_u, keep_v, threshold, reset, spikes, saturated):  # type: ignore[no-untyped-def]
    batch, steps, neurons = activation.shape
    for b in prange(batch):
        u = np.zeros(neurons, np.int64)
        v = np.zeros(neurons, np.int64)
        fed = np.zeros(neurons, np.int64)
        for t in range(steps):
            fed[:] = 0
            if t > 0:
                for sender in range(columns.shape[0]):
                    if spikes[b, t - 1, sender] != 0:
                        for n in range(neurons):
                            fed[n] += columns[sender, n]
                for n in range(own.shape[0]):
                    fed[n] = own[n] * spikes[b, t - 1, n]
            for n in range(neurons):
                drive = (np.int64(activation[b, t, n]) + fed[n]) << 6
                if memory.shape[0] > 0:
                    drive += memory[b, t, n]
                full = decayed(u[n], keep_u[n]) + drive
                u[n] = wrap24(full)
                sum_ = decayed(v[n], keep_v[n]) + u[n] + (bias[n] << 6)
                free = sat24(sum_)
                saturated[b] += (u[n] != full) + (free != sum_)
                spike = free > threshold
                spikes[b, t, n] = spike
                v[n] = after_reset(free, spike, threshold, reset)


def spiking(
    layer: SpikingIntegers,
    activation: Int[np.ndarray, "batch steps neurons"],
    memory: Int[np.ndarray, "batch steps neurons"] | None = None,
) -> tuple[UInt8[np.ndarray, "batch steps neurons"], int]:
    """What a layer sends, from its activation and the current of its slow memory; and how often u or v overflowed."""
    batch, steps, neurons = activation.shape
    spikes = np.zeros((batch, steps, neurons), np.uint8)
    saturated = np.zeros(batch, np.int64)
    columns, own = np.zeros((0, neurons), np.int64), np.zeros(0, np.int64)
    if layer.diagonal:
        own = np.ascontiguousarray(layer.recurrent_weight, dtype=np.int64)
    elif layer.recurrent_weight is not None:
        columns = np.ascontiguousarray(layer.recurrent_weight.T, dtype=np.int64)
    _spike(
        activation,
        np.zeros((0, 0, 0), np.int64) if memory is None else memory,
        columns,
        own,
        neuron_vector(0 if layer.bias is None else layer.bias, neurons),
        4096 - neuron_vector(layer.current_decay, neurons),
        4096 - neuron_vector(layer.voltage_decay, neurons),
        layer.threshold << 6,
        RESETS[layer.reset],
        spikes,
        saturated,
    )
    sent = spikes if layer.delay is None else shifted(spikes, layer.delay)
    return sent, int(saturated.sum())


SUM_MAX = (1 << 31) - 1
"""Read-outs sum in 32 bits, and clip."""

WITHOUT_MEMBRANE = -1
"""In place of what a membrane keeps in a step, where weighted spikes are summed."""


@njit(parallel=True, nogil=True, cache=True)
def _readout_sums(activation, keep, sums):  # type: ignore[no-untyped-def]
    batch, steps, classes = activation.shape
    for b in prange(batch):
        for n in range(classes):
            v = np.int64(0)
            for t in range(steps):
                added = np.int64(activation[b, t, n])
                if keep >= 0:
                    v = sat24(decayed(v, keep) + (added << 6))
                    added = v >> 6
                sums[b, n] = min(max(sums[b, n] + added, -SUM_MAX), SUM_MAX)


def readout_sums(
    activation: Int[np.ndarray, "batch steps classes"], voltage_decay: int | None
) -> Int[np.ndarray, "batch classes"]:
    """Σ over t of activation[t], or with a `voltage_decay` of v[t] >> 6; in 32 bits, which clip.

    v[t] = sat24(decay(v[t−1], voltage_decay) + (activation[t] << 6)) are the membranes.
    """
    batch, _, classes = activation.shape
    sums = np.zeros((batch, classes), np.int64)
    _readout_sums(activation, WITHOUT_MEMBRANE if voltage_decay is None else 4096 - voltage_decay, sums)
    return sums
