"""A whole network by its references: the slow, obvious judge of every backend."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, NamedTuple, NoReturn

import numpy as np
from jaxtyping import Int, Integer, UInt8

from basalt.errors import BasaltError
from basalt.kernels.pathway import PathwayStep
from basalt.lava_procs.conv.reference import conv_sum
from basalt.lava_procs.hgrn.reference import hgrn_step
from basalt.lava_procs.hopfield.reference import hopfield_step
from basalt.lava_procs.readout.reference import current_step, membrane_step, sum_step
from basalt.lava_procs.slow_memory.reference import memory_step
from basalt.lava_procs.spiking.reference import spiking_step
from basalt.records.arithmetic import ALIGN, dense_sum, recurrent_sum
from basalt.records.network import Conv, Encoder, Foreign, Network, Readout, Spiking
from basalt.records.pathways import Hgrn, Hopfield, Pathway, SlowMemory

Arrived = Integer[np.ndarray, "samples inputs"]
Current = Int[np.ndarray, "samples neurons"]
Held = Int[np.ndarray, "samples states"]


@dataclass(frozen=True)
class States:
    """What a spiking layer held after each step: current u and membrane v, and the state m of its memory pathway."""

    u: Int[np.ndarray, "samples neurons steps"]
    v: Int[np.ndarray, "samples neurons steps"]
    m: Int[np.ndarray, "samples states steps"]


class Inflow(NamedTuple):
    """What a step brings to the neurons: activation in weights, and a current in units of u."""

    activation: Int[np.ndarray, "samples neurons"]
    current: Int[np.ndarray, "samples neurons"] | int = 0


def dense_inflow(layer: Spiking, arrived: Arrived, t: int) -> Inflow:
    """weight · s_in[t−1]."""
    return Inflow(dense_sum(arrived, layer.weight))


def conv_inflow(layer: Conv, arrived: Arrived, t: int) -> Inflow:
    """weight ∗ s_in[t−1]."""
    geometry = {name: getattr(layer, name) for name in ("stride", "padding", "dilation", "groups", "extra")}
    return Inflow(conv_sum(arrived, layer.weight, input_shape=layer.input_shape, **geometry))


def encoder_inflow(layer: Encoder, arrived: Arrived, t: int) -> Inflow:
    """weight·x[t−1] + offset from step 1 on, where x has `fraction` ≤ 6 fraction bits: exact in units of u."""
    values = (arrived.astype(np.int8) if layer.signed else arrived).astype(np.int64)
    current = (values * layer.weight.item() << ALIGN) >> layer.fraction
    return Inflow(np.zeros_like(current), current + ((layer.offset << ALIGN) if t else 0))


INFLOWS: dict[str, Callable[..., Inflow]] = {
    Spiking.kind: dense_inflow,
    Conv.kind: conv_inflow,
    Encoder.kind: encoder_inflow,
}
"""Record kind → what its synapses bring."""


def simulate_spiking(
    layer: Spiking, spikes: UInt8[np.ndarray, "samples inputs steps"], states: dict[str, States] | None = None
) -> UInt8[np.ndarray, "samples neurons steps"]:
    """The spikes of one layer for every sample and step; fills `states` with u, v and m when it is given."""
    samples, _, steps = spikes.shape
    silent = np.zeros_like(spikes[:, :, 0])
    u = v = current = np.zeros((samples, layer.neurons), dtype=np.int64)
    out = np.zeros((samples, layer.neurons, steps), dtype=np.uint8)
    memory = layer.memory
    m = np.zeros((samples, memory.states if memory else 0), dtype=np.int64)
    kept = States(*(np.zeros((*held.shape, steps), dtype=np.int32) for held in (u, v, m)))
    for t in range(steps):
        arrived = spikes[:, :, t - 1] if t else silent
        activation, affine = INFLOWS[layer.kind](layer, arrived, t)
        if layer.recurrent_weight is not None and t:
            activation = activation + recurrent_sum(out[:, :, t - 1], layer.recurrent_weight)
        if memory is not None:
            after = PATHWAY_STEPS[memory.kind](memory, arrived, current, m, t)
            current, m = after.current, after.m
        neuron = layer.neuron
        done = spiking_step(
            activation,
            current + affine,
            u,
            v,
            bias=0 if layer.bias is None or t < layer.start else layer.bias,
            threshold=neuron.threshold,
            current_decay=neuron.current_decay,
            voltage_decay=neuron.voltage_decay,
            reset=neuron.reset,
        )
        u, v, out[:, :, t] = done.u, done.v, done.spikes
        if states is not None:
            kept.u[:, :, t], kept.v[:, :, t], kept.m[:, :, t] = u, v, m
    if states is not None:
        states[layer.name] = kept
    return out if layer.delay is None else delayed(out, layer.delay)


def slow_memory(memory: SlowMemory, arrived: Arrived, current: Current, m: Held, t: int) -> PathwayStep:
    """A step of a slow memory."""
    activation = dense_sum(arrived, memory.drive_weight[None, :])[:, 0]
    constants = constants_of(memory, "drive_weight", "update_interval")
    return memory_step(activation, current, m, refresh=t % memory.update_interval == 0, **constants)


def hgrn(memory: Hgrn, arrived: Arrived, current: Current, m: Held, t: int) -> PathwayStep:
    """A step of a hierarchically gated recurrent memory."""
    return hgrn_step(arrived, m, **constants_of(memory))


def hopfield(memory: Hopfield, arrived: Arrived, current: Current, m: Held, t: int) -> PathwayStep:
    """A step of an associative memory."""
    constants = constants_of(memory, "variant", "update_interval")
    return hopfield_step(arrived, current, m, refresh=t % memory.update_interval == 0, **constants)


def constants_of(memory: Pathway, *without: str) -> dict[str, Any]:
    """The fields of a record that its reference takes as they are."""
    return {item.name: getattr(memory, item.name) for item in fields(memory) if item.name not in without}


PATHWAY_STEPS: dict[str, Callable[[Any, Arrived, Current, Held, int], PathwayStep]] = {
    SlowMemory.kind: slow_memory,
    Hgrn.kind: hgrn,
    Hopfield.kind: hopfield,
}
"""Kind of a memory pathway → its step: record, spikes of the step before, current, state, and time."""


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
        activation = dense_sum(spikes[:, :, t - 1], layer.weight)
        if layer.voltage_decay is None:
            v, y, _ = sum_step(activation, v, y)
        elif layer.current_decay is not None:
            decays = {"current_decay": layer.current_decay, "voltage_decay": layer.voltage_decay}
            u, y, _ = current_step(activation, u, y, **decays)
        else:
            v, y, _ = membrane_step(activation, v, y, voltage_decay=layer.voltage_decay)
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
