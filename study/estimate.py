"""How long a study will take: a guess for every training, scaled by what those took that are done."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from basalt.study.plan import Experiment
from basalt.study.runner import Place, devices
from basalt.study.study import Study

START = {"cpu": 3.0, "cuda": 8.0}
"""Seconds that a training takes besides its epochs and measurements; guessed."""


def seconds_left(
    study: Study, experiments: Iterable[Experiment], known: Mapping[str, Mapping[str, Any]], place: Place
) -> float:
    """Estimated seconds of the trainings and measurements that are left; `known` are the outcomes by name."""
    device = "cpu" if place.accelerator == "cpu" else "cuda"
    left, ratios = [], []
    for experiment in experiments:
        outcome = known.get(experiment.name)
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
