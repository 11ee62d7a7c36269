"""Read and write .net files: lava-dl's netx layout in HDF5, with Basalt's further layer types.

Stock layers (`dense`, `dense_rec`) are written as lava-dl writes them, so stock netx loads them. Basalt adds the types
`slow_memory` and `readout` and the key `neuron/reset`; the root attributes `format` and `version` say so. A reader
refuses what it does not know by name. Nothing in a file is executed.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from basalt.errors import BasaltError
from basalt.files import atomic
from convert import rules
from convert.records import RESETS, Layer, Network, Neuron, Readout, SlowMemory, Spiking, axis

FORMAT = "basalt-netx"
VERSION = 1


class Reader:
    """One layer's group, with errors that name file, layer and key."""

    def __init__(self, group: h5py.Group, place: str) -> None:
        self.group = group
        self.place = place

    def fail(self, key: str, what: str) -> BasaltError:
        """The error to raise about a key."""
        return BasaltError(f"{self.place}: {key!r} {what}; export the network again.")

    def integers(self, key: str, dimensions: Sequence[int]) -> np.ndarray:
        """An int64 array with one of the given numbers of dimensions (trailing axes of length 1 are dropped)."""
        if key not in self.group:
            raise self.fail(key, "is missing")
        item = self.group[key]
        if not isinstance(item, h5py.Dataset) or item.dtype.kind not in "iufb":
            raise self.fail(key, "is not a numeric array")
        value = np.asarray(item[()])
        while value.ndim > max(dimensions) and value.shape[-1] == 1:
            value = value[..., 0]
        if value.ndim not in dimensions:
            raise self.fail(key, f"has {value.ndim} dimensions, not {' or '.join(map(str, dimensions))}")
        if value.dtype.kind == "f" and not np.all(np.isfinite(value)):
            raise self.fail(key, "holds NaN or infinity")
        whole = value.astype(np.int64)
        if not np.array_equal(whole, value):
            raise self.fail(key, "holds fractions where integers belong")
        return whole

    def integer(self, key: str) -> int:
        """One integer."""
        value = self.integers(key, (0, 1))
        if value.size != 1:
            raise self.fail(key, f"holds {value.size} values, not one")
        return int(value.reshape(()))

    def optional(self, key: str, dimensions: Sequence[int]) -> np.ndarray | None:
        """An array that may be absent."""
        return self.integers(key, dimensions) if key in self.group else None

    def string(self, key: str) -> str:
        """A string, however HDF5 keeps it."""
        if key not in self.group:
            raise self.fail(key, "is missing")
        value = np.asarray(self.group[key][()]).reshape(-1)[0]
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def read_neuron(reader: Reader) -> Neuron:
    """The group `neuron`."""
    kind = reader.string("neuron/type")
    if kind not in ("CUBA", "LOIHI"):
        raise BasaltError(f"{reader.place}: the neuron type {kind!r} is not known here; CUBA and LOIHI are.")
    reset = reader.string("neuron/reset") if "neuron/reset" in reader.group else "hard"
    if reset not in RESETS:
        raise reader.fail("neuron/reset", f"is {reset!r}, not one of {', '.join(RESETS)}")
    return Neuron(
        threshold=reader.integer("neuron/vThMant"),
        current_decay=axis(reader.integers("neuron/iDecay", (0, 1))),
        voltage_decay=axis(reader.integers("neuron/vDecay", (0, 1))),
        reset=reset,
    )


def read_spiking(reader: Reader, name: str) -> Spiking:
    """`dense`, `dense_rec` and `slow_memory`."""
    weight = reader.integers("weight", (2,))
    delay = reader.optional("delay", (0, 1))
    bias = reader.optional("bias", (0, 1))
    neurons = len(weight)
    return Spiking(
        name=name,
        weight=weight,
        neuron=read_neuron(reader),
        recurrent_weight=reader.optional("weight_rec", (2,)),
        bias=None if bias is None else spread(reader, "bias", bias, neurons),
        delay=None if delay is None else spread(reader, "delay", delay, neurons),
        memory=read_memory(reader) if "memory" in reader.group else None,
    )


def spread(reader: Reader, key: str, value: np.ndarray, neurons: int) -> np.ndarray:
    """A value a neuron, from one for all or one for each."""
    if value.size not in (1, neurons):
        raise reader.fail(key, f"has {value.size} values for {neurons} neurons")
    return np.broadcast_to(value.reshape(-1), (neurons,)).copy()


MEMORY_DIMENSIONS = {
    "transition": 2,
    "memory_weight": 2,
    "drive_weight": 1,
    "drive_input": 1,
    "drive_memory_weight": 1,
}
"""Arrays among the fields of `SlowMemory`; the others are single integers."""


def read_memory(reader: Reader) -> SlowMemory:
    """The group `memory`."""
    values: dict[str, Any] = {}
    for item in fields(SlowMemory):
        key = f"memory/{item.name}"
        dimensions = MEMORY_DIMENSIONS.get(item.name)
        values[item.name] = reader.integer(key) if dimensions is None else reader.integers(key, (dimensions,))
    return SlowMemory(**values)


def read_readout(reader: Reader, name: str) -> Readout:
    """`readout`."""
    return Readout(name=name, weight=reader.integers("weight", (2,)))


READERS: dict[str, Callable[[Reader, str], Layer]] = {
    "dense": read_spiking,
    "dense_rec": read_spiking,
    "slow_memory": read_spiking,
    "readout": read_readout,
}
"""Layer type → its reader."""

STRUCTURE = ("flatten",)
"""Types that only reshape: features are flat here, so they change nothing."""


