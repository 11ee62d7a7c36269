"""Adversarial networks: every number at an edge, or far beyond where intuition puts it.

`adversary(index)` is the same network for ever. Every third has no more than stock netx can run, or nearly so; every
tenth breaks a limit, by a name that `Adversary.breaks` holds, and has to be refused.
"""

from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from basalt.records.hgrn import GATINGS, Hgrn
from basalt.records.hopfield import RECALLS, Hopfield
from basalt.records.layer import Layer
from basalt.records.memory import MemoryPathway as Pathway
from basalt.records.network import Network
from basalt.records.neuron import RESETS, Neuron, axis
from basalt.records.readout import Readout
from basalt.records.slow_memory import SlowMemory
from basalt.records.synapses import Conv, Encoder, Spiking

TOP = 2**23 - 1


@dataclass(frozen=True, eq=False)
class Adversary:
    """A network, what it is run on, and the design rule that it breaks, if it does.

    Attributes:
        spikes: (samples, features, steps), graded up to 255.
        batch, block: samples side by side, time steps that processes exchange at once.
        breaks: name of the broken rule, None for a network that has to be computed.
    """

    index: int
    network: Network
    spikes: np.ndarray
    batch: int
    block: int
    breaks: str | None = None


def edge(rng: np.random.Generator, low: int, high: int, size: Any = None) -> np.ndarray:
    """Numbers within low … high, half of them at an end or beside it."""
    anywhere = rng.integers(low, high + 1, size)
    ends = rng.choice([low, high, min(low + 1, high), max(high - 1, low)], size)
    return np.where(rng.random(size) < 0.5, ends, anywhere).astype(np.int64)


