"""What is measured in a trained network of the study, and kept in its outcome.json.

All of it is in the training form, whose spikes are those of the deployed integers, except where integers are named.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from basalt.files import read_json
from basalt.study.lif_roles.study import Study
from basalt.study.lif_roles.tasks import TASKS, Task
from basalt.study.lif_roles.variants import LANDSCAPES
from basalt.study.memory_vision.recordings import found as recordings
from basalt.study.robustness import corruptions, landscape
from basalt.study.robustness.bit_flips import flipped
from basalt.study.robustness.generalisation import accuracy, first
from basalt.study.robustness.sweep import ATTACKS, Setting, sweep
from basalt.study.runner import Finished
from basalt.train import checkpoint
from basalt.train.batches import in_order
from basalt.train.checkpoint import load
from basalt.train.data.config import DataConfig
from basalt.train.data.events import EventSet, Samples
from basalt.train.networks import Network
from basalt.train.operations import activity, operations

PRICES = "prices.json"
"""In a run's folder: what an inference costs on the machines of the price tables, from `basalt study price`."""

CELLS = {"cpu": 1 << 23, "cuda": 1 << 27}
"""Values of a batch's input while it is attacked: gradients take several times as much memory."""


@dataclass(frozen=True)
class Depth:
    """How much is measured.

    Attributes:
        attacked: test samples under attack. iterations, widths: as `basalt.study.robustness.sweep.Setting`.
        eps: budgets of attacks on the tensor, fractions of the input's range.
        events: budgets of attacks on events, fractions of the mean number of a sample's events.
        samples: for everything else; training samples for the gap, too.
        noise, drop, jitter, stretch: fractions, fractions, steps and factors.
        flips: probabilities of a bit.
        line, plane: points of landscapes from −1 to 1; 0 for none. landscape: samples that the loss is of.
        directions: for sharpness.
    """

    attacked: int
    iterations: int
    eps: tuple[float, ...]
    events: tuple[float, ...]
    widths: tuple[float, ...]
    samples: int
    noise: tuple[float, ...]
    drop: tuple[float, ...]
    jitter: tuple[float, ...]
    stretch: tuple[float, ...]
    flips: tuple[float, ...]
    line: int
    plane: int
    landscape: int
    directions: int


FULL = Depth(
    attacked=500,
    iterations=20,
    eps=(0.0003, 0.001, 0.003, 0.01, 0.03, 0.1),
    events=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1),
    widths=(1.0, 5.0),
    samples=2000,
    noise=(0.1, 0.2, 0.5, 1.0),
    drop=(0.1, 0.25, 0.5, 0.75),
    jitter=(1.0, 2.0, 4.0, 8.0),
    stretch=(0.5, 0.75, 1.5, 2.0),
    flips=(1e-4, 1e-3, 1e-2),
    line=41,
    plane=21,
    landscape=500,
    directions=10,
)
QUICK = Depth(
    attacked=60,
    iterations=4,
    eps=(0.01, 0.04),
    events=(0.01, 0.04),
    widths=(1.0,),
    samples=150,
    noise=(0.2, 1.0),
    drop=(0.25, 0.5),
    jitter=(2.0,),
    stretch=(0.5, 2.0),
    flips=(1e-3, 1e-2),
    line=9,
    plane=5,
    landscape=60,
    directions=2,
)


def observe(study: Study, finished: Finished) -> dict[str, Any]:
    """Gap, attacks, corruptions, other step lengths, bit-flips, landscapes; rates and operations if it spikes."""
    name, variant = study.runs[finished.recipe.name]
    task = TASKS[name]
    depth, lengths = (QUICK, task.quick_lengths) if study.quick else (FULL, task.lengths)
    network, device = load(finished.run).to(finished.device), finished.device
    if not network.deployable:
        network.train()  # cuDNN's LSTM, which computes the same then, has no gradient else
    test, train = (_first(events, depth.samples) for events in (finished.splits.test, finished.splits.train))
    clean = accuracy(network, test, device=device)
    found: dict[str, Any] = {
        "classes": finished.splits.classes,
        "chance": 1 / finished.splits.classes,
        "clean": clean,
        "samples": len(test),
        "train": accuracy(network, train, device=device),
        "attacks": attacks(network, _first(finished.splits.test, depth.attacked), task, depth, device),
        "corrupted": corrupted(network, test, depth, device),
        "flips": bit_flips(network, test, depth, device),
        "landscape": surroundings(network, _first(finished.splits.train, depth.landscape), variant, depth, device),
        **spikes(network, test, device),
    }
    if lengths and isinstance(test, EventSet):
        found["lengths"] = other_lengths(network, test, finished, lengths, depth)
    if task.recordings:
        found["recordings"] = on_recordings(network, finished.recipe.data, finished.data_dir, device)
    return found


