"""The page of the study of memory-augmented vision."""

from collections.abc import Mapping, Sequence
from typing import Any

from basalt.study.basis import Basis
from basalt.study.memory_vision import claims, figures
from basalt.study.memory_vision.results import QUANTITIES, Results
from basalt.study.memory_vision.study import MODELS, Study
from basalt.study.page import Section, judged, over, page, table
from basalt.study.quantity import Quantity
from basalt.study.study import Report

TABLES = (
    (
        "How well",
        ("integer", "float", "recordings", "silhouette", "last", "embedded"),
        "Silhouettes of 2,000 test samples at most, the same for all; of the rates themselves, except t-SNE's. Real "
        "recordings are of images that were left out of training (data.exclude_first).",
    ),
    (
        "At what cost",
        ("sparsity", "paper_sparsity", "synapses", "products", "energy", "paper_energy", "times"),
        "Everything but the paper's figures is an inference's, counted exactly; the paper's sum runs over 640 samples.",
    ),
)


def report(study: Study, outcomes: Mapping[str, Mapping[str, Any]], basis: Basis) -> Report:
    """The page and the verdicts; `basis` is what they stand on."""
    results = Results(study, outcomes)
    verdicts = claims.verdicts(results)
    lead = (
        "Memory-augmented spiking networks (arXiv 2603.08730, with its companion arXiv 2512.18575): supervised "
        "contrastive loss, Hopfield memory and HGRN, each with and without. Everything is measured on the test set in "
        "the deployed integers, with the weights of the best epoch on the validation split; intervals are 95 % "
        f"{over(study.seeds)}."
    )
    return Report(
        page(
            f"Memory-augmented vision on {study.task.title}",
            lead,
            [judged(verdicts), *(everything(results, *one) for one in TABLES)],
            [
                *(figures.effects(results, quantity) for quantity in ("integer", "silhouette", "last", "energy")),
                figures.models(results, "integer"),
                figures.models(results, "last"),
                figures.silenced(results),
                figures.time_constants(results),
                figures.completion(results),
                figures.capacity(results),
            ],
            [figures.embeddings(results), figures.assemblies(results), figures.costs(results)],
            basis,
        ),
        [verdict.line() for verdict in verdicts],
        {
            "task": study.name,
            "models": {name: sorted(MODELS[name].mechanisms) for name in study.models},
            "seeds": study.seeds,
            "verdicts": [verdict.plain() for verdict in verdicts],
        },
    )


def everything(results: Results, title: str, keys: Sequence[str], note: str) -> Section:
    """A table of all models."""
    shown = [key for key in keys if any(results.values(name, key) for name in results.study.models)]
    rows = []
    for name in results.study.models:
        first = results.first(name)
        parameters = "–" if first is None else f"{first['metrics']['parameters']:,}"
        cells = [_cell(results, name, key, QUANTITIES[key]) for key in shown]
        rows.append([f"{name}<small>{MODELS[name].title}</small>", *cells, parameters])
    head = ["Model", *(_head(QUANTITIES[key]) for key in shown), "parameters"]
    return Section(title, table(head, rows, numbers=range(1, len(head))), note)


def _head(quantity: Quantity) -> str:
    unit = f" {quantity.unit}" if quantity.unit else ""
    return f"{quantity.title}{unit}" + (f"<small>{quantity.note}</small>" if quantity.note else "")


def _cell(results: Results, model: str, key: str, quantity: Quantity) -> str:
    effect = results.mean(model, key)
    if effect is not None:
        return (
            f"{effect.value:.{quantity.digits}f}"
            f"<small>{effect.low:.{quantity.digits}f} to {effect.high:.{quantity.digits}f}</small>"
        )
    values = list(results.values(model, key).values())
    return f"{values[0]:.{quantity.digits}f}" if values else "–"
