"""A whole network by its references: the slow, obvious judge of every backend."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from jaxtyping import Int, UInt8

from basalt.errors import BasaltError
from basalt.records.arithmetic import dense_sum
from basalt.records.network import Foreign, Network
from basalt.records.readout import Readout
from basalt.records.synapses import Conv, Encoder, Spiking


@dataclass(frozen=True)
class States:
    """What a spiking layer held after each step: current u and membrane v, and the state m of its memory pathway."""

    u: Int[np.ndarray, "samples neurons steps"]
    v: Int[np.ndarray, "samples neurons steps"]
    m: Int[np.ndarray, "samples states steps"]


def simulate_spiking(
    layer: Spiking, spikes: UInt8[np.ndarray, "samples inputs steps"], states: dict[str, States] | None = None
) -> UInt8[np.ndarray, "samples neurons steps"]:
    """The spikes of one layer for every sample and step; fills `states` with u, v and m when it is given."""
    samples, _, steps = spikes.shape
    silent = np.zeros_like(spikes[:, :, 0])
    current = np.zeros((samples, layer.neurons), dtype=np.int64)
    state = np.zeros((len(layer.neuron.states), *current.shape), dtype=np.int64)
    out = np.zeros((samples, layer.neurons, steps), dtype=np.uint8)
    memory = layer.memory
    m = np.zeros((samples, memory.states if memory else 0), dtype=np.int64)
    kept = States(*(np.zeros((*held.shape, steps), dtype=np.int32) for held in (*state[:2], m)))
    for t in range(steps):
        arrived = spikes[:, :, t - 1] if t else silent
        activation, affine = layer.inflow(arrived, t)
        if t:
            activation = activation + layer.feedback(out[:, :, t - 1])
        if memory is not None:
            after = memory.step(arrived, current, m, t)
            current, m = after.current, after.m
        done = layer.neuron.step(activation, current + affine, state, layer.bias_at(t))
        state, out[:, :, t] = done.state, done.spikes
        if states is not None:
            kept.u[:, :, t], kept.v[:, :, t], kept.m[:, :, t] = *state[:2], m
    if states is not None:
        states[layer.name] = kept
    return out if layer.delay is None else delayed(out, layer.delay)


def delayed(
    spikes: UInt8[np.ndarray, "samples neurons steps"], delay: Int[np.ndarray, "neurons"]
) -> UInt8[np.ndarray, "samples neurons steps"]:
    """Each neuron's spikes, `delay` steps later."""
    out = np.zeros_like(spikes)
    steps = spikes.shape[-1]
    for neuron, late in enumerate(np.broadcast_to(delay, spikes.shape[1])):
        out[:, neuron, late:] = spikes[:, neuron, : max(steps - late, 0)]
    return out


def simulate_readout(
    layer: Readout, spikes: UInt8[np.ndarray, "samples inputs steps"], states: dict[str, States] | None = None
) -> Int[np.ndarray, "samples classes steps"]:
    """The sums after each step, or the membranes."""
    samples, _, steps = spikes.shape
    u = v = y = np.zeros((samples, layer.neurons), dtype=np.int64)
    out = np.zeros((samples, layer.neurons, steps), dtype=np.int32)
    for t in range(1, steps):
        u, v, y, _ = layer.step(dense_sum(spikes[:, :, t - 1], layer.matrices["weight"]), u, v, y)
        out[:, :, t] = y
    return out


def simulate_foreign(
    layer: Foreign, spikes: UInt8[np.ndarray, "samples inputs steps"], states: dict[str, States] | None = None
) -> NoReturn:
    """There is no reference: stock lava-dl is what such a layer is."""
    raise BasaltError(
        f"{layer.file}, layer {layer.index}: {layer.name!r} has {layer.neuron} neurons, which only stock lava-dl "
        f"computes; there is nothing to compare it with."
    )


SIMULATORS: dict[str, Callable[..., np.ndarray]] = {
    Spiking.kind: simulate_spiking,
    Conv.kind: simulate_spiking,
    Encoder.kind: simulate_spiking,
    Foreign.kind: simulate_foreign,
    Readout.kind: simulate_readout,
}
"""Record kind → its whole-sample reference."""


def simulate(
    network: Network,
    spikes: UInt8[np.ndarray, "samples features steps"],
    states: dict[str, States] | None = None,
) -> dict[str, Any]:
    """What every layer sends, by layer name: spikes (samples, neurons, steps), read-out sums likewise.

    Its integers have 64 bits, which the networks that the design rules let through do not leave.
    """
    out: dict[str, Any] = {}
    for layer in network.layers:
        spikes = out[layer.name] = SIMULATORS[layer.kind](layer, spikes, states)
    return out
