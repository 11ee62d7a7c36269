"""Writers of .net layers: one function a record, into an HDF5 group, as lava-dl writes the types it has."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import h5py
import numpy as np
from jaxtyping import Int

from basalt.convert.netx_messages import NEURON
from basalt.records.delta import VALUE_BITS, Delta, DeltaInput
from basalt.records.layer import Layer
from basalt.records.network import Foreign, Network
from basalt.records.neuron import Neuron, axis
from basalt.records.readout import Readout
from basalt.records.sigma_delta import SigmaDelta, SigmaOutput
from basalt.records.synapses import Conv, Encoder, Spiking

PACKED_FROM = 1 << 12
"""Bytes of an array that is packed: an index of chunks takes as much."""
CHUNK_MOST = 1 << 20
"""Bytes of an array that is one chunk, and needs no such index; a larger one takes minutes to pack tightly."""
SQUARE = (512, 1024)
"""Rows and columns of the chunks of a larger matrix."""

RECURRENCES = {"none": ("dense", ""), "full": ("dense_rec", "weight_rec"), "diagonal": ("dense_own", "weight_own")}
"""Recurrence → the layer's type without a memory pathway, and the key of the recurrent weights."""


def write_spiking(group: h5py.Group, layer: Spiking) -> None:
    """As lava-dl writes `dense` and `dense_rec`; a memory pathway gives the type its kind, and adds a group."""
    kind, key = RECURRENCES[layer.recurrence]
    write_matrix(group, layer.memory.kind if layer.memory is not None else kind, layer.weight)
    optional = {key: layer.recurrent_weight, "bias": layer.bias, "delay": layer.delay}
    for key, value in optional.items():
        if value is not None:
            write_array(group, key, value.astype(np.int32))
    write_neuron(group, layer.neuron, layer.start, layer.shape)
    if layer.memory is not None:
        for item in fields(layer.memory):
            value = getattr(layer.memory, item.name)
            if isinstance(value, np.ndarray):
                write_array(group, f"memory/{item.name}", value.astype(np.int32))
            elif value is not None:
                group[f"memory/{item.name}"] = value


def write_conv(group: h5py.Group, layer: Conv) -> None:
    """As lava-dl writes `conv` and `convT`."""
    write_convolution(group, layer)
    write_neuron(group, layer.neuron, layer.start, layer.shape)


def write_sigma_delta(group: h5py.Group, layer: SigmaDelta) -> None:
    """As lava-dl writes `dense`, `conv` and `convT`."""
    if layer.dense:
        write_matrix(group, "dense", layer.weight[:, :, 0, 0])
        write_by_channel(group, layer)
    else:
        write_convolution(group, layer)
    write_changes(group, layer, activation="relu")
    if layer.start:
        group["neuron/start"] = layer.start


def write_delta_input(group: h5py.Group, layer: DeltaInput) -> None:
    """As lava-dl writes `input`."""
    write_type(group, "input")
    group["shape"] = np.array(layer.features)
    group["weight"] = np.array([layer.weight], dtype=np.int32)
    group["bias"] = np.array([layer.offset], dtype=np.int32)
    group["fraction"] = layer.fraction
    if layer.delay is not None:
        group["delay"] = by_channel(layer.delay, layer.shape).astype(np.int32)
    write_changes(group, layer, activation="relu")


def write_changes(group: h5py.Group, layer: Delta, **more: Any) -> None:
    """The group `neuron` of what sends changes."""
    finer = layer.threshold % (1 << VALUE_BITS) != 0
    more |= {"threshold": layer.threshold} if finer else {}
    for key, value in {"type": NEURON, "vThMant": layer.threshold >> VALUE_BITS, **more}.items():
        group[f"neuron/{key}"] = value
    if layer.signed:
        group["signed"] = 1


def write_sigma_output(group: h5py.Group, layer: SigmaOutput) -> None:
    """As lava-dl writes `sigma_delta.Output`; the threshold does nothing."""
    write_matrix(group, "dense", layer.weight)
    for key, value in {"type": NEURON, "vThMant": 0, "activation": "relu", "sigma_output": True}.items():
        group[f"neuron/{key}"] = value


