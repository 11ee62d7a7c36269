"""Networks with memory pathways: every kind and variant, held and refreshed, under every way to run them."""

from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from basalt.records.memory import MemoryPathway
from basalt.records.network import Network
from basalt.records.readout import Readout
from basalt.records.slow_memory import SlowMemory
from basalt.records.synapses import Spiking
from tests.conformance.records import KINDS, SQUARE, any_pathway, even, held, pathway
from tests.conformance.strategies import Case, membrane, spiking


@dataclass(frozen=True)
class Options:
    """What a network has in one of its layers at least, and how it is run; the last three as in `grid.Cell`.

    Attributes:
        kind: of the memory pathway, with its variant.
        interval: steps between its refreshes, where it has such.
    """

    kind: tuple[type[MemoryPathway], str | None]
    interval: int
    graded: bool
    rounds: str
    block: int


OPTIONS = tuple(
    Options(*values)
    for values in product(
        (kind for kind in KINDS if kind[0] is not SlowMemory),  # `grid.Cell` has those
        (1, 3),
        (False, True),
        ("together", "one by one", "uneven"),
        (1, 5, 16, 200),
    )
)
SCATTER = 53
"""Coprime to the number of options, so that its multiples visit each."""


def chosen_pathway(rng: np.random.Generator, options: Options, inputs: int, neurons: int) -> MemoryPathway:
    """The pathway that the options ask for."""
    record, variant = options.kind
    return pathway(rng, record, inputs, neurons, variant, **held(record, options.interval))


def make_pathway_case(index: int) -> tuple[Case, Options]:
    """The network of an index, and its options."""
    options = OPTIONS[index * SCATTER % len(OPTIONS)]
    rng = np.random.default_rng((20261123, index))
    inputs = features = int(rng.choice([int(rng.integers(1, 40)), int(rng.integers(60, 140))]))
    layers: list[Spiking | Readout] = []
    depth = int(rng.integers(1, 4))
    chosen = int(rng.integers(depth))
    for position in range(depth):
        layer = replace(spiking(rng, f"hidden{position + 1}", inputs, stock=False), memory=None)
        if position == chosen and options.kind[1] in SQUARE:
            neurons = inputs
            layer = widened(rng, layer, neurons)
        if position == chosen:
            layer = replace(layer, memory=chosen_pathway(rng, options, inputs, layer.neurons))
        elif rng.random() < 0.5:
            layer = replace(layer, memory=any_pathway(rng, inputs, layer.neurons))
        layers.append(layer)
        inputs = layer.neurons
    if rng.random() < 0.5:
        layers.append(Readout("readout", even(rng, (int(rng.integers(1, 11)), inputs), 254), *membrane(index)))
    samples, steps = int(rng.choice([2, 3, 5, 19])), int(rng.integers(1, 30))
    spikes = (rng.random((samples, features, steps)) < rng.choice([0.02, 0.1, 0.4])).astype(np.uint8)
    if options.graded:
        spikes *= rng.integers(1, 256, spikes.shape, dtype=np.uint8)
    batch = {"together": samples, "one by one": 1, "uneven": samples // 2 + 1}[options.rounds]
    return Case(Network(tuple(layers), f"pathways{index}"), spikes, batch), options


def widened(rng: np.random.Generator, layer: Spiking, neurons: int) -> Spiking:
    """The layer with as many neurons as asked for, its arrays drawn again."""
    decays = {name: getattr(layer.neuron, name)[:1] for name in ("current_decay", "voltage_decay")}
    return replace(
        layer,
        weight=even(rng, (neurons, layer.inputs), 120),
        neuron=replace(layer.neuron, **decays),
        recurrent_weight=None if layer.recurrent_weight is None else even(rng, (neurons, neurons), 120),
        bias=None if layer.bias is None else rng.integers(-200, 200, neurons),
        delay=None if layer.delay is None else rng.integers(0, 8, neurons),
    )
