"""Layers split into pieces that each fit a core."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from basalt.deploy.backends import BACKENDS, kinds_of
from basalt.errors import BasaltError
from basalt.near_memory.core import Core
from basalt.near_memory.formula import cost
from basalt.near_memory.geometry import misfits
from basalt.near_memory.sizes import Sizes, sizes_of
from basalt.records.layer import Layer
from basalt.records.network import Network
from basalt.records.synapses import Conv, Spiking

INPUT = "input"
"""Where the network's input spikes come from."""

DECIMALS = 6
"""Of spikes per step: sums of millionths are exact in double precision, so that a cost has one value."""

Rates = Mapping[str, Float[np.ndarray, "_neurons"]]
"""Spikes per step of each neuron, by name of the layer; those of the features under `INPUT`."""


@dataclass(frozen=True)
class Piece:
    """Neurons of a layer that are on one core.

    Every piece hears all spikes that its layer hears. Of a layer with a slow memory each piece keeps the whole state m
    and computes it anew from the same spikes: the same integers, for another W_x and Ā a core and no traffic. Computed
    once, x would have to reach the other cores before their memory currents are due, within the step. So each piece of
    a layer with an associative memory has all traces and keys, and the values of its own neurons. Of a gated memory it
    has the gates and states of its own. Of a recurrent layer, spikes of the other pieces come as inputs. A piece of a
    convolution has whole output channels, and the kernels of these.

    Attributes:
        layer: name of the layer.
        first, neurons: they are neurons first … first + neurons − 1 of the layer.
        sizes: of the piece, as a layer of its own.
        arriving: spikes per step that come from elsewhere.
        own: spikes per step of its own that it hears.
        fired: spikes per step that it sends.
        cycles: of a step with this many spikes, each number rounded up: the mean over the steps from one refresh of the
            layer's memory to the next, rounded up.
        longest: of the one of these steps that refreshes; the same where every step does.
    """

    layer: str
    first: int
    neurons: int
    sizes: Sizes
    arriving: float
    own: float
    fired: float
    cycles: int
    longest: int

    @property
    def name(self) -> str:
        """For people, and in graphs: the layer with the neurons' range where it is not whole."""
        return f"{self.layer}[{self.first}:{self.first + self.neurons}]"


def populations(network: Network) -> dict[str, int]:
    """How many neurons each layer has, by name, and how many features the input."""
    return {INPUT: network.inputs, **{layer.name: layer.neurons for layer in network.layers}}


def uniform_rates(network: Network, spikes: Mapping[str, float]) -> dict[str, Float[np.ndarray, "_neurons"]]:
    """Rates of neurons that share the spikes per step of their layer (and the input's) evenly."""
    return {name: np.full(size, spikes.get(name, 0.0) / size) for name, size in populations(network).items()}


def partition(network: Network, core: Core, rates: Rates, most_cycles: int | None = None) -> list[Piece]:
    """All pieces of a network, layer by layer: as few as fit, of a layer as even as rows of `fused` neurons allow.

    Args:
        most_cycles: that a core may take for a mean step; a layer that takes longer is split further.

    Raises:
        BasaltError: a layer does not fit, however many cores it is given.
    """
    pieces = []
    before = INPUT
    for layer in network.layers:
        refuse_lacking(layer)
        pieces += split(layer, core, float(rates[before].sum()), rates[layer.name], most_cycles)
        before = layer.name
    return pieces


UNMAPPED = {"foreign": "its neurons are computed by stock lava-dl only"}
"""Kinds of layers that are not mapped, each with the reason."""


def refuse_lacking(layer: Layer) -> None:
    """Raise where a near-memory core has no such layers."""
    lacks = {**BACKENDS["near-memory"].lacks, **UNMAPPED}
    kind = next((kind for kind in kinds_of(layer) if kind in lacks), None)
    if kind is not None:
        reason = lacks[kind]
        raise BasaltError(
            f"Layer {layer.name!r} is of the kind {kind!r}, which near-memory cores do not have: {reason}; map a "
            f"network of dense layers and convolutions."
        )


