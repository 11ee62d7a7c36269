"""The compiled layers of a network, called one after another in this process without Lava."""

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from basalt.deploy.backends import find
from basalt.deploy.job import Job, prepare
from basalt.deploy.network import Layout
from basalt.kernels.bits import planes_of
from basalt.records.network import Network
from basalt.records.readout import Readout
from basalt.records.synapses import Spiking


def bare_kernel(network: Network, spikes: np.ndarray, batch: int) -> float:
    """Seconds for all samples and steps: the input is packed and the weights are laid out before the clock starts."""
    samples, _, steps = spikes.shape
    block = find("compiled").block_of(steps)
    with tempfile.TemporaryDirectory() as folder:
        layout = Layout(samples, steps, min(batch, samples), Path(folder), block, planes_of(spikes))
        prepare(Job(network, spikes, "compiled", batch, record=()), layout)
        frames = np.array(np.load(layout.frames("input")))
    layers = []
    planes = layout.planes
    for layer in network.layers:
        layers.append(LAYERS[layer.kind](layer, layout, planes))
        planes = 1
    began = time.perf_counter()
    for turn in range(layout.rounds):
        for layer in layers:
            layer.clear()
        for index in range(layout.blocks):
            first = index * block
            arrived = frames[turn * layout.blocks + index]
            for layer in layers:
                arrived = layer.advance(arrived, first, min(block, steps - first))
    return time.perf_counter() - began


def whole_layer(layer: Spiking, layout: Layout, planes: int) -> Any:
    """The kernel of a spiking layer."""
    from basalt.kernels.layer import WholeLayer

    return WholeLayer(layout.batch, layout.block, layer, planes)


class BareReadout:
    """The kernel of a read-out."""

    def __init__(self, layer: Readout, layout: Layout, planes: int) -> None:
        from basalt.kernels.bits import words
        from basalt.kernels.dense import WITHOUT_MEMBRANE, Workers, narrow

        self.unit, (self.rows,) = narrow(layer.weight)
        self.workers = Workers(layout.batch)
        self.planes = planes
        self.before = np.zeros((layout.batch, planes * words(layer.inputs)), dtype=np.uint64)
        self.keep = WITHOUT_MEMBRANE if layer.voltage_decay is None else 4096 - layer.voltage_decay
        self.v, self.y = np.zeros((2, layout.batch, layer.neurons), dtype=np.int64)
        self.sums = np.zeros((layout.block, *self.y.shape), dtype=np.int32)
        self.arrived, self.saturated = np.zeros((2, layout.batch), dtype=np.int64)

    def clear(self) -> None:
        """Empty membranes and sums."""
        self.v[:] = 0
        self.y[:] = 0
        self.before[:] = 0

    def advance(self, bits: np.ndarray, first: int, length: int) -> np.ndarray:
        """The sums after each step."""
        from basalt.kernels.dense import WITHOUT_MEMBRANE, readout_block

        self.workers.run(
            lambda low, high: readout_block(
                low,
                high,
                length,
                bits,
                self.planes,
                self.before,
                self.unit,
                self.rows,
                self.keep,
                WITHOUT_MEMBRANE,
                self.v,
                self.v,
                self.y,
                self.sums,
                self.arrived,
                self.saturated,
            )
        )
        return self.sums


LAYERS: dict[str, Any] = {Spiking.kind: whole_layer, Readout.kind: BareReadout}
"""Record kind → its kernel."""
