"""Readers of .net layers: one function a type, from an HDF5 group to a record."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from math import prod
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from basalt.convert.foreign import NUMBERS, WORDS
from basalt.errors import BasaltError
from basalt.opening import memory_limit, too_large
from basalt.records.hgrn import GATES, Hgrn
from basalt.records.hopfield import Hopfield
from basalt.records.layer import Layer
from basalt.records.memory import MemoryPathway as Pathway
from basalt.records.network import Foreign
from basalt.records.neuron import RESETS, Neuron, axis
from basalt.records.pathways import PATHWAYS
from basalt.records.readout import Readout
from basalt.records.slow_memory import SlowMemory
from basalt.records.synapses import Conv, Encoder, Spiking

SPIKING_NEURONS = ("CUBA", "LOIHI")
STOCK_TYPES = {
    "SDNN": ("input", "dense", "conv"),
    "RF_PHASE": ("dense",),
    "RF_IZHIKEVICH": ("dense",),
}
"""Neurons that only stock lava-dl computes → types of layers in which it does."""

GEOMETRY_MAX = 1 << 16
"""Of strides, paddings, dilations and kernels, where sizes are searched for."""

NEURONS_MAX = 1 << 24
"""Of a layer: what no memory holds is refused before it is asked for."""

AXES_MAX = 8
BLOCK = 1 << 20
"""Values that are read at once."""
LARGEST = 1 << 62
"""What integers stay below, so that they can be added and compared in 64 bits."""

NEVER = (1 << 17) - 1
"""lava-dl gives neurons that must not spike this threshold or one beyond the 17 bits."""


def blocks(shape: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    """Parts of an array along its first axis, of about `BLOCK` values each; all of one that has no axis."""
    if not shape:
        yield ()
        return
    rows = max(1, BLOCK // max(1, prod(shape[1:])))
    for first in range(0, shape[0], rows):
        yield (slice(first, first + rows),)


@dataclass(frozen=True)
class Reader:
    """One layer's group, with errors that name file, layer and key.

    Attributes:
        group: in the open file.
        place: file and layer, for people.
        name: of the layer.
        before: shape of what the layer before sends, channels first; None if this is the first and nothing tells.
        file, index: where the group is.
        given: shape of the network's input, where it was named and this is the first layer that computes.
    """

    group: h5py.Group
    place: str
    name: str
    before: tuple[int, ...] | None
    file: Path
    index: int
    given: tuple[int, int, int] | None = None

    def fail(self, key: str, what: str) -> BasaltError:
        """The error to raise about a key."""
        return BasaltError(f"{self.place}: {key!r} {what}; export the network again.")

    def dataset(self, key: str, kinds: str, what: str) -> h5py.Dataset:
        """What is under a key: an array of values of one of these kinds; none of them is read."""
        if key not in self.group:
            raise self.fail(key, "is missing")
        item = self.group[key]
        if not isinstance(item, h5py.Dataset) or item.shape is None or item.dtype.kind not in kinds:
            raise self.fail(key, f"is not {what}")
        return item

    def integers(self, key: str, dimensions: Sequence[int], most: int | None = None) -> np.ndarray:
        """An int64 array with one of the given numbers of dimensions (trailing axes of length 1 are dropped).

        Its shape is looked at before its values are; they are read block by block.

        Args:
            most: values that it may hold.
        """
        item = self.dataset(key, "iufb", "a numeric array")
        shape = item.shape
        while len(shape) > max(dimensions) and shape[-1] == 1:
            shape = shape[:-1]
        if len(shape) not in dimensions:
            raise self.fail(key, f"has {len(shape)} dimensions, not {' or '.join(map(str, dimensions))}")
        if most is not None and item.size > most:
            raise self.fail(key, f"holds {item.size:,} values, more than the {most:,} that belong there")
        found = np.empty(item.shape, dtype=np.int64)
        for block in blocks(item.shape):
            found[block] = self.whole(key, np.asarray(item[block]))
        return found.reshape(shape)

    def whole(self, key: str, value: np.ndarray) -> np.ndarray:
        """The same values as integers."""
        if value.dtype.kind == "f" and not np.all(np.isfinite(value)):
            raise self.fail(key, "holds NaN or infinity")
        if value.size and (value.max() >= LARGEST or value.min() <= -LARGEST):
            raise self.fail(key, "holds a value beyond 62 bits")
        whole = value.astype(np.int64)
        if not np.array_equal(whole, value):
            odd = float(value.reshape(-1)[np.flatnonzero(whole.reshape(-1) != value.reshape(-1))[0]])
            raise BasaltError(
                f"{self.place}: {key!r} holds fractions, as {odd:g}, where integers belong: the block was not trained "
                f"with SLAYER's quantisation; train it with pre_hook_fx=neuron.quantize_8bit, the block's default."
            )
        return whole

    def integer(self, key: str, default: int | None = None) -> int:
        """One integer; `default`, if given, where the key is absent."""
        if default is not None and key not in self.group:
            return default
        size = self.dataset(key, "iufb", "a numeric array").size
        if size != 1:
            raise self.fail(key, f"holds {size} values, not one")
        value = self.integers(key, (0, 1))
        return int(value.reshape(()))

    def pair(self, key: str, default: int) -> tuple[int, int]:
        """(vertical, horizontal), from two integers or one for both."""
        if key not in self.group:
            return (default, default)
        size = self.dataset(key, "iufb", "a numeric array").size
        if size not in (1, 2):
            raise self.fail(key, f"holds {size} values, not one or two")
        value = self.integers(key, (0, 1)).reshape(-1)
        return (int(value[0]), int(value[-1]))

    def optional(self, key: str, dimensions: Sequence[int]) -> np.ndarray | None:
        """An array that may be absent."""
        return self.integers(key, dimensions) if key in self.group else None

    def string(self, key: str) -> str:
        """A string, however HDF5 keeps it."""
        item = self.dataset(key, "SO", "a string")
        if not item.size:
            raise self.fail(key, "is not a string")
        value = np.asarray(item[()]).reshape(-1)[0]
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)

    def shape(self) -> tuple[int, ...]:
        """`shape`, channels first."""
        found = tuple(int(size) for size in self.integers("shape", (0, 1), AXES_MAX).reshape(-1))
        if not found or min(found) < 1:
            raise self.fail("shape", f"is {found}, and needs a size of at least 1 an axis")
        if prod(found) > NEURONS_MAX:
            raise self.fail("shape", f"is {found}, more than the {NEURONS_MAX:,} neurons that a layer can have")
        return found

    def spread(self, key: str, shape: tuple[int, ...]) -> np.ndarray | None:
        """A value a neuron, from one for all, one a channel or one for each; None where the key is absent."""
        if key not in self.group:
            return None
        value = self.integers(key, (0, 1, *range(2, len(shape) + 1)), prod(shape)).reshape(-1)
        if not value.size or value.size not in (1, shape[0], prod(shape)):
            raise self.fail(key, f"has {value.size} values for {prod(shape)} neurons in {shape[0]} channels")
        return np.repeat(value, prod(shape) // value.size)

    @property
    def neuron_type(self) -> str | None:
        """Type of the neurons; None where there are none."""
        return self.string("neuron/type") if "neuron" in self.group else None


def read_neuron(reader: Reader, shape: tuple[int, ...]) -> Neuron:
    """The group `neuron` of a spiking layer."""
    kind = reader.neuron_type
    if kind is None:
        raise reader.fail("neuron", "is missing")
    if kind not in SPIKING_NEURONS:
        raise BasaltError(
            f"{reader.place}: the neuron type {kind!r} is not known here in such a layer; CUBA and LOIHI are."
        )
    reset = reader.string("neuron/reset") if "neuron/reset" in reader.group else "hard"
    if reset not in RESETS:
        raise reader.fail("neuron/reset", f"is {reset!r}, not one of {', '.join(RESETS)}")
    refused = {
        "neuron/refDelay": (1, "neurons rest for one step here"),
        "neuron/gradedSpike": (0, "spikes are not graded here"),
        "neuron/wgtExp": (0, "weights carry no exponent here: fold it into them"),
    }
    for key, (only, why) in refused.items():
        if key in reader.group and np.any(reader.integers(key, (0, 1)) != only):
            raise BasaltError(f"{reader.place}: {key!r} is not {only}, and {why}.")
    decays = [reader.spread(f"neuron/{key}", shape) for key in ("iDecay", "vDecay")]
    for key, value in zip(("iDecay", "vDecay"), decays, strict=True):
        if value is None:
            raise reader.fail(f"neuron/{key}", "is missing")
    current, voltage = (axis(value[0] if shared(value) else value) for value in decays if value is not None)
    return Neuron(reader.integer("neuron/vThMant"), current, voltage, reset)


def shared(value: np.ndarray) -> bool:
    """Whether all neurons have the same value."""
    return bool(np.all(value == value[:1])) and value.size > 0


def read_dense(reader: Reader) -> Layer:
    """`dense`, `dense_rec`, `dense_own`, and with a memory pathway; without neurons, or where none can spike, sums."""
    weight = matrix(reader)
    neuron = reader.neuron_type
    kind = reader.string("type")
    if neuron is None:
        return Readout(reader.name, weight)
    shape = (len(weight),)
    if reader.integer("neuron/vThMant") >= NEVER and integrates(reader):
        return Readout(reader.name, weight)
    if reader.integer("neuron/vThMant") > NEVER:
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
    """`weight_rec`, a matrix, or `weight_own`, a weight a neuron; the types that say which is there are held to it."""
    full, diagonal = reader.optional("weight_rec", (2,)), reader.optional("weight_own", (1,))
    if full is not None and diagonal is not None:
        raise reader.fail("weight_own", "is there beside 'weight_rec'")
    if kind == "dense_own" and diagonal is None:
        raise reader.fail("weight_own", "is missing")
    if kind in ("dense", "dense_rec") and diagonal is not None:
        raise reader.fail("weight_own", f"is there in a layer of the type {kind!r}")
    return full if diagonal is None else diagonal


def matrix(reader: Reader) -> np.ndarray:
    """`weight`, (outputs, inputs); older files have it flat where there is one output."""
    weight = reader.integers("weight", (1, 2))
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


def read_conv(reader: Reader) -> Conv:
    """`conv`."""
    weight, groups = reader.integers("weight", (4,)), reader.integer("groups", 1)
    size = image(reader, weight.shape[1] * groups, weight.shape[2:])
    return convolution(reader, weight, size, groups)


def read_pool(reader: Reader) -> Conv:
    """`pool`, SLAYER's sum pooling: the same kernel for every channel.

    SLAYER lays the channels one below the other and convolves the whole. Windows that cross from one channel into the
    next mix them, which no convolution does; such pools are refused.
    """
    kernel = reader.integers("weight", (2, 4))
    kernel = kernel.reshape(1, 1, *kernel.shape[-2:])
    channels, *size = image(reader, reader.shape()[0], kernel.shape[2:], lambda size, edge: size % edge)
    extra = tuple(size[axis] % kernel.shape[2 + axis] for axis in (0, 1))
    expanded(reader, kernel.size * channels)
    layer = convolution(reader, np.repeat(kernel, channels, axis=0), (channels, *size), channels, extra)
    rows = size[0] + extra[0]
    reach = layer.dilation[0] * (kernel.shape[2] - 1) + 1
    if channels > 1 and (layer.padding[0] or rows % layer.stride[0] or reach > layer.stride[0]):
        raise BasaltError(
            f"{reader.place}: 'kernelSize', 'stride' and 'padding' make a pool whose windows reach from one channel "
            f"into the next in SLAYER, which no convolution does; it cannot be deployed as it was trained."
        )
    return layer


def image(
    reader: Reader,
    channels: int,
    kernel: tuple[int, ...],
    extra: Callable[[int, int], int] = lambda size, edge: 0,
) -> tuple[int, int, int]:
    """Shape of a convolution's input: `inputShape`, what the layer before sends, the named shape, or the only one that
    gives the output's shape.

    Args:
        channels: of the input.
        kernel: height and width.
        extra: size and kernel → rows or columns added below or right.
    """
    shape = reader.before or reader.given
    if "inputShape" in reader.group:
        shape = tuple(int(size) for size in reader.integers("inputShape", (1,), AXES_MAX))
    if shape is None:
        fitting = [sizes_that_fit(reader, axis, kernel[axis], extra) for axis in (0, 1)]
        if all(len(sizes) == 1 for sizes in fitting):
            return (channels, fitting[0][0], fitting[1][0])
        span = [(",".join(map(str, (channels, *(sizes[end] for sizes in fitting))))) for end in (0, -1) if all(fitting)]
        fits = f", of which {' to '.join(span)} give its output" if span else ""
        raise BasaltError(
            f"{reader.place}: the shape of the network's input is not in the file; name it with --input-shape C,H,W"
            f"{fits}, or give the spikes as samples × C × H × W × steps."
        )
    if len(shape) != 3:
        raise reader.fail("inputShape", f"is {shape}, not (channels, height, width)")
    return (shape[0], shape[1], shape[2])


def sizes_that_fit(reader: Reader, axis: int, kernel: int, extra: Callable[[int, int], int]) -> list[int]:
    """Input rows (axis 0) or columns (axis 1) from which the kernel makes as many as the layer's output has."""
    shape = reader.shape()
    step, padding, spread = (
        reader.pair(key, default)[axis] for key, default in (("stride", 1), ("padding", 0), ("dilation", 1))
    )
    for key, value, low in (
        ("stride", step, 1),
        ("padding", padding, 0),
        ("dilation", spread, 1),
        ("weight", kernel, 1),
    ):
        if not low <= value <= GEOMETRY_MAX:
            raise reader.fail(key, f"is {value}, and must be {low} … {GEOMETRY_MAX:,}")
    wanted = shape[1 + axis] if len(shape) == 3 else 0
    reach = spread * (kernel - 1) + 1
    least = step * (wanted - 1) + reach - 2 * padding  # without extra rows, which are fewer than the kernel's
    return [
        size
        for size in range(max(1, least - kernel), least + step)
        if (size + 2 * padding + extra(size, kernel) - reach) // step + 1 == wanted
    ]


