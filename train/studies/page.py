"""The page of the study of dual memory pathways: verdicts, figures and a table, in one file that loads nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

import numpy as np

from train.studies.claims import Verdict
from train.studies.dual_memory import Variant
from train.studies.effects import Effect, mean
from train.studies.figures import Axis, Series, chart, histograms, level_map
from train.studies.results import Results

NAMES = {"fsnn": "feed-forward", "rsnn": "recurrent", "dsnn": "learned delays", "dmp": "dual memory"}
COLOURS = {"dmp": 0, "dsnn": 1, "rsnn": 2, "fsnn": 3}


@dataclass(frozen=True)
class Figure:
    """A section of the page: the part of the study that it shows, its title, a note, and what draws it."""

    part: str
    title: str
    note: str
    draw: Callable[[Results], str]


def render(results: Results, verdicts: Sequence[Verdict], title: str, made: str) -> str:
    """The page; `made` tells how it came about."""
    style = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
    shown = [figure for figure in FIGURES if figure.part in results.study.parts]
    sections = "".join(
        f"<section><h2>{figure.title}</h2><p class='note'>{figure.note}</p>{figure.draw(results)}</section>"
        for figure in shown
    )
    seeds = results.study.size.seeds
    over = f"over {seeds} seeds (Student)" if seeds > 1 else "of the test samples of one seed: seeds differ by more"
    return (
        "<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<meta name='color-scheme' content='light dark'><title>{escape(title)} · Basalt</title>"
        f"<style>{style}</style></head><body><h1>{escape(title)}</h1>"
        f"<p class='lead'>Ablations of dual memory pathways (arXiv 2512.07602). Accuracies are of the test set, in the "
        f"deployed integers, at the best epoch on the validation split; intervals are 95 % {over}.</p>"
        f"<section><h2>What the paper concludes, and what came out here</h2>{_verdicts(verdicts)}</section>"
        f"<div class='figures'>{sections}</div>"
        f"<section><h2>All networks</h2>{_table(results)}</section><footer>{escape(made)}</footer></body></html>\n"
    )


def _verdicts(verdicts: Sequence[Verdict]) -> str:
    rows = []
    for verdict in verdicts:
        effect = verdict.effect
        unit = verdict.claim.unit
        figures = (
            "<td class='n'>–</td><td>–</td>"
            if effect is None
            else f"<td class='n'>{effect.value:+.2f} {unit}</td>"
            f"<td>{effect.low:+.2f} to {effect.high:+.2f}<small>{effect.over}</small></td>"
        )
        rows.append(
            f"<tr><td class='word {verdict.word}'>{verdict.word}</td>"
            f"<td>{escape(verdict.claim.text)}<small>{escape(verdict.compared)}</small></td>{figures}"
            f"<td class='n'>{verdict.claim.side} {verdict.claim.limit:.3g}</td></tr>"
        )
    head = (
        "<tr><th>Verdict</th><th>Conclusion</th><th class='n'>Effect</th><th>95 % interval</th><th>Holds if</th></tr>"
    )
    return f"<div class='scroll'><table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table></div>"


def _table(results: Results) -> str:
    study = results.study
    variants = dict.fromkeys(variant for part in study.parts for variant in study.variants(part))
    rows = []
    for variant in variants:
        found = results.by_seed(variant)
        if not found:
            rows.append(f"<tr><td>{variant.name}</td><td colspan='5'>not trained</td></tr>")
            continue
        effect, every = results.accuracy(variant), list(found.values())
        rates = np.mean([list(outcome["metrics"]["spike_rate"].values()) for outcome in every], axis=0)
        rows.append(
            f"<tr><td>{variant.name}</td><td class='n'>{every[0]['metrics']['parameters']:,}</td>"
            f"<td class='n'>{_percent(effect)}</td>"
            f"<td class='n'>{', '.join(f'{100 * a:.1f}' for a in results.accuracies(variant).values())}</td>"
            f"<td class='n'>{', '.join(f'{rate:.3f}' for rate in rates)}</td>"
            f"<td class='n'>{np.mean([outcome['metrics']['seconds'] for outcome in every]):.0f}</td></tr>"
        )
    head = (
        "<tr><th>Network</th><th class='n'>trained parameters</th><th class='n'>accuracy %, 95 % interval</th>"
        "<th class='n'>by seed</th><th class='n'>spike rates by layer</th><th class='n'>s of training</th></tr>"
    )
    return f"<div class='scroll'><table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table></div>"


def _percent(effect: Effect | None) -> str:
    if effect is None:
        return "–"
    return f"{100 * effect.value:.1f} ({100 * effect.low:.1f} to {100 * effect.high:.1f})"


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
    effects = [mean(list(values[:, epoch]), "seeds") for epoch in range(epochs)]
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