def inputs(events: Samples, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """All inputs as floats, and labels."""
    parts = list(in_order(events, device=device))
    return torch.cat([x for x, _ in parts]).float(), torch.cat([labels for _, labels in parts]).to(device)


def attacks(network: Network, events: Samples, task: Task, depth: Depth, device: torch.device) -> dict[str, Any]:
    """Accuracy under each attack that the input allows, and with its control."""
    x, labels = inputs(events, device)
    high = 1.0 if task.binary else float(x.max())
    setting = Setting(depth.iterations, high, depth.widths)
    batch = max(CELLS[device.type] // x[0].numel(), 1)
    mean = float((x != 0).sum()) / len(x)
    found: dict[str, Any] = {}
    for name, attack in ATTACKS.items():
        if attack.events and not task.binary:
            continue
        budgets = [max(round(part * mean), 1) for part in depth.events] if attack.events else depth.eps
        points = sweep(network, x, labels=labels, attack=attack, budgets=budgets, setting=setting, batch=batch)
        found[name] = [point.plain() for point in points]
    clean = sum(int(network(one).argmax(1).eq(true).sum()) for one, true in zip(x.split(batch), labels.split(batch)))
    return {"clean": clean / len(x), "samples": len(x), "events": mean, "curves": found}


def corrupted(network: Network, events: Samples, depth: Depth, device: torch.device) -> dict[str, dict[str, float]]:
    """Accuracy by corruption and amount."""
    changes = {
        "noise": (depth.noise, corruptions.noise),
        "drop": (depth.drop, corruptions.dropped),
        "jitter": (depth.jitter, corruptions.jittered),
        "stretch": (depth.stretch, lambda x, factor, draw: corruptions.stretched(x, factor)),
    }
    return {
        name: {
            f"{amount:g}": accuracy(network, events, lambda x, draw: change(x, amount, draw), device)  # noqa: B023
            for amount in amounts
        }
        for name, (amounts, change) in changes.items()
    }


def bit_flips(network: Network, events: Samples, depth: Depth, device: torch.device) -> dict[str, float]:
    """Accuracy by the probability that a bit of a stored weight is flipped."""
    found = {}
    for chance in depth.flips:
        with flipped(network, chance, torch.Generator().manual_seed(1)):
            found[f"{chance:g}"] = accuracy(network, events, device=device)
    return found


@torch.no_grad()
def surroundings(network: Network, events: Samples, variant: str, depth: Depth, device: torch.device) -> dict[str, Any]:
    """Sharpness, and the loss on training samples along a line and, for some variants, on a plane."""
    x, labels = inputs(events, device)
    batch = max(CELLS[device.type] // x[0].numel(), 1)

    def loss() -> float:
        logits = torch.cat([network(one) for one in x.split(batch)])
        return float(torch.nn.functional.cross_entropy(logits, labels))

    draw = torch.Generator().manual_seed(1)
    along = landscape.direction(network, draw), landscape.direction(network, draw)
    places = np.linspace(-1, 1, depth.line).tolist()
    found: dict[str, Any] = {
        "sharpness": landscape.sharpness(network, loss, draw, directions=depth.directions),
        "places": places,
        "line": _rounded(landscape.line(network, loss, along[0], places)),
    }
    if depth.plane and variant in LANDSCAPES:
        sides = np.linspace(-1, 1, depth.plane).tolist()
        found["sides"], found["plane"] = sides, _rounded(landscape.plane(network, loss, along, sides))
    return found


def spikes(network: Network, events: Samples, device: torch.device) -> dict[str, Any]:
    """Rates of every neuron and operations of an inference, in the deployed integers; products where none spikes."""
    if not network.deployable:
        products = [4 * layer.units * (layer.inputs + layer.units) * events.steps for layer in network.hidden]
        return {"rates": {}, "total_operations": sum(products) + network.readout.inputs * network.readout.units}
    done = activity(network, events, device=device)
    cost = operations(network, done)
    per = done.samples * done.steps
    return {
        "rates": {name: _rounded(sent / per) for name, sent in done.sent.items()},
        "operations": {name: asdict(one) for name, one in cost.items()},
        "total_operations": sum(one.synapses for one in cost.values()),
    }


def other_lengths(
    network: Network, test: EventSet, finished: Finished, lengths: tuple[int, ...], depth: Depth
) -> dict[str, float]:
    """Accuracy where steps are of other lengths, in ms; finer ones than its own from the recordings at 1 ms."""
    found = {}
    for length in lengths:
        factor, rest = divmod(length, round(test.step_ms))
        if rest == 0:
            binned = _rebinned(test, factor)
        else:
            binned = _rebinned(_at_1_ms(finished.recipe.data, finished.data_dir, depth.samples), length)
        found[str(length)] = accuracy(network, binned, device=finished.device)
    return found


@lru_cache(maxsize=1)
def _at_1_ms(config: DataConfig, data_dir: Path | None, samples: int) -> EventSet:
    from basalt.train import data

    whole = config.model_copy(update={"step_ms": 1.0, "steps": round(config.steps * config.step_ms)})
    events = first(data.load(whole, data_dir).test, samples)
    assert isinstance(events, EventSet)
    return events


_first = lru_cache(maxsize=4)(first)
_rebinned = lru_cache(maxsize=8)(EventSet.rebinned)
"""Networks of a task, one after the other, are measured on the same samples."""


def on_recordings(network: Network, config: DataConfig, data_dir: Path | None, device: torch.device) -> Any:
    """Accuracy on real recordings of what training never saw; None where there are none, or no reader for them."""
    events = recordings(config, data_dir)
    if events is None or not len(events):
        return None
    return {"accuracy": accuracy(network, events, device=device), "samples": len(events)}


def supplement(study: Study, outcome: Mapping[str, Any], run: Path, data_dir: Path | None) -> dict[str, Any]:
    """Prices that `basalt study price` left and real recordings, if the outcome lacks them and they are here."""
    task, found = TASKS[study.runs[outcome["name"]][0]], {}
    if (run / PRICES).is_file():
        prices = read_json(run / PRICES)
        if prices != outcome.get("prices"):
            found["prices"] = prices
    if task.recordings and outcome.get("recordings") is None and checkpoint.present(run):
        config = DataConfig.model_validate(outcome["recipe"]["data"])
        seen = on_recordings(load(run), config, data_dir, torch.device("cpu"))
        if seen is not None:
            found["recordings"] = seen
    return found


def _rounded(values: Any) -> Any:
    return np.round(np.asarray(values, float), 5).tolist()
