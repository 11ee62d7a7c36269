"""How much a network computes per inference, counted exactly from its deployed integers and the spikes they give.

A spike that arrives costs a synaptic operation for every synapse that it reaches, whatever the synapse's weight: at the
border of an image a convolution has fewer. Layers hear a step late, so what is sent in the last step arrives nowhere.
Memory pathways multiply densely besides, a fixed number of times: those are products, not synaptic operations.

The deployed processes count the same (`synaptic_operations` and `dense_macs` of counts.json).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int

from basalt.records.synapses import Spiking
from basalt.train.batches import CPU, in_order
from basalt.train.data.events import Samples
from basalt.train.networks import Network

INPUT = "input"


@dataclass(frozen=True, eq=False)
class Activity:
    """What a network did over a set of samples, in exact integers, as deployed.

    Attributes:
        samples, steps: of the set.
        sent: by layer, spikes of each neuron over all samples and steps.
        arrived: the same without the last step's, and those of the input under `INPUT`.
        features: by layer asked for, mean spikes per step of each neuron before the last step, for every sample.
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
    """Of a layer, the mean per inference.

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
    for layer in network.records():
        if isinstance(layer, Spiking):
            found[layer.name] = _spiking(layer, before, done)
            before = done.arrived[layer.name]
        else:
            found[layer.name] = Operations(int(before.sum()) * layer.neurons / done.samples)
    return found


def _spiking(layer: Spiking, before: Int[np.ndarray, "inputs"], done: Activity) -> Operations:
    own = {"none": 0, "full": layer.neurons, "diagonal": 1}[layer.recurrence]
    synapses = int(before @ layer.reach) + int(done.arrived[layer.name].sum()) * own
    memory = layer.memory
    if memory is None:
        return Operations(synapses / done.samples)
    counts = memory.counts(before.sum(keepdims=True), 0, done.steps, memory.refreshes(0, done.steps))
    into, products = (int(np.sum(counts[name])) for name in ("synaptic_operations", "dense_macs"))
    return Operations(synapses / done.samples, into / done.samples, float(products))
