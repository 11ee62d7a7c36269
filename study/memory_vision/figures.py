"""The figures of the study of memory-augmented vision."""

import math
from collections.abc import Sequence

import numpy as np

from basalt.study import recall
from basalt.study.effects import Effect
from basalt.study.figures import Axis, Series, chart, legend
from basalt.study.forest import Row, forest
from basalt.study.memory_vision.results import QUANTITIES, Results
from basalt.study.memory_vision.study import FEATURES, MECHANISMS, MODELS
from basalt.study.page import Section, table
from basalt.study.panels import clouds, matrices

SIZE, PATTERNS = 128, 10
"""Of the patterns in the pictures of recall: as many elements as there are features, as many patterns as digits."""


def effects(results: Results, quantity: str) -> Section:
    """What the mechanisms are worth, alone and together."""
    wanted = QUANTITIES[quantity]
    names = dict(zip(MECHANISMS, ("SCL", "Hopfield", "HGRN")))
    rows = [
        Row(" × ".join(names[one] for one in chosen), results.effect(chosen, quantity), len(chosen) - 1)
        for chosen in results.contrasts
    ]
    note = (
        "With a mechanism less without it, over all combinations of the others; below, by how much more "
        "mechanisms are worth together than alone. An interval that keeps clear of zero is a real gain or loss."
    )
    unit = "points" if wanted.unit == "%" else wanted.unit
    return Section(
        f"What each mechanism is worth: {wanted.title}", forest(unit or wanted.title, rows, wanted.digits), note
    )


def models(results: Results, quantity: str) -> Section:
    """A quantity of all models."""
    wanted = QUANTITIES[quantity]
    rows = [Row(name, results.mean(name, quantity), 0 if MODELS[name].paper else 5) for name in results.study.models]
    title = f"{wanted.title} {wanted.unit}".strip()
    return Section(f"All models: {wanted.title}", forest(title, rows, wanted.digits, None), "Blue: the paper's five.")


def silenced(results: Results) -> Section:
    """Accuracy of broken features."""
    series = []
    for colour, name in enumerate(name for name in results.study.models if MODELS[name].paper):
        every = [outcome["silenced"] for outcome in results.by_seed(name).values()]
        if not every:
            continue
        shares = [float(share) for share in every[0]]
        found = [_middle([one[share] for one in every]) for share in every[0]]
        low, high = ([getattr(e, end) for e in found] if len(every) > 1 else [] for end in ("low", "high"))
        series.append(Series(name, [100 * s for s in shares], [e.value for e in found], colour, low, high))
    least = min((value for one in series for value in one.y), default=0.0)
    axis = Axis("accuracy %", max(math.floor(10 * least) / 10, 0), 1, percent=True)
    return Section(
        "Accuracy with feature neurons silenced",
        chart(
            Axis("feature neurons silenced %, drawn anew for each sample", -2, 62, ticks=(0, 20, 40, 60)), axis, series
        ),
        "What the layers behind the features make up for, without having been trained to.",
    )


def _middle(values: Sequence[float]) -> Effect:
    from basalt.study.effects import over_seeds

    return over_seeds(values) or Effect(values[0], values[0], values[0], "one seed")


def completion(results: Results) -> Section:
    """Recall of corrupted cues."""
    fractions = (0.0, 0.2, 0.4, 0.6, 0.8)
    kinds = (
        ("classical", recall.classical(), False),
        ("modern", recall.modern(), False),
        ("classical, deployed integers", recall.deployed("classical", iterations=4), True),
        ("modern, deployed integers", recall.deployed("modern"), True),
    )
    series = []
    for n, (name, recalled, dashed) in enumerate(kinds):
        scores = recall.completion(recalled, PATTERNS, SIZE, fractions)
        y = [score.recalled for score in scores.values()]
        series.append(Series(name, [100 * f for f in fractions], y, n % 2, dashed=dashed))
    return Section(
        "Recall from corrupted cues",
        chart(
            Axis("elements of the cue drawn anew %", -2, 82, ticks=(0, 20, 40, 60, 80)),
            Axis("patterns recalled without an error %", 0, 1.04, ticks=(0, 0.25, 0.5, 0.75, 1), percent=True),
            series,
        ),
        f"{PATTERNS} random patterns of ±1, {SIZE} elements; classical: 20 iterations (deployed 4), modern: one.",
    )