def write_convolution(group: h5py.Group, layer: Conv | SigmaDelta) -> None:
    """Synapses, with the input's shape and the rows and columns that lava-dl may lack."""
    write_type(group, "convT" if layer.transposed else "conv")
    outputs, channels, *kernel = layer.weight.shape
    group["shape"] = np.array(layer.shape)
    group["inputShape"] = np.array(layer.input_shape)
    group["inChannels"] = channels * layer.groups
    group["outChannels"] = outputs
    group["kernelSize"] = np.array(kernel)
    for key in ("stride", "padding", "dilation"):
        group[key] = np.array(getattr(layer, key))
    group["groups"] = layer.groups
    if layer.extra != (0, 0):
        group["extra"] = np.array(layer.extra)
    weight = layer.weight
    if layer.transposed:  # the inputs first, as torch has them
        by_group = weight.reshape(layer.groups, outputs // layer.groups, channels, *kernel).swapaxes(1, 2)
        weight = by_group.reshape(layer.groups * channels, outputs // layer.groups, *kernel)
    write_array(group, "weight", weight.astype(np.int16))
    write_by_channel(group, layer)


def write_by_channel(group: h5py.Group, layer: Conv | SigmaDelta) -> None:
    """Biases and delays."""
    for key, value in {"bias": layer.bias, "delay": layer.delay}.items():
        if value is not None:
            group[key] = by_channel(value, layer.shape).astype(np.int32)


def write_encoder(group: h5py.Group, layer: Encoder) -> None:
    """As lava-dl writes `input` with neurons."""
    write_type(group, "input")
    group["shape"] = np.array(layer.features)
    group["weight"] = layer.weight.reshape(1).astype(np.int32)
    group["bias"] = np.array([layer.offset], dtype=np.int32)
    for key in ("fraction", "signed"):
        if getattr(layer, key):
            group[key] = int(getattr(layer, key))
    write_neuron(group, layer.neuron, layer.start, layer.shape)


def write_readout(group: h5py.Group, layer: Readout) -> None:
    """A weight, and the decays of membranes where there are any."""
    decays = {"vDecay": layer.voltage_decay, "iDecay": layer.current_decay}
    found = {key: value for key, value in decays.items() if value is not None}
    write_matrix(group, ("readout", "mean_readout", "membrane_readout")[len(found)], layer.weight)
    for key, value in found.items():
        group[key] = value


def write_foreign(group: h5py.Group, layer: Foreign) -> None:
    """The group as it is in its file."""
    with h5py.File(layer.file, "r") as source:
        found = source[f"layer/{layer.index}"]
        for key in found:
            found.copy(key, group)


def write_matrix(group: h5py.Group, kind: str, weight: Int[np.ndarray, "neurons inputs"]) -> None:
    """What layers with a weight matrix have."""
    write_type(group, kind)
    group["shape"] = np.array([len(weight)])
    group["inFeatures"] = weight.shape[1]
    group["outFeatures"] = len(weight)
    write_array(group, "weight", weight.astype(np.int16))


def write_array(group: h5py.Group, key: str, values: np.ndarray) -> None:
    """An array, packed as its size makes it worth the time."""
    if values.nbytes < PACKED_FROM:
        group[key] = values
    elif values.nbytes <= CHUNK_MOST:
        tightly = {"compression": "gzip", "compression_opts": 9, "shuffle": True}
        group.create_dataset(key, data=values, chunks=values.shape, **tightly)
    else:
        square = tuple(min(size, most) for size, most in zip(values.shape, SQUARE)) if values.ndim == 2 else None
        group.create_dataset(key, data=values, chunks=square, compression="gzip")


def write_type(group: h5py.Group, kind: str) -> None:
    """What every layer has."""
    group.create_dataset("type", (1,), "S16", [kind.encode("ascii")])


def write_neuron(group: h5py.Group, neuron: Neuron, start: int, shape: tuple[int, ...]) -> None:
    """The group `neuron`; keys that stock netx does not know only where they say something."""
    group["neuron/type"] = neuron.file_type
    group["neuron/iDecay"] = scalar(by_channel(neuron.current_decay, shape))
    group["neuron/vDecay"] = scalar(by_channel(neuron.voltage_decay, shape))
    thresholds = axis(neuron.threshold)
    group["neuron/vThMant"] = scalar(by_channel(thresholds if neuron.own_thresholds else thresholds[:1], shape))
    group["neuron/refDelay"] = 1
    group["neuron/gradedSpike"] = False
    for name, key in neuron.file_keys.items():
        value = getattr(neuron, name)
        group[f"neuron/{key}"] = scalar(by_channel(value, shape)) if isinstance(value, np.ndarray) else value
    if neuron.reset != type(neuron).reset:
        group["neuron/reset"] = neuron.reset
    if neuron.own_amount:
        amounts = axis(neuron.amount)
        group["neuron/resetAmount"] = scalar(by_channel(amounts if np.ptp(amounts) else amounts[:1], shape))
    if neuron.refractory:
        group["neuron/refractory"] = neuron.refractory
    if start:
        group["neuron/start"] = start


def scalar(value: Int[np.ndarray, "#neurons"]) -> int | Int[np.ndarray, "neurons"]:
    """One number when all neurons share it, as lava-dl writes it."""
    return int(value[0]) if value.size == 1 else value.astype(np.int32)


def by_channel(value: Int[np.ndarray, "#neurons"], shape: tuple[int, ...]) -> Int[np.ndarray, "#channels"]:
    """One value per channel, where the neurons of each channel share it."""
    if value.size == 1 or len(shape) == 1:
        return value
    channels = value.reshape(shape[0], -1)
    return channels[:, 0] if np.all(channels == channels[:, :1]) else value


WRITERS: dict[str, Callable[[h5py.Group, Any], None]] = {
    Spiking.kind: write_spiking,
    Conv.kind: write_conv,
    Encoder.kind: write_encoder,
    SigmaDelta.kind: write_sigma_delta,
    DeltaInput.kind: write_delta_input,
    Readout.kind: write_readout,
    SigmaOutput.kind: write_sigma_output,
    Foreign.kind: write_foreign,
}
"""Record kind → its writer."""


def structure(before: tuple[int, ...] | None, layer: Layer) -> tuple[str, tuple[int, ...]] | None:
    """The layer without neurons that has to stand before `layer`, its type and shape: lava-dl tells shapes by them."""
    convolves = isinstance(layer, Conv) or (isinstance(layer, SigmaDelta) and not layer.dense)
    if before is None and (convolves or isinstance(layer, Foreign)):
        assert isinstance(layer, Conv | SigmaDelta | Foreign)
        return "input", layer.input_shape
    if before is not None and len(before) > 1 and not convolves:
        return "flatten", (layer.inputs, 1, 1)
    return None


def write_layers(file: h5py.File, network: Network) -> None:
    """All layers, with those that only reshape in between."""
    index = 0
    before: tuple[int, ...] | None = None
    for layer in network.layers:
        extra = structure(before, layer)
        if extra is not None:
            group = file.create_group(f"layer/{index}")
            write_type(group, extra[0])
            group["shape"] = np.array(extra[1])
            index += 1
        group = file.create_group(f"layer/{index}")
        group.attrs["name"] = layer.name
        WRITERS[layer.kind](group, layer)
        before = getattr(layer, "shape", (layer.neurons,))
        index += 1
