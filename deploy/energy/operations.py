"""Effective and dense-equivalent operations of a run, under NeuroBench's names and by its definitions.

Source: Yik et al., The neurobench framework, Nature Communications 16 (2025), and its package's `SynapticOperations`,
`ActivationSparsity` and `MembraneUpdates`, which give the same on a network that both can run.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int, Num

from basalt.records.convolution import conv_sum
from basalt.records.delta import DeltaInput
from basalt.records.network import Foreign, Network
from basalt.records.readout import Readout
from basalt.records.sigma_delta import SigmaDelta, SigmaOutput
from basalt.records.synapses import Conv, Encoder, Spiking

CHUNK = 256
"""Samples that are counted at a time, so that no copy of all spikes is made."""


class Synapses(NamedTuple):
    """Synapses between what arrives and neurons.

    Attributes:
        source: whose spikes arrive: "input" of the layer, or the layer's "own".
        reached: spikes of each feature → the synapses with a weight other than 0 that they reach.
        dense: how many synapses there are.
    """

    source: str
    reached: Callable[[Int[np.ndarray, "features"]], int]
    dense: int


def operations(
    network: Network,
    spikes: Num[np.ndarray, "samples features steps"],
    sent: Mapping[str, Num[np.ndarray, "samples _neurons steps"]],
    macs: Mapping[str, float] | None = None,
) -> dict[str, Any] | None:
    """Operations per inference:

        Effective_ACs  = Σ over synapses with a weight ≠ 0 of the spikes that arrive        (values 0 and ±1)
        Effective_MACs = the same for graded values, and the products of slow memories
        Dense          = synapses · steps, with the products of slow memories
        ActivationSparsity = 1 − events / (neurons · steps) of all layers that send spikes or messages

    Every layer hears a step late, so that what is sent in the last step arrives nowhere. States of slow memories are
    taken for never 0. Spikes that are still delayed at the end are not in `sent`, and so not counted in recurrence.

    Args:
        spikes: the input.
        sent: by layer name, what each layer sent, as in `basalt.deploy.job.Outcome`.
        macs: by layer name, products of its slow memory per inference.

    Returns:
        The four figures, and by layer the first three under `layers`; None where a layer only runs on stock lava-dl.
    """
    if any(isinstance(layer, Foreign) for layer in network.layers):
        return None
    samples, _, steps = spikes.shape
    layers, arrived = {}, spikes
    for layer in network.layers:
        products = (macs or {}).get(layer.name, 0.0)
        found = {"Effective_MACs": products, "Effective_ACs": 0.0, "Dense": products}
        for synapses in SYNAPSES[layer.kind](layer):
            values = arrived if synapses.source == "input" else sent[layer.name]
            count, graded = reaching(values[:, :, :-1])
            key = "Effective_MACs" if graded else "Effective_ACs"
            found[key] += synapses.reached(count) / samples
            found["Dense"] += float(synapses.dense * steps)
        layers[layer.name] = found
        arrived = sent[layer.name]
    events = [sent[layer.name] for layer in network.emitting]
    return {
        **{key: sum(found[key] for found in layers.values()) for key in ("Effective_MACs", "Effective_ACs", "Dense")},
        "ActivationSparsity": activation_sparsity(events),
        "layers": layers,
    }


def activation_sparsity(spiking: list[Num[np.ndarray, "samples _neurons steps"]]) -> float:
    """The share of all layers' outputs that are 0; 0 where there are none."""
    places = sum(layer.size for layer in spiking)
    fired = sum(int(reaching(layer)[0].sum()) for layer in spiking)
    return (places - fired) / places if places else 0.0


def membrane_updates(membranes: list[Num[np.ndarray, "samples _neurons steps"]]) -> float:
    """How often a membrane changed per inference, all layers together; the first step of each counts as a change.

    Args:
        membranes: v of each layer after each step.
    """
    return sum((int(np.count_nonzero(np.diff(v, axis=-1))) + v[..., 0].size) / len(v) for v in membranes)


def reaching(values: Num[np.ndarray, "samples features steps"]) -> tuple[Int[np.ndarray, "features"], bool]:
    """How many values of each feature are not 0, and whether any is graded, which is neither 0 nor ±1."""
    count = np.zeros(values.shape[1], dtype=np.int64)
    graded = False
    for first in range(0, len(values), CHUNK):
        piece = values[first : first + CHUNK]
        count += np.count_nonzero(piece, axis=(0, 2))
        graded = graded or bool(piece.size and (piece.max() > 1 or piece.min() < -1))
    return count, graded


def matrix(source: str, weight: Int[np.ndarray, "neurons features"]) -> Synapses:
    """Synapses from each feature to each neuron."""
    reach = np.array([np.count_nonzero(column) for column in weight.T])
    return Synapses(source, lambda count: int(count @ reach), weight.size)


def diagonal(weight: Int[np.ndarray, "neurons"]) -> Synapses:
    """Synapses from each neuron to itself."""
    there = weight != 0
    return Synapses("own", lambda count: int(count[there].sum()), weight.size)


def dense_synapses(layer: Spiking | Readout) -> Iterator[Synapses]:
    """Of the weights, the recurrent weights and the memory pathway; its dense products are counted when it runs."""
    yield matrix("input", layer.weight)
    if isinstance(layer, Spiking) and layer.recurrent_weight is not None:
        own = layer.recurrent_weight
        yield matrix("own", own) if layer.recurrence == "full" else diagonal(own)
    if isinstance(layer, Spiking) and layer.memory is not None:
        yield from (matrix("input", weight) for weight in layer.memory.synapses)


def conv_synapses(layer: Conv | SigmaDelta) -> Iterator[Synapses]:
    """Of a kernel, once for each place that it is put at; those that reach into the padding do not count."""

    def through(values: np.ndarray, mask: np.ndarray) -> int:
        return int(conv_sum(values[None], mask, **layer.geometry).sum())

    mask = (layer.weight != 0).astype(np.int64)
    dense = through(np.ones(layer.inputs), np.ones_like(mask))
    yield Synapses("input", lambda count: through(count, mask), dense)


def encoder_synapses(layer: Encoder) -> Iterator[Synapses]:
    """One an input."""
    yield Synapses("input", lambda count: int(count.sum()) * int(np.count_nonzero(layer.weight)), layer.inputs)


def input_synapses(layer: DeltaInput) -> Iterator[Synapses]:
    """One an input."""
    yield Synapses("input", lambda count: int(count.sum()) * (layer.weight != 0), layer.inputs)


SYNAPSES: dict[str, Callable[[Any], Iterator[Synapses]]] = {
    Spiking.kind: dense_synapses,
    Conv.kind: conv_synapses,
    Encoder.kind: encoder_synapses,
    SigmaDelta.kind: conv_synapses,
    DeltaInput.kind: input_synapses,
    Readout.kind: dense_synapses,
    SigmaOutput.kind: dense_synapses,
}
"""Record kind → its synapses."""


def memory_products(counts: Mapping[str, Any]) -> dict[str, float]:
    """By layer, products of its slow memory per inference, from counts.json."""
    found: dict[str, float] = {}
    for process in counts["processes"]:
        total = sum(process["counters"].get("dense_macs", ()))
        if total:
            found[process["name"]] = found.get(process["name"], 0.0) + total / counts["samples"]
    return found