def capacity(results: Results) -> Section:
    """How many patterns the memories hold."""
    counts = (2, 4, 8, 12, 16, 20, 24, 32, 48, 64)
    series = []
    for n, size in enumerate((64, 128, 256)):
        found = recall.capacity(
            recall.classical(diagonal=False), [round(c * size / 128) for c in counts], size, draws=6
        )
        loads = [count / size for count in found]
        series.append(Series(f"classical, N = {size}", loads, [s.elements for s in found.values()], n))
    found = recall.capacity(recall.modern(), counts, SIZE, draws=6)
    series.append(Series("modern, N = 128", [c / SIZE for c in found], [s.elements for s in found.values()], 3))
    theory = [recall.CAPACITY] * 2
    series.append(Series("theory: 0.138 N", theory, [0.5, 1.0], 5, dots=False, dashed=True))
    return Section(
        "Capacity against theory",
        chart(
            Axis("patterns stored, of the number N of elements", 0, 0.52),
            Axis("elements recalled right %", 0.5, 1.01, ticks=(0.5, 0.6, 0.7, 0.8, 0.9, 1), percent=True),
            series,
        ),
        "Stored patterns as their own cues. The classical memory breaks down about 0.138 N, the more sharply the "
        "larger it is; the modern one holds exponentially many.",
    )


def time_constants(results: Results) -> Section:
    """How long the gated memories remember."""
    outcome = results.first("full") or results.first("hgrn") or results.first("hgrn_only")
    series, floor, roof = [], 0.1, 1000.0
    for n, (name, gate) in enumerate((outcome or {}).get("gates", {}).items()):
        for key, about in (("steps", "measured"), ("least", "from its lower bound alone")):
            steps = sorted(min(max(value, floor), roof) for value in gate[key])
            if max(steps) > floor:
                ranks = [100 * (rank + 0.5) / len(steps) for rank in range(len(steps))]
                series.append(Series(f"{name}, {about}", ranks, steps, n, dots=False, dashed=key == "least"))
    return Section(
        "Time constants of HGRN's units",
        chart(Axis("units, sorted, %", 0, 100), Axis("steps", floor, roof, log=True), series),
        "−1/log of the mean forget gate over test samples and steps; the lower bound rises with the level, and is zero "
        "in the first.",
    )


def embeddings(results: Results) -> Section:
    """t-SNE pictures."""
    panels = []
    for name in results.study.models:
        outcome = results.first(name)
        if outcome is not None:
            layer = outcome["layers"][outcome["last"]]
            title = f"{name}: {layer['silhouette']:.3f}, embedded {layer['silhouette_embedded']:.3f}"
            panels.append((title, np.array(layer["points"], float), np.array(layer["labels"])))
    labels = sorted({label for _, _, every in panels for label in every.tolist()})
    return Section(
        "Features in two dimensions, and their silhouettes",
        clouds(panels) + legend([(str(label), label, False) for label in labels]),
        "t-SNE (perplexity 30, begun from PCA) of the last hidden layer's rates, 1,000 test samples, first seed. The "
        "titles name the silhouette of the features, and that of the picture, which is what the paper takes.",
    )


def assemblies(results: Results) -> Section:
    """Which neurons fire together."""
    panels = []
    for name in results.study.models:
        outcome = results.first(name)
        if outcome is not None:
            layer = outcome["layers"][FEATURES]
            rates = np.array(layer["class_rates"])
            order = np.lexsort((-rates.max(0), rates.argmax(0), rates.max(0) == 0))
            said = "" if layer["within"] is None else f", r {layer['within']:.2f} / {layer['between']:.2f}"
            panels.append((f"{name}: {rates.shape[1] - layer['silent']} active{said}", rates[:, order]))
    return Section(
        "Neuron assemblies: feature neurons by the class they fire for",
        matrices(panels),
        "Mean rate of each neuron of the feature layer (across) for each class (down), sorted by its preferred class, "
        "silent ones last; "
        "dark is each panel's largest rate. r: mean correlation of two neurons of one assembly / of two assemblies.",
    )


def costs(results: Results) -> Section:
    """Where the energy of the full model goes."""
    every = [outcome["operations"] for outcome in results.by_seed("full").values()]
    rows = []
    for layer in every[0] if every else ():
        mean = {key: float(np.mean([one[layer][key] for one in every])) for key in every[0][layer]}
        joules = 0.9e-6 * (mean["synapses"] + mean["pathway"]), 4.6e-6 * mean["products"]
        rows.append([layer, *(f"{mean[key]:,.0f}" for key in mean), *(f"{j:.4f}" for j in joules)])
    head = ["Layer", "synaptic operations", "into its memory", "products of its memory", "µJ at 0.9 pJ", "µJ at 4.6 pJ"]
    return Section(
        "Where the full model's energy goes",
        table(head, rows, numbers=range(1, 6)),
        "Counted in the deployed integers, an inference: every spike times the synapses that it reaches.",
    )
