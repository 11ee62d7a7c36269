"""How long a study will take: a guess for every training, scaled by what those took that are done."""

import numpy as np

from basalt.study.runner import Place, devices, outcome_of
from basalt.study.study import Study

START = {"cpu": 3.0, "cuda": 8.0}
"""Seconds that a training takes besides its epochs and measurements; guessed."""


def seconds_left(study: Study, place: Place) -> float:
    """Estimated seconds of the trainings and measurements that are left."""
    device = "cpu" if place.accelerator == "cpu" else "cuda"
    left, ratios = [], []
    for experiment in study.experiments():
        outcome = outcome_of(experiment, place)
        guess = START[device] + study.seconds(experiment, device)
        if outcome is None:
            left.append(guess)
        else:
            ratios.append(outcome.get("took", outcome["metrics"]["seconds"]) / guess)
    scale = float(np.median(ratios)) if ratios else 1.0
    return scale * sum(left) / min(place.workers, max(len(devices(place)), 1))


def duration(seconds: float) -> str:
    """Seconds in words: 40 s, 12 min, 3.4 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
