"""What is measured in a trained network of the study, and kept in its outcome.json."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int

from basalt.study.memory_vision.energy import energy, paper_sparsity, pooled_sparsity
from basalt.study.memory_vision.recordings import on_recordings
from basalt.study.memory_vision.study import FEATURES, Study
from basalt.study.memory_vision.time_constants import time_constants
from basalt.study.runner import Finished
from basalt.train.batches import CPU, dense
from basalt.train.checkpoint import load, present
from basalt.train.data.events import Samples
from basalt.train.features import embedded, silhouette
from basalt.train.layers.hgrn import Hgrn
from basalt.train.networks import Network
from basalt.train.operations import activity, operations
from basalt.train.recipe import parse

SILHOUETTE_SAMPLES, EMBEDDED_SAMPLES, GATE_SAMPLES = 2000, 1000, 256
SILENCED = (0.2, 0.4, 0.6)
"""Shares of the feature layer's neurons that are silenced, to see what the layers behind make up for."""


def observe(study: Study, finished: Finished) -> dict[str, Any]:
    """Activity, operations, energy and the quality of the features on the test set, in exact integers.

    Silhouettes are those of 2,000 samples of the test set, drawn once for all networks, at most; those of an embedding
    in two dimensions, as the paper has them, of its first 1,000.
    """
    network, device, test = load(finished.run).to(finished.device), finished.device, finished.splits.test
    last = network.hidden[-1].name
    done = activity(network, test, tuple({FEATURES, last}), device)
    cost = operations(network, done)
    spikes = {name: float(sent.sum()) / done.samples for name, sent in done.sent.items()}
    neurons = {name: len(sent) for name, sent in done.sent.items()}
    chosen = sample(len(test))
    return {
        "classes": finished.splits.classes,
        "neurons": neurons,
        "spikes": spikes,
        "rates": done.rates,
        "sparsity": {"pooled": pooled_sparsity(done.rates, neurons), "paper": paper_sparsity(done.rates)},
        "operations": {name: asdict(one) for name, one in cost.items()},
        "energy": energy(spikes, cost).plain(),
        "layers": {
            name: representation(done.features[name], test.labels, chosen, finished.splits.classes)
            for name in dict.fromkeys((FEATURES, last))
        },
        "last": last,
        "gates": gates(network, test, device),
        "silenced": silenced(network, test.subset(chosen), device),
        "recordings": on_recordings(finished.run, finished.recipe.data, finished.data_dir, device)
        if study.task.recordings
        else None,
    }


def supplement(study: Study, outcome: Mapping[str, Any], run: Path, data_dir: Path | None) -> dict[str, Any]:
    """The accuracy on recordings, where they were not at hand when the network was trained."""
    if not study.task.recordings or outcome.get("recordings") is not None or not present(run):
        return {}
    found = on_recordings(run, parse(outcome["recipe"], str(run)).data, data_dir, CPU)
    return {} if found is None else {"recordings": found}


def sample(size: int) -> Int[np.ndarray, "chosen"]:
    """The same samples of a test set of that size for all networks, in a random order."""
    return np.random.default_rng(1).permutation(size)[:SILHOUETTE_SAMPLES]


def representation(
    features: Float[np.ndarray, "samples neurons"],
    labels: Int[np.ndarray, "samples"],
    chosen: Int[np.ndarray, "chosen"],
    classes: int,
) -> dict[str, Any]:
    """Silhouettes of a layer, the picture of its features, and its assemblies."""
    few = chosen[:EMBEDDED_SAMPLES]
    points = embedded(features[few]) if len(few) > 3 and features[few].any() else np.zeros((len(few), 2))
    return {
        "silhouette": silhouette(features[chosen], labels[chosen], SILHOUETTE_SAMPLES),
        "silhouette_samples": len(chosen),
        "silhouette_embedded": silhouette(points, labels[few], EMBEDDED_SAMPLES),
        "points": np.round(points.astype(float), 2).tolist(),
        "labels": labels[few].tolist(),
        **assemblies(features, labels, classes),
    }


def assemblies(
    features: Float[np.ndarray, "samples neurons"], labels: Int[np.ndarray, "samples"], classes: int
) -> dict[str, Any]:
    """Which neurons fire together for which class.

    Returns:
        `class_rates`, the mean spikes per step of each neuron by class (classes × neurons); an assembly are the neurons
        that fire most for the same class: `within` and `between` are the mean correlations, over samples, of the rates
        of two neurons of one assembly and of two; silent neurons belong to none.
    """
    classed = np.eye(classes)[labels]
    means = classed.T @ features / np.maximum(classed.sum(0), 1)[:, None]
    active = features.std(0) > 0
    found: dict[str, Any] = {"class_rates": np.round(means, 5).tolist(), "silent": int((~active).sum())}
    if active.sum() < 2:
        return {**found, "within": None, "between": None}
    together = np.corrcoef(features[:, active].T)
    preferred = means[:, active].argmax(0)
    alike = preferred[:, None] == preferred
    apart = ~np.eye(len(preferred), dtype=bool)
    pairs = {"within": together[alike & apart], "between": together[~alike]}
    return {**found, **{name: float(values.mean()) if len(values) else None for name, values in pairs.items()}}


def gates(network: Network, test: Samples, device: torch.device = CPU) -> dict[str, dict[str, list[float]]]:
    """By HGRN layer: lower bounds of the forget gate, time constants that these alone give, and the measured ones."""
    x = dense(test, np.arange(min(len(test), GATE_SAMPLES)), device=device)
    measured = time_constants(network, x)
    found = {}
    for name, steps in measured.items():
        layer = network.layers[name]
        assert isinstance(layer, Hgrn)
        low = layer.memory.low().detach().cpu().double().numpy()
        least = -1 / np.log(np.clip(low, 1e-9, 1 - 1e-9))
        found[name] = {key: np.round(v, 4).tolist() for key, v in (("low", low), ("least", least), ("steps", steps))}
    return found


@torch.no_grad()
def silenced(network: Network, events: Samples, device: torch.device = CPU) -> dict[str, float]:
    """Accuracy where no feature neuron is silenced, and where a share of them is, drawn anew for each sample."""
    names = [layer.name for layer in network.hidden]
    first = names.index(FEATURES) + 1
    draw, hits = np.random.default_rng(1), dict.fromkeys((0.0, *SILENCED), 0)
    for start in range(0, len(events), 250):
        x = dense(events, np.arange(start, min(start + 250, len(events))), device=device)
        labels = torch.from_numpy(events.labels[start : start + 250])
        for layer in network.hidden[:first]:
            x = layer.exact(x)
        order = draw.permuted(np.tile(np.arange(x.shape[1]), (len(x), 1)), axis=1)
        for share in hits:
            kept = torch.as_tensor(order >= round(share * x.shape[1]), device=x.device)
            s = x * kept[..., None].to(x.dtype)
            for layer in network.hidden[first:]:
                s = layer.exact(s)
            hits[share] += int((network.readout.exact(s).cpu().argmax(1) == labels).sum())
    return {f"{share:g}": count / len(events) for share, count in hits.items()}
