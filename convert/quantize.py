"""A trained network's integers as records.

The layers train on the integer grid and know their own integers (`train/layers/*.integers()`); ranges such as the slow
memory's drive shift were measured on training data. Here they only change their form.
"""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from convert.records import Layer, Network, Neuron, Readout, SlowMemory, Spiking


def spiking(layer: Any) -> Spiking:
    """A spiking layer, with its slow memory if it has one."""
    return Spiking(
        name=layer.name,
        weight=layer.weight,
        neuron=Neuron(int(layer.threshold), layer.current_decay, layer.voltage_decay, layer.reset),
        recurrent_weight=layer.recurrent_weight,
        bias=layer.bias,
        delay=layer.delay,
        memory=None if layer.memory is None else slow_memory(layer.memory),
    )


def slow_memory(memory: Any) -> SlowMemory:
    """The slow memory of a layer."""
    return SlowMemory(**{item.name: getattr(memory, item.name) for item in fields(SlowMemory)})


def readout(layer: Any) -> Readout:
    """A read-out."""
    return Readout(name=layer.name, weight=layer.weight, voltage_decay=layer.voltage_decay)


QUANTIZERS: dict[str, Callable[[Any], Layer]] = {"spiking": spiking, "readout": readout}
"""Kind of a layer's integers → its record."""


def records(model: Any, name: str, step_seconds: float | None, origin: dict[str, str]) -> Network:
    """The records of a trained `train.networks.Network`."""
    layers = tuple(QUANTIZERS[layer.kind](layer) for layer in model.integers())
    return Network(layers, name, step_seconds, origin)
