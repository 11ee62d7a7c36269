"""Read and write .net files: lava-dl's netx layout in HDF5, with Basalt's further layer types.

Stock layers (`input`, `dense`, `dense_rec`, `conv`, `flatten`, of spiking or sigma-delta neurons) are written as
lava-dl writes them, so stock netx loads them; so are `convT` layers, which it does not load. Basalt adds the types
`dense_own`, `readout`, `mean_readout` and `membrane_readout`, one for each kind of memory pathway, the neuron `ALIF`
with its keys, and the keys `weight_own`, `neuron/reset`, `neuron/resetAmount`, `neuron/refractory`, `neuron/start`,
`inputShape`, `extra`, `fraction` and `signed`; the root attributes `format` and `version` say so.
A reader refuses what it does not know by name. Nothing in a file is executed.
"""

import json
import os
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from basalt.convert import rules
from basalt.convert.netx_read import READERS, is_foreign, output_shape, read_foreign
from basalt.convert.netx_reader import Reader
from basalt.convert.netx_write import write_layers
from basalt.convert.norm import fold
from basalt.convert.reading import TRAINING, check_reading, with_starts, with_thresholds
from basalt.errors import BasaltError
from basalt.files import atomic
from basalt.hdf5_guard import TEXTS_MOST, inspect
from basalt.kept import Kept
from basalt.opening import MIB, memory_limit, opened, there, too_large
from basalt.records.layer import Layer
from basalt.records.network import Foreign, Network
from basalt.records.sigma_delta import SigmaDelta
from basalt.records.synapses import Spiking
from basalt.rehearsal import rehearse, rehearsed, trust
from basalt.shown import VALUE_LONGEST, shown

BESIDE_VALUES = 64 * MIB
"""Of a file: names, headers, checksums."""

MATRICES = ("weight", "weight_rec")
"""Data sets that `Reader.matrix` reads."""

FORMAT = "basalt-netx"
VERSION = 6
STEP_MIN, STEP_MAX = 1e-12, 1e9
"""Seconds of a step: what lasts less or longer is a slip, and its energy or number of steps no float."""


def read(path: Path, bias_start: str = TRAINING, input_shape: tuple[int, int, int] | None = None) -> Network:
    """Read a .net file and check it against the design rules.

    Args:
        bias_start: from which step biases act where the file does not say, a name of `basalt.convert.reading.READINGS`.
        input_shape: (channels, height, width) of what a first convolution or pool takes, where the file does not say.

    Raises:
        BasaltError: not there, not HDF5, truncated, a layer or key that is unknown, missing or out of range; or the
            input has another shape.
    """
    path = Path(path)
    check_reading(bias_start)
    if not there(path):
        raise BasaltError(f"{path} does not exist; make one with `basalt export`, or name another file.")
    with opened(path) as plain:  # a pipe or a device is refused before HDF5 waits for it
        size = os.fstat(plain.fileno()).st_size
    if size > memory_limit() + BESIDE_VALUES:
        raise too_large(path, "the file", size, memory_limit())

    kept = Kept(memory_limit())

    def load() -> Network:
        try:
            with h5py.File(path, "r") as file:
                inspect(file, path, TEXTS_MOST, MATRICES, not rehearsed(path))
                network = read_network(file, path, bias_start, input_shape, kept)
                if any(isinstance(layer, Foreign) for layer in network.layers) and not rehearsed(path):
                    inspect(file, path)  # stock lava-dl reads the rest
                return network
        except (OSError, RuntimeError, LookupError, ValueError, TypeError, SystemError, MemoryError) as error:
            raise BasaltError(f"{path} is not a readable .net file ({short(error)}); export it again.") from error

    rehearse(path, load)
    network = load()
    rules.enforce(network, str(path))
    if input_shape is not None:
        check_shape(network, input_shape, path)
    return network


def check_shape(network: Network, given: tuple[int, int, int], path: Path) -> None:
    """Raise where an input of another shape than the network's was named."""
    first = network.layers[0]
    shape = getattr(first, "features", None) or (None if is_dense(first) else getattr(first, "input_shape", None))
    if prod(given) != first.inputs or (shape is not None and len(shape) == 3 and tuple(shape) != tuple(given)):
        raise BasaltError(
            f"{path}: the input cannot have the shape {given}: the first layer takes {shape or first.inputs} "
            f"(channels, height, width, as SLAYER has them)."
        )


def is_dense(layer: Layer) -> bool:
    """Whether its input has no shape."""
    return isinstance(layer, SigmaDelta) and layer.dense


def short(error: Exception) -> str:
    """The beginning of an error of HDF5's, which can be long."""
    return shown(str(error), VALUE_LONGEST) or type(error).__name__


def attribute(file: h5py.File, path: Path, name: str, default: Any, read: Callable[[Any], Any]) -> Any:
    """What `read` makes of an attribute of the file, or of `default` where it has none.

    Raises:
        BasaltError: `read` raises a TypeError, ValueError, OverflowError or RecursionError.
    """
    value = file.attrs.get(name, default)
    try:
        return read(value)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        told = shown(repr(value), VALUE_LONGEST)
        raise BasaltError(f"{path}: the attribute {name!r} cannot be {told}; export it again.") from error


