"""Figures of the study: rates with and without reset, accuracy under attack, integration lengths, landscapes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from basalt.study import effects
from basalt.study.effects import Effect
from basalt.study.figures import Axis, Series, chart, histograms, surface
from basalt.study.lif_roles.claims import BASE, NO_LEAK, NO_LEAK_RECURRENT, NO_RESET, RECURRENT
from basalt.study.lif_roles.results import Results
from basalt.study.lif_roles.tasks import LENGTHS_MS, TASKS
from basalt.study.lif_roles.variants import LANDSCAPES, LSTM, title
from basalt.study.page import Section
from basalt.study.robustness.sweep import ATTACKS


@dataclass(frozen=True)
class Change:
    """Input or weights that are not those of the training, by amount.

    Attributes:
        title, unit: for people. of: accuracy by amount in an outcome. log: whether amounts span decades.
    """

    title: str
    unit: str
    of: Callable[[Mapping[str, Any]], Mapping[str, float]]
    log: bool = True


CHANGES = (
    Change("event noise", "events added, of the sample's own", lambda o: o["corrupted"]["noise"]),
    Change("dropped events", "of all events", lambda o: o["corrupted"]["drop"], log=False),
    Change("time jitter", "standard deviation, steps", lambda o: o["corrupted"]["jitter"]),
    Change("another speed", "steps, of the sample's own", lambda o: o["corrupted"]["stretch"]),
    Change("steps of another length", "ms a step", lambda o: o.get("lengths", {})),
    Change("flipped bits of weights", "probability of a bit", lambda o: o["flips"]),
)

SHOWN = (BASE, NO_LEAK, RECURRENT, NO_LEAK_RECURRENT, NO_RESET, LSTM)
"""Networks of the curves, each in the colour of its place."""


def of_task(results: Results, task: str) -> list[Section]:
    """The figures of a task."""
    found = [
        rates(results, task),
        *(attack(results, task, name) for name in ("pgd", "events")),
        losses(results, task),
        *(plane(results, task, variant) for variant in LANDSCAPES),
        *(changed(results, task, change) for change in CHANGES),
    ]
    return [figure for figure in found if figure is not None]


def over_lengths(results: Results) -> list[Section]:
    """The figures of event recordings at all integration lengths."""
    found = lengths(results, "camera"), lengths(results, "nmnist"), recordings(results)
    return [figure for figure in found if figure is not None]


def rates(results: Results, task: str) -> Section | None:
    """Distribution of the neurons' rates by layer, with each reset."""
    rows = []
    for variant, name in ((BASE, "hard"), ("learnable-soft-none", "soft"), (NO_RESET, "none")):
        layers: dict[str, list[float]] = {}
        for outcome in results.by_seed(task, variant).values():
            for layer, values in outcome["rates"].items():
                layers.setdefault(layer, []).extend(100 * value for value in values)
        rows += [(f"{name}, {number}", values) for number, values in enumerate(layers.values(), 1)]
    if not rows:
        return None
    most = max((value for _, values in rows for value in values), default=0.0)
    axis = Axis("% of steps", 0, next(end for end in (5, 10, 20, 50, 100) if most <= end))
    note = "Share of its steps in which a neuron spikes, test set, all seeds; rows are the kind of reset and the layer."
    return Section(f"Spike rates with and without reset: {task}", histograms(axis, rows, 41), note)


def attack(results: Results, task: str, name: str) -> Section | None:
    """Accuracy against the budget, with whiskers over seeds; dashed, the vanilla network under the control."""
    series = []
    for colour, variant in enumerate(SHOWN):
        series += _curves(results, task, name, variant, colour)
    if not series:
        return None
    budgets = [x for one in series for x in one.x]
    unit = "events added or removed a sample" if ATTACKS[name].events else "ε, as a fraction of the input's range"
    note = "Whiskers: 95 % over seeds, or samples of one seed. Dashed: the first network, changed as much at random."
    return Section(
        f"Accuracy under attack, {ATTACKS[name].title}: {task}",
        chart(
            Axis(unit, min(budgets), max(budgets), log=True, ticks=_ticks(budgets)),
            Axis("accuracy %", 0, 1, percent=True),
            series,
        ),
        note,
    )


def _ticks(budgets: Sequence[float]) -> tuple[float, ...]:
    return tuple(sorted({float(f"{budget:.2g}") for budget in budgets}))[:8]


def _curves(results: Results, task: str, name: str, variant: str, colour: int) -> list[Series]:
    every = [outcome["attacks"] for outcome in results.by_seed(task, variant).values()]
    every = [one for one in every if name in one["curves"]]
    if not every:
        return []
    budgets = [point["budget"] for point in every[0]["curves"][name]]
    left = [
        _left([one["curves"][name][n]["accuracy"] for one in every], every[0]["samples"]) for n in range(len(budgets))
    ]
    middle, low, high = ([getattr(one, end) for one in left] for end in ("value", "low", "high"))
    found = [Series(title(variant), budgets, middle, colour, low, high)]
    if variant == BASE:
        control = [float(np.mean([one["curves"][name][n]["control"] for one in every])) for n in range(len(budgets))]
        found.append(Series("control", budgets, control, colour, dots=False, dashed=True))
    return found


