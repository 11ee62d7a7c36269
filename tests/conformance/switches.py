"""Networks with every setting of the neuron's three switches: leakage, reset, recurrence; 36 combinations."""

from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from basalt.records.network import Network
from basalt.records.neuron import RESETS, Neuron, axis
from basalt.records.readout import Readout
from basalt.records.synapses import Spiking
from tests.conformance.records import any_pathway, even
from tests.conformance.strategies import Case, membrane

LEAKAGES = ("none", "learnable", "fixed", "complete")
RECURRENCES = ("none", "full", "diagonal")


@dataclass(frozen=True)
class Switches:
    """What a layer's neurons do, in the words of a recipe; "learnable" is a decay of its own for each neuron."""

    leakage: str
    reset: str
    recurrence: str

    def __str__(self) -> str:
        return f"{self.leakage}/{self.reset}/{self.recurrence}"


COMBINATIONS = tuple(Switches(*values) for values in product(LEAKAGES, RESETS, RECURRENCES))
STOCK = tuple(found for found in COMBINATIONS if found.reset == "hard" and found.recurrence != "diagonal")
"""Those that stock netx has as well."""


@dataclass(frozen=True)
class Run:
    """How a network is run, as in `grid.Cell`."""

    rounds: str
    block: int
    graded: bool


RUNS = tuple(Run(*values) for values in product(("together", "one by one", "uneven"), (1, 5, 16, 200), (False, True)))


def voltage_decay(rng: np.random.Generator, leakage: str, neurons: int) -> np.ndarray:
    """The decays that a word stands for."""
    return {
        "none": axis(0),
        "complete": axis(4096),
        "fixed": axis(int(rng.integers(1, 4096))),
        "learnable": rng.integers(0, 4097, neurons),
    }[leakage]


def recurrent_weight(rng: np.random.Generator, recurrence: str, neurons: int) -> np.ndarray | None:
    """The weights that a word stands for."""
    shapes: dict[str, tuple[int, ...] | None] = {"none": None, "full": (neurons, neurons), "diagonal": (neurons,)}
    shape = shapes[recurrence]
    return None if shape is None else even(rng, shape, int(rng.choice([120, 254])))


def switched(rng: np.random.Generator, name: str, inputs: int, switches: Switches) -> Spiking:
    """A layer, all else drawn."""
    neurons = int(rng.integers(1, 20)) if rng.random() < 0.8 else int(rng.integers(60, 70))
    decay = voltage_decay(rng, switches.leakage, neurons)
    current = rng.integers(0, 4097, neurons) if rng.random() < 0.5 else axis(4096)
    return Spiking(
        name=name,
        weight=even(rng, (neurons, inputs), int(rng.choice([20, 120, 254]))),
        neuron=Neuron(int(rng.integers(1, 400)), current, decay, switches.reset),
        recurrent_weight=recurrent_weight(rng, switches.recurrence, neurons),
        bias=rng.integers(-200, 200, neurons) if rng.random() < 0.3 else None,
        delay=rng.integers(0, 8, neurons) if rng.random() < 0.3 else None,
        memory=any_pathway(rng, inputs, neurons) if rng.random() < 0.2 else None,
    )


def plain(layer: Spiking) -> Spiking:
    """The layer with no more than stock netx runs."""
    return replace(layer, bias=None, delay=None, memory=None)


def make_switch_case(index: int, stock: bool = False) -> tuple[Case, Run]:
    """The network of an index, whose first layer has the combination of that index, and how it is run."""
    rng = np.random.default_rng((20261124, int(stock), index))
    every = STOCK if stock else COMBINATIONS
    run = RUNS[0] if stock else RUNS[(index + index // len(every)) % len(RUNS)]
    inputs = features = int(rng.integers(1, 30 if stock else 100))
    layers: list[Spiking | Readout] = []
    for position in range(int(rng.integers(1, 4))):
        chosen = every[index % len(every)] if not position else every[int(rng.integers(len(every)))]
        layer = switched(rng, f"hidden{position + 1}", inputs, chosen)
        layers.append(plain(layer) if stock else layer)
        inputs = layers[-1].neurons
    if not stock and rng.random() < 0.5:
        layers.append(Readout("readout", even(rng, (int(rng.integers(1, 11)), inputs), 254), *membrane(index)))
    samples, steps = (1, int(rng.integers(4, 12))) if stock else (int(rng.choice([2, 3, 19])), int(rng.integers(4, 30)))
    spikes = (rng.random((samples, features, steps)) < rng.choice([0.1, 0.4])).astype(np.uint8)
    if run.graded:
        spikes *= rng.integers(1, 256, spikes.shape, dtype=np.uint8)
    batch = {"together": samples, "one by one": 1, "uneven": samples // 2 + 1}[run.rounds]
    return Case(Network(tuple(layers), f"switches{index}"), spikes, batch), run
