"""The networks and inputs that simulation is timed on."""

from itertools import pairwise

import numpy as np

from basalt.records.network import Network
from basalt.records.neuron import Neuron, axis
from basalt.records.readout import Readout
from basalt.records.slow_memory import SlowMemory
from basalt.records.synapses import Spiking


def spiking(
    rng: np.random.Generator, name: str, inputs: int, neurons: int, threshold: int, delay: int | None = None
) -> Spiking:
    """Loihi neurons with random weights; the output stays sparse."""
    return Spiking(
        name=name,
        weight=2 * rng.integers(-63, 64, (neurons, inputs)),
        neuron=Neuron(threshold, axis(1024), axis(128)),
        delay=None if delay is None else rng.integers(0, delay + 1, neurons),
    )


def chain(sizes: tuple[int, ...], delay: int | None = None, seed: int = 0) -> Network:
    """Dense spiking layers of these sizes, input first, with axonal delays up to `delay`.

    A layer's threshold grows with the root of its input, as the spread of its activation does.
    """
    rng = np.random.default_rng(seed)
    layers = tuple(
        spiking(rng, f"hidden{index + 1}", inputs, neurons, int(90 * np.sqrt(inputs)), delay)
        for index, (inputs, neurons) in enumerate(pairwise(sizes))
    )
    return Network(layers, "–".join(map(str, sizes)))


def s_mnist(hidden: int = 200, states: int = 16, seed: int = 0) -> Network:
    """S-MNIST's shape: one pixel per step, two spiking layers with a slow memory each, a read-out."""
    rng = np.random.default_rng(seed)
    layers: list[Spiking | Readout] = []
    inputs = 1
    for name, threshold in (("hidden1", 20000), ("hidden2", 1500)):
        base = spiking(rng, name, inputs, hidden, threshold)
        layers.append(Spiking(name, base.weight, base.neuron, memory=slow_memory(rng, inputs, hidden, states)))
        inputs = hidden
    layers.append(Readout("readout", 2 * rng.integers(-63, 64, (10, inputs))))
    return Network(tuple(layers), f"1–{hidden}–{hidden}–10 with slow memory")


def slow_memory(rng: np.random.Generator, inputs: int, neurons: int, states: int) -> SlowMemory:
    """A stable memory of `states` states."""
    matrix = rng.normal(size=(states, states))
    matrix *= 0.95 / np.abs(np.linalg.eigvals(matrix)).max()
    return SlowMemory(
        drive_weight=2 * rng.integers(-20, 40, inputs),
        drive_bias=0,
        drive_shift=2,
        transition=np.clip(np.round(matrix * 128), -128, 127).astype(np.int64),
        drive_input=rng.integers(-60, 60, states),
        coefficient_shift=7,
        memory_weight=rng.integers(-60, 60, (neurons, states)),
        drive_memory_weight=rng.integers(-60, 60, neurons),
        memory_shift=6,
    )


def spikes(features: int, samples: int, steps: int, rate: float, graded: bool = False, seed: int = 1) -> np.ndarray:
    """Independent events, 0 or 1, or graded up to 255; (samples, features, steps)."""
    rng = np.random.default_rng(seed)
    events = (rng.random((samples, features, steps), dtype=np.float32) < rate).astype(np.uint8)
    return events * rng.integers(1, 256, events.shape, dtype=np.uint8) if graded else events
