"""How long a study will take: from the trainings that it has done, or roughly, before any is done."""

import numpy as np

from train.studies.runner import Place, devices, outcome_of
from train.studies.study import Study

START = {"cpu": 3.0, "cuda": 8.0}
"""Seconds that a training takes besides its epochs; guessed."""


def seconds_left(study: Study, place: Place) -> float:
    """Estimated seconds of the trainings that are left."""
    device = "cpu" if place.accelerator == "cpu" else "cuda"
    left, took = [], []
    for experiment in study.experiments():
        outcome = outcome_of(experiment, place)
        factor = study.slowness(experiment, device)
        if outcome is None:
            left.append(factor)
        else:
            took.append(outcome["metrics"]["seconds"] / (factor * outcome["metrics"]["epochs"]))
    epoch = float(np.median(took)) if took else study.epoch_seconds(device)
    return (sum(left) * epoch * study.epochs + len(left) * START[device]) / min(
        place.workers, max(len(devices(place)), 1)
    )


def duration(seconds: float) -> str:
    """Seconds in words: 40 s, 12 min, 3.4 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