def read(path: Path) -> Network:
    """Read a .net file and check it against the design rules.

    Raises:
        BasaltError: not there, not HDF5, truncated, a layer or key that is unknown, missing or out of range.
    """
    path = Path(path)
    if not path.exists():
        raise BasaltError(f"{path} does not exist; make one with `python convert/export.py`, or name another file.")
    try:
        with h5py.File(path, "r") as file:
            network = read_layers(file, path)
    except (OSError, RuntimeError, KeyError) as error:
        raise BasaltError(f"{path} is not a readable .net file ({short(error)}); export it again.") from error
    rules.enforce(network, str(path))
    return network


def short(error: Exception) -> str:
    """The first line of an error of HDF5's, which can be long."""
    return str(error).splitlines()[0][:160] if str(error) else type(error).__name__


def read_layers(file: h5py.File, path: Path) -> Network:
    """All layers of an open file."""
    version = int(file.attrs.get("version", VERSION))
    if str(file.attrs.get("format", FORMAT)) != FORMAT or version > VERSION:
        raise BasaltError(
            f"{path} has the format {file.attrs.get('format')!s} version {version}; this Basalt reads {FORMAT} up to "
            f"version {VERSION}: update Basalt, or export the network with this one."
        )
    if "layer" not in file or len(file["layer"]) == 0:
        raise BasaltError(f"{path} holds no layers; is it a netx file?")
    found: list[Layer] = []
    for index in range(len(file["layer"])):
        if str(index) not in file["layer"]:
            raise BasaltError(f"{path}: layer {index} is missing though later ones are there; export it again.")
        group = file["layer"][str(index)]
        reader = Reader(group, f"{path}, layer {index}")
        kind = reader.string("type")
        name = str(group.attrs.get("name", f"layer{index}"))
        if kind in READERS:
            found.append(READERS[kind](reader, name))
        elif not (kind in STRUCTURE or (kind == "input" and "neuron" not in group)):
            raise BasaltError(f"{reader.place}: the type {kind!r} is not known here; {', '.join(READERS)} are.")
    if not found:
        raise BasaltError(f"{path} holds no layers that compute anything.")
    seconds = file.attrs.get("step_seconds")
    return Network(
        layers=tuple(found),
        name=str(file.attrs.get("name", path.stem)),
        step_seconds=None if seconds is None else float(seconds),
        origin=json.loads(str(file.attrs.get("origin", "{}"))),
    )


def write(path: Path, network: Network) -> None:
    """Write a .net file atomically, after checking it against the design rules.

    Raises:
        BasaltError: a design rule is broken, or the file cannot be written.
    """
    rules.enforce(network, str(path))
    with atomic(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs["format"] = FORMAT
        file.attrs["version"] = VERSION
        file.attrs["name"] = network.name
        file.attrs["origin"] = json.dumps(network.origin)
        if network.step_seconds is not None:
            file.attrs["step_seconds"] = network.step_seconds
        for index, layer in enumerate(network.layers):
            group = file.create_group(f"layer/{index}")
            group.attrs["name"] = layer.name
            WRITERS[layer.kind](group, layer)


def write_spiking(group: h5py.Group, layer: Spiking) -> None:
    """As lava-dl writes `dense` and `dense_rec`; `slow_memory` adds a group."""
    recurrent = layer.recurrent_weight is not None
    kind = "slow_memory" if layer.memory is not None else "dense_rec" if recurrent else "dense"
    write_header(group, kind, layer)
    neuron = layer.neuron
    optional = {"weight_rec": layer.recurrent_weight, "bias": layer.bias, "delay": layer.delay}
    for key, value in optional.items():
        if value is not None:
            group[key] = value.astype(np.int32)
    group["neuron/type"] = "CUBA"
    group["neuron/iDecay"] = scalar(neuron.current_decay)
    group["neuron/vDecay"] = scalar(neuron.voltage_decay)
    group["neuron/vThMant"] = neuron.threshold
    group["neuron/refDelay"] = 1
    group["neuron/gradedSpike"] = False
    if neuron.reset != "hard":
        group["neuron/reset"] = neuron.reset
    if layer.memory is not None:
        for item in fields(SlowMemory):
            value = getattr(layer.memory, item.name)
            group[f"memory/{item.name}"] = value if isinstance(value, int) else value.astype(np.int32)


def write_readout(group: h5py.Group, layer: Readout) -> None:
    """A weight and nothing else."""
    write_header(group, "readout", layer)


def write_header(group: h5py.Group, kind: str, layer: Spiking | Readout) -> None:
    """What every layer has."""
    group.create_dataset("type", (1,), "S16", [kind.encode("ascii")])
    group["shape"] = np.array([layer.neurons])
    group["inFeatures"] = layer.inputs
    group["outFeatures"] = layer.neurons
    group.create_dataset("weight", data=layer.weight.astype(np.int16), compression="gzip")


def scalar(value: np.ndarray) -> int | np.ndarray:
    """One number when all neurons share it, as lava-dl writes it."""
    return int(value[0]) if value.size == 1 else value.astype(np.int32)


WRITERS: dict[str, Callable[[h5py.Group, Any], None]] = {
    Spiking.kind: write_spiking,
    Readout.kind: write_readout,
}
"""Record kind → its writer."""


def why_not_stock(layer: Layer) -> str | None:
    """Why stock netx cannot run a layer with the same spikes, or None when it can."""
    if not isinstance(layer, Spiking):
        return f"stock netx has no {layer.kind} layer"
    reasons = {
        "it has a slow memory": layer.memory is not None,
        f"it has the reset {layer.neuron.reset!r}, stock neurons only the hard one": layer.neuron.reset != "hard",
        "stock netx cannot load recurrence with delays": layer.delay is not None and layer.recurrent_weight is not None,
        "stock netx delays the synapses, which differs with a bias": layer.delay is not None and layer.bias is not None,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)
