"""A trained network's integers as records.

The layers train on the integer grid and know their own integers (`train/layers/*.integers()`); ranges such as the slow
memory's drive shift were measured on training data. Here they only change their form.
"""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from basalt.records.layer import Layer
from basalt.records.memory import MemoryPathway as Pathway
from basalt.records.network import Network
from basalt.records.neuron import Neuron
from basalt.records.pathways import PATHWAYS
from basalt.records.readout import Readout
from basalt.records.synapses import Conv, Spiking


def spiking(layer: Any) -> Spiking:
    """A spiking layer, with its memory pathway if it has one."""
    return Spiking(**parts(layer))


def conv(layer: Any) -> Conv:
    """A convolution of spiking neurons, or a sum pooling."""
    geometry = {name: getattr(layer, name) for name in ("input_shape", "stride", "padding", "groups")}
    return Conv(**parts(layer), **geometry)


def parts(layer: Any) -> dict[str, Any]:
    """What every layer of spiking neurons has."""
    return {
        "name": layer.name,
        "weight": layer.weight,
        "neuron": Neuron(int(layer.threshold), layer.current_decay, layer.voltage_decay, layer.reset),
        "recurrent_weight": layer.recurrent_weight,
        "bias": layer.bias,
        "delay": layer.delay,
        "memory": None if layer.memory is None else pathway(layer.memory),
    }


def pathway(memory: Any) -> Pathway:
    """The memory pathway of a layer: the record of its kind, by the names of its fields."""
    record = PATHWAYS[memory.kind]
    return record(**{item.name: getattr(memory, item.name) for item in fields(record)})


def readout(layer: Any) -> Readout:
    """A read-out."""
    return Readout(name=layer.name, weight=layer.weight, voltage_decay=layer.voltage_decay)


QUANTIZERS: dict[str, Callable[[Any], Layer]] = {"spiking": spiking, "conv": conv, "readout": readout}
"""Kind of a layer's integers → its record."""


def records(model: Any, name: str, step_seconds: float | None, origin: dict[str, str]) -> Network:
    """The records of a trained `basalt.train.networks.Network`."""
    layers = tuple(QUANTIZERS[layer.kind](layer) for layer in model.integers())
    return Network(layers, name, step_seconds, origin)
