"""What spiking neurons and memory pathways count, whoever computes them.

Beside dense products, `dense_mac_bits` counts their sizes: the widths of the two factors multiplied, as an array
multiplier grows with both. Weights, keys, gains and k have 8 bits, gates, shares p and what tables give 12, states 24.
So do `graded_product_bits` beside `graded_products`, of a weight with the value of an event that is no spike.
"""

import numpy as np
from jaxtyping import Int

WEIGHT, GATE, STATE = 8, 12, 24
"""Widths of factors in bits."""

Counts = dict[str, Int[np.ndarray, "*#batch"] | int]
"""Counter → a number for every sample, or one for all."""


def graded_counts(products: Int[np.ndarray, "*#batch"] | int, value_bits: int) -> Counts:
    """The counters of weights that meet a value of so many bits; none for spikes, whose weights are added as they are.

    Args:
        products: synapses that the input's events reach.
    """
    if value_bits == 1:
        return {}
    return {"graded_products": products, "graded_product_bits": products * WEIGHT * value_bits}


def spiking_counts(
    events: Int[np.ndarray, "*#batch"],
    synapses: Int[np.ndarray, "*#batch"],
    spikes: Int[np.ndarray, "*#batch"],
    saturations: Int[np.ndarray, "*#batch"] | int,
    updates: int,
) -> Counts:
    """The counters of spiking neurons: each synapse that an event reaches is a weight read, each update u and v."""
    return {
        "events_in": events,
        "weight_words_read": synapses,
        "synaptic_operations": synapses,
        "neuron_updates": updates,
        "state_reads": 2 * updates,
        "state_writes": 2 * updates,
        "spikes_out": spikes,
        "saturations": saturations,
    }


def readout_counts(
    events: Int[np.ndarray, "*#batch"],
    saturations: Int[np.ndarray, "*#batch"] | int,
    steps: int,
    classes: int,
    states: int,
) -> Counts:
    """The counters of a read-out with so many states a class: its sum, and its membrane where there is one."""
    return {
        "events_in": events,
        "weight_words_read": events * classes,
        "synaptic_operations": events * classes,
        "neuron_updates": steps * classes,
        "state_reads": steps * classes * states,
        "state_writes": steps * classes * states,
        "saturations": saturations,
    }


def slow_memory_counts(
    events: Int[np.ndarray, "*#batch"],
    saturations: Int[np.ndarray, "*#batch"] | int,
    steps: int,
    refreshes: Int[np.ndarray, "*#batch"] | int,
    neurons: int,
    states: int,
) -> Counts:
    """The counters of a slow memory: [Ā B̄] at every step, [P ν] at every refresh, a weight of the drive an event."""
    macs = (states + 1) * (steps * states + refreshes * neurons)
    return {
        "events_in": events,
        "weight_words_read": events + macs,
        "synaptic_operations": events,
        "dense_macs": macs,
        "dense_mac_bits": macs * WEIGHT * STATE,
        "state_reads": steps * states,
        "state_writes": steps * states,
        "saturations": saturations,
    }


def hgrn_counts(
    events: Int[np.ndarray, "*#batch"],
    saturations: Int[np.ndarray, "*#batch"] | int,
    steps: int,
    neurons: int,
    gated: bool,
) -> Counts:
    """The counters of a hierarchically gated recurrent memory, n units.

    Synaptic operations: an event reaches n weights of each of three matrices. Look-ups: three gates a unit, and k when
    gated. Products: (4096 − low)·σ, the two of h, the gate's with h (not when gated), the gain's; and two n × n
    matrices with k when gated. Words: those of the weights, low and gain. States: h, and k when gated.
    """
    reached = 3 * neurons * events
    recurrent = 2 * neurons * neurons if gated else 0
    gates = 2 * GATE * GATE + GATE * STATE  # (4096 − low)·σ and what enters, and λ·h
    out = WEIGHT * WEIGHT if gated else GATE * STATE + WEIGHT * STATE  # gain·k, or σ·h and gain·o
    return {
        "events_in": events,
        "weight_words_read": reached + steps * (recurrent + 2 * neurons),
        "synaptic_operations": reached,
        "dense_macs": steps * (recurrent + (4 if gated else 5) * neurons),
        "dense_mac_bits": steps * (recurrent * WEIGHT * WEIGHT + neurons * (gates + out)),
        "lookups": steps * (4 if gated else 3) * neurons,
        "state_reads": steps * (2 if gated else 1) * neurons,
        "state_writes": steps * (2 if gated else 1) * neurons,
        "saturations": saturations,
    }


def hopfield_counts(
    events: Int[np.ndarray, "*#batch"],
    saturations: Int[np.ndarray, "*#batch"] | int,
    steps: int,
    refreshes: Int[np.ndarray, "*#batch"] | int,
    inputs: int,
    neurons: int,
    patterns: int,
    iterations: int,
    modern: bool,
) -> Counts:
    """The counters of an associative memory, m inputs, K patterns, n neurons.

    At every step each of m traces is read, leaked (a product) and written, and an event adds to one (a synaptic
    operation without a weight). At a refresh, each iteration compares with K·m keys and recalls with as many, the last
    one of the modern variant with K·n values. Its softmax takes K exponentials, a reciprocal and K products. Products
    with the ±1 of the classical variant are counted as products all the same; its words hold eight of them.
    """
    compared = patterns * inputs * iterations
    recalled = patterns * (inputs * (iterations - 1) + neurons) if modern else compared
    words = compared + recalled if modern else 2 * iterations * -(-patterns * inputs // 8)
    softmax = iterations * patterns if modern else 0
    sizes = (WEIGHT * STATE, WEIGHT * GATE) if modern else (1, STATE)  # keys·query and p·pattern, or ±1 and ±1·sum
    bits = compared * sizes[0] + recalled * sizes[1] + softmax * GATE * GATE
    return {
        "events_in": events,
        "weight_words_read": refreshes * words,
        "synaptic_operations": events,
        "dense_macs": steps * inputs + refreshes * (compared + recalled + softmax),
        "dense_mac_bits": steps * inputs * GATE * STATE + refreshes * bits,
        "lookups": refreshes * iterations * (patterns + 1) if modern else 0,
        "state_reads": steps * inputs,
        "state_writes": steps * inputs,
        "saturations": saturations,
    }
