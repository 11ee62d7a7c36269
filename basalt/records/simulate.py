"""A whole network by its references: the slow, obvious judge of every backend."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from jaxtyping import Int, Integer, UInt8

from basalt.errors import BasaltError
from basalt.records.arithmetic import dense_sum
from basalt.records.delta import DeltaInput
from basalt.records.network import Foreign, Network
from basalt.records.readout import Readout
from basalt.records.sigma_delta import SigmaDelta, SigmaOutput
from basalt.records.synapses import Conv, Encoder, Spiking


@dataclass(frozen=True)
class States:
    """What a layer held after each step: u and v of its neurons (`Layer.state_names`), and m of its memory pathway."""

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
    sent: Integer[np.ndarray, "samples neurons steps"], delay: Int[np.ndarray, "neurons"]
) -> Integer[np.ndarray, "samples neurons steps"]:
    """What each neuron sent, `delay` steps later."""
    out = np.zeros_like(sent)
    steps = sent.shape[-1]
    for neuron, late in enumerate(np.broadcast_to(delay, sent.shape[1])):
        out[:, neuron, late:] = sent[:, neuron, : max(steps - late, 0)]
    return out


def simulate_readout(
    layer: Readout, spikes: Integer[np.ndarray, "samples inputs steps"], states: dict[str, States] | None = None
) -> Int[np.ndarray, "samples classes steps"]:
    """The sums after each step, or the membranes; of spikes or messages."""
    samples, _, steps = spikes.shape
    u = v = y = np.zeros((samples, layer.neurons), dtype=np.int64)
    out = np.zeros((samples, layer.neurons, steps), dtype=np.int32)
    for t in range(1, steps):
        u, v, y, _ = layer.step(dense_sum(spikes[:, :, t - 1], layer.matrices["weight"]), u, v, y)
        out[:, :, t] = y
    return out


def simulate_messages(
    layer: SigmaDelta | DeltaInput,
    values: Integer[np.ndarray, "samples inputs steps"],
    states: dict[str, States] | None = None,
) -> Int[np.ndarray, "samples neurons steps"]:
    """The messages of one layer for every sample and step; fills `states` with its two when it is given."""
    samples, _, steps = values.shape
    state = np.zeros((2, samples, layer.neurons), dtype=np.int64)
    out = np.zeros((samples, layer.neurons, steps), dtype=np.int32)
    sums, last = np.zeros((2, *out.shape), dtype=np.int32)
    kept = States(sums, last, np.zeros((samples, 0, steps), dtype=np.int32))
    for t in range(steps):
        arrived = values[:, :, t - 1] if t else np.zeros_like(values[:, :, 0])
        done = layer.step(layer.inflow(arrived, t), state, t)
        state, out[:, :, t] = done.state, done.messages
        if states is not None:
            kept.u[:, :, t], kept.v[:, :, t] = state
    if states is not None:
        states[layer.name] = kept
    return out if layer.delay is None else delayed(out, layer.delay)


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
    SigmaDelta.kind: simulate_messages,
    DeltaInput.kind: simulate_messages,
    Readout.kind: simulate_readout,
    SigmaOutput.kind: simulate_readout,
}
"""Record kind → its whole-sample reference."""


def simulate(
    network: Network,
    spikes: Integer[np.ndarray, "samples features steps"],
    states: dict[str, States] | None = None,
) -> dict[str, Any]:
    """What every layer sends, by layer name: spikes or messages (samples, neurons, steps), read-out sums likewise.

    Its integers have 64 bits, which the networks that the design rules let through do not leave.
    """
    out: dict[str, Any] = {}
    for layer in network.layers:
        spikes = out[layer.name] = SIMULATORS[layer.kind](layer, spikes, states)
    return out
