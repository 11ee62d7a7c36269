"""Random networks and inputs for property-based tests."""

from dataclasses import dataclass, replace

import numpy as np
from hypothesis import strategies as st

from basalt.records.adaptive import Adaptive
from basalt.records.network import Network
from basalt.records.neuron import RESETS, Neuron, axis
from basalt.records.readout import Readout
from basalt.records.slow_memory import SlowMemory
from basalt.records.synapses import Spiking
from tests.conformance.records import even, pathway


@dataclass(frozen=True, eq=False)
class Case:
    """A network and what it is run on."""

    network: Network
    spikes: np.ndarray
    batch: int

    def __repr__(self) -> str:
        layers = [f"{layer.name} {layer.inputs}→{layer.neurons}" for layer in self.network.layers]
        return f"Case({', '.join(layers)}, spikes {self.spikes.shape}, batch {self.batch})"


def varied(rng: np.random.Generator, neuron: Neuron, neurons: int) -> Neuron:
    """The same neurons, with what few have: a threshold each, a reset amount, one for all or one per neuron, rest."""
    thresholds = neuron.threshold * rng.integers(1, 300, neurons) // 150
    changed = replace(neuron, threshold=thresholds)
    if neuron.reset == "soft" and rng.random() < 0.8:
        amounts = neuron.threshold * rng.integers(0, 300, neurons) // 150
        changed = replace(changed, reset_amount=amounts if rng.random() < 0.5 else int(amounts[0]))
    if not isinstance(neuron, Adaptive) and rng.random() < 0.5:
        changed = replace(changed, refractory=int(rng.integers(1, 5)))
    return changed


def adaptive(rng: np.random.Generator, neuron: Neuron, neurons: int) -> Adaptive:
    """The same neurons with a threshold that adapts; decays one for all or one per neuron."""

    def rate() -> np.ndarray:
        return axis(rng.integers(0, 4097, neurons) if rng.random() < 0.5 else int(rng.integers(0, 4097)))

    step = int(rng.integers(0, 300))
    shared = {name: getattr(neuron, name) for name in ("threshold", "current_decay", "voltage_decay")}
    return Adaptive(**shared, threshold_step=step, threshold_decay=rate(), refractory_decay=rate())


def spiking(rng: np.random.Generator, name: str, inputs: int, stock: bool) -> Spiking:
    """A layer with every option drawn; only those that stock netx has, if asked."""
    neurons = int(rng.integers(1, 20))

    def decays() -> np.ndarray:
        return axis(rng.integers(0, 4097, neurons) if rng.random() < 0.5 else int(rng.integers(0, 4097)))

    recurrent, delayed = rng.random() < 0.4, rng.random() < 0.4
    return Spiking(
        name=name,
        weight=even(rng, (neurons, inputs), int(rng.choice([20, 120, 254]))),
        neuron=Neuron(
            threshold=int(rng.integers(1, 400)),
            current_decay=decays(),
            voltage_decay=decays(),
            reset="hard" if stock else str(rng.choice(RESETS)),
        ),
        recurrent_weight=even(rng, (neurons, neurons), 120) if recurrent else None,
        bias=rng.integers(-200, 200, neurons) if rng.random() < 0.3 and not stock else None,
        delay=rng.integers(0, 8, neurons) if delayed and not (stock and recurrent) else None,
        memory=pathway(rng, SlowMemory, inputs, neurons) if rng.random() < 0.5 and not stock else None,
    )


def diagonal(layer: Spiking) -> Spiking:
    """The layer, whose neurons hear themselves alone if they hear each other."""
    full = layer.recurrent_weight
    return layer if full is None else replace(layer, recurrent_weight=np.ascontiguousarray(np.diagonal(full)))


def membrane(seed: int) -> tuple[int | None, int | None]:
    """The decays of a read-out's membranes, none in every second one, and of their currents, in half of the others."""
    rng = np.random.default_rng((20261122, seed))
    decay = int(rng.integers(0, 4097)) if rng.random() < 0.5 else None
    current = int(rng.choice([0, rng.integers(1, 4096), 4096], p=[0.1, 0.7, 0.2]))
    return decay, current if decay is not None and rng.random() < 0.5 else None


def make_case(seed: int, stock: bool = False) -> Case:
    """A network of one to three layers and random spikes, all from one seed."""
    rng = np.random.default_rng(seed)
    inputs = int(rng.integers(1, 30))
    features = inputs
    layers: list[Spiking | Readout] = []
    for index in range(int(rng.integers(1, 4))):
        layers.append(spiking(rng, f"hidden{index + 1}", inputs, stock))
        if seed % 2 and not stock:
            layers[-1] = diagonal(layers[-1])
        inputs = layers[-1].neurons
    if rng.random() < 0.5 and not stock:
        layers.append(Readout("readout", even(rng, (int(rng.integers(1, 11)), inputs), 254), *membrane(seed)))
    samples, steps = int(rng.integers(1, 7)), int(rng.integers(1, 25))
    spikes = (rng.random((samples, features, steps)) < rng.choice([0.02, 0.2, 0.8])).astype(np.uint8)
    return Case(Network(tuple(layers), f"case{seed}"), spikes, int(rng.integers(1, samples + 1)))


def cases(stock: bool = False) -> st.SearchStrategy[Case]:
    """Networks with inputs."""
    return st.builds(make_case, st.integers(0, 2**32 - 1), st.just(stock))
