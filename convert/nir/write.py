"""A network of integers as a NIR file, as the package `nir` 1.0.8 writes them; `own.py` reads the same integers back.

Weights, thresholds and biases are in units of weight, as they are deployed, and decays become time constants:

    τ_mem = dt·4096/voltage_decay, r = τ_mem/dt, and likewise τ_syn and w_in of the current_decay

so that β = 1 − dt/τ and nothing scales what arrives. What NIR has no place for stands in `metadata`: of the input
node `basalt` (a version of this layout), `dt` and `delay`, that each layer here is a step later than the one before; of
each neuron `reset`; where a soft reset subtracts anything but the threshold, `reset_amount`; and where it rests after a
spike, `refractory`. NIR's equations are in real numbers: whoever computes them does not round a decaying state to 1/64
of a weight towards zero, as Basalt does.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from jaxtyping import Float

from basalt.convert.nir.mapped import UNITY
from basalt.errors import BasaltError
from basalt.files import atomic
from basalt.records.layer import Layer
from basalt.records.network import Network
from basalt.records.neuron import Neuron
from basalt.records.readout import Readout
from basalt.records.synapses import Conv, Spiking

NIR_VERSION = "1.0.8"
LAYOUT = 1
"""Of what stands in `metadata`."""


@dataclass(frozen=True, eq=False)
class Written:
    """A node: its type, its values by NIR's names, and metadata."""

    type: str
    values: Mapping[str, Any]
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Drawn:
    """A graph that grows: nodes, edges, the node that the next one hears, and what could not be said."""

    nodes: dict[str, Written] = field(default_factory=dict)
    edges: list[tuple[str, str]] = field(default_factory=list)
    at: str = ""
    shape: tuple[int, ...] = ()
    refused: list[str] = field(default_factory=list)

    def add(self, name: str, node: Written, shape: tuple[int, ...]) -> None:
        """A node that hears the last one."""
        if name in self.nodes:
            self.refused.append(f"{name!r}: two nodes would have this name; rename the layer")
        self.nodes[name] = node
        if self.at:
            self.edges.append((self.at, name))
        self.at, self.shape = name, shape


def write_nir(path: Path, network: Network, step: float) -> None:
    """Write a network whose steps last `step` seconds.

    Raises:
        BasaltError: a layer cannot be said in NIR; names all of them, with the reasons.
    """
    drawn = draw(network, step)
    if drawn.refused:
        raise BasaltError(f"{path} is not written, since NIR cannot say all layers: {'; '.join(drawn.refused)}.")
    with atomic(path) as temporary, h5py.File(temporary, "w") as file:
        file["version"] = NIR_VERSION
        graph = file.create_group("node")
        graph["type"] = "NIRGraph"
        for name, node in drawn.nodes.items():
            group = graph.create_group(f"nodes/{name}")
            group["type"] = node.type
            for key, value in node.values.items():
                group[key] = value
            for key, value in node.metadata.items():
                group[f"metadata/{key}"] = value
        graph.create_dataset("edges", data=np.array(drawn.edges, dtype=object), dtype=h5py.string_dtype())


def draw(network: Network, step: float) -> Drawn:
    """The graph of a network."""
    first = network.layers[0]
    shape = first.input_shape if isinstance(first, Conv) else (first.inputs,)
    about = {"basalt": LAYOUT, "dt": step, "delay": "each layer is a step later than the one before it"}
    drawn = Drawn()
    drawn.add("input", Written("Input", {"shape": np.array(shape)}, about), shape)
    for order, layer in enumerate(network.layers, 1):
        writer = LAYERS.get(type(layer))
        if writer is None:
            drawn.refused.append(f"{layer.name!r} is a layer of kind {layer.kind!r}, which NIR has no node for")
            continue
        writer(drawn, layer, order, step)
    last = network.layers[-1]
    drawn.add("output", Written("Output", {"shape": np.array(drawn.shape)}), (last.neurons,))
    return drawn


def add_dense(drawn: Drawn, layer: Spiking, order: int, step: float) -> None:
    """Affine or Linear, and the neuron."""
    flatten(drawn, layer)
    bias = bias_of(drawn, layer, order)
    values: dict[str, Any] = {"weight": layer.weight.astype(np.float64)}
    if bias.before is not None:
        values["bias"] = bias.before
    drawn.add(f"{layer.name}_weight", Written("Linear" if bias.before is None else "Affine", values), layer.shape)
    add_neuron(drawn, layer, bias.leak, step)


def add_conv(drawn: Drawn, layer: Conv, order: int, step: float) -> None:
    """Conv2d, and the neuron."""
    if layer.transposed or any(layer.extra):
        drawn.refused.append(f"{layer.name!r} is a transposed or unevenly padded convolution, which NIR does not have")
    if drawn.shape != layer.input_shape:
        drawn.refused.append(f"{layer.name!r} takes an image of {layer.input_shape}, and {drawn.shape} arrive")
    bias = bias_of(drawn, layer, order)
    before = np.zeros(len(layer.weight))
    if bias.before is not None:
        channels = bias.before.reshape(len(layer.weight), -1)
        if np.any(channels != channels[:, :1]):
            drawn.refused.append(f"{layer.name!r} has biases that differ within a channel, which NIR does not have")
        before = channels[:, 0].copy()
    values = {
        "input_shape": np.array(layer.input_shape[1:]),
        "weight": layer.weight.astype(np.float64),
        "stride": np.array(layer.stride),
        "padding": np.array(layer.padding),
        "dilation": np.array(layer.dilation),
        "groups": layer.groups,
        "bias": before,
    }
    drawn.add(f"{layer.name}_weight", Written("Conv2d", values), layer.shape)
    add_neuron(drawn, layer, bias.leak, step)


