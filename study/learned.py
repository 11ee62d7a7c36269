"""Which networks have learned enough to be compared.

A network has learned if it has come at least half of the way from chance to no error:

    (a − c) / (1 − c) ≥ FLOOR = 1/2          a accuracy, c chance

Why half: an accuracy c + (1 − c)·σ(z) is steepest there, so below it a figure tells how far training has come rather
than what the network can do, and a little more training moves it by more than the effects that are judged. In the
training logs of models/ networks below it still had 10 points to gain (median over epochs), those above it half.

A network below the floor can still be a finding: after the whole training, beside another that learned with the same,
it is one that does not learn. In a training that was cut short it is one that has not learned yet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from basalt.study.basis import Sized, whole

FLOOR = 0.5


@dataclass(frozen=True)
class Learner:
    """A network on a task.

    Attributes:
        name: for people.
        accuracy: on the test set, a fraction, mean over its seeds. chance: what guessing has.
        whole: whether all its seeds had the full study's training.
    """

    name: str
    accuracy: float
    chance: float
    whole: bool

    @property
    def learned(self) -> bool:
        """Whether it reached the floor."""
        return self.accuracy >= self.floor

    @property
    def floor(self) -> float:
        """The least accuracy that counts as learned."""
        return self.chance + FLOOR * (1 - self.chance)

    def __str__(self) -> str:
        return f"{self.name} {100 * self.accuracy:.1f} % (learned: {100 * self.floor:.1f} %)"


Compared = Sequence[Sequence[Learner]]
"""Networks that a claim compares, in groups of the same task."""


def learner(study: Sized, name: str, trained: Mapping[str, Mapping[str, Any]]) -> Learner:
    """A network, of the outcomes of its seeds by the name of their training; at least one."""
    found = list(trained.values())
    return Learner(
        name,
        sum(map(accuracy, found)) / len(found),
        1 / found[0]["classes"],
        all(whole(study, run, outcome) for run, outcome in trained.items()),
    )


def accuracy(outcome: Mapping[str, Any]) -> float:
    """Test accuracy, a fraction: in the deployed integers, in floats where nothing is deployed."""
    metrics = outcome["metrics"]
    found = metrics.get("accuracy_integer")
    return float(metrics["accuracy_float"] if found is None else found)


def unready(compared: Compared) -> list[Learner]:
    """Those that have not learned, and may yet: no claim about them can be judged."""
    return [
        one
        for group in compared
        for one in group
        if not one.learned and not (one.whole and any(other.learned for other in group))
    ]


def unable(compared: Compared) -> list[Learner]:
    """Those that did not learn with a whole training with which another did: that is what was found."""
    waiting = unready(compared)
    return [one for group in compared for one in group if not one.learned and one not in waiting]
