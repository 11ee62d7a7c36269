"""The page of the study of memory-augmented vision."""

from collections.abc import Mapping
from typing import Any

from train.studies.memory_vision import claims
from train.studies.memory_vision.results import QUANTITIES, Quantity, Results
from train.studies.memory_vision.study import MODELS, Study
from train.studies.page import Section, interval, judged, over, page, table
from train.studies.study import Report

COLUMNS = tuple(name for name in QUANTITIES if name != "parameters")


def report(study: Study, outcomes: Mapping[str, Mapping[str, Any]], made: str) -> Report:
    """The page and the verdicts; `made` tells how they came about."""
    results = Results(study, outcomes)
    verdicts = claims.verdicts(results)
    lead = (
        "Memory-augmented spiking networks (arXiv 2603.08730, with its companion arXiv 2512.18575): supervised "
        "contrastive loss, Hopfield memory and HGRN, each with and without. Everything is measured on the test set in "
        "the deployed integers, with the weights of the best epoch on the validation split; intervals are 95 % "
        f"{over(study.seeds)}."
    )
    return Report(
        page(f"Memory-augmented vision on {study.task.title}", lead, [judged(verdicts), everything(results)], [], [], made),
        [verdict.line() for verdict in verdicts],
        {
            "task": study.name,
            "models": {name: sorted(MODELS[name].mechanisms) for name in study.models},
            "seeds": study.seeds,
            "verdicts": [verdict.plain() for verdict in verdicts],
        },
    )


def everything(results: Results) -> Section:
    """The table of all models."""
    rows = []
    for name in results.study.models:
        first = results.first(name)
        title = f"{name}<small>{MODELS[name].title}</small>"
        if first is None:
            rows.append([title, *["–"] * (len(COLUMNS) + 1)])
            continue
        cells = [_cell(results, name, key, QUANTITIES[key]) for key in COLUMNS]
        rows.append([title, *cells, f"{first['metrics']['parameters']:,}"])
    head = ["Model", *(_head(QUANTITIES[key]) for key in COLUMNS), "parameters"]
    return Section("All models", table(head, rows, numbers=range(1, len(head))))


def _head(quantity: Quantity) -> str:
    unit = f" {quantity.unit}" if quantity.unit else ""
    return f"{quantity.title}{unit}" + (f"<small>{quantity.note}</small>" if quantity.note else "")


def _cell(results: Results, model: str, key: str, quantity: Quantity) -> str:
    effect = results.mean(model, key)
    if effect is not None:
        return interval(effect, quantity.digits)
    values = list(results.values(model, key).values())
    return f"{values[0]:.{quantity.digits}f}" if values else "–"