def add_readout(drawn: Drawn, layer: Readout, order: int, step: float) -> None:
    """Linear, and LI or CubaLI where membranes are summed or sent."""
    flatten(drawn, layer)
    size = layer.neurons
    drawn.add(f"{layer.name}_weight", Written("Linear", {"weight": layer.weight.astype(np.float64)}), (size,))
    if layer.voltage_decay is None:
        return
    tau_mem, r = constants(np.array([layer.voltage_decay]), size, step)
    values = {"r": r, "v_leak": np.zeros(size)}
    if layer.current_decay is None:
        drawn.add(layer.name, Written("LI", {"tau": tau_mem, **values}), (size,))
        return
    tau_syn, w_in = constants(np.array([layer.current_decay]), size, step)
    drawn.add(layer.name, Written("CubaLI", {"tau_mem": tau_mem, "tau_syn": tau_syn, "w_in": w_in, **values}), (size,))


def flatten(drawn: Drawn, layer: Layer) -> None:
    """A Flatten where an image arrives at dense synapses."""
    if len(drawn.shape) > 1:
        shape = (prod(drawn.shape),)
        values = {"start_dim": 0, "end_dim": -1, "input_type": np.array(drawn.shape)}
        drawn.add(f"{layer.name}_flat", Written("Flatten", values), shape)
    if drawn.shape != (layer.inputs,):
        drawn.refused.append(f"{layer.name!r} takes {layer.inputs} inputs, and {drawn.shape} arrive")


@dataclass(frozen=True, eq=False)
class Bias:
    """A bias as that of the synapses, or as a resting voltage, both None without one."""

    before: Float[np.ndarray, "neurons"] | None = None
    leak: Float[np.ndarray, "neurons"] | None = None


def bias_of(drawn: Drawn, layer: Spiking, order: int) -> Bias:
    """That of the synapses where no current outlives its step; else the membrane's resting voltage, bias/(1 − β)."""
    if layer.bias is None:
        return Bias()
    bias = np.broadcast_to(layer.bias, layer.neurons).astype(np.float64)
    if layer.start != order:
        drawn.refused.append(
            f"{layer.name!r} has a bias from step {layer.start} on, and what NIR can say begins with the layer's "
            f"input, in step {order}"
        )
    decay = layer.neuron.voltage_decay
    if np.all(layer.neuron.current_decay == UNITY):
        return Bias(before=bias)
    if np.any((decay == 0) & (bias != 0)):
        drawn.refused.append(f"{layer.name!r} has a bias of membranes that do not leak, beside a current that lasts")
        return Bias()
    return Bias(leak=bias * UNITY / np.where(bias == 0, UNITY, decay))


def add_neuron(drawn: Drawn, layer: Spiking, leak: np.ndarray | None, step: float) -> None:
    """IF where nothing leaks, LIF without a lasting current, else CubaLIF; and what goes back."""
    neuron, size, shape = layer.neuron, layer.neurons, layer.shape
    if layer.memory is not None:
        drawn.refused.append(f"{layer.name!r} has a memory pathway")
    if type(neuron) is not Neuron:
        drawn.refused.append(f"{layer.name!r} has {type(neuron).called}, which NIR has no node for")
        return

    def spread(value: Any) -> Float[np.ndarray, "..."]:
        return np.broadcast_to(np.asarray(value, np.float64), size).reshape(shape).copy()

    values = {"v_threshold": spread(neuron.threshold), "v_reset": np.zeros(shape)}
    tau_mem, r = (spread(one) for one in constants(neuron.voltage_decay, size, step))
    tau_syn, w_in = (spread(one) for one in constants(neuron.current_decay, size, step))
    resting = np.zeros(shape) if leak is None else leak.reshape(shape)
    quick = np.all(neuron.current_decay == UNITY)
    if quick and not np.any(neuron.voltage_decay):
        kind, more = "IF", {"r": np.ones(shape)}
    elif quick:
        kind, more = "LIF", {"tau": tau_mem, "r": r, "v_leak": resting}
    else:
        kind = "CubaLIF"
        more = {"tau_mem": tau_mem, "tau_syn": tau_syn, "r": r, "w_in": w_in, "v_leak": resting}
    about: dict[str, Any] = {"reset": neuron.reset}
    if neuron.own_amount:
        about["reset_amount"] = spread(neuron.amount)
    if neuron.refractory:
        about["refractory"] = float(neuron.refractory)
    drawn.add(layer.name, Written(kind, {**values, **more}, about), shape)
    if layer.recurrent_weight is not None:
        full = layer.recurrent_weight.ndim == 2
        back = Written(
            "Linear" if full else "Scale",
            {"weight" if full else "scale": layer.recurrent_weight.astype(np.float64)},
        )
        drawn.nodes[f"{layer.name}_back"] = back
        drawn.edges += [(layer.name, f"{layer.name}_back"), (f"{layer.name}_back", layer.name)]
    if layer.delay is not None:
        late = np.broadcast_to(layer.delay, size).reshape(shape)
        drawn.add(f"{layer.name}_delay", Written("Delay", {"delay": step * late}), shape)


def constants(decay: np.ndarray, size: int, step: float) -> tuple[np.ndarray, np.ndarray]:
    """τ and τ/dt; infinite where nothing leaks."""
    with np.errstate(divide="ignore"):
        ratio = np.broadcast_to(UNITY / np.asarray(decay, np.float64), size).copy()
    return step * ratio, ratio


LAYERS: Mapping[type[Layer], Callable[[Drawn, Any, int, float], None]] = {
    Spiking: add_dense,
    Conv: add_conv,
    Readout: add_readout,
}
"""Kind of layer → what adds its nodes."""
