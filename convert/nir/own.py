"""NIR files that `basalt export --nir` wrote: the same integers back, or refused; nothing is rounded."""

from collections.abc import Callable
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from basalt.convert import rules
from basalt.convert.nir.asked import LONGEST, SHORTEST
from basalt.convert.nir.chain import DELAY, chain
from basalt.convert.nir.delays import steps_of
from basalt.convert.nir.graph import Graph, Node
from basalt.convert.nir.mapped import UNITY
from basalt.convert.nir.operators import UnsaidError, kernel_of, value
from basalt.convert.nir.stage import Stage
from basalt.convert.nir.write import LAYOUT
from basalt.errors import BasaltError
from basalt.records.layer import Layer
from basalt.records.network import Network
from basalt.records.neuron import RESETS, Neuron, axis
from basalt.records.readout import Readout
from basalt.records.synapses import Conv, Spiking

CLOSE = 1e-6
"""How far from whole a number may be that was divided and multiplied again."""


def is_own(graph: Graph) -> bool:
    """Whether Basalt wrote it."""
    return any("basalt" in node.metadata for node in graph.real if node.type == "Input")


def read_own(graph: Graph, name: str, file: str) -> Network:
    """The network of integers.

    Raises:
        BasaltError: it was changed since, into something that is not of integers.
    """
    about = next(node for node in graph.real if node.type == "Input").metadata
    layout, step = about["basalt"], about.get("dt")
    if not isinstance(layout, float) or layout != LAYOUT:
        raise BasaltError(f"{file} is not of layout {LAYOUT}, as this Basalt writes; export it again with this one.")
    if not isinstance(step, float) or not SHORTEST <= step <= LONGEST:
        raise BasaltError(f"{file} does not say its step in seconds; export it again.")
    stages, refused = chain(graph)
    layers: list[Layer] = []
    for order, stage in enumerate(stages, 1):
        try:
            if stage.sources != (order - 1,) or not stage.row:
                raise UnsaidError("branches, which no layer that was written does")
            if stage.neuron is not None and stage.neuron.type == DELAY:
                layers[-1:] = [late(layers[-1], stage, step)] if layers else []
            else:
                layers.append(layer_of(stage, len(layers) + 1, step))
        except UnsaidError as why:
            refused.setdefault(stage.name, str(why))
    if refused or not layers:
        said = "; ".join(f"{node!r} {why}" for node, why in refused.items()) or "it holds no layers"
        raise BasaltError(f"{file} was changed since Basalt wrote it: {said}; export it again.")
    network = Network(tuple(layers), name, step, {"nir": name})
    rules.enforce(network, file)
    return network


def layer_of(stage: Stage, order: int, step: float) -> Layer:
    """A layer of a stage."""
    real = stage.real
    if len(real) != 1 or real[0].type not in BUILDERS:
        raise UnsaidError(f"has {len(real)} operators, not the one that was written")
    neuron = stage.neuron
    if neuron is None or neuron.type in ("LI", "CubaLI"):
        return readout_of(stage, real[0], step)
    return BUILDERS[real[0].type](stage, real[0], neuron_of(neuron, prod(stage.sends), step), order, step)


def late(layer: Layer, stage: Stage, step: float) -> Layer:
    """A layer with the delay after it."""
    if not isinstance(layer, Spiking) or layer.delay is not None:
        raise UnsaidError("follows what has no delay of its own")
    return replace(layer, delay=steps_of(stage, step))


def readout_of(stage: Stage, node: Node, step: float) -> Readout:
    """A read-out."""
    found: dict[str, int] = {}
    if stage.neuron is not None:
        slow = value(stage.neuron, "tau" if stage.neuron.type == "LI" else "tau_mem")
        found["voltage_decay"] = single(decay(slow, step))
        if stage.neuron.type == "CubaLI":
            found["current_decay"] = single(decay(value(stage.neuron, "tau_syn"), step))
    return Readout(stage.name.removesuffix("_weight"), whole(value(node, "weight"), "weights"), **found)


def single(found: np.ndarray) -> int:
    """The one decay that a read-out has."""
    if not found.size or np.any(found != found[0]):
        raise UnsaidError("has a time constant per class, and a read-out here has one")
    return int(found[0])


