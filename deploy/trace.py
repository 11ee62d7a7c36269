"""What training sent, from a trace: an .npz file with an array for each layer, aligned with what is sent here.

A trace is recorded in SLAYER (`examples/trace_of_slayer.py`). Layers are named as in the .net file, where lava-dl's are
layer0, layer1, … by their place in it, or layer0, … by the order of those that compute. An array is
(samples, neurons, steps) or (samples, channels, height, width, steps), 0 and 1 of whatever type; of a read-out what
SLAYER's Affine gives at each step, or the last sums, (samples, classes); of sigma-delta blocks real numbers.

Here each layer takes a step. So do SLAYER's blocks (`delay_shift`), except its read-outs, its sigma-delta blocks and
those that were trained with `delay_shift=False`: what they sent is compared with what is sent here a step later, and
that is said.
"""

from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from basalt.arrays import archive
from basalt.errors import BasaltError
from basalt.opening import memory_limit, there, too_large
from basalt.records.delta import Delta
from basalt.records.layer import Layer
from basalt.records.network import Network
from basalt.records.readout import Readout
from basalt.shown import VALUE_LONGEST, shown


@dataclass(frozen=True, eq=False)
class Trace:
    """What training sent.

    Attributes:
        path: of the file.
        sent: by layer name, (samples, neurons, steps), or a read-out's last sums (samples, classes).
        unnamed: arrays of the file that are of no layer.
    """

    path: Path
    sent: dict[str, np.ndarray]
    unnamed: tuple[str, ...]

    def missing(self, network: Network) -> list[str]:
        """Layers that the trace does not have."""
        return [layer.name for layer in network.layers if layer.name not in self.sent]


def read_trace(path: Path, network: Network, samples: int, steps: int) -> Trace:
    """The trace of a network on an input of `samples` samples and `steps` steps.

    Raises:
        BasaltError: it is not there, damaged, or that of another network or input.
    """
    if not there(path):
        raise BasaltError(f"{path} does not exist; name an .npz file with an array for each layer, as layer0.")
    orders = {f"layer{order}": layer.name for order, layer in enumerate(network.layers)}
    names = [layer.name for layer in network.layers]
    with archive(path) as found:
        called = {name: name for name in found.names}
        if not any(name in called for name in names):
            called = {orders.get(name, name): name for name in found.names}
        layers = [layer for layer in network.layers if layer.name in called]
        if not layers:
            raise BasaltError(
                f"{path} holds no layer of this network; its arrays must be called {', '.join(names)}, and are "
                f"{shown(', '.join(called), VALUE_LONGEST) or 'none'}."
            )
        shapes = {
            layer.name: fitting(found.header(called[layer.name]).shape, layer, samples, steps, path) for layer in layers
        }
        size = sum(prod(shape) for shape in shapes.values()) * np.dtype(np.int64).itemsize
        if size > memory_limit():
            raise too_large(path, "all of it", size, memory_limit())
        sent = {
            layer.name: numbers(found.read(called[layer.name]).reshape(shapes[layer.name]), layer, path)
            for layer in layers
        }
    return Trace(path, sent, tuple(sorted(set(called) - set(names))))


def fitting(shape: tuple[int, ...], layer: Layer, samples: int, steps: int, path: Path) -> tuple[int, ...]:
    """The shape of a layer's array with the axes (samples, neurons, steps) or (samples, classes).

    Raises:
        BasaltError: it is of another layer or input.
    """
    flat: tuple[int, ...] = (shape[0], prod(shape[1:-1]), shape[-1]) if len(shape) > 3 and 0 not in shape else shape
    fits = ((layer.neurons, steps), (layer.neurons,))
    if not flat or flat[1:] not in fits[: 2 if isinstance(layer, Readout) else 1]:
        raise BasaltError(
            f"{path} is of another network or input: layer {layer.name!r} has the shape {shape[1:]} there, not "
            f"{fits[0]} for this input."
        )
    if flat[0] > samples:
        raise BasaltError(
            f"{path} has {flat[0]} samples of layer {layer.name!r}, the input {samples}: it is of another input."
        )
    return flat


def numbers(flat: np.ndarray, layer: Layer, path: Path) -> np.ndarray:
    """A layer's array as integers.

    Raises:
        BasaltError: it holds what no such layer sends.
    """
    if flat.dtype.kind == "f" and not np.all(np.abs(flat) < 1 << 40):
        raise BasaltError(f"{path}: layer {layer.name!r} holds values that no layer sends (beyond 40 bits, or none).")
    if isinstance(layer, Readout | Delta) and flat.dtype.kind == "f":
        return in_units(flat, layer, path)
    if not np.array_equal(flat, np.rint(flat)):
        raise BasaltError(f"{path}: layer {layer.name!r} holds fractions where spikes belong.")
    return flat.astype(np.int64)


def in_units(values: np.ndarray, layer: Readout | Delta, path: Path) -> np.ndarray:
    """What a read-out or a sigma-delta layer gave in real numbers, in integers of what is sent here.

    Raises:
        BasaltError: it is not on the grid of the integers.
    """
    scaled = values.astype(np.float64) * layer.unit
    whole = np.rint(scaled)
    if not np.allclose(whole, scaled, rtol=0, atol=1e-2):
        raise BasaltError(
            f"{path}: layer {layer.name!r} holds {values[whole != scaled][0]:g}, which is not a "
            f"multiple of 1/{layer.unit}."
        )
    return whole.astype(np.int64)


@dataclass(frozen=True, eq=False)
class Aligned:
    """A trace and what is sent here, each layer from the step on at which the trace's first is sent.

    Attributes:
        trained, sent: by layer name, as `basalt.deploy.comparison.compare` takes them.
        late: by how many steps each layer sends later here than in the trace.
    """

    trained: dict[str, np.ndarray]
    sent: dict[str, np.ndarray]
    late: dict[str, int]


def align(network: Network, trace: Trace, sent: dict[str, np.ndarray], shift: bool) -> Aligned:
    """A trace beside what is sent here.

    A layer is later than the one before it by no step, or by one for itself and each layer between that the trace
    lacks; of these by as many as leave the fewest differences, and by none where it makes no difference. What a
    read-out gives at each step may be its sums or what it adds to them.

    Args:
        shift: a layer may be later at all.
    """
    trained, here, late = {}, {}, {}
    before = reached = 0
    for order, layer in enumerate(network.layers, 1):
        values = trace.sent.get(layer.name)
        if values is None:
            continue
        found = sent[layer.name]
        if values.ndim == 2:
            trained[layer.name], here[layer.name] = values, found
            continue
        sums = isinstance(layer, Readout) and not layer.membranes
        forms = [values, values.cumsum(axis=-1)] if sums else [values]
        most = min(before + order - reached, values.shape[-1] - 1) if shift else before
        choices = [
            (differing(form, found, steps), steps, index)
            for steps in range(before, most + 1)
            for index, form in enumerate(forms)
        ]
        _, before, index = min(choices)
        reached = order
        late[layer.name] = before
        trained[layer.name] = forms[index][..., : values.shape[-1] - before]
        here[layer.name] = found[..., before:]
    return Aligned(trained, here, late)


def differing(trained: np.ndarray, sent: np.ndarray, late: int) -> float:
    """The share of values of the samples that both have which differ, if what is sent here is late by these steps."""
    both = min(len(trained), len(sent))
    return float(np.mean(trained[:both, :, : trained.shape[-1] - late] != sent[:both, :, late:]))
