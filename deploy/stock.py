"""The peer: stock lava-dl netx processes, one sample at a time, as their users run them.

They are also the only way to run resonate-and-fire layers (`Foreign`): such a network runs here as a whole, on every
backend, and `notices` says so.
"""

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from jaxtyping import Integer, Num, Shaped

from basalt.convert.netx import write
from basalt.convert.reading import late_input
from basalt.convert.stock import refusals
from basalt.deploy.delayed import late_config, set_delays, without_delays
from basalt.deploy.network import Layout
from basalt.deploy.session import Host
from basalt.deploy.wide import set_names
from basalt.errors import BasaltError
from basalt.kernels.bits import pack, unpack
from basalt.records.delta import Delta, DeltaInput
from basalt.records.layer import Layer
from basalt.records.network import Foreign, Network
from basalt.records.sigma_delta import SigmaOutput
from basalt.records.synapses import Encoder, Spiking

STOCK_TYPES = ("input", "flatten", "dense", "dense_rec", "conv")
"""Layer types that stock netx loads."""


MESSAGE_BITS = 16
"""Of graded input; without, stock synapses take every value for a spike. What they do not hold is no number of bits."""


def needs_stock(network: Network) -> bool:
    """Whether only stock processes can run the network, whatever the backend."""
    return any(isinstance(layer, Foreign) for layer in network.layers)


def notices(network: Network) -> list[str]:
    """What a user should know about how a network runs, as sentences."""
    foreign = [layer for layer in network.layers if isinstance(layer, Foreign)]
    if not foreign:
        return []
    kinds = ", ".join(sorted({layer.neuron for layer in foreign}))
    names = ", ".join(layer.name for layer in foreign)
    return [
        f"Layers {names} have {kinds} neurons, which Basalt does not compute: the whole network runs on stock lava-dl "
        f"processes, one sample at a time, and nothing is counted or priced."
    ]


def run_stock(network: Network, file: Path | None, layout: Layout) -> Callable[[Host], None]:
    """The task that runs a network in stock netx and records the layers that have a frames file.

    A graph is built anew for each sample, since stock processes keep states and buffers from one sample to the next.

    Args:
        file: the .net file to load; one is written from the records if None, or if stock netx cannot load its types.

    Raises:
        BasaltError: a layer that stock netx cannot run with the same spikes.
    """
    for layer, reason in refusals(network):
        raise BasaltError(f"The backend 'netx' cannot run layer {layer.name!r}: {reason}; use the backend 'fixed'.")
    first = network.layers[0]
    if layout.planes > 1 and not isinstance(first, Encoder | Foreign | Delta | SigmaOutput):
        raise BasaltError(
            f"The backend 'netx' cannot run layer {first.name!r}: its input holds values above 1, which stock synapses "
            f"take for one spike each; use the backend 'fixed'."
        )
    if file is None or not loads(file):
        file = layout.folder / "stock.net"
        write(file, network)
    file = without_delays(file, network, layout.folder)

    def task(host: Host) -> None:
        values = by_round(np.load(layout.frames("input"), mmap_mode="r"), layout)
        recorded = {
            layer.name: by_round(np.load(layout.frames(layer.name), mmap_mode="r+"), layout)
            for layer in network.layers
            if layout.frames(layer.name).exists()
        }
        kinds = {layer.name: layer for layer in network.layers}
        for sample in range(layout.samples):
            turn, column = divmod(sample, layout.batch)
            frames = unpack(values[turn, : layout.steps, column], network.inputs, layout.planes)
            sent = run_sample(host, str(file), network, driving(network.layers[0], frames.T), list(recorded))
            for name, found in sent.items():
                recorded[name][turn, : layout.steps, column] = frames_of(kinds[name], found)
            host.progress((sample + 1) * layout.steps, layout.samples * layout.steps)

    return task


def loads(file: Path) -> bool:
    """Whether stock netx knows all layer types of a file, and all of its layers."""
    with h5py.File(file, "r") as content:
        layers = content["layer"].values()
        kinds = [np.asarray(layer["type"][()]).reshape(-1)[0] for layer in layers]
        if any("neuron/weight_exp" in layer for layer in layers):  # which it leaves out
            return False
    return all(kind.decode("utf-8", "replace") in STOCK_TYPES for kind in kinds)


def by_round(
    blocks: Shaped[np.ndarray, "blocks block batch width"], layout: Layout
) -> Shaped[np.ndarray, "rounds steps batch width"]:
    """(blocks, block, batch, width) as (rounds, steps, batch, width), the same memory."""
    return blocks.reshape(layout.rounds, layout.blocks * layout.block, layout.batch, -1)