def dense_of(stage: Stage, node: Node, neuron: Neuron, order: int, step: float) -> Spiking:
    """A layer of dense synapses."""
    recurrent = None
    if stage.back:
        back = stage.back[0]
        recurrent = whole(value(back, "scale" if back.type == "Scale" else "weight"), "weights")
        neurons = prod(stage.sends)
        if recurrent.shape not in ((neurons,), (neurons, neurons)):
            raise UnsaidError(f"has recurrent weights of the shape {recurrent.shape} for {neurons} neurons")
    bias = bias_of(stage, node, neuron)
    weight = whole(value(node, "weight"), "weights")
    return Spiking(stage.name, weight, neuron, recurrent, bias, start=order if bias is not None else 0)


def conv_of(stage: Stage, node: Node, neuron: Neuron, order: int, step: float) -> Conv:
    """A layer of a convolution."""
    kernel = kernel_of(node, stage.shape)
    channels, height, width = stage.shape
    bias = bias_of(stage, node, neuron)
    return Conv(
        name=stage.name,
        weight=whole(kernel.weight, "weights"),
        neuron=neuron,
        bias=bias,
        start=order if bias is not None else 0,
        input_shape=(channels, height, width),
        stride=kernel.stride,
        padding=kernel.padding,
        dilation=kernel.dilation,
        groups=kernel.groups,
    )


BUILDERS: dict[str, Callable[[Stage, Node, Neuron, int, float], Spiking]] = {
    "Linear": dense_of,
    "Affine": dense_of,
    "Conv2d": conv_of,
}
"""Type of the synapses → their layer."""


def bias_of(stage: Stage, node: Node, neuron: Neuron) -> np.ndarray | None:
    """The bias of the synapses, or that of the resting voltage; None where all are 0."""
    before = node.values.get("bias", np.zeros(1)).reshape(-1)
    assert stage.neuron is not None
    resting = stage.neuron.values.get("v_leak", np.zeros(1)).reshape(-1)
    size = prod(stage.sends)
    if not before.size or size % before.size or resting.size not in (1, size):
        raise UnsaidError(f"has {before.size} biases and {resting.size} resting voltages for {size} neurons")
    found = np.repeat(before, size // before.size) + resting * neuron.voltage_decay / UNITY
    return whole(np.broadcast_to(found, size), "biases") if np.any(found) else None


def neuron_of(node: Node, size: int, step: float) -> Neuron:
    """Thresholds, decays and the reset of a node."""
    reset = node.metadata.get("reset")
    if not isinstance(reset, str) or reset not in RESETS:
        said = repr(reset) if isinstance(reset, str) else "numbers"
        raise UnsaidError(f"has a reset of {said}, not {', '.join(RESETS)}")
    constants = {
        "IF": lambda: (np.zeros(1), np.full(1, np.inf)),
        "LIF": lambda: (np.zeros(1), value(node, "tau")),
        "CubaLIF": lambda: (value(node, "tau_syn"), value(node, "tau_mem")),
    }[node.type]()
    current, membrane = (shared(decay(tau, step), size) for tau in constants)
    threshold = shared(whole(value(node, "v_threshold").reshape(-1), "thresholds"), size)
    amount = node.metadata.get("reset_amount")
    more: dict[str, Any] = {}
    if isinstance(amount, np.ndarray):
        found = shared(whole(amount.reshape(-1), "reset amounts"), size)
        more["reset_amount"] = int(found[0]) if found.size == 1 else found
    rest = node.metadata.get("refractory")
    if rest is not None:
        if not isinstance(rest, float):
            raise UnsaidError("has refractory steps that are not one number")
        more["refractory"] = int(whole(np.array([rest]), "refractory steps")[0])
    one = int(threshold[0]) if threshold.size == 1 else threshold
    return Neuron(one, axis(current), axis(membrane), str(reset), **more)


def decay(tau: np.ndarray, step: float) -> np.ndarray:
    """4096·dt/τ, and all of it where there is no time constant."""
    with np.errstate(divide="ignore", over="ignore"):
        return whole(np.where(tau == 0, UNITY, UNITY * step / tau).reshape(-1), "decays")


def shared(found: np.ndarray, size: int) -> np.ndarray:
    """One value where all are the same, else one for each neuron."""
    if found.size not in (1, size):
        raise UnsaidError(f"has {found.size} values of a parameter for {size} neurons")
    return found[:1] if found.size and np.all(found == found[0]) else found


def whole(found: np.ndarray, what: str) -> np.ndarray:
    """Integers, which they have to be."""
    with np.errstate(invalid="ignore"):
        near = np.rint(found)
        if not np.all(np.abs(found - near) <= CLOSE * np.maximum(1, np.abs(near))) or np.any(np.abs(near) > 1 << 30):
            raise UnsaidError(f"has {what} that are not whole numbers")
    return near.astype(np.int64)