def split(
    layer: Layer,
    core: Core,
    arriving: float,
    rates: Float[np.ndarray, "neurons"],
    most_cycles: int | None = None,
) -> list[Piece]:
    """The fewest even pieces of a layer that fit."""
    row = together(layer, core)
    rows = -(-layer.neurons // row)
    for count in range(1, rows + 1):
        ends = np.minimum(row * (rows * np.arange(count + 1) // count), layer.neurons)
        pieces = []
        for first, end in zip(ends[:-1].tolist(), ends[1:].tolist()):
            piece = piece_of(layer, core, first, end - first, arriving, rates)
            if misfits(core, piece.sizes) or (most_cycles is not None and piece.cycles > most_cycles):
                failed = piece
                break
            pieces.append(piece)
        if len(pieces) == count:
            return pieces
    raise BasaltError(why_not(layer, failed, core, most_cycles))


def together(layer: Layer, core: Core) -> int:
    """Neurons that are not parted: a row, where a core holds one; all where a memory binds them; of a convolution a row
    of channels at all positions, or all where its channels have groups."""
    if bound_together(layer) is not None:
        return layer.neurons
    if not isinstance(layer, Conv):
        return core.fused if core.neurons >= core.fused else 1
    if layer.groups > 1:
        return layer.neurons
    channels, height, width = layer.shape
    return height * width * (min(core.fused, channels) if core.neurons >= height * width * core.fused else 1)


def bound_together(layer: Layer) -> str | None:
    """Why a layer's memory keeps all its neurons on one core, if it does."""
    sizes = sizes_of(layer)
    if sizes.pathway is None:
        return None
    if sizes.pathway.whole:
        return "each unit of its gated memory hears the states of all within the step"
    if sizes.recurrent:
        return "spikes of its other neurons would come as inputs, which its memory does not hear"
    return None


def why_not(layer: Layer, failed: Piece, core: Core, most_cycles: int | None) -> str:
    """The sentence for a layer that does not even fit row by row, as `failed` shows."""
    broken, bound = misfits(core, failed.sizes), bound_together(layer)
    least = f"even with {failed.neurons} neurons per core" if bound is None else f"and is not split ({bound})"
    if broken:
        fewest = f"not even {failed.neurons} of its neurons" if bound is None else f"and is not split ({bound})"
        return (
            f"Layer {layer.name!r} does not fit into cores {core.name!r}, {fewest}: "
            f"{'; '.join(map(str, broken))}; name a larger core with --core, or raise these in its TOML file."
        )
    return (
        f"Layer {layer.name!r} takes {failed.cycles} cycles for a mean step {least}, "
        f"{failed.cycles - (most_cycles or 0)} more than --cycles {most_cycles} allows: raise it."
    )


def piece_of(
    layer: Layer,
    core: Core,
    first: int,
    neurons: int,
    arriving: float,
    rates: Float[np.ndarray, "neurons"],
) -> Piece:
    """A piece, and what its mean step takes."""
    whole = sizes_of(layer)
    fired = float(rates[first : first + neurons].sum()) if isinstance(layer, Spiking) else 0.0
    elsewhere = layer.neurons - neurons if whole.recurrent else 0
    pathway = None if whole.pathway is None else whole.pathway.of_neurons(neurons)
    sizes = replace(whole, inputs=whole.inputs + elsewhere, neurons=neurons, pathway=pathway)
    if isinstance(layer, Conv) and whole.conv is not None:
        sizes = replace(sizes, conv=whole.conv.of_channels(neurons * layer.shape[0] // layer.neurons))
    own = fired if whole.hears_itself else 0.0
    remote = max(float(rates.sum()) - fired, 0.0) if elsewhere else 0.0
    heard, back, sent = (np.array(int(np.ceil(round(spikes, DECIMALS)))) for spikes in (arriving + remote, own, fired))
    refreshes, holds = cost(core, sizes, heard, back, sent, np.array([True, False])).cycles.tolist()
    cycles = -(-(refreshes + (sizes.update_interval - 1) * holds) // sizes.update_interval)
    return Piece(
        layer.name,
        first,
        neurons=neurons,
        sizes=sizes,
        arriving=arriving + remote,
        own=own,
        fired=fired,
        cycles=cycles,
        longest=refreshes,
    )
