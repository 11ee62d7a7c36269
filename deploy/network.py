"""Records to Lava processes: the one place that knows which process stands for which record."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from basalt.errors import BasaltError
from basalt.kernels.bits import words
from basalt.near_memory.core import Core
from basalt.records.delta import Delta, DeltaInput
from basalt.records.layer import Layer
from basalt.records.network import Foreign, Network
from basalt.records.readout import Readout
from basalt.records.sigma_delta import SigmaDelta, SigmaOutput
from basalt.records.synapses import Conv, Encoder, Spiking

if TYPE_CHECKING:
    from lava.magma.core.process.process import AbstractProcess
    from lava.magma.core.run_configs import RunConfig

    from basalt.deploy.session import Host


@dataclass(frozen=True)
class Layout:
    """How samples are laid out in time and side by side.

    Attributes:
        samples: how many there are.
        steps: time steps of each.
        batch: how many run side by side; the last round is filled up with silence.
        folder: where frames and counters are kept while the run lasts.
        block: time steps that processes exchange at once.
        planes: bit planes of the input; 1 for spikes, more for graded values.
        core: the near-memory core that layers run on, if they do.
        states: the states after the last step of every sample are kept.
        tables: it is kept how many neurons fire in each step, where they send later; not of samples without an end.
    """

    samples: int
    steps: int
    batch: int
    folder: Path
    block: int = 1
    planes: int = 1
    core: Core | None = None
    states: bool = False
    tables: bool = True

    @property
    def rounds(self) -> int:
        """Batches that run one after another."""
        return -(-self.samples // self.batch)

    @property
    def blocks(self) -> int:
        """Blocks of a sample, which is Lava steps of a sample."""
        return -(-self.steps // self.block)

    def counts(self, meter: str) -> Path:
        """The file that a part's counters are kept in."""
        return self.folder / f"{meter}.counts.npy"

    def shared(self, meter: str | None = None) -> dict[str, Any]:
        """The arguments that every process takes."""
        path = None if meter is None else str(self.counts(meter))
        sizes = {"batch": self.batch, "steps": self.steps, "block": self.block, "rounds": self.rounds}
        return {**sizes, "meter": path, "core": self.core}

    def neurons(self, layer: Spiking | Delta, meter: str | None = None) -> dict[str, Any]:
        """The same for a layer of neurons, whose states may be kept; of delayed ones, when they fire."""
        kept = {"held": self.held(layer.name) if self.states else None}
        changes = self.tables and layer.kind == Spiking.kind
        kept |= {"changed": str(self.changed(layer.name)) if changes else None}
        return {**self.shared(meter), **kept, "fired": str(self.fired(layer.name)) if self.times(layer) else None}

    def times(self, layer: Spiking | Delta) -> bool:
        """Whether it is kept how many neurons of a layer fire in each step."""
        return self.tables and layer.delay is not None

    def fired(self, layer: str) -> Path:
        """Where it is kept how many neurons of a layer fire in each step: (samples, steps)."""
        return self.folder / f"{layer}.fired.npy"

    def changed(self, layer: str) -> Path:
        """Where it is kept how often a membrane of a dense layer changes from one step to the next: (samples)."""
        return self.folder / f"{layer}.changed.npy"

    def held(self, layer: str) -> str:
        """Where the states of a layer are kept, as `basalt.lava_procs.metering.states_file` takes it."""
        return str(self.folder / f"{layer}.states")

    def frames(self, name: str) -> Path:
        """The file for the frames of a source or sink."""
        return self.folder / f"{name}.frames.npy"


@dataclass(frozen=True)
class Part:
    """A metered part of a layer.

    Attributes:
        layer: name of the layer.
        part: name of the part in it.
        kind: kind of the process.
        bits: memory that the part needs, by use ("weights", "state").
    """

    layer: str
    part: str
    kind: str
    bits: dict[str, int]

    @property
    def meter(self) -> str:
        """Name of the part's counters."""
        return f"{self.layer}.{self.part}"


