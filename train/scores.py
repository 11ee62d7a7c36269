"""How well a network does on a set: predictions, accuracy and its interval."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int

from basalt.train.batches import CPU, in_order
from basalt.train.data.events import Samples
from basalt.train.networks import Network
from basalt.train.objectives import Objective


@dataclass(frozen=True)
class Score:
    """Accuracy (a fraction) with its Wilson 95 % interval, mean loss (training form only) and spike rates."""

    accuracy: float
    interval: tuple[float, float]
    samples: int
    loss: float | None
    spike_rate: dict[str, float]


def wilson(hits: int, samples: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's interval of a proportion: (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n)."""
    p, n = hits / samples, samples
    centre, spread = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (centre - spread) / (1 + z * z / n), (centre + spread) / (1 + z * z / n)


Advance = Callable[[int], None]
"""Called with the number of samples scored since its last call."""


def quietly(count: int) -> None:
    """An `Advance` that does nothing."""


@torch.no_grad()
def float_score(
    network: Network, events: Samples, objective: Objective, device: torch.device = CPU, advance: Advance = quietly
) -> Score:
    """Score in the training form."""
    hits, loss, rates, seen = 0, 0.0, dict.fromkeys(network.rates, 0.0), 0
    for x, labels in in_order(events, _batch(device), device):
        logits = network(x, objective.over_time).cpu()
        hits += int((objective.decision(logits) == labels).sum())
        loss += float(objective(logits, labels, 0.0)) * len(labels)
        for name, rate in network.rates.items():
            rates[name] += float(rate) * len(labels)
        seen += len(labels)
        advance(len(labels))
    return _score(hits, seen, loss / seen, {name: rate / seen for name, rate in rates.items()})


def integer_score(network: Network, events: Samples, device: torch.device = CPU, advance: Advance = quietly) -> Score:
    """Score in exact integers, as deployed.

    Raises:
        BasaltError: the network is not deployable.
    """
    hits, rates, seen = 0, dict.fromkeys(network.rates, 0.0), 0
    for x, labels in in_order(events, _batch(device), device):
        trace = network.trace(x)
        hits += int((torch.from_numpy(predicted(trace.sums.numpy())) == labels).sum())
        for name, spikes in trace.spikes.items():
            rates[name] += float(spikes.float().mean()) * len(labels)
        seen += len(labels)
        advance(len(labels))
    return _score(hits, seen, None, {name: rate / seen for name, rate in rates.items()})


def _batch(device: torch.device) -> int:
    return 128 if device.type == "cpu" else 1024


def predicted(sums: Int[np.ndarray, "batch classes"]) -> Int[np.ndarray, "batch"]:
    """The first of the largest sums."""
    return sums.argmax(1)


def _score(hits: int, samples: int, loss: float | None, rates: dict[str, float]) -> Score:
    return Score(hits / samples, wilson(hits, samples), samples, loss, rates)
