"""What the trainings of the vision study came to: quantities by model and seed, and effects of the mechanisms."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from basalt.study import effects
from basalt.study.effects import Effect
from basalt.study.learned import Compared, learner
from basalt.study.memory_vision.energy import times_a_dense_network
from basalt.study.memory_vision.study import FEATURES, MECHANISMS, MODELS, Study
from basalt.study.quantity import Outcome, Quantity


def _silhouette(layer: str, key: str) -> Callable[[Outcome], float]:
    return lambda outcome: outcome["layers"][FEATURES if layer == FEATURES else outcome["last"]][key]


def _recordings(outcome: Outcome) -> float | None:
    found = outcome.get("recordings")
    return None if found is None else 100 * found["accuracy"]


QUANTITIES = {
    "integer": Quantity("accuracy", "%", lambda o: 100 * o["metrics"]["accuracy_integer"], 2, "deployed integers"),
    "float": Quantity("accuracy, floats", "%", lambda o: 100 * o["metrics"]["accuracy_float"], 2),
    "recordings": Quantity("real recordings", "%", _recordings, 2, "unseen images"),
    "silhouette": Quantity("silhouette, features", "", _silhouette(FEATURES, "silhouette"), 3),
    "last": Quantity("silhouette, last layer", "", _silhouette("last", "silhouette"), 3, "that the read-out hears"),
    "embedded": Quantity(
        "silhouette, t-SNE", "", _silhouette("last", "silhouette_embedded"), 3, "the paper's: last layer, 2-D embedding"
    ),
    "sparsity": Quantity("sparsity", "%", lambda o: 100 * o["sparsity"]["pooled"], 2, "of all hidden neurons' steps"),
    "paper_sparsity": Quantity(
        "sparsity by layer", "%", lambda o: 100 * o["sparsity"]["paper"], 2, "the paper's: mean over layers"
    ),
    "synapses": Quantity(
        "synapses", "µJ", lambda o: 1e6 * o["energy"]["synapses"], 3, "every synaptic operation at 0.9 pJ, an inference"
    ),
    "products": Quantity(
        "memory products", "µJ", lambda o: 1e6 * o["energy"]["products"], 3, "multiplications at 4.6 pJ, an inference"
    ),
    "energy": Quantity(
        "energy",
        "µJ",
        lambda o: 1e6 * o["energy"]["total"],
        3,
        "both, an inference: arithmetic alone, no memories, no leakage",
    ),
    "paper_energy": Quantity(
        "energy, paper's", "µJ", lambda o: 1e6 * o["energy"]["paper"], 3, "spikes at 0.9 pJ, summed over 640 samples"
    ),
    "times": Quantity(
        "× dense", "", lambda o: times_a_dense_network(o["sparsity"]["paper"]), 1, "the paper's: 4.6/0.9 over the rate"
    ),
    "parameters": Quantity("parameters", "", lambda o: float(o["metrics"]["parameters"]), 0),
}


@dataclass(frozen=True)
class Results:
    """Outcomes by the name of their experiment; a training that is missing or failed is left out."""

    study: Study
    outcomes: Mapping[str, Outcome]

    def by_seed(self, model: str) -> dict[int, Outcome]:
        """The outcomes of a model."""
        names = {seed: f"{model}-s{seed}" for seed in range(1, self.study.seeds + 1)}
        return {seed: self.outcomes[name] for seed, name in names.items() if name in self.outcomes}

    def compared(self, *models: str) -> Compared:
        """Those networks, on the study's one task; all if none is named."""
        every = {m: {f"{m}-s{seed}": one for seed, one in self.by_seed(m).items()} for m in models or self.study.models}
        return [[learner(self.study, model, trained) for model, trained in every.items() if trained]]

    def first(self, model: str) -> Outcome | None:
        """The outcome of its first seed, for pictures."""
        return next(iter(self.by_seed(model).values()), None)

    def values(self, model: str, quantity: str) -> dict[int, float]:
        """A quantity by seed."""
        found = {seed: QUANTITIES[quantity].of(outcome) for seed, outcome in self.by_seed(model).items()}
        return {seed: value for seed, value in found.items() if value is not None}

    def mean(self, model: str, quantity: str) -> Effect | None:
        """A quantity with its interval over seeds; None for fewer than two."""
        return effects.over_seeds(list(self.values(model, quantity).values()))

    def difference(self, left: str, right: str, quantity: str) -> Effect | None:
        """That of `left` less that of `right`, over the seeds of both; accuracies of one seed over test samples."""
        ours, theirs = self.values(left, quantity), self.values(right, quantity)
        found = effects.paired(ours, theirs)
        if found is None and ours and theirs and quantity == "integer":
            samples = int(next(iter(self.by_seed(left).values()))["metrics"]["test_samples"])
            left_one, right_one = (next(iter(values.values())) / 100 for values in (ours, theirs))
            return effects.newcombe(left_one, right_one, samples).times(100)
        return found

    def effect(self, mechanisms: tuple[str, ...], quantity: str) -> Effect | None:
        """What a mechanism is worth, or by how much more several are worth together than alone.

        Of one, the mean over all combinations of the others of the difference between with and without it. Of several,
        the contrast of the 2³ design: half the difference of the effect of one with and without the other, and so on.
        The interval is Student's over the seeds that all eight models have; None for fewer than two.
        """
        by_seed: dict[int, list[float]] = {}
        for model in MODELS.values():
            sign = int(np.prod([1 if one in model.mechanisms else -1 for one in mechanisms]))
            for seed, value in self.values(model.name, quantity).items():
                by_seed.setdefault(seed, []).append(sign * value)
        whole = [sum(values) / (len(MODELS) / 2) for values in by_seed.values() if len(values) == len(MODELS)]
        return effects.over_seeds(whole)

    @property
    def contrasts(self) -> list[tuple[str, ...]]:
        """The mechanisms and their pairs and all three."""
        return [chosen for size in (1, 2, 3) for chosen in combinations(MECHANISMS, size)]
