"""A layer of spiking neurons with dense synapses, or its spiking part when it has a memory pathway too."""

from typing import Any

from basalt.lava_procs.framework import InPort
from basalt.lava_procs.process import NeuronProcess
from basalt.records.synapses import Spiking as SpikingRecord


class Spiking(NeuronProcess):
    """Dense synapses, perhaps recurrent ones too.

    Ports: those of `NeuronProcess`; `memory_in` (block, batch, neurons) a current in units of u, where the record has
    a memory pathway.
    """

    def __init__(self, *, layer: SpikingRecord, **shared: Any) -> None:
        super().__init__(layer=layer, **shared)
        self.memory_in = InPort(shape=(*self.frame, layer.neurons))
