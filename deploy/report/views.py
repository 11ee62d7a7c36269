"""What each section of a report shows, worked out before the template lays it out."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from basalt.deploy.report.arrays import ReportArrays, SampleTrace
from basalt.deploy.report.format import digits, percent, si
from basalt.deploy.report.plots import Tick, extent, lines, pictures, raster, time_ticks
from basalt.deploy.report.statistics import confusion, wilson

LAYER_STYLES = tuple(f"layer{n}" for n in range(1, 8))
MOST_CLASSES = 100
"""A confusion matrix of more classes is no longer a picture, and could fill the memory."""


MATRIX_PIXELS = 680
"""Room for the columns of a confusion matrix, beside names, samples and recalls, on a page 1140 pixels wide."""

DENSITIES = ((20, "roomy"), (40, "dense"), (float("inf"), "tiny"))
"""Up to how many classes numbers are as large as text, smaller, or colours alone (and shown on pointing)."""


def accuracies(result: Mapping[str, Any], metrics: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Accuracy in training's floats, in its integers and as deployed, each with its 95 % Wilson interval."""
    metrics = metrics or {}
    tested = metrics.get("test_samples")
    found = [
        ("Float", "as trained", metrics.get("accuracy_float"), tested),
        ("Integer", "exact evaluation after training", metrics.get("accuracy_integer"), tested),
        ("Lava", f"backend {result.get('backend', '')}", result.get("accuracy"), result.get("samples")),
    ]
    rows = []
    for name, meaning, value, samples in found:
        if value is None:
            continue
        count = samples or _shared_count(value, result.get("samples"))
        interval = wilson(value, count) if count else None
        rows.append({"name": name, "meaning": meaning, "value": value, "samples": count, "interval": interval})
    low = min([row["interval"][0] if row["interval"] else row["value"] for row in rows], default=0.0)
    floor = np.floor(low * 20) / 20 if low > 0.05 else 0.0
    for row in rows:
        row["text"] = percent(row["value"])
        row["at"] = _along(row["value"], floor)
        if row["interval"]:
            row["from"], row["to"] = (_along(end, floor) for end in row["interval"])
            row["range"] = f"{100 * row['interval'][0]:.1f} – {100 * row['interval'][1]:.1f} %"
        row["floor"] = f"{100 * floor:g} %"
    return rows


def confusion_view(arrays: ReportArrays) -> dict[str, Any] | None:
    """What was taken for what, with a row of the confusion matrix for each class, or None without labels.

    Of more than `MOST_CLASSES` classes there are no rows.
    """
    if arrays.labels is None or not len(arrays.labels):
        return None
    wrong = np.stack([arrays.labels, arrays.predicted])[:, arrays.labels != arrays.predicted]
    pairs, counts = np.unique(wrong, axis=1, return_counts=True)
    confused = [
        {"true": arrays.class_name(int(a)), "taken": arrays.class_name(int(b)), "count": int(count)}
        for (a, b), count in sorted(zip(pairs.T, counts), key=lambda found: -found[1])[:3]
    ]
    return {
        "names": [arrays.class_name(n) for n in range(arrays.classes)],
        "rows": confusion_rows(arrays, arrays.labels) if arrays.classes <= MOST_CLASSES else [],
        "cell": confusion_cell(arrays.classes),
        "density": next(name for most, name in DENSITIES if arrays.classes <= most),
        "confused": confused,
        "errors": wrong.shape[1],
        "samples": len(arrays.labels),
    }


def confusion_cell(classes: int) -> float:
    """Width of a cell in pixels, so that the whole matrix and what stands beside it fit the page."""
    return min(54.0, MATRIX_PIXELS / max(classes, 1))


def confusion_rows(arrays: ReportArrays, labels: np.ndarray) -> list[dict[str, Any]]:
    """A row a true class: how often it was taken for each class, and its recall."""
    matrix = confusion(labels, arrays.predicted, arrays.classes)
    most = int(matrix.max())
    rows = []
    for true, row in enumerate(matrix):
        total = int(row.sum())
        cells = [
            {"count": int(n), "strength": round(100 * (n / most) ** 0.5), "right": true == taken}
            for taken, n in enumerate(row)
        ]
        recall = row[true] / total if total else 0.0
        rows.append(
            {
                "name": arrays.class_name(true),
                "cells": cells,
                "total": total,
                "recall": percent(recall) if total else "–",
                "recall_width": round(100 * recall, 1),
            }
        )
    return rows


