"""Sizes of effects with 95 % intervals: over seeds where there are several, within one network where there is one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Effect:
    """A value with its 95 % interval, over what the interval runs, and how many seeds it has seen."""

    value: float
    low: float
    high: float
    over: str
    seeds: int = 1

    def times(self, factor: float) -> "Effect":
        """The effect in another, positive unit."""
        return replace(self, value=factor * self.value, low=factor * self.low, high=factor * self.high)


def over_seeds(values: Sequence[float], more: str = "") -> Effect | None:
    """The mean of a value a seed with Student's interval; None for fewer than two seeds."""
    effect = mean(values, f"seeds{more}")
    return effect and replace(effect, seeds=len(values))


def mean(values: Sequence[float], over: str) -> Effect | None:
    """The mean with Student's interval, m ± t·s/√n; None for fewer than two values."""
    n = len(values)
    if n < 2:
        return None
    from scipy.stats import t

    middle, spread = float(np.mean(values)), float(np.std(values, ddof=1))
    half = float(t.ppf(0.975, n - 1)) * spread / n**0.5
    return Effect(middle, middle - half, middle + half, f"{n} {over}")


def paired(left: Mapping[int, float], right: Mapping[int, float]) -> Effect | None:
    """left − right with Student's interval over the seeds that both have; None if they share fewer than two."""
    seeds = sorted(left.keys() & right.keys())
    return over_seeds([left[seed] - right[seed] for seed in seeds])


def welch(left: Sequence[float], right: Sequence[float], over: str) -> Effect | None:
    """mean(left) − mean(right) with Welch's interval; None if either has fewer than two values."""
    if min(len(left), len(right)) < 2:
        return None
    from scipy.stats import t

    parts = [float(np.var(values, ddof=1)) / len(values) for values in (left, right)]
    error = sum(parts) ** 0.5
    freedom = sum(parts) ** 2 / sum(p**2 / (len(v) - 1) for p, v in zip(parts, (left, right))) if error else 1.0
    value, half = float(np.mean(left) - np.mean(right)), float(t.ppf(0.975, freedom)) * error
    return Effect(value, value - half, value + half, over)


def newcombe(left: float, right: float, samples: int) -> Effect:
    """Difference of two accuracies, each on `samples` samples, with Newcombe's hybrid score interval.

    Source: Newcombe, Statistics in Medicine 17 (1998), method 10.
    """
    from basalt.train.scores import wilson

    (low_l, high_l), (low_r, high_r) = (wilson(round(p * samples), samples) for p in (left, right))
    value = left - right
    return Effect(
        value,
        value - ((left - low_l) ** 2 + (high_r - right) ** 2) ** 0.5,
        value + ((high_l - left) ** 2 + (right - low_r) ** 2) ** 0.5,
        f"{samples} test samples, one seed",
    )


def proportion(value: float, samples: int) -> Effect:
    """An accuracy on `samples` samples with Wilson's interval."""
    from basalt.train.scores import wilson

    return Effect(value, *wilson(round(value * samples), samples), f"{samples} test samples, one seed")
