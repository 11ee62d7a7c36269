"""How far a network carries: from training to test, and to input of another speed, timing or integration length."""

from collections.abc import Callable

import numpy as np
import torch

from basalt.study.robustness.attacks import Logits
from basalt.study.robustness.sweep import correct
from basalt.train.batches import CPU, in_order
from basalt.train.data.events import Samples

BATCH = {"cpu": 64, "cuda": 512}
"""Samples at a time."""

Change = Callable[[torch.Tensor, torch.Generator], torch.Tensor]
"""What is done to a batch of inputs (batch, features, steps)."""


def accuracy(
    logits: Logits, events: Samples, change: Change | None = None, device: torch.device = CPU, batch: int | None = None
) -> float:
    """Share of the samples classified right, after a change of all inputs from a generator of seed 1."""
    draw, hits = torch.Generator().manual_seed(1), 0
    for x, labels in in_order(events, batch or BATCH[device.type], device):
        hits += int(correct(logits, x if change is None else change(x, draw), labels.to(device)).sum())
    return hits / len(events)


def first(events: Samples, count: int) -> Samples:
    """So many samples evenly spread over the set, or all: the same ones for every network."""
    return events.subset(np.linspace(0, len(events) - 1, min(count, len(events))).astype(np.int64))