def sample_view(trace: SampleTrace, arrays: ReportArrays, step_ms: float | None) -> dict[str, Any]:
    """Event images, rasters and read-out traces of one sample."""
    features, steps = trace.input.shape
    sensor = arrays.sensor_of(features)
    predicted = int(arrays.predicted[trace.index]) if trace.index < len(arrays.predicted) else None
    label = None if arrays.labels is None else int(arrays.labels[trace.index])
    polarities = (("OFF", "off"), ("ON", "on")) if sensor and sensor[0] == 2 else ()
    plots = [raster("Input", trace.input, 150, polarities)]
    plots += [raster(name, spikes, _height(len(spikes))) for name, spikes in trace.layers.items()]
    if trace.readout is not None:
        plots.append(_readout_plot(trace.readout, arrays, predicted, label))
    unit = step_ms or 1.0
    images = [
        {"from": f"{first * unit:g}", "to": f"{(last + 1) * unit:g}", "marks": marks}
        for (first, last), marks in (pictures(trace.input, sensor) if sensor else [])
    ]
    return {
        "index": trace.index,
        "predicted": None if predicted is None else arrays.class_name(predicted),
        "label": None if label is None else arrays.class_name(label),
        "right": label is None or label == predicted,
        "sensor": sensor,
        "images": images,
        "plots": plots,
        "ticks": time_ticks(steps, step_ms),
    }


def rates_view(arrays: ReportArrays, step_seconds: float | None) -> dict[str, Any] | None:
    """Firing rates by layer: their mean as bars, and over time as curves."""
    if not arrays.rates:
        return None
    curves = {name: np.asarray(rate, dtype=np.float64) for name, rate in arrays.rates.items()}
    styles = ["layer0" if name == "input" else LAYER_STYLES[n % len(LAYER_STYLES)] for n, name in enumerate(curves)]
    means = {name: float(curve.mean()) if len(curve) else 0.0 for name, curve in curves.items()}
    most = max(means.values()) or 1.0
    bars = [
        {
            "name": name,
            "style": style,
            "width": 100 * mean / most,
            "text": percent(mean),
            "hertz": si(mean / step_seconds, "Hz") if step_seconds else None,
        }
        for (name, mean), style in zip(means.items(), styles)
    ]
    low, high = extent(list(curves.values()))
    plot = lines("Spikes per neuron and step", curves, styles, 190, (percent(high), percent(low)))
    steps = max(len(curve) for curve in curves.values())
    return {"bars": bars, "plot": plot, "ticks": time_ticks(steps, step_seconds and 1000 * step_seconds)}


def _readout_plot(readout: np.ndarray, arrays: ReportArrays, predicted: int | None, label: int | None) -> Any:
    # The winner and the true class are drawn last, over the others, and alone are named at the right.
    order = sorted(range(len(readout)), key=lambda n: (n == predicted, n == label))
    style = {label: "truth", predicted: "winner"}
    low, high = extent(list(readout))
    curves = {str(n): readout[n] for n in order}
    plot = lines("Read-out", curves, [style.get(n, "other") for n in order], 150, (digits(high), digits(low)))
    marks = tuple(
        type(mark)(mark.path, mark.style, arrays.class_name(int(mark.name)) if mark.style != "other" else "", mark.end)
        for mark in plot.marks
    )
    named = [mark for mark in marks if mark.name]
    note = "sum of each class after every step; the largest at the end wins"
    ticks = (*plot.y_ticks, *((Tick(100 * high / (high - low), "0"),) if low < 0 < high else ()))
    return type(plot)(plot.title, plot.width, plot.height, plot.pixels, marks, ticks, note if named else "")


def _height(neurons: int) -> int:
    return int(min(max(neurons, 40), 120))


def _shared_count(value: float, samples: int | None) -> int | None:
    """The deployed run's number of samples, if `value` can be an accuracy on that many."""
    whole = samples is not None and abs(value * samples - round(value * samples)) < 1e-6
    return samples if whole else None


def _along(value: float, floor: float) -> float:
    return float(100 * (value - floor) / (1 - floor)) if floor < 1 else 100.0