def weights(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Even weights of one character: mixed, of one sign, at one end, none, odd ones, or as trained ones are."""
    full = 2 * edge(rng, -128, 127, shape)
    kind = int(rng.integers(9))
    if kind == 5:
        return full + (full < 254) * rng.integers(0, 2, shape)
    few = full * (rng.random(shape) < 0.1)
    return [full, np.abs(full) // 2 * 2 % 256, -np.abs(full), np.full(shape, 254), np.full(shape, -256), full,
            np.zeros(shape, np.int64), few, 2 * rng.integers(-10, 11, shape)][kind]  # fmt: skip


def decays(rng: np.random.Generator, neurons: int) -> np.ndarray:
    """None, complete, one beside them, any; for all neurons or for each."""
    if rng.random() < 0.6:
        return axis(int(rng.choice([0, 0, 1, 2048, 4095, 4096])))
    return edge(rng, 0, 4096, neurons)


def neuron(rng: np.random.Generator, neurons: int, stock: bool) -> Neuron:
    """Thresholds from 0 to the last of 17 bits, one for all or one per neuron; all resets, reset amounts, rest."""
    own = rng.spawn(1)[0]  # what came later leaves what was drawn before as it was
    threshold = int(rng.choice([0, 1, int(rng.integers(2, 2000)), int(rng.integers(2000, 131072)), 131071]))
    reset = "hard" if stock else str(rng.choice(RESETS))
    found = Neuron(threshold, decays(rng, neurons), decays(rng, neurons), reset)
    if not stock and own.random() < 0.3:
        found = replace(found, threshold=edge(own, 0, 131071, neurons))
    if not stock and own.random() < 0.3:
        found = replace(found, refractory=int(own.choice([1, 2, 63])))
    if reset == "soft" and own.random() < 0.5:
        amounts = edge(own, 0, 131071, neurons)
        found = replace(found, reset_amount=amounts if own.random() < 0.5 else int(amounts[0]))
    return found


def optional(rng: np.random.Generator, neurons: int, stock: bool) -> dict[str, Any]:
    """Biases of 13 bits that start at any step; delays up to 62."""
    chosen: dict[str, Any] = {}
    if rng.random() < 0.5:
        chosen["bias"] = edge(rng, -4096, 4095, neurons)
        chosen["start"] = 0 if stock else int(rng.choice([0, 1, 2, 7, 1000]))
    if rng.random() < 0.4 and not (stock and "bias" in chosen):
        delay = edge(rng, 0, 62, neurons)
        chosen["delay"] = [delay, delay * 0, delay * 0 + 62][int(rng.integers(3))]
    return chosen


def slow_memory(rng: np.random.Generator, inputs: int, neurons: int) -> SlowMemory:
    """Coefficients of up to 16 bits whose state still contracts, and shifts from none to all of the bits."""
    states = int(rng.integers(1, 12))
    wide = bool(rng.integers(2))
    shift = 15 if wide else 7
    reach = 2**shift - 1
    transition = rng.integers(-reach, reach + 1, (states, states))
    radius = np.abs(np.linalg.eigvals(transition / 2.0**shift)).max()
    transition = np.trunc(transition * (0.98 / max(radius, 0.98))).astype(np.int64)
    if np.abs(np.linalg.eigvals(transition / 2.0**shift)).max() >= 1:
        transition = np.diag(rng.integers(-reach, reach + 1, states))
    return SlowMemory(
        drive_weight=weights(rng, (inputs,)),
        drive_bias=int(rng.choice([0, 4095, -4096, 32768, TOP, -TOP, int(rng.integers(-300, 300))])),
        drive_shift=int(rng.choice([0, 2, 12, 30])),
        transition=transition,
        drive_input=edge(rng, -reach - 1, reach, states),
        coefficient_shift=shift,
        memory_weight=edge(rng, -128, 127, (neurons, states)),
        drive_memory_weight=edge(rng, -128, 127, neurons),
        memory_shift=int(rng.choice([0, 0, 1, 7, 14, 30])),
        update_interval=int(rng.choice([1, 2, 5, 1000])),
    )


def hgrn(rng: np.random.Generator, inputs: int, neurons: int) -> Hgrn:
    """Both variants, with the largest current that a gain may give."""
    variant = str(rng.choice(GATINGS))
    heard = [weights(rng, (neurons, neurons)) if variant == "gated" else None for _ in range(2)]
    gain = edge(rng, -128, 127, neurons)
    least = max(int(np.abs(gain).max()).bit_length() + 20 - 23, 0) + 1
    return Hgrn(
        variant,
        *(weights(rng, (neurons, inputs)) for _ in range(3)),
        *(edge(rng, -4096, 4095, neurons) for _ in range(3)),
        low=edge(rng, 0, 4096, neurons),
        gain=gain,
        output_shift=int(rng.choice([least, 12, 30])),
        index_shift=int(rng.integers(0, 8)),
        forget_recurrent=heard[0],
        update_recurrent=heard[1],
    )


def hopfield(rng: np.random.Generator, inputs: int, neurons: int) -> Hopfield:
    """Both variants where they can be, with traces that never leak and saturate."""
    variant = str(rng.choice(RECALLS)) if inputs == neurons else "modern"
    patterns = int(rng.integers(1, 20))
    modern = variant == "modern"
    keys = edge(rng, -128, 127, (patterns, inputs))
    return Hopfield(
        variant,
        keys if modern else np.where(keys < 0, -1, 1),
        edge(rng, -128, 127, (patterns, neurons)) if modern else None,
        trace_decay=int(rng.choice([0, 1, 100, 4095, 4096])),
        similarity_shift=int(rng.choice([0, 12, 20, 24, 40])),
        recall_shift=int(rng.choice([0, 3, 30])),
        output_shift=int(rng.choice([0, 3, 30])),
        iterations=int(rng.integers(1, 6)),
        update_interval=int(rng.choice([1, 3, 1000])),
        query_level=int(rng.choice([-TOP, 0, 4096, TOP])),
        gain=int(rng.choice([-131071, 0, 131071])),
    )


def pathway(rng: np.random.Generator, inputs: int, neurons: int) -> Pathway:
    """Any memory."""
    return [slow_memory, slow_memory, hgrn, hopfield][int(rng.integers(4))](rng, inputs, neurons)


def dense(rng: np.random.Generator, name: str, inputs: int, stock: bool) -> Spiking:
    """A dense layer with any recurrence and memory."""
    neurons = inputs if inputs < 20 and rng.random() < 0.2 else int(rng.choice([1, 2, 9, 17, 64, 65]))
    chosen = optional(rng, neurons, stock)
    own = None
    recurrence = str(rng.choice(["none", "none", "full", "diagonal"]))
    if recurrence != "none" and not (stock and ("delay" in chosen or recurrence == "diagonal")):
        own = weights(rng, (neurons, neurons) if recurrence == "full" else (neurons,))
    memory = pathway(rng, inputs, neurons) if not stock and rng.random() < 0.4 else None
    weight = weights(rng, (neurons, inputs))
    return Spiking(name, weight, neuron(rng, neurons, stock), recurrent_weight=own, memory=memory, **chosen)


def conv(rng: np.random.Generator, name: str, size: tuple[int, int, int], stock: bool) -> Conv:
    """A convolution with strides, padding beyond the kernel, dilation, groups and extra rows."""
    groups = int(rng.choice([n for n in range(1, size[0] + 1) if size[0] % n == 0]))
    kernel = [int(rng.integers(1, min(5, side) + 1)) for side in size[1:]]
    dilation = [1 if edge_ * 2 - 1 > side else int(rng.integers(1, 3)) for edge_, side in zip(kernel, size[1:])]
    plain = Conv(
        name=name,
        weight=weights(rng, (groups * int(rng.integers(1, 4)), size[0] // groups, *kernel)),
        neuron=Neuron(1, axis(0), axis(0)),
        input_shape=size,
        stride=(int(rng.integers(1, 5)), int(rng.integers(1, 5))),
        padding=(int(rng.integers(0, 4)), int(rng.integers(0, 4))),
        dilation=(dilation[0], dilation[1]),
        groups=groups,
        extra=(0, 0) if stock else (int(rng.integers(0, 4)), int(rng.integers(0, 4))),
    )
    chosen = optional(rng, plain.neurons, stock)
    if stock:
        chosen.pop("delay", None)
        shared = edge(rng, -4096, 4095, plain.shape[0])
        chosen |= {"bias": np.repeat(shared, prod(plain.shape[1:]))} if "bias" in chosen else {}
    return replace(plain, neuron=neuron(rng, plain.neurons, stock), **chosen)


def encoder(rng: np.random.Generator, size: tuple[int, ...], stock: bool) -> Encoder:
    """An affine input at the ends of its grid."""
    weight, offset = (2 * int(edge(rng, -128, 127)) for _ in range(2))
    fraction, signed = (0 if stock else int(rng.integers(0, 7))), bool(rng.integers(2))
    cells = neuron(rng, prod(size), stock)
    return Encoder(
        name="encoder",
        weight=np.array([[weight]]),
        neuron=cells,
        features=size,
        offset=offset,
        fraction=fraction,
        signed=signed,
    )


def inputs(rng: np.random.Generator, features: int, steps: int, graded: bool) -> np.ndarray:
    """Silence, few events or one everywhere; values at 255 or anywhere."""
    events = rng.random((int(rng.integers(1, 4)), features, steps)) < rng.choice([0.0, 0.05, 0.5, 1.0, 1.0])
    if not graded:
        return events.astype(np.uint8)
    return (events * (255 if rng.random() < 0.5 else rng.integers(1, 256, events.shape))).astype(np.uint8)


def adversary(index: int) -> Adversary:
    """The network of an index."""
    rng = np.random.default_rng((20261128, index))
    stock = index % 3 == 2
    layers: list[Layer] = []
    shape: tuple[int, ...] = (int(rng.choice([1, 7, 63, 64, 65, 2312 if rng.random() < 0.5 else 4096])),)
    if index % 4 == 1:
        shape = (int(rng.integers(1, 5)), int(rng.integers(1, 8)), int(rng.integers(1, 8)))
    features = prod(shape)
    encodes = features < 300 and rng.random() < 0.3
    if encodes:
        layers.append(encoder(rng, shape, stock))
    if len(shape) == 3:
        for position in range(int(rng.integers(1, 3))):
            layers.append(made := conv(rng, f"conv{position + 1}", (shape[0], shape[1], shape[2]), stock))
            shape = made.shape
    for position in range(int(rng.integers(0 if layers else 1, 3))):
        layers.append(layer := dense(rng, f"dense{position + 1}", prod(shape), stock))
        shape = layer.shape
    if not stock and rng.random() < 0.4:
        ends = [int(rng.choice([0, 1, 4095, 4096])) for _ in range(2)][: int(rng.integers(3))]
        layers.append(Readout("readout", weights(rng, (int(rng.integers(1, 11)), prod(shape))), *ends))
    late = any(getattr(layer, "delay", None) is not None for layer in layers)
    steps = int(rng.integers(1, 12 if stock and features > 300 else 90 if late and not stock else 30))
    spikes = inputs(rng, features, steps, graded=bool(rng.random() < 0.5) and (encodes or not stock))
    found = Adversary(
        index,
        Network(tuple(layers), f"adversary{index}"),
        spikes,
        int(rng.integers(1, len(spikes) + 1)),
        int(rng.choice([1, 3, 16, 200])),
    )
    return broken(rng, found) if index % 10 == 9 else found


def broken(rng: np.random.Generator, found: Adversary) -> Adversary:
    """The network with one number past its limit."""
    first, *rest = found.network.layers
    cells = getattr(first, "neuron", None)
    ways: dict[str, Any] = {
        "weight_range": lambda: replace(first, weight=np.full_like(first.weight, 256)),  # type: ignore[attr-defined]
        "threshold_range": lambda: replace(first, neuron=replace(cells, threshold=2**17)),
        "decay_range": lambda: replace(first, neuron=replace(cells, current_decay=axis(4097))),
        "bias_range": lambda: replace(first, bias=np.full(first.neurons, -4097)),
        "delay_range": lambda: replace(first, delay=np.full(first.neurons, 63)),
        "start_range": lambda: replace(first, start=2**20 + 1),
        "integers": lambda: replace(first, weight=first.weight + 0.5),  # type: ignore[attr-defined]
    }
    if type(first) is Spiking:
        slow = slow_memory(rng, first.inputs, first.neurons)
        ways["memory_width"] = lambda: replace(first, memory=replace(slow, drive_bias=2**40))
        ways["memory_contracts"] = lambda: replace(
            first, memory=replace(slow, transition=np.eye(slow.states, dtype=np.int64) << slow.coefficient_shift)
        )
    rule = sorted(ways)[found.index // 10 % len(ways)]
    network = replace(found.network, layers=(ways[rule](), *rest))
    return replace(found, network=network, breaks=rule)
