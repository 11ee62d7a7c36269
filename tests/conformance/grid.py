"""The grid of networks that every exact backend is held to: a cell names what is in one, an index draws it.

`case(index)` is the same network for ever. Every fifth has convolutions; the others visit the cells one after another
in scattered order, so any run of them is a spread-out sample, and the first `DENSE` indices visit every cell once. The
`PATHWAYS` indices after those have memory pathways of all kinds (`tests/conformance/pathways.py`), and the `SWITCHES`
that follow every combination of leakage, reset and recurrence (`tests/conformance/switches.py`). The `ADAPTIVE` ones
are others of these, with neurons whose threshold adapts, and the `VARIED` ones at the end with thresholds per neuron.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from basalt.records.network import Network
from basalt.records.neuron import Neuron, axis
from basalt.records.readout import Readout
from basalt.records.slow_memory import SlowMemory
from basalt.records.synapses import Encoder, Spiking
from tests.conformance.conv_strategies import make_conv_case
from tests.conformance.pathways import OPTIONS, make_pathway_case
from tests.conformance.records import even, pathway
from tests.conformance.strategies import Case, adaptive, membrane, varied
from tests.conformance.switches import COMBINATIONS, make_switch_case


@dataclass(frozen=True)
class Cell:
    """What a network has in one of its layers at least, and how it is run.

    Attributes:
        reset: of the neurons.
        delay: longest axonal delay in steps, None for no delays at all.
        recurrent: the layer hears itself.
        interval: steps between refreshes of its slow memory, 0 for none.
        readout: the last layer sums instead of spiking.
        graded: inputs carry values up to 255.
        rounds: samples run "together", "one by one", or in "uneven" batches of which the last is filled up.
        block: time steps that processes exchange at once.
    """

    reset: str = "hard"
    delay: int | None = None
    recurrent: bool = False
    interval: int = 0
    readout: bool = False
    graded: bool = False
    rounds: str = "together"
    block: int = 1


@dataclass(frozen=True, eq=False)
class GridCase(Case):
    """A network of the grid."""

    cell: Cell
    index: int


RESETS = ("hard", "soft", "none")
DELAYS = (None, 7, 62)
INTERVALS = (0, 1, 3)
ROUNDS = ("together", "one by one", "uneven")
BLOCKS = (1, 5, 16, 200)
YES_NO = (False, True)

CELLS = tuple(Cell(*values) for values in product(RESETS, DELAYS, YES_NO, INTERVALS, YES_NO, YES_NO, ROUNDS, BLOCKS))
"""Everything that our own processes do."""

EVERY = 5
"""One network in this many has convolutions."""

DENSE = len(CELLS) * EVERY // (EVERY - 1)
"""Networks that visit every cell."""

PATHWAYS = len(OPTIONS)
"""Networks with memory pathways."""

SWITCHES = 4 * len(COMBINATIONS)
"""Networks with every combination of the neuron's switches."""

ADAPTIVE = 96
"""Networks of all sorts with adaptive neurons."""

VARIED = 96
"""Networks of all sorts, every fourth of them adaptive, with what few neurons have (`strategies.varied`)."""

ALL = DENSE + PATHWAYS + SWITCHES + ADAPTIVE + VARIED
"""All networks of the grid."""

STOCK_CELLS = tuple(
    Cell(delay=delay, recurrent=recurrent, rounds=rounds)
    for delay, recurrent in ((None, False), (None, True), (7, False), (62, False))
    for rounds in ROUNDS[:2]
)
"""What stock netx does as well."""

SCATTER = 1049
"""Coprime to the numbers of cells, so that its multiples visit each."""


@dataclass(frozen=True)
class Sizes:
    """How large networks and inputs may be.

    Attributes:
        inputs, steps, late_steps: below these; the last where delays reach 62 steps.
        neurons: below these, with their shares.
        samples, density: one of these.
        threshold: below this.
    """

    inputs: int
    steps: int
    late_steps: int
    neurons: tuple[tuple[int, int, float], ...]
    samples: tuple[int, ...]
    density: tuple[float, ...]
    threshold: int


OURS = Sizes(150, 30, 90, ((1, 20, 0.7), (60, 70, 0.2), (100, 140, 0.1)), (2, 3, 5, 19), (0.02, 0.1, 0.4), 600)
STOCK = Sizes(30, 12, 70, ((1, 16, 1.0),), (1, 2), (0.1, 0.4, 0.7), 200)
"""Stock netx takes up to seconds a step with delays, and builds anew for every sample."""


