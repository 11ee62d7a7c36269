"""The page of the study of dual memory pathways."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from basalt.study.basis import Basis
from basalt.study.dual_memory import claims
from basalt.study.dual_memory.results import Results
from basalt.study.dual_memory.study import Study, Variant
from basalt.study.effects import over_seeds
from basalt.study.figures import Axis, Series, chart, histograms, level_map
from basalt.study.page import Section, judged, over, page, percent, table
from basalt.study.study import Report

NAMES = {"fsnn": "feed-forward", "rsnn": "recurrent", "dsnn": "learned delays", "dmp": "dual memory"}
COLOURS = {"dmp": 0, "dsnn": 1, "rsnn": 2, "fsnn": 3}


@dataclass(frozen=True)
class Figure:
    """A section of the page: the part of the study that it shows, its title, a note, and what draws it."""

    part: str
    title: str
    note: str
    draw: Callable[[Results], str]


def report(study: Study, outcomes: Mapping[str, Mapping[str, Any]], basis: Basis) -> Report:
    """The page and the verdicts; `basis` is what they stand on."""
    results = Results(study, outcomes)
    verdicts = claims.verdicts(results)
    lead = (
        "Ablations of dual memory pathways (arXiv 2512.07602). Accuracies are of the test set, in the deployed "
        "integers, at the best epoch on the validation split; intervals are 95 % " + over(study.size.seeds) + "."
    )
    figures = [Section(f.title, f.draw(results), f.note) for f in FIGURES if f.part in study.parts]
    every = Section("All networks", _table(results))
    return Report(
        page(f"Dual memory on {study.name}", lead, [judged(verdicts)], figures, [every], basis),
        [verdict.line() for verdict in verdicts],
        {
            "task": study.name,
            "recipe": study.task.recipe,
            "parts": list(study.parts),
            "seeds": study.size.seeds,
            "verdicts": [verdict.plain() for verdict in verdicts],
        },
    )


def _table(results: Results) -> str:
    study = results.study
    variants = dict.fromkeys(variant for part in study.parts for variant in study.variants(part))
    rows = []
    for variant in variants:
        every = list(results.by_seed(variant).values())
        if not every:
            rows.append([variant.name, *["–"] * 5])
            continue
        rates = np.mean([list(outcome["metrics"]["spike_rate"].values()) for outcome in every], axis=0)
        rows.append(
            [
                variant.name,
                f"{every[0]['metrics']['parameters']:,}",
                percent(results.accuracy(variant)),
                ", ".join(f"{100 * a:.1f}" for a in results.accuracies(variant).values()),
                ", ".join(f"{rate:.3f}" for rate in rates),
                f"{np.mean([outcome['metrics']['seconds'] for outcome in every]):.0f}",
            ]
        )
    head = ["Network", "trained parameters", "accuracy %, 95 % interval", "by seed", "spike rates by layer"]
    return table([*head, "s of training"], rows, numbers=range(1, 6))


def _accuracies(results: Results, at: Sequence[tuple[float, Variant]], name: str, colour: int) -> Series:
    """Accuracy with whiskers against a quantity; networks that are missing are left out."""
    found = [(x, effect) for x, variant in at if (effect := results.accuracy(variant)) is not None]
    return Series(
        name,
        [x for x, _ in found],
        [e.value for _, e in found],
        colour,
        [e.low for _, e in found],
        [e.high for _, e in found],
    )


def _accuracy_axis(series: Sequence[Series], floor: float | None = None) -> Axis:
    lows = [value for one in series for value in (*one.low, *one.y) if np.isfinite(value)]
    low = min(lows, default=0.0) if floor is None else floor
    return Axis("test accuracy %", max(np.floor(20 * low) / 20, 0.0), 1.0, percent=True)


def _map(results: Results) -> str:
    size = results.study.size
    base = results.study.base
    values = np.array(
        [
            [
                np.mean(list(results.accuracies(replace(base, states=d, window=w)).values()) or [np.nan])
                for w in size.windows
            ]
            for d in size.states
        ]
    )
    spread = np.nanmax(values) - np.nanmin(values) if np.isfinite(values).any() else 0.0
    levels = [float(np.nanmin(values) + spread * part) for part in (0.25, 0.5, 0.75, 0.9)] if spread else []
    return level_map(
        Axis("window θ", 0, 1, ticks=size.windows), Axis("states d", 0, 1, ticks=size.states), values, levels
    )


def _intervals(results: Results) -> str:
    intervals, base = results.study.size.intervals, results.study.base
    series = [_accuracies(results, [(i, replace(base, interval=i)) for i in intervals], "dual memory", 0)]
    ticks = tuple(float(i) for i in intervals)
    return chart(
        Axis("update interval d_s, steps", min(ticks) * 0.9, max(ticks) * 1.1, log=True, ticks=ticks),
        _accuracy_axis(series),
        series,
    )


def _with_delays(results: Results) -> str:
    windows, base = results.study.size.delay_windows, results.study.base
    series = [
        _accuracies(results, [(w, replace(base, window=w, delays=delays)) for w in windows], name, colour)
        for delays, name, colour in ((False, "without delays", 0), (True, "with learned delays", 1))
    ]
    return chart(Axis("window θ", 0, max(windows) * 1.04, ticks=tuple(windows)), _accuracy_axis(series), series)


def _delays(results: Results) -> str:
    windows, base = results.study.size.delay_windows, results.study.base
    rows = []
    for window in windows:
        found = results.delays(replace(base, window=window, delays=True))
        rows.append((f"θ = {window:g}", np.concatenate(list(found.values())).tolist() if found else []))
    dsnn = results.delays(Variant("dsnn"))
    if dsnn:
        rows.append(("no memory", np.concatenate(list(dsnn.values())).tolist()))
    largest = results.study.task.delays["delay"]
    return histograms(Axis("learned delay, steps", 0, largest + 1), rows, largest + 1)


def _curve(results: Results, variant: Variant, name: str, colour: int, dashed: bool = False) -> Series:
    curves = list(results.curves(variant).values())
    epochs = min((len(curve) for curve in curves), default=0)
    if not epochs:
        return Series(name, [], [], colour)
    values = np.array([curve[:epochs] for curve in curves])
    effects = [over_seeds(list(values[:, epoch])) for epoch in range(epochs)]
    known = [effect for effect in effects if effect is not None]
    return Series(
        name,
        list(range(1, epochs + 1)),
        values.mean(0).tolist(),
        colour,
        [e.low for e in known],
        [e.high for e in known],
        dots=epochs < 15,
        dashed=dashed,
    )


def _convergence_of(results: Results, series: Sequence[Series]) -> str:
    y = Axis("validation accuracy %", 0, 1, percent=True)
    return chart(Axis("epoch", 1, max(results.study.size.epochs, 2)), y, series)


def _delay_convergence(results: Results) -> str:
    windows, base = results.study.size.delay_windows, results.study.base
    chosen = [windows[0], windows[len(windows) // 2], windows[-1]]
    series = [
        _curve(
            results,
            replace(base, window=window, delays=delays),
            f"θ = {window:g}, {'delays' if delays else 'none'}",
            colour,
            not delays,
        )
        for colour, window in enumerate(chosen)
        for delays in (True, False)
    ]
    return _convergence_of(results, series)


def _architectures(results: Results) -> list[tuple[str, Variant]]:
    return [(name, results.study.base if name == "dmp" else Variant(name)) for name in COLOURS]


def _convergence(results: Results) -> str:
    return _convergence_of(results, [_curve(results, v, NAMES[n], COLOURS[n]) for n, v in _architectures(results)])


def _gradients(results: Results) -> str:
    series = []
    for name, variant in _architectures(results):
        for when in ("trained", "fresh"):
            profile = results.profile(variant, when)
            if profile is not None:
                label = NAMES[name] if when == "trained" else ""
                steps = range(len(profile))
                series.append(Series(label, steps, profile.tolist(), COLOURS[name], dots=False, dashed=when == "fresh"))
    y = Axis("‖∂L/∂x[t]‖, relative", 1e-8, 1.0, log=True)
    return chart(Axis("step t", 0, results.study.task.steps), y, series)


def _paths(results: Results) -> str:
    base = results.study.base
    shown = [
        ("both paths", base, COLOURS["dmp"]),
        ("slow path only, W_f = 0", replace(base, fast=False), 4),
        ("fast path only: feed-forward", Variant("fsnn"), COLOURS["fsnn"]),
        *(
            (NAMES[name], Variant(name), COLOURS[name])
            for name in ("rsnn", "dsnn")
            if "architectures" in results.study.parts
        ),
    ]
    series = [
        replace(_accuracies(results, [(n + 0.5, variant)], name, colour), line=False)
        for n, (name, variant, colour) in enumerate(shown)
    ]
    y = _accuracy_axis(series, 0.0)
    return chart(Axis("", 0, len(shown), ticks=(-1e9,)), y, series, (results.chance, "chance"))


FIGURES = (
    Figure("grid", "Accuracy % over d and θ", "Numbers are measured; the surface and its contours lie between.", _map),
    Figure("interval", "Accuracy against the update interval", "The memory current is held in between.", _intervals),
    Figure("paths", "Paths removed", "One pathway taken away, and the other ways to remember.", _paths),
    Figure("architectures", "Convergence of the four architectures", "All made from one recipe.", _convergence),
    Figure(
        "architectures",
        "Gradient over time",
        "Of a loss on the last step alone, to the input; after training, and dashed before.",
        _gradients,
    ),
    Figure("delays", "Accuracy with and without delays", "Against the window of the memory.", _with_delays),
    Figure("delays", "Learned delays", "Their distribution over neurons; the line is the mean.", _delays),
    Figure("delays", "Convergence with delays", "Dashed: without them.", _delay_convergence),
)
