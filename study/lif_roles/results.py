"""What the trainings of the study came to: quantities by task, variant and seed, and contrasts with intervals."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import log

import numpy as np

from basalt.study import effects
from basalt.study.effects import Effect
from basalt.study.learned import Compared, Learner, accuracy, learner
from basalt.study.lif_roles.study import Study
from basalt.study.quantity import Outcome, Quantity
from basalt.study.robustness.sweep import kept


def _under(attack: str, key: str = "accuracy") -> Callable[[Outcome], float | None]:
    def of(outcome: Outcome) -> float | None:
        points = outcome["attacks"]["curves"].get(attack)
        clean = outcome["attacks"]["clean"]
        return None if points is None or not clean else 100 * kept([point[key] for point in points], clean)

    return of


def _corrupted(name: str) -> Callable[[Outcome], float | None]:
    def of(outcome: Outcome) -> float | None:
        clean = outcome["clean"]
        return 100 * kept(list(outcome["corrupted"][name].values()), clean) if clean else None

    return of


def _rate(outcome: Outcome) -> float | None:
    rates = [rate for layer in outcome.get("rates", {}).values() for rate in layer]
    return 100 * float(np.mean(rates)) if rates else None


def _longer(outcome: Outcome) -> float | None:
    factors = {float(name): value for name, value in outcome["corrupted"]["stretch"].items()}
    return 100 * factors[max(factors)] / outcome["clean"] if outcome["clean"] else None


def _flips(outcome: Outcome) -> float | None:
    return 100 * kept(list(outcome["flips"].values()), outcome["clean"]) if outcome["clean"] else None


def _lengths(outcome: Outcome) -> float | None:
    own = f"{outcome['recipe']['data']['step_ms']:g}"
    others = [value for name, value in outcome.get("lengths", {}).items() if name != own]
    return 100 * kept(others, outcome["clean"]) if others and outcome["clean"] else None


def _price(table: str, *keys: str) -> Callable[[Outcome], float | None]:
    """The first of these figures that a machine has, in nJ."""

    def of(outcome: Outcome) -> float | None:
        found = outcome.get("prices", {}).get("machines", {}).get(table, {})
        joule = next((found[key] for key in keys if key in found), None)
        return None if joule is None else 1e9 * joule

    return of


def _logarithm(cost: Quantity) -> Quantity:
    def of(outcome: Outcome) -> float | None:
        value = cost.of(outcome)
        return 100 * log(value) if value else None

    return Quantity(f"{cost.title}, 100·ln", "%", of)


TABLES = {
    "near-memory-22nm": "near-memory cores, 22 nm",
    "loihi1-davies": "Loihi 1 (Davies)",
    "loihi1-sanafe": "Loihi 1 (SANA-FE)",
}
REAL_TIME, FULL_SPEED = "in real time", "at full speed"
"""The conventions of docs/energy.md. Costs are judged at full speed: in real time the machine leaks between the steps
whatever the neurons do, and most on tasks without a time of their own."""
QUANTITIES: dict[str, Quantity] = {
    "accuracy": Quantity("accuracy", "points", lambda o: 100 * accuracy(o), 2),
    "gap": Quantity("train less test", "points", lambda o: 100 * (o["train"] - o["clean"]), 2),
    "sharpness": Quantity("sharpness", "", lambda o: o["landscape"]["sharpness"], 3),
    "fgsm": Quantity("kept under FGSM", "%", _under("fgsm")),
    "pgd": Quantity("kept under PGD", "%", _under("pgd")),
    "events": Quantity("kept, events flipped", "%", _under("events")),
    "signs": Quantity("kept, random signs", "%", _under("pgd", "control")),
    "random_events": Quantity("kept, random events", "%", _under("events", "control")),
    "noise": Quantity("kept, event noise", "%", _corrupted("noise")),
    "drop": Quantity("kept, dropped events", "%", _corrupted("drop")),
    "jitter": Quantity("kept, time jitter", "%", _corrupted("jitter")),
    "stretch": Quantity("kept, stretched", "%", _corrupted("stretch")),
    "longer": Quantity("kept, longest stretch", "%", _longer),
    "lengths": Quantity("kept, other step lengths", "%", _lengths),
    "flips": Quantity("kept, bit-flips", "%", _flips),
    "rate": Quantity("spike rate", "%", _rate, 2),
    "operations": Quantity("operations", "k", lambda o: o["total_operations"] / 1e3),
    "parameters": Quantity("parameters", "", lambda o: float(o["metrics"]["parameters"]), 0),
    **{
        f"{table} {REAL_TIME}": Quantity(f"{title}, {REAL_TIME}", "nJ", _price(table, "real_time_joule"))
        for table, title in TABLES.items()
    },
    **{
        table: Quantity(f"{title}, {FULL_SPEED}", "nJ", _price(table, "full_speed_joule", "joule"))
        for table, title in TABLES.items()
    },
}
COSTS = ("operations", *TABLES)
"""What an inference costs, by machine."""
LOGARITHMS = {f"log_{name}": _logarithm(QUANTITIES[name]) for name in COSTS}
"""Of costs, whose differences are ratios; no columns of a table."""
QUANTITIES.update(LOGARITHMS)


@dataclass(frozen=True)
class Results:
    """Outcomes by the name of their experiment; a training that is missing or failed is left out."""

    study: Study
    outcomes: Mapping[str, Outcome]

    def by_seed(self, task: str, variant: str) -> dict[int, Outcome]:
        """The outcomes of a variant on a task."""
        names = {seed: self.study.run_name(task, variant, seed) for seed in range(1, self.study.seeds + 1)}
        return {seed: self.outcomes[name] for seed, name in names.items() if name in self.outcomes}

    def compared(self, tasks: Sequence[str], variants: Sequence[str]) -> Compared:
        """Those networks, task by task."""
        return [[one for v in variants if (one := self._learner(task, v)) is not None] for task in tasks]

    def _learner(self, task: str, variant: str) -> Learner | None:
        trained = {self.study.run_name(task, variant, seed): one for seed, one in self.by_seed(task, variant).items()}
        return learner(self.study, f"{variant} on {task}", trained) if trained else None

    def first(self, task: str, variant: str) -> Outcome | None:
        """The outcome of its first seed, for pictures."""
        return next(iter(self.by_seed(task, variant).values()), None)

    def values(self, task: str, variant: str, quantity: str) -> dict[int, float]:
        """A quantity by seed."""
        found = {seed: QUANTITIES[quantity].of(outcome) for seed, outcome in self.by_seed(task, variant).items()}
        return {seed: value for seed, value in found.items() if value is not None}

    def mean(self, task: str, variant: str, quantity: str) -> Effect | None:
        """A quantity with its interval over seeds; an accuracy of one seed over its test samples; else None."""
        values = list(self.values(task, variant, quantity).values())
        if len(values) == 1 and quantity == "accuracy":
            return effects.proportion(values[0] / 100, self._samples(task, variant)).times(100)
        return effects.over_seeds(values)

    def contrast(
        self, tasks: Sequence[str], weights: Mapping[str, float], quantity: str, size: bool = False
    ) -> Effect | None:
        """Σ weight·quantity over variants, the mean over tasks, with Student's interval over the seeds.

        With `size`, the mean of its absolute value on each task, whichever way it goes. A seed counts if every task
        has all those variants with it; tasks without the quantity are left out. Where there is one seed only, the
        interval runs over tasks, or, for two accuracies on one task, over test samples.
        """
        found = {task: by for task in tasks if (by := self.weighted(task, weights, quantity, size))}
        if not found:
            return None
        means = self.means(tasks, weights, quantity, size)
        if len(means) >= 2:
            return effects.over_seeds(list(means.values()), f", means of {len(found)} tasks" * (len(found) > 1))
        if len(found) >= 2:
            return effects.mean([next(iter(by.values())) for by in found.values()], "tasks, one seed")
        (task,) = found
        if quantity == "accuracy" and sorted(weights.values()) == [-1, 1]:
            left, right = sorted(weights, key=lambda name: -weights[name])
            ours, theirs = (next(iter(self.values(task, name, quantity).values())) / 100 for name in (left, right))
            effect = effects.newcombe(ours, theirs, self._samples(task, left)).times(100)
            return magnitude(effect) if size else effect
        return None

    def means(
        self, tasks: Sequence[str], weights: Mapping[str, float], quantity: str, size: bool = False
    ) -> dict[int, float]:
        """What `contrast` is the mean of, by the seeds that all tasks with the quantity have."""
        found = [by for task in tasks if (by := self.weighted(task, weights, quantity, size))]
        seeds = set.intersection(*map(set, found)) if found else set()
        return {seed: float(np.mean([by[seed] for by in found])) for seed in sorted(seeds)}

    def weighted(self, task: str, weights: Mapping[str, float], quantity: str, size: bool = False) -> dict[int, float]:
        """Σ weight·quantity over variants on a task, or its absolute value, by the seeds that all of them have."""
        every = {variant: self.values(task, variant, quantity) for variant in weights}
        seeds = set.intersection(*(set(by) for by in every.values()))
        sums = {seed: sum(weights[variant] * by[seed] for variant, by in every.items()) for seed in seeds}
        return {seed: abs(value) if size else value for seed, value in sums.items()}

    def moved(self, against: str, others: Sequence[str]) -> dict[int, dict[str, float]]:
        """By seed and task, the mean over others of their accuracy less that of a variant, with its sign.

        A seed counts if every task has all those networks with it.
        """
        weights = {**dict.fromkeys(others, 1 / len(others)), against: -1.0} if others else {}
        found = {task: self.weighted(task, weights, "accuracy") for task in self.study.tasks} if weights else {}
        seeds = set.intersection(*map(set, found.values())) if found else set()
        return {seed: {task: by[seed] for task, by in found.items()} for seed in sorted(seeds)}

    def _samples(self, task: str, variant: str) -> int:
        return next(int(outcome["metrics"]["test_samples"]) for outcome in self.by_seed(task, variant).values())


def magnitude(effect: Effect) -> Effect:
    """The absolute value of an effect, with the interval of the absolute values of its interval."""
    ends = abs(effect.low), abs(effect.high)
    low = 0.0 if effect.low <= 0 <= effect.high else min(ends)
    return replace(effect, value=abs(effect.value), low=low, high=max(ends))