def case(index: int, stock: bool = False) -> GridCase:
    """The network of an index; one that stock netx runs as well, if asked."""
    if index >= ALL - VARIED and not stock:
        return with_neurons(index, case(index - VARIED) if index % 4 == 0 else somewhere(index), varied)
    if index >= ALL - VARIED - ADAPTIVE and not stock:
        return with_neurons(index, somewhere(index), adaptive)
    if index >= DENSE + PATHWAYS:
        return switches(index, stock)
    if index >= DENSE and not stock:
        return pathways(index)
    if index % EVERY == EVERY - 1:
        return convolution(index, stock)
    cells, sizes = (STOCK_CELLS, STOCK) if stock else (CELLS, OURS)
    cell = cells[(index - index // EVERY) * SCATTER % len(cells)]
    rng = np.random.default_rng((20261121, int(stock), index))
    inputs = features = int(rng.integers(1, sizes.inputs))
    layers: list[Spiking | Readout] = []
    depth = int(rng.integers(1, 4)) if not stock or cell.delay != 62 else 1
    chosen = int(rng.integers(depth))
    for position in range(depth):
        layers.append(layer(rng, f"hidden{position + 1}", inputs, cell, position == chosen, sizes))
        inputs = layers[-1].neurons
    if cell.readout:
        layers.append(Readout("readout", even(rng, (int(rng.integers(1, 11)), inputs), 254), *membrane(index)))
    samples = int(rng.choice(sizes.samples))
    steps = int(rng.integers(1, sizes.late_steps if cell.delay == 62 else sizes.steps))
    spikes = (rng.random((samples, features, steps)) < rng.choice(sizes.density)).astype(np.uint8)
    if cell.graded:
        spikes *= rng.integers(1, 256, spikes.shape, dtype=np.uint8)
    batch = {"together": samples, "one by one": 1, "uneven": samples // 2 + 1}[cell.rounds]
    return GridCase(Network(tuple(layers), f"case{index}"), spikes, batch, cell, index)


def pathways(index: int) -> GridCase:
    """Memory pathways in layers of all sorts."""
    found, options = make_pathway_case(index - DENSE)
    cell = Cell(rounds=options.rounds, block=options.block, graded=options.graded, interval=options.interval)
    return GridCase(found.network, found.spikes, found.batch, cell, index)


def switches(index: int, stock: bool) -> GridCase:
    """Combinations of leakage, reset and recurrence."""
    found, run = make_switch_case(index - DENSE - PATHWAYS, stock)
    cell = Cell(rounds=run.rounds, block=run.block, graded=run.graded)
    return GridCase(found.network, found.spikes, found.batch, cell, index)


def somewhere(index: int) -> GridCase:
    """A network from somewhere in the grid."""
    return case(int(np.random.default_rng(index).integers(DENSE + PATHWAYS)))


def with_neurons(
    index: int, found: GridCase, changed: Callable[[np.random.Generator, Neuron, int], Neuron]
) -> GridCase:
    """The same network with other neurons."""
    rng = np.random.default_rng(index)
    layers = (
        replace(layer, neuron=changed(rng, layer.neuron, layer.neurons)) if isinstance(layer, Spiking) else layer
        for layer in found.network.layers
    )
    network = replace(found.network, layers=tuple(layers), name=f"case{index}")
    return replace(found, network=network, index=index)


def convolution(index: int, stock: bool) -> GridCase:
    """Convolutions, pools and what may be around them, in blocks of some size."""
    found = make_conv_case(index, stock)
    network, spikes = found.network, found.spikes
    if stock:
        spikes = spikes[:1, :, :8]
        if index // EVERY % 2:
            network, spikes = with_encoder(index, network, spikes)
    cell = Cell(block=BLOCKS[index // EVERY % len(BLOCKS)], graded=bool(spikes.max(initial=0) > 1))
    return GridCase(network, spikes, min(found.batch, len(spikes)), cell, index)


def with_encoder(index: int, network: Network, spikes: np.ndarray) -> tuple[Network, np.ndarray]:
    """An affine input before convolutions, and graded values for it, as stock lava-dl has them."""
    rng = np.random.default_rng(index)
    shape = network.layers[0].input_shape  # type: ignore[attr-defined]
    neuron = Neuron(int(rng.integers(1, 300)), axis(int(rng.integers(0, 4097))), axis(int(rng.integers(0, 4097))))
    weight, offset = even(rng, (1, 1), 60), int(2 * rng.integers(-20, 60))
    encoder = Encoder(
        name="encoder", weight=weight, neuron=neuron, features=shape, offset=offset, signed=index % 2 == 1
    )
    return Network((encoder, *network.layers), network.name), spikes * rng.integers(1, 200, spikes.shape, np.uint8)


def layer(rng: np.random.Generator, name: str, inputs: int, cell: Cell, chosen: bool, sizes: Sizes) -> Spiking:
    """A spiking layer with all that its cell asks for, if it is the chosen one, else with some of it."""
    low, high, _ = sizes.neurons[int(rng.choice(len(sizes.neurons), p=[share for *_, share in sizes.neurons]))]
    neurons = int(rng.integers(low, high))

    def has(option: object) -> bool:
        return bool(option) and (chosen or rng.random() < 0.5)

    def decays() -> np.ndarray:
        return axis(rng.integers(0, 4097, neurons) if rng.random() < 0.5 else int(rng.integers(0, 4097)))

    memory = None
    if has(cell.interval):
        memory = pathway(rng, SlowMemory, inputs, neurons, update_interval=cell.interval)
    delay = None
    if has(cell.delay is not None):
        delay = rng.integers(0, (cell.delay or 0) + 1, neurons)
    biased = delay is None or sizes is not STOCK
    return Spiking(
        name=name,
        weight=even(rng, (neurons, inputs), int(rng.choice([20, 120, 254]))),
        neuron=Neuron(
            threshold=int(rng.integers(0, sizes.threshold)),
            current_decay=decays(),
            voltage_decay=decays(),
            reset=cell.reset if has(True) else "hard",
        ),
        recurrent_weight=even(rng, (neurons, neurons), 120) if has(cell.recurrent) else None,
        bias=rng.integers(-200, 200, neurons) if rng.random() < 0.3 and biased else None,
        delay=delay,
        memory=memory,
    )
