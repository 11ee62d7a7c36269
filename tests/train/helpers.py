"""A tiny world to train in: two classes of 16 inputs, distinguished by which half of the inputs is active."""

from typing import Any

import numpy as np

from basalt.train.data.events import EventSet, Splits
from basalt.train.recipe import Recipe, parse

STEPS = 12


def events(samples: int, seed: int) -> EventSet:
    """Samples whose class is the half of the sensor with more events."""
    draw = np.random.default_rng(seed)
    labels = np.arange(samples) % 2
    features, times, offsets = [], [], [0]
    for label in labels:
        rate = np.where(np.arange(16) // 8 == label, 0.5, 0.15)
        f, t = np.nonzero(draw.random((16, STEPS)) < rate[:, None])
        features.append(f)
        times.append(t)
        offsets.append(offsets[-1] + len(f))
    return EventSet(
        offsets=np.array(offsets, np.int64),
        features=np.concatenate(features).astype(np.uint16),
        times=np.concatenate(times).astype(np.uint16),
        labels=labels.astype(np.int64),
        steps=STEPS,
        step_ms=5.0,
        index=np.arange(samples, dtype=np.int64),
        sensor=(1, 4, 4),
    )


def splits(samples: int = 48) -> Splits:
    """Small training, validation and test sets."""
    return Splits(
        train=events(samples, 0),
        validation=events(16, 1),
        test=events(20, 2),
        name="halves",
        classes=2,
        provenance="made in a test",
    )


def content(**training: Any) -> dict[str, Any]:
    """A recipe for it."""
    layer = {"kind": "dmp", "units": 12, "threshold": 1.0, "states": 3, "window": 8.0}
    return {
        "name": "tiny",
        "seed": 3,
        "data": {"name": "digits", "steps": STEPS},
        "network": {"layers": [layer, {"kind": "lif", "units": 8, "bias": True}, {"kind": "readout"}]},
        "training": {"epochs": 4, "batch": 8, "learning_rate": 0.02, "augment": {"drop": 0.2, "steps": 1}, **training},
    }


def recipe(**training: Any) -> Recipe:
    """The recipe, checked."""
    return parse(content(**training), "tiny")