def build_spiking(layer: Spiking, layout: Layout, planes: int) -> "AbstractProcess":
    """A spiking layer; with a memory pathway it is a `PathwayLayer` with two parts."""
    from basalt.lava_procs.pathway_layer.process import PathwayLayer
    from basalt.lava_procs.spiking.process import Spiking as SpikingProcess

    if layer.memory is None:
        shared = layout.neurons(layer, f"{layer.name}.spiking")
        return SpikingProcess(name=layer.name, layer=layer, planes=planes, **shared)
    shared = layout.neurons(layer)
    del shared["meter"]
    meters = {part.part: str(layout.counts(part.meter)) for part in parts(layer)}
    return PathwayLayer(name=layer.name, layer=layer, planes=planes, meters=meters, **shared)


def build_conv(layer: Conv | Encoder, layout: Layout, planes: int) -> "AbstractProcess":
    """A convolution, or an affine input."""
    from basalt.lava_procs.conv.process import Conv as ConvProcess

    shared = layout.neurons(layer, f"{layer.name}.spiking")
    return ConvProcess(name=layer.name, layer=layer, planes=planes, **shared)


def build_foreign(layer: Foreign, layout: Layout, planes: int) -> "AbstractProcess":
    """Nothing: stock processes know neither batches nor blocks, so that they run in a graph of their own."""
    raise BasaltError(
        f"{layer.file}, layer {layer.index}: {layer.name!r} has {layer.neuron} neurons, which only stock lava-dl "
        f"computes; run the network on the backend 'netx'."
    )


def build_readout(layer: Readout, layout: Layout, planes: int) -> "AbstractProcess":
    """A read-out."""
    from basalt.lava_procs.readout.process import Readout as ReadoutProcess

    return ReadoutProcess(name=layer.name, layer=layer, planes=planes, **layout.shared(f"{layer.name}.readout"))


def build_messages(layer: Delta, layout: Layout, planes: int) -> "AbstractProcess":
    """A layer that takes messages or values, and sends messages."""
    from basalt.lava_procs.messages.process import Messages

    return Messages(name=layer.name, layer=layer, planes=planes, **layout.neurons(layer, f"{layer.name}.messages"))


def build_sums(layer: SigmaOutput, layout: Layout, planes: int) -> "AbstractProcess":
    """A layer that sums messages."""
    from basalt.lava_procs.messages.process import Messages

    return Messages(name=layer.name, layer=layer, planes=planes, **layout.shared(f"{layer.name}.readout"))


def state_bits(layer: Spiking) -> int:
    """All states of all neurons."""
    return layer.neuron.state_bits * layer.neurons


def spiking_parts(layer: Spiking) -> list[Part]:
    """Weights of 8 bits; u and v of 24 bits per neuron; and the memory pathway."""
    weights = layer.weight.size + (0 if layer.recurrent_weight is None else layer.recurrent_weight.size)
    found = [Part(layer.name, "spiking", "spiking", {"weights": 8 * weights, "state": state_bits(layer)})]
    if layer.memory is not None:
        kind = layer.memory.kind
        found.append(Part(layer.name, kind, kind, layer.memory.bits))
    return found


def conv_parts(layer: Conv | Encoder) -> list[Part]:
    """Weights of 8 bits, each kept once; u and v of 24 bits per neuron."""
    return [Part(layer.name, "spiking", layer.kind, {"weights": 8 * layer.weight.size, "state": state_bits(layer)})]


def message_parts(layer: SigmaDelta) -> list[Part]:
    """Weights of 8 bits, each kept once; what is summed up and what was sent of 32 bits per neuron."""
    bits = {"weights": 8 * layer.weight.size, "state": 64 * layer.neurons}
    return [Part(layer.name, "messages", layer.kind, bits)]


def delta_parts(layer: DeltaInput) -> list[Part]:
    """A weight; what was sent, of 32 bits per neuron."""
    return [Part(layer.name, "messages", layer.kind, {"weights": 8, "state": 32 * layer.neurons})]


