"""Readers of .net layers: one function a type, from an HDF5 group to a record."""

from collections.abc import Callable
from dataclasses import replace
from math import prod

import h5py
import numpy as np

from basalt.convert import netx_messages
from basalt.convert.foreign import NUMBERS
from basalt.convert.netx_conv import read_conv, read_conv_transposed, read_pool, read_unpool
from basalt.convert.netx_neuron import read_neuron, shared, thresholds
from basalt.convert.netx_reader import Reader
from basalt.errors import BasaltError
from basalt.records.delta import DeltaInput
from basalt.records.fields import Parameter, parameters
from basalt.records.layer import Layer
from basalt.records.memory import MemoryPathway
from basalt.records.network import Foreign
from basalt.records.neuron import THRESHOLD_MAX
from basalt.records.pathways import PATHWAYS
from basalt.records.readout import Readout
from basalt.records.synapses import Encoder, Spiking

STOCK_TYPES = {
    "RF_PHASE": ("dense",),
    "RF_IZHIKEVICH": ("dense",),
}
"""Neurons that only stock lava-dl computes → types of layers in which it does."""

RECURRENT = ("dense_rec", "recurrent")
"""Types of layers that hear themselves, by lava-dl's name and by that of older files."""

NEVER = THRESHOLD_MAX
"""lava-dl gives neurons that must not spike this threshold or one beyond the 17 bits."""


def read_dense(reader: Reader) -> Layer:
    """`dense`, `dense_rec`, `dense_own`, and with a memory pathway; without neurons, or where none can spike, sums."""
    weight = matrix(reader)
    neuron = reader.neuron_type
    kind = reader.string("type")
    if neuron == netx_messages.NEURON and kind == "dense":
        return netx_messages.read_dense(reader, weight)
    if neuron is None:
        return Readout(reader.name, weight)
    shape = (len(weight),)
    lowest = np.min(thresholds(reader, shape))
    if lowest >= NEVER and integrates(reader):
        return Readout(reader.name, weight)
    if lowest > NEVER:
        return read_membranes(reader, weight)
    return Spiking(
        name=reader.name,
        weight=weight,
        neuron=read_neuron(reader, shape),
        recurrent_weight=own_weight(reader, kind),
        bias=reader.spread("bias", shape),
        delay=reader.spread("delay", shape),
        memory=read_memory(reader, kind) if kind in PATHWAYS else None,
        start=reader.integer("neuron/start", 0),
    )


def read_membranes(reader: Reader, weight: np.ndarray) -> Readout:
    """SLAYER's `Affine` with dynamics: membranes that leak and never spike."""
    for key in ("bias", "delay", "weight_rec"):
        value = reader.optional(key, (0, 1, 2))
        if value is not None and value.any():
            raise BasaltError(f"{reader.place}: {key!r} is not 0, which SLAYER's Affine, a read-out, does not have.")
    found = {}
    for name, key in (("current_decay", "neuron/iDecay"), ("voltage_decay", "neuron/vDecay")):
        values = reader.integers(key, (0, 1)).reshape(-1)
        if not shared(values):
            raise BasaltError(f"{reader.place}: {key!r} has {values.size} values, and neurons of a read-out share one.")
        found[name] = int(values[0])
    return Readout(reader.name, weight, **found)


def own_weight(reader: Reader, kind: str) -> np.ndarray | None:
    """`weight_rec`, a matrix, or `weight_own`, one weight per neuron; a type that says which must match."""
    full = reader.matrix("weight_rec", (2,)) if "weight_rec" in reader.group else None
    diagonal = reader.optional("weight_own", (1,))
    if full is not None and diagonal is not None:
        raise reader.fail("weight_own", "is there beside 'weight_rec'")
    if kind == "dense_own" and diagonal is None:
        raise reader.fail("weight_own", "is missing")
    if kind in RECURRENT and full is None and diagonal is None:
        raise reader.fail("weight_rec", "is missing")
    if kind in ("dense", *RECURRENT) and diagonal is not None:
        raise reader.fail("weight_own", f"is there in a layer of the type {kind!r}")
    return full if diagonal is None else diagonal


def matrix(reader: Reader) -> np.ndarray:
    """`weight`, (outputs, inputs); older files have it flat where there is one output."""
    weight = reader.matrix("weight", (1, 2))
    if weight.ndim == 2:
        return weight
    outputs = prod(reader.shape())
    if "inFeatures" not in reader.group or weight.size != outputs * reader.integer("inFeatures"):
        raise reader.fail("weight", "has 1 dimensions, not 2")
    return weight.reshape(outputs, -1)


def integrates(reader: Reader) -> bool:
    """Whether neurons that cannot spike only sum: current gone at once, no leak of the membrane, no bias."""
    bias = reader.optional("bias", (0, 1))
    whole = {"neuron/iDecay": 4096, "neuron/vDecay": 0}
    return all(np.all(reader.integers(key, (0, 1)) == value) for key, value in whole.items()) and (
        bias is None or not bias.any()
    )


