"""The published conclusions on leakage, reset and recurrence, and what measures each.

1 to 3 are those of arXiv 2403.16674; 4 is of an independent replication (Bouanane et al. 2023); 5 are controls without
which 1 and 3 say nothing: an attack that finds no gradient leaves any network unharmed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from basalt.study import effects
from basalt.study.lif_roles.results import QUANTITIES, Results
from basalt.study.lif_roles.tasks import BOTH, KINDS, SPATIAL, TEMPORAL
from basalt.study.lif_roles.variants import LSTM, SWITCHES, VANILLA, Variant, title
from basalt.study.verdicts import Claim, Measured, Verdict, judge

MISSING = "trainings are missing, or seeds are too few"
TOLERANCE = 2.0
"""Points of accuracy that count as nothing."""

BASE = VANILLA.name
NO_LEAK = Variant("none").name
FORGETFUL = Variant("complete").name
NO_RESET = Variant(reset="none").name
RECURRENT = Variant(recurrence="full").name
NO_LEAK_RECURRENT = Variant("none", recurrence="full").name


@dataclass(frozen=True)
class Contrast(Claim):
    """A conclusion about Σ weight·quantity over variants, on tasks of some kinds.

    Attributes:
        weights: by the variants' names. quantity: one of QUANTITIES. kinds: of tasks.
        size: whether it is about its absolute value.
    """

    weights: Mapping[str, float]
    quantity: str
    kinds: tuple[str, ...]
    size: bool


def _contrast(
    text: str,
    side: str,
    limit: float,
    weights: Mapping[str, float],
    quantity: str,
    kinds: tuple[str, ...] = KINDS,
    size: bool = False,
) -> Contrast:
    figure = QUANTITIES[quantity]
    bars = "|" if size else ""
    compared = f"{bars}{formula(weights)}{bars}: {figure.title}; {', '.join(kinds)} data"

    def measure(results: Results) -> Measured:
        tasks = results.study.of_kind(*kinds)
        effect = results.contrast(tasks, weights, quantity, size)
        networks = results.compared(tasks, list(weights))
        return Measured(effect, compared if effect else f"{compared}: {MISSING}", networks)

    return Contrast(text, figure.unit, side, limit, measure, weights, quantity, kinds, size)


def formula(weights: Mapping[str, float]) -> str:
    """A contrast in words: what is added, less what is taken off."""
    more = [title(name) for name, weight in weights.items() if weight > 0]
    less = [title(name) for name, weight in weights.items() if weight < 0]
    return f"({') + ('.join(more)}) less ({') + ('.join(less)})"


def _drives_most(left_out: tuple[str, ...] = ()) -> Callable[[Results], Measured]:
    """By how much more leakage moves accuracy than the stronger of reset and recurrence; some levels left out.

    What a switch moves is the mean over tasks and over its levels of the accuracy with that level less that of the
    vanilla network, with its sign: differences that go both ways cancel, as noise does. A switch moves accuracy more
    if its mean over seeds is further from zero; the effect of each is counted in the direction of that mean.
    """

    def measure(results: Results) -> Measured:
        study = results.study
        levels = {
            switch: [v for v in _levels(switch) if v in study.variants and v not in left_out] for switch in SWITCHES
        }
        moved = {switch: results.moved(BASE, names) for switch, names in levels.items()}
        compared = "signed difference of accuracy from the vanilla network, mean over levels and tasks: leakage " + (
            f"(without {', '.join(map(title, left_out))}) " if left_out else ""
        )
        compared += "less the larger of reset, recurrence, in size"
        networks = results.compared(study.tasks, [BASE, *dict.fromkeys(v for names in levels.values() for v in names)])
        seeds = sorted(set.intersection(*(set(by) for by in moved.values())))
        if not seeds:
            return Measured(None, f"{compared}: trainings are missing", networks)
        by_task = {
            switch: np.array([[by[seed][task] for task in study.tasks] for seed in seeds])
            for switch, by in moved.items()
        }
        means = {switch: float(values.mean()) for switch, values in by_task.items()}
        sizes = {switch: np.copysign(1.0, means[switch]) * values for switch, values in by_task.items()}
        other = max(("reset", "recurrence"), key=lambda switch: abs(means[switch]))
        more = sizes["leakage"] - sizes[other]
        if len(seeds) > 1:
            effect = effects.over_seeds(more.mean(1).tolist())
        else:
            effect = effects.mean(more[0].tolist(), "tasks, one seed")
        said = ", ".join(f"{switch} {value:+.2f}" for switch, value in means.items())
        compared += f" ({said})"
        return Measured(effect, compared if effect else f"{compared}: needs two seeds or two tasks", networks)

    return measure


def _levels(switch: str) -> list[str]:
    """The vanilla network with each other level of a switch."""
    every = [Variant(**{**_switches(), switch: level}).name for level in SWITCHES[switch]]
    return [name for name in every if name != BASE]


def _switches() -> dict[str, str]:
    return {switch: getattr(VANILLA, switch) for switch in SWITCHES}


def _mean_over_networks(quantity: str, less: str | None = None) -> Callable[[Results], Measured]:
    """Of all spiking networks and tasks: a quantity, or what it is more than another."""
    name = QUANTITIES[quantity].title + (f" less {QUANTITIES[less].title}" if less else "")

    def measure(results: Results) -> Measured:
        by_seed: dict[int, list[float]] = {}
        for task in results.study.tasks:
            for variant in results.study.variants:
                if variant == LSTM:
                    continue
                theirs = results.values(task, variant, less) if less else {}
                for seed, value in results.values(task, variant, quantity).items():
                    by_seed.setdefault(seed, []).append(value - theirs.get(seed, 0.0))
        if len(by_seed) == 1:
            (values,) = by_seed.values()
            effect = effects.mean(values, "networks and tasks, one seed")
        else:
            effect = effects.over_seeds([float(np.mean(values)) for values in by_seed.values()])
        spiking = [variant for variant in results.study.variants if variant != LSTM]
        return Measured(
            effect, f"{name}, all spiking networks and tasks", results.compared(results.study.tasks, spiking)
        )

    return measure


_TIMED = (TEMPORAL, BOTH)
_LEAK = {BASE: 1.0, NO_LEAK: -1.0}
_LEAK_RECURRENT = {RECURRENT: 1.0, NO_LEAK_RECURRENT: -1.0}
_RESET = {BASE: 1, NO_RESET: -1}
_RECUR = {RECURRENT: 1, BASE: -1}
_MORE, _LESS = "at least", "at most"


Side = tuple[str, dict[str, float], str]
"""In words, a difference between networks, and the kind of data that it is on."""


def _matters_more(left: Side, right: Side) -> Callable[[Results], Measured]:
    """The size of one difference of accuracy less that of another, by seed; each the mean over its tasks."""
    compared = f"|accuracy with learned leakage less without|, {left[0]} less {right[0]}"

    def measure(results: Results) -> Measured:
        ours, theirs = (
            results.means(results.study.of_kind(kind), weights, "accuracy", True) for _, weights, kind in (left, right)
        )
        effect = effects.paired(ours, theirs)
        sides = [results.compared(results.study.of_kind(kind), list(weights)) for _, weights, kind in (left, right)]
        return Measured(effect, compared if effect else f"{compared}: {MISSING}", [*sides[0], *sides[1]])

    return measure


_RECURRENT_IN_TIME: Side = ("recurrent networks on temporal data", _LEAK_RECURRENT, TEMPORAL)

CLAIMS: tuple[Claim, ...] = (
    Claim("1. Leakage drives performance most.", "points", _MORE, 0.0, _drives_most()),
    Claim("1. So it does where complete leakage, which forgets all in a step, is left out.", "points", _MORE, 0.0,
          _drives_most((FORGETFUL,))),
    _contrast("1. Leakage sets how long is remembered: forgetting all in a step costs accuracy on temporal data.",
              _MORE, 0.0, {BASE: 1, FORGETFUL: -1}, "accuracy", (TEMPORAL,)),
    _contrast("1. Leakage gives robustness to attacks on the input tensor.", _MORE, 0.0, _LEAK, "pgd"),
    _contrast("1. Leakage gives robustness to events added and removed.", _MORE, 0.0, _LEAK, "events"),
    _contrast("2. Reset keeps computation efficient: spike rates are lower.", _LESS, 0.0, _RESET, "rate"),
    _contrast("2. Reset keeps computation efficient: an inference takes fewer operations.",
              _LESS, 0.0, _RESET, "log_operations"),
    _contrast("2. Reset keeps long processing uninterrupted: it adds accuracy on temporal data.",
              _MORE, 0.0, _RESET, "accuracy", (TEMPORAL,)),
    _contrast("2. Reset keeps long processing uninterrupted: longer input than trained on costs less.",
              _MORE, 0.0, _RESET, "longer", _TIMED),
    _contrast("3. Recurrence enriches temporal dynamics: it adds accuracy on temporal data.",
              _MORE, 0.0, _RECUR, "accuracy", (TEMPORAL,)),
    _contrast("3. Recurrence costs robustness to attacks on the input tensor.", _LESS, 0.0, _RECUR, "pgd"),
    _contrast("3. Recurrence costs robustness to events added and removed.", _LESS, 0.0, _RECUR, "events"),
    _contrast("3. Recurrence costs generalisation: the gap from training to test grows.",
              _MORE, 0.0, _RECUR, "gap"),
    _contrast("3. Recurrence costs generalisation: the loss around the weights is sharper.",
              _MORE, 0.0, _RECUR, "sharpness"),
    _contrast("3. Without leakage and with recurrence the loss is sharper than the vanilla network's.",
              _MORE, 0.0, {NO_LEAK_RECURRENT: 1, BASE: -1}, "sharpness"),
    _contrast(f"4. With temporal data and recurrence, leakage matters: {TOLERANCE:g} points or more.",
              _MORE, TOLERANCE, _LEAK_RECURRENT, "accuracy", (TEMPORAL,), size=True),
    Claim("4. It matters more with recurrence than without, on temporal data.", "points", _MORE, 0.0,
          _matters_more(_RECURRENT_IN_TIME, ("those without recurrence", _LEAK, TEMPORAL))),
    Claim("4. It matters more on temporal than on spatial data, with recurrence.", "points", _MORE, 0.0,
          _matters_more(_RECURRENT_IN_TIME, ("those on spatial data", _LEAK_RECURRENT, SPATIAL))),
    _contrast(f"4. Without recurrence it hardly matters on temporal data: {TOLERANCE:g} points at most.",
              _LESS, TOLERANCE, _LEAK, "accuracy", (TEMPORAL,), size=True),
    _contrast(f"4. On spatial data it hardly matters: {TOLERANCE:g} points at most.",
              _LESS, TOLERANCE, _LEAK, "accuracy", (SPATIAL,), size=True),
    Claim("5. Attacks work by their gradient: random signs as large leave more accuracy, by 10 % or more.",
          "%", _MORE, 10.0, _mean_over_networks("signs", "pgd")),
    Claim("5. So do random events, as many as are flipped.",
          "%", _MORE, 10.0, _mean_over_networks("random_events", "events")),
)  # fmt: skip


def verdicts(results: Results) -> list[Verdict]:
    """All claims, judged."""
    return [judge(claim, results) for claim in CLAIMS]


def on(claim: Contrast, task: str) -> Claim:
    """The claim about a task alone."""

    def measure(results: Results) -> Measured:
        effect = results.contrast((task,), claim.weights, claim.quantity, claim.size)
        return Measured(effect, task, results.compared((task,), list(claim.weights)))

    return Claim(claim.text, claim.unit, claim.side, claim.limit, measure)