def foreign_parts(layer: Foreign) -> list[Part]:
    """None that is counted."""
    return []


def readout_parts(layer: Readout) -> list[Part]:
    """Weights of 8 bits, sums of 32, membranes and currents of 24."""
    state = (48 if layer.membranes else 32 if layer.voltage_decay is None else 56) * layer.neurons
    return [Part(layer.name, "readout", "readout", {"weights": 8 * layer.weight.size, "state": state})]


BUILDERS: dict[str, Callable[[Any, Layout, int], "AbstractProcess"]] = {
    Spiking.kind: build_spiking,
    Conv.kind: build_conv,
    Encoder.kind: build_conv,
    SigmaDelta.kind: build_messages,
    DeltaInput.kind: build_messages,
    Readout.kind: build_readout,
    SigmaOutput.kind: build_sums,
    Foreign.kind: build_foreign,
}
"""Record kind → its process."""

PARTS: dict[str, Callable[[Any], list[Part]]] = {
    Spiking.kind: spiking_parts,
    Conv.kind: conv_parts,
    Encoder.kind: conv_parts,
    SigmaDelta.kind: message_parts,
    DeltaInput.kind: delta_parts,
    Readout.kind: readout_parts,
    SigmaOutput.kind: readout_parts,
    Foreign.kind: foreign_parts,
}
"""Record kind → its metered parts."""


def parts(layer: Layer) -> list[Part]:
    """The metered parts of a layer, in order."""
    return PARTS[layer.kind](layer)


def all_parts(network: Network) -> list[Part]:
    """The input's own part and those of every layer."""
    source = Part("input", "source", "io", {"weights": 0, "state": 0})
    return [source, *(part for layer in network.layers for part in parts(layer))]


@dataclass(frozen=True)
class Graph:
    """A process graph.

    Attributes:
        source: everything else is connected to it.
        layers: each layer's process, by name.
    """

    source: "AbstractProcess"
    layers: "dict[str, AbstractProcess]"

    def run(self, host: "Host", config: "RunConfig", steps: int, before_stop: Callable[[], None] | None = None) -> None:
        """Prepare all models, then run `steps` steps of Lava; see `Host.run`."""
        from basalt.lava_procs.metering import PREPARATION

        host.run(self.source, config, steps, before_stop, PREPARATION)


def build(network: Network, layout: Layout) -> Graph:
    """The whole process graph: source, layers, and a sink behind each layer that was given a frames file."""
    from basalt.lava_procs.io.process import Source, SpikeSink, SumSink

    source = Source(
        name="input",
        features=network.inputs,
        frames=str(layout.frames("input")),
        planes=layout.planes,
        **layout.shared("input.source"),
    )
    out = source.s_out
    sink_arguments = layout.shared()
    del sink_arguments["meter"]
    layers = {}
    planes = layout.planes
    for layer in network.layers:
        process = layers[layer.name] = BUILDERS[layer.kind](layer, layout, planes)
        planes = 0 if layer.graded else 1
        out.connect(process.s_in)
        spikes = isinstance(layer, Spiking)
        out = process.s_out if spikes else process.y_out
        path = layout.frames(layer.name)
        if path.exists():
            sink_kind = SpikeSink if spikes else SumSink
            width = frame_width(layer)
            sink = sink_kind(name=f"{layer.name}.sink", width=width, frames=str(path), **sink_arguments)
            out.connect(sink.a_in)
    return Graph(source, layers)


def frame_type(layer: Layer) -> np.dtype:
    """The type of a layer's recorded frames: words of spikes; messages and sums are int32."""
    return np.dtype(np.uint64 if isinstance(layer, Spiking) else np.int32)


def frame_width(layer: Layer) -> int:
    """The width of a layer's recorded frames."""
    return words(layer.neurons) if isinstance(layer, Spiking) else layer.neurons
