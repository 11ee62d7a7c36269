"""Which switch pays for itself: what turning it on does to accuracy, and to the cost of an inference."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import exp
from typing import Any

from basalt.study import effects
from basalt.study.effects import Effect
from basalt.study.learned import unready
from basalt.study.lif_roles.results import TABLES, Results
from basalt.study.lif_roles.tasks import KINDS
from basalt.study.lif_roles.variants import Variant, title
from basalt.study.verdicts import UNREADY, UNTESTED

CHANGES = (
    (Variant(), Variant("none")),
    (Variant("fixed"), Variant("none")),
    (Variant(recurrence="full"), Variant("none", recurrence="full")),
    (Variant(), Variant(reset="none")),
    (Variant(reset="soft"), Variant(reset="none")),
    (Variant(recurrence="full"), Variant()),
    (Variant(recurrence="diagonal"), Variant()),
)
"""A switch on, and off: leakage without and with recurrence, reset, recurrence."""

WORDS = {
    ("more", "less"): "pays",
    ("more", "same"): "pays",
    ("same", "less"): "pays",
    ("more", "more"): "buys accuracy",
    ("less", "less"): "saves, and costs accuracy",
    ("same", "same"): "no difference",
    ("same", "more"): "does not pay",
    ("less", "same"): "does not pay",
    ("less", "more"): "does not pay",
}
"""By what becomes of accuracy and of cost."""


@dataclass(frozen=True)
class Worth:
    """What a switch is worth on a kind of data.

    Attributes:
        kind: of the tasks. on, off: the networks' names.
        accuracy: of the one less that of the other, in points.
        operations: of the one over those of the other, in percent more: e^(mean of ln of ratios) − 1; without an
            interval where they are of one seed.
        joules: so, by price table.
        learned: whether the networks have learned enough to tell.
    """

    kind: str
    on: str
    off: str
    accuracy: Effect
    operations: Effect | float
    joules: dict[str, Effect | float]
    learned: bool = True

    @property
    def word(self) -> str:
        """Whether it pays for itself, by operations."""
        if not self.learned:
            return UNREADY
        if isinstance(self.operations, float):
            return UNTESTED
        return WORDS[side(self.accuracy), side(self.operations)]

    def plain(self) -> dict[str, Any]:
        """As JSON knows it."""
        return {**asdict(self), "word": self.word}


def side(effect: Effect) -> str:
    """Where the interval is: more or less than nothing, or same where it has zero in it."""
    return "more" if effect.low > 0 else "less" if effect.high < 0 else "same"


def worths(results: Results) -> list[Worth]:
    """All changes on all kinds of data, where both networks were trained and there are intervals."""
    found = [_worth(results, kind, on.name, off.name) for kind in KINDS for on, off in CHANGES]
    return [worth for worth in found if worth is not None]


def _worth(results: Results, kind: str, on: str, off: str) -> Worth | None:
    tasks, weights = results.study.of_kind(kind), {on: 1.0, off: -1.0}
    accuracy = results.contrast(tasks, weights, "accuracy")
    operations = _more(results, tasks, weights, "log_operations")
    if accuracy is None or operations is None:
        return None
    joules = {table: _more(results, tasks, weights, f"log_{table}") for table in TABLES}
    known = {name: more for name, more in joules.items() if more is not None}
    return Worth(
        kind,
        on,
        off=off,
        accuracy=accuracy,
        operations=operations,
        joules=known,
        learned=not unready(results.compared(tasks, [on, off])),
    )


def _more(results: Results, tasks: Sequence[str], weights: Mapping[str, float], quantity: str) -> Effect | float | None:
    values = list(results.means(tasks, weights, quantity).values())
    effect = effects.over_seeds(values)
    if effect is None:
        return _ratio(values[0]) if values else None
    return replace(effect, value=_ratio(effect.value), low=_ratio(effect.low), high=_ratio(effect.high))


def _ratio(logarithm: float) -> float:
    """A difference of logarithms, times 100, as the change of the ratio in percent."""
    return 100 * (exp(logarithm / 100) - 1)


def change(worth: Worth) -> tuple[str, str]:
    """For people: what is turned on instead of what, and what both networks share."""
    on, off = title(worth.on).split(", "), title(worth.off).split(", ")
    ((new, old),) = ((a, b) for a, b in zip(on, off) if a != b)
    return f"{new} instead of {old}", ", ".join(a for a, b in zip(on, off) if a == b)
