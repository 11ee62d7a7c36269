"""The five models of the vision study: each trains, scores in integers, and is deployed as it was trained."""

from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from basalt.records.network import Network
from basalt.records.simulate import simulate
from basalt.study.memory_vision.time_constants import time_constants
from basalt.train.checkpoint import load
from basalt.train.data.events import EventSet, Splits
from basalt.train.data.sets import SENSOR
from basalt.train.loop import fit, make_fabric
from basalt.train.recipe import read
from basalt.train.scores import integer_score

PARTS = {
    "nmnist_lif": set(),
    "nmnist_scl": {"contrast"},
    "nmnist_hopfield": {"contrast", "hopfield"},
    "nmnist_hgrn": {"contrast", "hgrn"},
    "nmnist_full": {"contrast", "hopfield", "hgrn"},
}


def events(samples: int, seed: int, steps: int) -> EventSet:
    """Two classes: events in the upper or in the lower half of the sensor."""
    draw = np.random.default_rng(seed)
    labels = np.arange(samples) % 2
    rows = np.arange(SENSOR[1] * SENSOR[2]) // SENSOR[2]
    features, times, offsets = [], [], [0]
    for label in labels:
        rate = np.where(rows // (SENSOR[1] // 2) == label, 0.04, 0.002)
        f, t = np.nonzero(draw.random((2 * len(rows), steps)) < np.tile(rate, 2)[:, None])
        features.append(f.astype(np.uint16))
        times.append(t.astype(np.uint16))
        offsets.append(offsets[-1] + len(f))
    return EventSet(
        np.array(offsets), np.concatenate(features), np.concatenate(times), labels, steps, 10.0, np.arange(samples)
    )


@pytest.mark.parametrize("name", PARTS)
def test_trains_scores_and_is_deployed_as_trained(name: str, tmp_path: Path) -> None:
    few = {"epochs": 1, "batch": 6, "warmup": 0.0}
    recipe = read(name, {f"training.{key}": value for key, value in few.items()} | {"data.steps": 12})
    kinds = {layer.kind for layer in recipe.network.layers}
    assert {"hopfield", "hgrn"} & kinds == PARTS[name] - {"contrast"}
    assert (recipe.training.contrastive.weight > 0) == ("contrast" in PARTS[name])
    parts = {
        name: events(size, seed, 12)
        for seed, (name, size) in enumerate(zip(("train", "validation", "test"), (12, 4, 4)))
    }
    splits = Splits(**parts, name="halves", classes=10, provenance="made in a test")
    fit(recipe, splits, tmp_path / "run", make_fabric("cpu", "1"), False, Console(quiet=True))
    network = load(tmp_path / "run")
    assert integer_score(network, splits.test).samples == 4
    x = torch.from_numpy(splits.test.dense(range(2)))
    trace, deployed = network.trace(x), simulate(Network(network.records()), x.numpy())
    for layer, spikes in trace.spikes.items():
        assert np.array_equal(deployed[layer], spikes.numpy()), layer
    assert np.array_equal(deployed["readout"][:, :, -1], trace.sums.numpy())
    assert all(trace.spikes[layer].any() for layer in ("conv1", "conv2"))
    assert list(time_constants(network, x)) == (["hgrn1", "hgrn2"] if "hgrn" in PARTS[name] else [])


def test_they_differ_in_nothing_else() -> None:
    plain = {name: read(name).plain() for name in PARTS}
    first = plain["nmnist_lif"]
    for name, other in plain.items():
        shared = [layer for layer in other["network"]["layers"] if layer["kind"] not in ("hopfield", "hgrn")]
        assert shared == first["network"]["layers"]
        assert other["data"] == first["data"]
        changed = {key for key, value in other["training"].items() if value != first["training"][key]}
        assert changed == ({"contrastive"} if "contrast" in PARTS[name] else set())