def read_input(reader: Reader) -> Encoder | DeltaInput:
    """`input` with neurons."""
    if reader.neuron_type == netx_messages.NEURON:
        return netx_messages.read_input(reader)
    shape = reader.shape()
    return Encoder(
        name=reader.name,
        weight=np.array([[reader.integer("weight", 64)]]),
        neuron=read_neuron(reader, shape),
        start=reader.integer("neuron/start", 0),
        features=shape,
        offset=reader.integer("bias", 0),
        fraction=reader.integer("fraction", 0),
        signed=bool(reader.integer("signed", 0)),
    )


def read_average(reader: Reader) -> Readout:
    """`average`: spikes summed over equal groups of neighbouring outputs, the population of each class."""
    if reader.before is None:
        raise BasaltError(f"{reader.place}: the type 'average' is the first layer, and has nothing to average.")
    inputs, classes = prod(reader.before), reader.shape()[0]
    if classes < 1 or inputs % classes:
        raise reader.fail("shape", f"has {classes} groups, which do not divide {inputs} outputs")
    reader.expanded(classes * inputs)
    return Readout(reader.name, np.repeat(np.eye(classes, dtype=np.int64), inputs // classes, axis=1))


def read_memory(reader: Reader, kind: str) -> MemoryPathway:
    """The group `memory`."""
    if not isinstance(reader.group.get("memory"), h5py.Group):
        raise reader.fail("memory", "is missing")
    known = parameters(PATHWAYS[kind])
    unknown = sorted(set(reader.group["memory"]) - {item.name for item in known})
    if unknown:
        raise BasaltError(
            f"{reader.place}: 'memory/{unknown[0]}' is not known here in a {kind} memory; update Basalt, or export the "
            f"network with this one."
        )
    return PATHWAYS[kind](**{item.name: read_parameter(reader, f"memory/{item.name}", item) for item in known})


def read_parameter(reader: Reader, key: str, item: Parameter) -> str | int | np.ndarray | None:
    """What a field of a record is in the file: a name, one integer, or an array, which some variants do not have."""
    if item.limits.choices:
        return reader.string(key)
    if not item.shapes:
        return reader.integer(key)
    dimensions = [len(axes) for axes in item.shapes]
    return reader.optional(key, dimensions) if item.optional else reader.integers(key, dimensions)


def read_readout(reader: Reader) -> Readout:
    """`readout`."""
    return Readout(name=reader.name, weight=reader.matrix("weight", (2,)))


def read_membrane_readout(reader: Reader) -> Readout:
    """`membrane_readout`, the membranes themselves."""
    return replace(read_mean_readout(reader), current_decay=reader.integer("iDecay"))


def read_mean_readout(reader: Reader) -> Readout:
    """`mean_readout`, a read-out by membranes; a type of its own, so that what knows only sums refuses it."""
    return replace(read_readout(reader), voltage_decay=reader.integer("vDecay"))


def read_foreign(reader: Reader) -> Foreign:
    """A layer that only stock lava-dl computes; its content is left to it."""
    shape = reader.shape()
    kind, neuron = reader.string("type"), str(reader.neuron_type)
    before = reader.before or reader.given
    if before is None:
        before = (reader.integer("inFeatures"),) if "inFeatures" in reader.group else shape
    numbers = {key: reader.integers(key, range(5)) for key in NUMBERS if is_dataset(reader, key)}
    return Foreign(
        reader.name,
        kind,
        neuron=neuron,
        input_shape=before,
        shape=shape,
        file=reader.file,
        index=reader.index,
        numbers=numbers,
    )


def is_dataset(reader: Reader, key: str) -> bool:
    """Whether the key is there, and no group of others."""
    return key in reader.group and not isinstance(reader.group[key], h5py.Group)


READERS: dict[str, Callable[[Reader], Layer]] = {
    "dense": read_dense,
    **dict.fromkeys(RECURRENT, read_dense),
    "dense_own": read_dense,
    **dict.fromkeys(PATHWAYS, read_dense),
    "conv": read_conv,
    "pool": read_pool,
    "convT": read_conv_transposed,
    "unpool": read_unpool,
    "input": read_input,
    "average": read_average,
    "readout": read_readout,
    "mean_readout": read_mean_readout,
    "membrane_readout": read_membrane_readout,
}
"""Layer type → its reader."""


def is_foreign(reader: Reader, kind: str) -> bool:
    """Whether stock lava-dl has to compute the layer."""
    return kind in STOCK_TYPES.get(str(reader.neuron_type), ())


def output_shape(layer: Layer) -> tuple[int, ...]:
    """The shape of what a layer sends, channels first."""
    return getattr(layer, "shape", (layer.neurons,))
