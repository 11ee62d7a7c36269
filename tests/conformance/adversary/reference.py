"""The judge of the adversarial networks: the recurrences of `basalt/records` once more.

Written from their docstrings in plain 64-bit integers with floor division; it imports nothing of the processes, kernels
and tables that it judges. A convolution is multiplied out into a matrix.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from basalt.records.hgrn import Hgrn
from basalt.records.hopfield import Hopfield
from basalt.records.network import Network
from basalt.records.readout import Readout
from basalt.records.slow_memory import SlowMemory
from basalt.records.synapses import Conv, Encoder, Spiking

TOP = 2**23 - 1


def decay(x: np.ndarray, rate: Any) -> np.ndarray:
    """sign(x)·⌊|x|·(4096 − rate) / 4096⌋."""
    kept = np.abs(x) * (4096 - np.asarray(rate, dtype=np.int64)) // 4096
    return np.where(x < 0, -kept, kept)


def wrap24(x: np.ndarray) -> np.ndarray:
    """The remainder modulo 2²⁴ that is above −2²³ and at most 2²³."""
    rest = np.mod(x, 2**24)
    return np.where(rest > 2**23, rest - 2**24, rest)


def sat24(x: np.ndarray) -> np.ndarray:
    """At most TOP from zero."""
    return np.minimum(np.maximum(x, -TOP), TOP)


def rounded(x: np.ndarray, shift: int) -> np.ndarray:
    """x / 2^shift to the nearest integer, halves upwards."""
    return (x + (2**shift) // 2) // 2**shift


def dense_of(layer: Conv) -> np.ndarray:
    """The matrix that a convolution is."""
    outputs, channels, high, wide = layer.weight.shape
    inputs, rows, columns = layer.input_shape
    below, right = (
        (size + 2 * pad + more - gap * (kernel - 1) - 1) // step + 1
        for size, pad, more, gap, kernel, step in zip(
            (rows, columns), layer.padding, layer.extra, layer.dilation, (high, wide), layer.stride, strict=True
        )
    )
    matrix = np.zeros((outputs, below, right, inputs, rows, columns), dtype=np.int64)
    for o in range(outputs):
        first = o // (outputs // layer.groups) * channels
        for y in range(below):
            for x in range(right):
                for i in range(high):
                    for j in range(wide):
                        row = y * layer.stride[0] - layer.padding[0] + i * layer.dilation[0]
                        column = x * layer.stride[1] - layer.padding[1] + j * layer.dilation[1]
                        if 0 <= row < rows and 0 <= column < columns:
                            matrix[o, y, x, first : first + channels, row, column] += layer.weight[o, :, i, j]
    return matrix.reshape(outputs * below * right, -1)


def current_of(layer: Spiking) -> Callable[[np.ndarray, int], np.ndarray]:
    """What a step's input adds to u, by record kind; the input of step 0 is silence."""
    if isinstance(layer, Encoder):
        weight, offset, parts = layer.weight.item(), layer.offset, 2**layer.fraction
        values = np.int8 if layer.signed else np.uint8
        return lambda x, t: 64 * weight * x.astype(values).astype(np.int64) // parts + (64 * offset if t else 0)
    matrix = dense_of(layer) if isinstance(layer, Conv) else layer.weight
    return lambda x, t: 64 * (x.astype(np.int64) @ matrix.T)


def table(kind: str, shift: int = 0) -> np.ndarray:
    """The look-up tables, as the docstring of `basalt/records/tables.py` defines them."""
    i = np.arange(256)
    x = (i - 128) * 2.0**shift / 64
    made = {
        "sigmoid": lambda: 4096 / (1 + np.exp(-x)) + 0.5,
        "tanh": lambda: 4096 * np.tanh(x) + 0.5,
        "exp": lambda: 65535 * np.exp(-i / 16) + 0.5,
        "reciprocal": lambda: 2**23 / (256 + i + 0.5),
    }
    return np.floor(made[kind]()).astype(np.int64)


def looked_up(kind: str, shift: int, activation: np.ndarray) -> np.ndarray:
    """The entry nearest to an activation."""
    return table(kind, shift)[np.clip(rounded(activation, shift) + 128, 0, 255)]


def slow_memory(memory: SlowMemory, x: np.ndarray, m: np.ndarray, held: np.ndarray, t: int) -> tuple:
    """(memory[t], m[t])."""
    drive = np.maximum(x.astype(np.int64) @ memory.drive_weight + memory.drive_bias, 0) * 2**memory.drive_shift
    drive = np.minimum(drive, 32767)[:, None]
    if t % memory.update_interval == 0:
        held = rounded(m @ memory.memory_weight.T + drive * memory.drive_memory_weight, memory.memory_shift)
    return held, sat24(rounded(m @ memory.transition.T + drive * memory.drive_input, memory.coefficient_shift))


def squashed(h: np.ndarray) -> np.ndarray:
    """k: tanh of h in 8 bits."""
    tanh = table("tanh", 2)[np.clip(rounded(h, 16) + 128, 0, 255)]
    return np.clip(rounded(tanh, 5), -127, 127)


