"""How far a network carries: from training to test, and to input of another speed, timing or integration length."""

from collections.abc import Callable

import numpy as np
import torch

from train.batches import CPU, in_order
from train.data.events import EventSet, Samples
from train.robustness.attacks import Logits
from train.robustness.sweep import correct

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


def rebinned(events: EventSet, factor: int) -> EventSet:
    """The events in steps `factor` times as long, one spike however many fall in the same step.

    As binning the recording with those steps would have given: ⌊⌊t/Δ⌋/k⌋ = ⌊t/(kΔ)⌋.
    """
    if factor == 1:
        return events
    steps = -(-events.steps // factor)
    owner = np.repeat(np.arange(len(events)), np.diff(events.offsets))
    size = events.features_count
    cells = np.unique((owner * size + events.features) * steps + events.times // factor)
    return EventSet(
        offsets=np.searchsorted(cells, np.arange(len(events) + 1, dtype=np.int64) * size * steps).astype(np.int64),
        features=(cells // steps % size).astype(np.uint16),
        times=(cells % steps).astype(np.uint16),
        labels=events.labels,
        steps=steps,
        step_ms=events.step_ms * factor,
        index=events.index,
        sensor=events.sensor,
    )
