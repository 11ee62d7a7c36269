"""Networks to map: only their sizes matter."""

import numpy as np

from basalt.deploy.mapping.partition import INPUT
from basalt.near_memory.core import Core
from basalt.records.network import Network
from basalt.records.neuron import Neuron, axis
from basalt.records.readout import Readout
from basalt.records.slow_memory import SlowMemory
from basalt.records.synapses import Spiking

NEURON = Neuron(threshold=100, current_decay=axis(4096), voltage_decay=axis(400))
SMALL = Core(name="small", neurons=12, inputs=60, states=4, sram_kib={"input_weights": 0.5, "transition": 0.01})


def memory(inputs: int, neurons: int, states: int) -> SlowMemory:
    """A slow memory of these sizes."""
    one = np.ones(states, dtype=np.int64)
    weights = np.zeros((neurons, states), dtype=np.int64)
    return SlowMemory(
        np.zeros(inputs, dtype=np.int64), 0, 0, np.eye(states, dtype=np.int64), one, 7, weights, weights[:, 0], 0
    )


def layer(name: str, inputs: int, neurons: int, recurrent: bool = False, states: int = 0) -> Spiking:
    """A spiking layer of these sizes."""
    own = np.zeros((neurons, neurons), dtype=np.int64) if recurrent else None
    slow = memory(inputs, neurons, states) if states else None
    return Spiking(name, np.zeros((neurons, inputs), dtype=np.int64), NEURON, recurrent_weight=own, memory=slow)


def network(inputs: int, *layers: tuple[int, bool, int], classes: int = 0) -> Network:
    """Layers of (neurons, whether recurrent, states), and perhaps a read-out."""
    found: list = []
    for number, (neurons, recurrent, states) in enumerate(layers):
        found.append(layer(f"l{number}", inputs, neurons, recurrent, states))
        inputs = neurons
    if classes:
        found.append(Readout("readout", np.zeros((classes, inputs), dtype=np.int64)))
    return Network(tuple(found), name="drawn")


def drawn_rates(net: Network, seed: int) -> dict[str, np.ndarray]:
    """Another rate for each neuron."""
    rng = np.random.default_rng(seed)
    sizes = {INPUT: net.inputs, **{layer.name: layer.neurons for layer in net.layers}}
    return {name: rng.uniform(0, 0.3, size) for name, size in sizes.items()}