def hgrn(memory: Hgrn, x: np.ndarray, h: np.ndarray, held: np.ndarray, t: int) -> tuple:
    """(memory[t], h[t])."""
    x = x.astype(np.int64)
    forget = x @ memory.forget_weight.T + memory.forget_bias
    candidate = x @ memory.candidate_weight.T + memory.candidate_bias
    gate = x @ memory.gate_weight.T + memory.gate_bias
    gated = memory.variant == "gated"
    if gated:
        k = squashed(h)
        forget = forget + rounded(k @ memory.forget_recurrent.T, 7)
        gate = gate + rounded(k @ memory.update_recurrent.T, 7)
    shift = memory.index_shift
    kept = memory.low + rounded((4096 - memory.low) * looked_up("sigmoid", shift, forget), 12)
    opened = looked_up("sigmoid", shift, gate)
    entering = 256 * looked_up("tanh", shift, candidate) * (opened if gated else 4096 - kept)
    h = sat24(rounded(kept * h + entering, 12))
    out = squashed(h) * 2**13 if gated else rounded(opened * h, 12)
    return rounded(memory.gain * out, memory.output_shift), h


def hopfield(memory: Hopfield, x: np.ndarray, q: np.ndarray, held: np.ndarray, t: int) -> tuple:
    """(memory[t], q[t])."""
    q = sat24(decay(q, memory.trace_decay) + 4096 * x.astype(np.int64))
    if t % memory.update_interval:
        return held, q
    if memory.values is None:
        b = np.where(q > memory.query_level, 1, -1)
        for _ in range(memory.iterations):
            y = b @ memory.keys.T @ memory.keys
            b = np.where(y > 0, 1, np.where(y < 0, -1, b))
        return 64 * memory.gain * b, q
    xi = q
    for iteration in range(memory.iterations):
        if iteration:
            xi = rounded(p @ memory.keys, memory.recall_shift)
        z = rounded(xi @ memory.keys.T, memory.similarity_shift)
        e = table("exp")[np.minimum(z.max(axis=1, keepdims=True) - z, 255)]
        p = np.array([shares([int(value) for value in row]) for row in e], dtype=np.int64)
    return rounded(p @ memory.values, memory.output_shift), q


def shares(e: list[int]) -> list[int]:
    """A softmax of its exponentials by the reciprocal's table."""
    total = sum(e)
    log = total.bit_length() - 1
    inverse = int(table("reciprocal")[(total * 256 >> log) % 256])
    return [min((value * inverse + 2 ** (log + 2)) >> (log + 3), 4096) for value in e]


STEPS: dict[str, Callable[..., tuple]] = {"slow_memory": slow_memory, "hgrn": hgrn, "hopfield": hopfield}


def spiking(layer: Spiking, x: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """What a layer sends for x (samples, inputs, steps), and its states after the last step."""
    samples, _, steps = x.shape
    bring = current_of(layer)
    u = v = held = np.zeros((samples, layer.neurons), dtype=np.int64)
    m = np.zeros((samples, layer.memory.states if layer.memory else 0), dtype=np.int64)
    fired = np.zeros((samples, layer.neurons, steps), dtype=np.uint8)
    level, own = 64 * layer.neuron.threshold, layer.recurrent_weight
    amount = level if layer.neuron.reset_amount is None else 64 * layer.neuron.reset_amount
    silence = np.zeros_like(x[:, :, 0])
    until = np.full_like(u, -1)  # the last step of its rest, of each neuron
    for t in range(steps):
        before = x[:, :, t - 1] if t else silence
        inflow = bring(before, t)
        if own is not None and t:
            last = fired[:, :, t - 1].astype(np.int64)
            inflow = inflow + 64 * (last * own if own.ndim == 1 else last @ own.T)
        if layer.memory is not None:
            held, m = STEPS[layer.memory.kind](layer.memory, before, m, held, t)
        u = wrap24(decay(u, layer.neuron.current_decay) + inflow + held)
        bias = 0 if layer.bias is None or t < layer.start else 64 * layer.bias
        v = np.where(t <= until, v, sat24(decay(v, layer.neuron.voltage_decay) + u + bias))
        spikes = (v > level) & (t > until)
        until = np.where(spikes, t + layer.neuron.refractory, until)
        fired[:, :, t] = spikes
        if layer.neuron.reset == "hard":
            v = np.where(spikes, 0, v)
        elif layer.neuron.reset == "soft":
            v = np.where(spikes, v - amount, v)
    states = {"u": u, "v": v} | ({"m": m} if layer.memory is not None else {})
    if layer.delay is None:
        return fired, states
    late = np.zeros_like(fired)
    for n, d in enumerate(layer.delay):
        late[:, n, d:] = fired[:, n, : max(steps - d, 0)]
    return late, states


def readout(layer: Readout, x: np.ndarray) -> np.ndarray:
    """The sums after each step, of 32 bits, which clip; or the membranes."""
    samples, _, steps = x.shape
    u = v = y = np.zeros((samples, layer.neurons), dtype=np.int64)
    out = np.zeros((samples, layer.neurons, steps), dtype=np.int64)
    for t in range(1, steps):
        added = x[:, :, t - 1].astype(np.int64) @ layer.weight.T
        if layer.current_decay is not None:
            u = wrap24(decay(u, layer.current_decay) + 64 * added)
            v = sat24(decay(v, layer.voltage_decay) + u)
            out[:, :, t] = v
            continue
        if layer.voltage_decay is not None:
            v = sat24(decay(v, layer.voltage_decay) + 64 * added)
            added = v // 64
        y = np.clip(y + added, -(2**31) + 1, 2**31 - 1)
        out[:, :, t] = y
    return out


def judge(network: Network, x: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, dict[str, np.ndarray]]]:
    """What every layer sends, and what its spiking layers hold after the last step."""
    sent: dict[str, np.ndarray] = {}
    states: dict[str, dict[str, np.ndarray]] = {}
    for layer in network.layers:
        if isinstance(layer, Readout):
            sent[layer.name] = readout(layer, x)
        else:
            sent[layer.name], states[layer.name] = spiking(layer, x)
        x = sent[layer.name]
    return sent, states
