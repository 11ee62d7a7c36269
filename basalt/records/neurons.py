"""The spiking neurons that a layer may have."""

from basalt.records.adaptive import Adaptive
from basalt.records.neuron import Neuron

NEURONS: dict[str, type[Neuron]] = {neuron.file_type: neuron for neuron in (Neuron, Adaptive)}
"""Type in a .net file → its record."""