def text(value: Any) -> str:
    """A string that can be written and shown, whatever bytes HDF5 keeps."""
    word = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return shown(word, VALUE_LONGEST)


def duration(value: Any) -> float | None:
    """Seconds that a step may last, or None."""
    if isinstance(value, str | bytes | bool | np.bool_):
        raise TypeError
    seconds = None if value is None else float(value)
    if seconds is not None and not STEP_MIN <= seconds <= STEP_MAX:
        raise ValueError
    return seconds


def version_number(value: Any) -> int:
    """A whole number."""
    if isinstance(value, str | bytes | bool | np.bool_) or value != int(value):
        raise TypeError
    return int(value)


def origins(value: Any) -> dict[str, str]:
    """A JSON object."""
    found = json.loads(str(value))
    if not isinstance(found, dict):
        raise TypeError
    return {text(key): text(entry) for key, entry in found.items()}


def read_network(
    file: h5py.File,
    path: Path,
    reading: str = TRAINING,
    input_shape: tuple[int, int, int] | None = None,
    kept: Kept | None = None,
) -> Network:
    """All of an open file."""
    version = attribute(file, path, "version", VERSION, version_number)
    found = attribute(file, path, "format", FORMAT, text)
    if found != FORMAT or not 1 <= version <= VERSION:
        raise BasaltError(
            f"{path} has the format {found} version {version}; this Basalt reads {FORMAT} up to "
            f"version {VERSION}: update Basalt, or export the network with this one."
        )
    if not isinstance(file.get("layer"), h5py.Group) or len(file["layer"]) == 0:
        raise BasaltError(f"{path} holds no layers; is it a netx file?")
    own = "format" in file.attrs
    layers, unsaid = read_layers(file, path, input_shape, kept)
    network = Network(
        layers=layers,
        name=attribute(file, path, "name", path.stem, text),
        step_seconds=attribute(file, path, "step_seconds", None, duration),
        origin=attribute(file, path, "origin", "{}", origins),
        reading=None if own else reading,
    )
    return network if own else with_thresholds(with_starts(network, unsaid, reading, path), reading)


def read_layers(
    file: h5py.File, path: Path, input_shape: tuple[int, int, int] | None, kept: Kept | None = None
) -> tuple[tuple[Layer, ...], list[str]]:
    """The records of the layers that compute, and the names of those whose bias has no start in the file.

    Layers that only reshape give the next one its input's shape.
    """
    found: list[Layer] = []
    unsaid: list[str] = []
    before: tuple[int, ...] | None = None
    for index in range(len(file["layer"])):
        if not isinstance(file["layer"].get(str(index)), h5py.Group):
            raise BasaltError(f"{path}: layer {index} is missing though later ones are there; export it again.")
        group = file["layer"][str(index)]
        name = text(group.attrs.get("name", f"layer{index}"))
        reader = Reader(
            group,
            f"{path}, layer {index}",
            name=name,
            before=before,
            file=path,
            index=index,
            given=None if found else input_shape,
            kept=kept,
        )
        if not len(group):
            raise BasaltError(
                f"{reader.place}: the group is empty, which is all that lava-dl exports of some blocks, as of "
                f"slayer.block.cuba.KWTA; a network with such a block cannot be deployed from its file."
            )
        kind = reader.string("type")
        if kind in RESHAPING and reader.neuron_type is None:
            before = reshaped(reader, kind)
            continue
        if is_foreign(reader, kind):
            layer: Layer = read_foreign(reader)
        elif kind in READERS:
            layer = READERS[kind](reader)
        else:
            raise BasaltError(f"{reader.place}: the type {kind!r} is not known here; {', '.join(READERS)} are.")
        if isinstance(layer, Spiking) and "weight_exp" in group["neuron"]:
            layer = fold(layer, reader.integer("neuron/weight_exp"), reader.place)
        found.append(layer)
        if isinstance(layer, Spiking | SigmaDelta) and layer.bias is not None and "start" not in group["neuron"]:
            unsaid.append(layer.name)
        before = output_shape(layer)
    if not found:
        raise BasaltError(f"{path} holds no layers that compute anything.")
    return tuple(found), unsaid


RESHAPING = ("input", "flatten")
"""Types that, without neurons, only say how features are laid out; they are flat here, the channel slowest."""


def reshaped(reader: Reader, kind: str) -> tuple[int, ...] | None:
    """The shape after a layer that only reshapes."""
    if kind == "flatten":
        return None if reader.before is None else (prod(reader.before),)
    return reader.shape() if "shape" in reader.group else None


def write(path: Path, network: Network) -> None:
    """Write a .net file atomically, after checking it against the design rules.

    Raises:
        BasaltError: a design rule is broken, or the file cannot be written.
    """
    rules.enforce(network, str(path))
    with atomic(path) as temporary, h5py.File(temporary, "w", libver=("v110", "v110")) as file:
        file.attrs["format"] = FORMAT
        file.attrs["version"] = version_of(network)
        file.attrs["name"] = network.name
        file.attrs["origin"] = json.dumps(network.origin)
        if network.step_seconds is not None:
            file.attrs["step_seconds"] = network.step_seconds
        write_layers(file, network)
    trust(path)


def version_of(network: Network) -> int:
    """The oldest version whose readers know all that the network has."""
    return max((layer.since for layer in network.layers), default=1)
