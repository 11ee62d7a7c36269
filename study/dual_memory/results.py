"""What the trainings of the study of dual memory pathways came to: quantities by network and seed, with intervals."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Float

from basalt.study import effects
from basalt.study.dual_memory.study import Study, Variant
from basalt.study.effects import Effect
from basalt.study.learned import Compared, learner

T = TypeVar("T")


@dataclass(frozen=True)
class Results:
    """Outcomes by the name of their experiment; a training that is missing or failed is left out."""

    study: Study
    outcomes: Mapping[str, Mapping[str, Any]]

    def by_seed(self, variant: Variant) -> dict[int, Mapping[str, Any]]:
        """The outcomes of a network."""
        names = {seed: f"{variant.name}-s{seed}" for seed in range(1, self.study.size.seeds + 1)}
        return {seed: self.outcomes[name] for seed, name in names.items() if name in self.outcomes}

    def compared(self, *variants: Variant) -> Compared:
        """Those networks, on the study's one task."""
        every = {v: {f"{v.name}-s{seed}": one for seed, one in self.by_seed(v).items()} for v in variants}
        return [[learner(self.study, v.name, trained) for v, trained in every.items() if trained]]

    def accuracies(self, variant: Variant) -> dict[int, float]:
        """Test accuracy in integers, a fraction, by seed."""
        return {seed: outcome["metrics"]["accuracy_integer"] for seed, outcome in self.by_seed(variant).items()}

    def accuracy(self, variant: Variant) -> Effect | None:
        """Test accuracy with its interval over seeds, or over test samples where there is one seed."""
        found = self.accuracies(variant)
        if len(found) == 1:
            return effects.proportion(_only(found), self._samples(variant))
        return effects.over_seeds(list(found.values()))

    def gain(self, left: Variant, right: Variant) -> Effect | None:
        """Accuracy of `left` less that of `right`."""
        ours, theirs = self.accuracies(left), self.accuracies(right)
        if len(ours) == 1 == len(theirs):
            return effects.newcombe(_only(ours), _only(theirs), self._samples(left))
        return effects.paired(ours, theirs)

    def curves(self, variant: Variant) -> dict[int, Float[np.ndarray, "_epochs"]]:
        """Validation accuracy in integers after every epoch, by seed."""
        key = "validation_accuracy_integer"
        return {
            seed: np.array([row[key] for row in outcome["history"] if key in row])
            for seed, outcome in self.by_seed(variant).items()
        }

    def delays(self, variant: Variant) -> dict[int, Float[np.ndarray, "neurons"]]:
        """Learned delays of all neurons in steps, by seed."""
        return {
            seed: np.concatenate([np.array(steps, float) for steps in outcome["delays"].values()])
            for seed, outcome in self.by_seed(variant).items()
            if outcome["delays"]
        }

    def shorter(self, left: Variant, right: Variant) -> Effect | None:
        """Mean learned delay of `left` less that of `right`, in steps."""
        ours, theirs = self.delays(left), self.delays(right)
        if len(ours) == 1 == len(theirs):
            return effects.welch(_only(ours).tolist(), _only(theirs).tolist(), "neurons, one seed")
        return effects.paired(*({seed: float(d.mean()) for seed, d in some.items()} for some in (ours, theirs)))

    def epochs_to(self, target: float, variant: Variant) -> dict[int, float]:
        """Epochs until validation accuracy first reaches `target`, interpolated from 0 before the first, by seed."""
        return {seed: reached(target, curve) for seed, curve in self.curves(variant).items() if curve.max() >= target}

    def slower(self, left: Variant, right: Variant) -> Effect | None:
        """Epochs that `left` needs less those that `right` needs, to 90 % of the worst run's best accuracy."""
        best = [float(c.max()) for variant in (left, right) for c in self.curves(variant).values() if len(c)]
        target = 0.9 * min(best, default=0.0)
        return effects.paired(self.epochs_to(target, left), self.epochs_to(target, right))

    def reaches(self, variant: Variant) -> dict[int, list[float]]:
        """How far every sample's gradient reaches after training (`gradients.reach`), by seed."""
        found = {seed: outcome["gradients"]["trained"]["reach"] for seed, outcome in self.by_seed(variant).items()}
        return {seed: values for seed, values in found.items() if values}

    def reach(self, variant: Variant) -> Effect | None:
        """Their mean: log₁₀ of the gradient in the first tenth of the steps over that in the last."""
        found = self.reaches(variant)
        if len(found) == 1:
            return effects.mean(_only(found), "samples, one seed")
        return effects.over_seeds([float(np.mean(values)) for values in found.values()])

    def further(self, left: Variant, right: Variant) -> Effect | None:
        """Decades by which the gradient of `left` reaches further than that of `right`."""
        ours, theirs = self.reaches(left), self.reaches(right)
        if len(ours) == 1 == len(theirs):
            return effects.welch(_only(ours), _only(theirs), "samples, one seed")
        return effects.paired(*({seed: float(np.mean(v)) for seed, v in some.items()} for some in (ours, theirs)))

    def profile(self, variant: Variant, when: str) -> Float[np.ndarray, "steps"] | None:
        """Gradient norm over time relative to its largest, the mean over seeds."""
        found = [outcome["gradients"][when]["profile"] for outcome in self.by_seed(variant).values()]
        return np.mean(found, axis=0) if found else None

    @property
    def chance(self) -> float:
        """Accuracy of guessing: one over the number of classes."""
        return next((1 / outcome["classes"] for outcome in self.outcomes.values()), 0.0)

    def _samples(self, variant: Variant) -> int:
        return next(int(outcome["metrics"]["test_samples"]) for outcome in self.by_seed(variant).values())


def _only(by_seed: Mapping[int, T]) -> T:
    (value,) = by_seed.values()
    return value


def reached(target: float, curve: Float[np.ndarray, "epochs"]) -> float:
    """The epoch, counted from 1 and interpolated, at which a curve that begins at zero first is at `target`."""
    after = int(np.argmax(curve >= target))
    before = float(curve[after - 1]) if after else 0.0
    return after + (target - before) / (float(curve[after]) - before)