def convolution(
    reader: Reader, weight: np.ndarray, size: tuple[int, ...], groups: int, extra: tuple[int, ...] = (0, 0)
) -> Conv:
    """What `conv` and `pool` have in common."""
    if "extra" in reader.group:
        extra = reader.pair("extra", 0)
    stride, dilation = reader.pair("stride", 1), reader.pair("dilation", 1)
    shape = (len(weight), *reader.shape()[1:])
    if min(stride) < 1:
        raise reader.fail("stride", f"is {stride}, and must be at least 1")
    layer = Conv(
        name=reader.name,
        weight=weight,
        neuron=read_neuron(reader, shape),
        bias=reader.spread("bias", shape),
        delay=reader.spread("delay", shape),
        start=reader.integer("neuron/start", 0),
        input_shape=(size[0], size[1], size[2]),
        stride=stride,
        padding=reader.pair("padding", 0),
        dilation=dilation,
        groups=groups,
        extra=(extra[0], extra[1]),
    )
    if layer.shape != shape:
        raise reader.fail("shape", f"is {shape}, but the kernel makes {layer.shape} of the input {size}")
    return layer


def read_input(reader: Reader) -> Encoder:
    """`input` with neurons."""
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
    expanded(reader, classes * inputs)
    return Readout(reader.name, np.repeat(np.eye(classes, dtype=np.int64), inputs // classes, axis=1))


def expanded(reader: Reader, values: int) -> None:
    """Raise where what a layer stands for takes more memory than a file may, however short it is written."""
    size = values * np.dtype(np.int64).itemsize
    if size > memory_limit():
        raise too_large(reader.file, f"layer {reader.index}", size, memory_limit())


MEMORY_DIMENSIONS: dict[str, dict[str, int]] = {
    SlowMemory.kind: {
        **dict.fromkeys(("transition", "memory_weight"), 2),
        **dict.fromkeys(("drive_weight", "drive_input", "drive_memory_weight"), 1),
    },
    Hgrn.kind: {
        **dict.fromkeys((*(f"{gate}_weight" for gate in GATES), "forget_recurrent", "update_recurrent"), 2),
        **dict.fromkeys((*(f"{gate}_bias" for gate in GATES), "low", "gain"), 1),
    },
    Hopfield.kind: dict.fromkeys(("keys", "values"), 2),
}
"""Kind of a memory pathway → the arrays among its fields; `variant` is a name, the others are single integers."""

MEMORY_OPTIONAL = ("forget_recurrent", "update_recurrent", "values")
"""Arrays that some variants do not have; the design rules say which."""


def read_memory(reader: Reader, kind: str) -> Pathway:
    """The group `memory`."""
    if not isinstance(reader.group.get("memory"), h5py.Group):
        raise reader.fail("memory", "is missing")
    names = [item.name for item in fields(PATHWAYS[kind])]
    unknown = sorted(set(reader.group["memory"]) - set(names))
    if unknown:
        raise BasaltError(
            f"{reader.place}: 'memory/{unknown[0]}' is not known here in a {kind} memory; update Basalt, or export the "
            f"network with this one."
        )
    values: dict[str, Any] = {}
    for name in names:
        key, dimensions = f"memory/{name}", MEMORY_DIMENSIONS[kind].get(name)
        if name == "variant":
            values[name] = reader.string(key)
        elif dimensions is None:
            values[name] = reader.integer(key)
        else:
            read = reader.optional if name in MEMORY_OPTIONAL else reader.integers
            values[name] = read(key, (dimensions,))
    return PATHWAYS[kind](**values)


def read_readout(reader: Reader) -> Readout:
    """`readout`."""
    return Readout(name=reader.name, weight=reader.integers("weight", (2,)))


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
    if before is None and kind == "conv":
        weight = reader.dataset("weight", "iuf", "a numeric array").shape
        if len(weight) < 4:
            raise reader.fail("weight", f"has {len(weight)} dimensions, not 4 or more")
        before = image(reader, weight[1] * reader.integer("groups", 1), weight[2:4])
    if before is None:
        before = (reader.integer("inFeatures"),) if "inFeatures" in reader.group else shape
    numbers = {key: reader.integers(key, range(5)) for key in NUMBERS if is_dataset(reader, key)}
    words = {key: reader.string(key) for key in WORDS if key in reader.group}
    return Foreign(reader.name, kind, neuron, before, shape, reader.file, reader.index, numbers, words)


def is_dataset(reader: Reader, key: str) -> bool:
    """Whether the key is there, and no group of others."""
    return key in reader.group and not isinstance(reader.group[key], h5py.Group)


READERS: dict[str, Callable[[Reader], Layer]] = {
    "dense": read_dense,
    "dense_rec": read_dense,
    "dense_own": read_dense,
    **dict.fromkeys(PATHWAYS, read_dense),
    "conv": read_conv,
    "pool": read_pool,
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
