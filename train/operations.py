"""How much a network computes an inference, counted exactly from its deployed integers and the spikes they give.

A spike that arrives costs a synaptic operation for every synapse that it reaches, whatever the synapse's weight: at the
border of an image a convolution has fewer. Layers hear a step late, so what is sent in the last step arrives nowhere.
Memory pathways multiply densely besides, a fixed number of times: those are products, not synaptic operations.

The deployed processes count the same (`synaptic_operations` and `dense_macs` of counts.json).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int

from basalt.train.batches import CPU, in_order
from basalt.train.data.events import Samples
from basalt.train.layers.integers import ConvIntegers, HgrnIntegers, HopfieldIntegers, MemoryIntegers, ReadoutIntegers
from basalt.train.networks import Network

INPUT = "input"


@dataclass(frozen=True, eq=False)
class Activity:
    """What a network did over a set of samples, in exact integers, as deployed.

    Attributes:
        samples, steps: of the set.
        sent: by layer, spikes of each neuron over all samples and steps.
        arrived: the same without the last step's, and those of the input under `INPUT`.
        features: by layer asked for, mean spikes a step of each neuron before the last step, for every sample.
        predicted: the class of every sample.
    """

    samples: int
    steps: int
    sent: dict[str, Int[np.ndarray, "_neurons"]]
    arrived: dict[str, Int[np.ndarray, "_neurons"]]
    features: dict[str, Float[np.ndarray, "samples _neurons"]]
    predicted: Int[np.ndarray, "samples"]

    @property
    def rates(self) -> dict[str, float]:
        """Mean spikes per neuron and step of each layer."""
        return {name: float(spikes.mean()) / (self.samples * self.steps) for name, spikes in self.sent.items()}


@dataclass(frozen=True)
class Operations:
    """Of a layer, the mean an inference.

    Attributes:
        synapses: synaptic operations of the weights, recurrent ones included.
        pathway: those into the memory pathway.
        products: multiplications of the memory pathway.
    """

    synapses: float
    pathway: float = 0.0
    products: float = 0.0


@torch.no_grad()
def activity(network: Network, events: Samples, layers: tuple[str, ...] = (), device: torch.device = CPU) -> Activity:
    """Run the network on all samples; `layers` are those whose features are kept."""
    sent: dict[str, Any] = {}
    arrived: dict[str, Any] = {}
    features: dict[str, list[np.ndarray]] = {name: [] for name in layers}
    predicted = []
    for x, _ in in_order(events, 128 if device.type == "cpu" else 1024, device):
        trace = network.trace(x)
        predicted.append(trace.sums.cpu().numpy().argmax(1))
        for name, spikes in {INPUT: x, **trace.spikes}.items():
            happened = spikes != 0  # a graded one is one event
            heard = happened[..., :-1].sum(-1, dtype=torch.int64)
            every = heard + happened[..., -1]
            arrived[name] = arrived.get(name, 0) + heard.sum(0).cpu().numpy()
            if name != INPUT:
                sent[name] = sent.get(name, 0) + every.sum(0).cpu().numpy()
            if name in features:
                features[name].append((heard.float() / max(events.steps - 1, 1)).cpu().numpy())
    kept = {name: np.concatenate(parts) for name, parts in features.items()}
    return Activity(len(events), events.steps, sent, arrived, kept, np.concatenate(predicted))


def operations(network: Network, done: Activity) -> dict[str, Operations]:
    """By layer, read-out included, what an inference of what was done cost."""
    found, before = {}, done.arrived[INPUT]
    for layer in network.integers():
        synapses = int(before @ fan_out(layer))
        recurrent = getattr(layer, "recurrent_weight", None)
        if recurrent is not None:
            synapses += int(done.arrived[layer.name].sum()) * (len(recurrent) if recurrent.ndim == 2 else 1)
        memory = getattr(layer, "memory", None)
        if memory is None:
            found[layer.name] = Operations(synapses / done.samples)
        else:
            into = int(before.sum()) * EACH[memory.kind](memory)
            cost = products(memory, done.steps, len(layer.weight))
            found[layer.name] = Operations(synapses / done.samples, into / done.samples, float(cost))
        before = done.arrived.get(layer.name, before)
    return found


def fan_out(layer: Any) -> Int[np.ndarray, "inputs"]:
    """How many synapses an event of each input reaches."""
    return FAN_OUTS[layer.kind](layer)


def _dense(layer: Any) -> Int[np.ndarray, "inputs"]:
    return np.full(layer.weight.shape[1], layer.weight.shape[0])


def _conv(layer: ConvIntegers) -> Int[np.ndarray, "inputs"]:
    outputs, _, *kernel = layer.weight.shape
    channels, *size = layer.input_shape
    rows, columns = (_places(*axis) for axis in zip(size, kernel, layer.stride, layer.padding))
    return np.tile(np.outer(rows, columns).reshape(-1) * (outputs // layer.groups), channels)


def _places(size: int, kernel: int, stride: int, padding: int) -> Int[np.ndarray, "size"]:
    """How many of the places where a kernel is put along an axis cover each pixel."""
    last = (size + 2 * padding - kernel) // stride
    first = np.arange(size) + padding  # within the padded image
    return np.minimum(first // stride, last) - np.maximum(-((kernel - 1 - first) // stride), 0) + 1


FAN_OUTS: dict[str, Callable[[Any], Int[np.ndarray, "inputs"]]] = {
    "spiking": _dense,
    "conv": _conv,
    ReadoutIntegers.kind: _dense,
}

EACH: Mapping[str, Callable[[Any], int]] = {
    MemoryIntegers.kind: lambda memory: 1,
    HgrnIntegers.kind: lambda memory: 3 * len(memory.low),
    HopfieldIntegers.kind: lambda memory: 1,
}
"""Synaptic operations of an event into a memory: its drive's weight, three gates' weights, its trace."""


def products(memory: Any, steps: int, neurons: int) -> int:
    """Multiplications of a memory pathway in so many steps, whatever arrives."""
    return PRODUCTS[memory.kind](memory, steps, neurons)


def _slow_memory(memory: MemoryIntegers, steps: int, neurons: int) -> int:
    """[Ā B̄] at every step, [P ν] at every refresh."""
    states = len(memory.drive_input)
    return (states + 1) * (steps * states + -(-steps // memory.update_interval) * neurons)


def _hgrn(memory: HgrnIntegers, steps: int, neurons: int) -> int:
    """(1 − low)·σ, the two of h, the output gate's (but for "gated"), the gain's; recurrent matrices if "gated"."""
    gated = memory.variant == "gated"
    return steps * ((2 * neurons * neurons if gated else 0) + (4 if gated else 5) * neurons)


def _hopfield(memory: HopfieldIntegers, steps: int, neurons: int) -> int:
    """Leaks of the trace at every step; at a refresh keys·query, shares and what is recalled, in every iteration."""
    patterns, inputs = memory.keys.shape
    compared = patterns * inputs * memory.iterations
    recalled, shares = compared, 0
    if memory.variant == "modern":
        recalled = patterns * (inputs * (memory.iterations - 1) + neurons)
        shares = patterns * memory.iterations
    return steps * inputs + -(-steps // memory.update_interval) * (compared + recalled + shares)


PRODUCTS: Mapping[str, Callable[[Any, int, int], int]] = {
    MemoryIntegers.kind: _slow_memory,
    HgrnIntegers.kind: _hgrn,
    HopfieldIntegers.kind: _hopfield,
}