def driving(first: Layer, values: Integer[np.ndarray, "features steps"]) -> Integer[np.ndarray, "features steps"]:
    """What the first stock process is sent for input values (features, steps).

    Spikes go to synapses as they are, values to those of sigma-delta and other layers. Neurons of an input layer take
    the affine transform: a current in weights a step later, as SLAYER does; sigma-delta neurons values in 1/64.
    """
    if isinstance(first, Encoder):
        current = np.zeros(values.shape, dtype=np.int32)
        bytes_ = values.astype(np.int8) if first.signed else values
        current[:, 1:] = bytes_[:, :-1].astype(np.int32) * first.weight.item() + first.offset
        return current
    if isinstance(first, DeltaInput):
        given = first.received(values).astype(np.int64)
        return ((given * first.weight >> first.fraction) + first.offset).astype(np.int32)
    signed = isinstance(first, Foreign | Delta) and first.signed
    return (values.astype(np.int8) if signed and values.dtype == np.uint8 else values).astype(np.int32)


def frames_of(layer: Layer, sent: Num[np.ndarray, "neurons steps"]) -> Num[np.ndarray, "steps width"]:
    """As the layer is recorded: spikes packed, other messages as they are."""
    return pack(sent.T.astype(np.uint8)) if isinstance(layer, Spiking) else sent.T


def run_sample(
    host: Host, file: str, network: Network, values: Integer[np.ndarray, "features steps"], names: list[str]
) -> dict[str, np.ndarray]:
    """One sample through stock netx, whose arrays have the axes (width, height, channels).

    Returns:
        By layer name, (neurons, steps), channels slowest; a step later where stock inputs take none.
    """
    from lava.lib.dl.netx import hdf5
    from lava.proc.io.sink import RingBuffer as Recorder
    from lava.proc.io.source import RingBuffer as Player

    features, steps = values.shape
    first, late = network.layers[0], late_input(network.layers[0])
    shape: tuple[int, ...] = getattr(first, "input_shape", (features,))
    graded = isinstance(first, Foreign | Delta | SigmaOutput) and bool(np.any((values < 0) | (values > 1)))
    with heard():
        stock = hdf5.Network(file, input_shape=shape[::-1], input_message_bits=MESSAGE_BITS if graded else 0)
    stock.net_config.f.close()
    into = entrance(first, stock.in_layer)
    player = Player(data=reversed_axes(values.reshape(*into.shape[::-1], steps)).astype(np.int32))
    player.s_out.connect(into)
    recorders = {}
    stock_layers = {layer.name: block for layer, block in zip(network.layers, stock.layers, strict=True)}
    set_names(network, stock_layers)
    set_delays(network, stock_layers)
    for layer in network.layers:
        if isinstance(layer, Foreign):
            set_decays(layer, stock_layers[layer.name])
    for name in names:
        recorders[name] = Recorder(shape=stock_layers[name].out.shape, buffer=steps)
        stock_layers[name].out.connect(recorders[name].a_in)
    sent: dict[str, np.ndarray] = {}

    def keep() -> None:
        for name, recorder in recorders.items():
            found = reversed_axes(recorder.data.get()).reshape(-1, steps).astype(np.int32)
            sent[name] = np.pad(found, ((0, 0), (late, 0)))[:, :steps]

    host.run(player, late_config("fixed_pt"), steps, before_stop=keep)
    return sent


@contextmanager
def heard() -> Iterator[None]:
    """Stock lava-dl's warnings are errors: it warns where it goes on with other weights or delays.

    Raises:
        BasaltError: it warned, or printed that it does.
    """
    said = io.StringIO()
    with warnings.catch_warnings(record=True) as caught, redirect_stdout(said):
        warnings.simplefilter("always", UserWarning)
        yield
    told = [str(entry.message) for entry in caught if issubclass(entry.category, UserWarning)]
    told += [line.strip() for line in said.getvalue().splitlines() if "warning" in line.lower()]
    if told:
        raise BasaltError(f"stock lava-dl would change the network: {' '.join(told)}")


def set_decays(layer: Foreign, block: Any) -> None:
    """Give resonators the decays of the file: stock netx makes a period of them and comes back, often off by one."""
    for key, name in DECAYS.items():
        if key in layer.numbers:
            held = getattr(block.neuron, name)
            held.init = layer.numbers[key].reshape(np.shape(held.init)).astype(np.int32)


DECAYS = {"neuron/sinDecay": "sin_decay", "neuron/cosDecay": "cos_decay"}
"""Key of a resonate-and-fire neuron → the variable of its process."""


def entrance(first: Layer, block: Any) -> Any:
    """The port that takes the input: stock `Input` blocks do not connect theirs, their neurons' is behind it."""
    return block.neuron.a_in if isinstance(first, Encoder | DeltaInput) else block.inp


def reversed_axes(values: np.ndarray) -> np.ndarray:
    """All axes but the last one, time, in reverse order: channels first to channels last and back."""
    last = values.ndim - 1
    return np.ascontiguousarray(values.transpose(*range(last - 1, -1, -1), last))