def _left(values: Sequence[float], samples: int) -> Effect:
    return effects.over_seeds(values) or effects.proportion(values[0], samples)


def changed(results: Results, task: str, change: Change) -> Section | None:
    """Accuracy against the amount of a change that training did not know, with whiskers over seeds."""
    series: list[Series] = []
    for colour, variant in enumerate(SHOWN):
        every = list(results.by_seed(task, variant).values())
        amounts = sorted({amount for one in every for amount in change.of(one)}, key=float)
        if len(amounts) < 2:
            continue
        left = [_left([change.of(one)[amount] for one in every], every[0]["samples"]) for amount in amounts]
        middle, low, high = ([getattr(one, end) for one in left] for end in ("value", "low", "high"))
        series.append(Series(title(variant), [float(amount) for amount in amounts], middle, colour, low, high))
    if not series:
        return None
    x = [value for one in series for value in one.x]
    ticks = _ticks(x) if change.log else ()
    axes = Axis(change.unit, min(x), max(x), log=change.log, ticks=ticks), Axis("accuracy %", 0, 1, percent=True)
    return Section(f"Accuracy with {change.title}: {task}", chart(*axes, series), "Whiskers: 95 % over seeds.")


def losses(results: Results, task: str) -> Section | None:
    """The loss along a random direction: the vanilla network, the one with recurrence and no leakage, the LSTM."""
    series, most = [], 0.0
    for colour, variant in enumerate(SHOWN):
        every = [outcome["landscape"] for outcome in results.by_seed(task, variant).values()]
        if variant in LANDSCAPES and every:
            middle = np.mean([one["line"] for one in every], axis=0)
            series.append(Series(title(variant), every[0]["places"], middle.tolist(), colour, dots=False))
            most = max(most, float(middle.max()))
    if not series:
        return None
    note = "Cross-entropy of training samples; each neuron's weights move by up to their own length. Mean over seeds."
    axes = Axis("distance along a random direction, in filters", -1, 1), Axis("loss", 0, most or 1.0)
    return Section(f"Loss around the weights: {task}", chart(*axes, series), note)


def plane(results: Results, task: str, variant: str) -> Section | None:
    """The loss along two random directions, first seed."""
    outcome = results.first(task, variant)
    if outcome is None or "plane" not in outcome["landscape"]:
        return None
    values = np.array(outcome["landscape"]["plane"])
    low, high = float(values.min()), float(values.max())
    levels = [float(f"{low + part * (high - low):.2g}") for part in (0.05, 0.2, 0.4, 0.7)]
    axes = Axis("first direction", -1, 1), Axis("second direction", -1, 1)
    return Section(
        f"Loss landscape, {title(variant)}: {task}",
        surface(*axes, values, levels),
        f"Filter-normalised directions, first seed; from {low:.2g} to {high:.2g}.",
    )


def lengths(results: Results, prefix: str) -> Section | None:
    """Accuracy of networks trained and tested at each integration length."""
    tasks = [(ms, name) for ms in LENGTHS_MS if (name := f"{prefix}-{ms}") in results.study.tasks]
    if len(tasks) < 2:
        return None
    series = []
    for colour, variant in enumerate(SHOWN):
        found = [(ms, effect) for ms, task in tasks if (effect := results.mean(task, variant, "accuracy"))]
        if found:
            series.append(
                Series(
                    title(variant),
                    [ms for ms, _ in found],
                    [e.value / 100 for _, e in found],
                    colour,
                    [e.low / 100 for _, e in found],
                    [e.high / 100 for _, e in found],
                )
            )
    return (
        Section(
            f"Integration length: {TASKS[tasks[0][1]].title.split(',')[0]}",
            chart(_lengths_axis(), _accuracies(series), series),
            "Trained and tested at that length of a step.",
        )
        if series
        else None
    )


def recordings(results: Results) -> Section | None:
    """Accuracy on real recordings of networks trained before the simulated camera."""
    series = []
    for colour, variant in enumerate(SHOWN):
        found = []
        for ms in LENGTHS_MS:
            every = results.by_seed(f"camera-{ms}", variant).values() if f"camera-{ms}" in results.study.tasks else ()
            known = [one["recordings"]["accuracy"] for one in every if one.get("recordings")]
            if known:
                found.append((ms, float(np.mean(known))))
        if found:
            series.append(Series(title(variant), [ms for ms, _ in found], [value for _, value in found], colour))
    if not series:
        return None
    note = "Trained on simulated recordings, tested on real ones of images that training never saw; means over seeds."
    return Section("Real recordings", chart(_lengths_axis(), _accuracies(series), series), note)


def _lengths_axis() -> Axis:
    return Axis("ms a step", LENGTHS_MS[0], LENGTHS_MS[-1], log=True, ticks=tuple(map(float, LENGTHS_MS)))


def _accuracies(series: Sequence[Series]) -> Axis:
    least = min(value for one in series for value in (*one.low, *one.y))
    return Axis("test accuracy %", max(float(np.floor(20 * least)) / 20, 0.0), 1.0, percent=True)
