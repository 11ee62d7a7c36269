"""What an import costs: each step from the trainer's float network to integers, alone and together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Int, UInt8

from basalt.convert.nir.chain import Stage
from basalt.convert.nir.map import Meaning, Notes, plain
from basalt.convert.nir.mapped import run_layer, run_layers
from basalt.convert.nir.meant import run_meant
from basalt.convert.nir.operators import OPERATORS
from basalt.convert.nir.quantise import PARTS, Quantised, decays, grid, largest

Sent = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Step:
    """One row of the account: a network, beside the float network as its trainer means it.

    Attributes:
        name: what has been done to the float network.
        alone: it is this alone; else all of the rows before too.
        accuracy: share of labels that it finds; None without labels.
        equal_decisions: share of samples with the same class.
        equal_counts: share of samples and outputs with the same number of spikes; None of a read-out.
        differing: layer → spikes that differ, for each spike of the float network; None where it sends none.
    """

    name: str
    alone: bool
    accuracy: float | None
    equal_decisions: float
    equal_counts: float | None
    differing: dict[str, float | None]


MEANT = "float, as its trainer means it"
MAPPED = "Basalt's equations, float64"
INTEGERS = "states and sums in integers"


@dataclass(frozen=True, eq=False)
class Account:
    """All rows, and what the integers send for the samples, each layer a step later than the one before.

    Attributes:
        divergence: where the integers first differ from the float network, by layer and then by step; None if nowhere.
    """

    steps: tuple[Step, ...]
    divergence: dict[str, Any] | None
    trace: dict[str, np.ndarray]


def take_account(
    stages: tuple[Stage, ...],
    meaning: Meaning,
    layers: tuple[Quantised, ...],
    spikes: UInt8[np.ndarray, "samples inputs steps"],
    labels: Int[np.ndarray, "samples"] | None,
    update: Callable[[int, int], None],
) -> Account:
    """The account of some samples."""
    float64 = tuple(layer.mapped for layer in layers)
    known: dict[tuple[str, ...], Step] = {}
    orders = [(PARTS[:number], False) for number in range(1, len(PARTS) + 1)]
    orders += [((name,), True) for name in PARTS]
    total = 3 + len(orders)

    def row(name: str, alone: bool, parts: tuple[str, ...]) -> Step:
        """The row with some parts rounded; what rounding leaves as it is needs no computing."""
        changing = tuple(part for part in parts if any(layer.changes(part) for layer in layers))
        if changing not in known:
            rounded = tuple(layer.part(changing) for layer in layers) if changing else float64
            known[changing] = compared(name, alone, run_layers(rounded, spikes), meant, labels)
        return replace(known[changing], name=name, alone=alone)

    update(0, total)
    meant = {plain(name): sent for name, sent in run_meant(stages, meaning, spikes).items()}
    rows = [compared(MEANT, False, meant, meant, labels)]
    update(1, total)
    rows.append(row(MAPPED, False, ()))
    for done, (parts, alone) in enumerate(orders, 2):
        update(done, total)
        rows.append(row(parts[-1], alone, parts))
    whole, trace = run_integers(layers, spikes)
    rows.insert(2 + len(PARTS), compared(INTEGERS, False, whole, meant, labels))
    update(total, total)
    return Account(tuple(rows), first_divergence(whole, meant), trace)


def run_integers(
    layers: Sequence[Quantised], spikes: UInt8[np.ndarray, "samples inputs steps"]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """What the integers send: as the float network counts steps, and as Basalt does, each layer a step later."""
    steps = spikes.shape[2]
    heard = lengthened(spikes, len(layers))
    sent, trace = {}, {}
    for order, layer in enumerate(layers, 1):
        if layer.threshold is None:
            found = run_layer(layer.integers, heard[:, :, :steps])
            sent[layer.mapped.name] = found
            if not layer.mapped.membranes:
                trace[layer.mapped.name] = found[:, :, 0].astype(np.int64)
            continue
        heard = run_layer(layer.integers, heard)
        sent[layer.mapped.name] = heard[:, :, :steps]
        late = np.zeros_like(heard)
        late[:, :, order:] = heard[:, :, : heard.shape[2] - order]
        trace[layer.mapped.name] = late
    return sent, trace


def lengthened(spikes: UInt8[np.ndarray, "samples inputs steps"], layers: int) -> np.ndarray:
    """The input with as many silent steps after it as there are layers, each of which is a step later."""
    return np.concatenate([spikes, np.zeros((*spikes.shape[:2], layers), dtype=spikes.dtype)], axis=2)


def scores(sent: Sent) -> np.ndarray:
    """What the last layer decides by: counts of spikes, or sums."""
    return np.asarray(list(sent.values())[-1].sum(axis=2, dtype=np.float64))


def compared(name: str, alone: bool, sent: Sent, meant: Sent, labels: np.ndarray | None) -> Step:
    """A row."""
    here, there = scores(sent), scores(meant)
    decided = here.argmax(axis=1)
    differing: dict[str, float | None] = {}
    for layer, spikes in meant.items():
        if spikes.shape[2] > 1 or spikes.dtype == np.uint8:
            fired = int(spikes.sum(dtype=np.int64))
            wrong = int(np.abs(sent[layer].astype(np.int64) - spikes).sum())
            differing[layer] = wrong / fired if fired else (None if wrong == 0 else float(wrong))
    spiking = list(meant.values())[-1].dtype == np.uint8
    return Step(
        name=name,
        alone=alone,
        accuracy=None if labels is None else float(np.mean(decided == labels)),
        equal_decisions=float(np.mean(decided == there.argmax(axis=1))),
        equal_counts=float(np.mean(here == there)) if spiking else None,
        differing=differing,
    )


def first_divergence(sent: Sent, meant: Sent) -> dict[str, Any] | None:
    """The first layer that differs, and of it the first step, sample and neuron."""
    for layer, spikes in meant.items():
        if spikes.dtype != np.uint8:
            continue
        wrong = np.argwhere((sent[layer] != spikes).transpose(2, 0, 1))
        if len(wrong):
            step, sample, neuron = (int(one) for one in wrong[0].tolist())
            place = (sample, neuron, step)
            return {
                "layer": layer,
                "sample": sample,
                "neuron": neuron,
                "step": step,
                "float": int(spikes[place]),
                "integers": int(sent[layer][place]),
            }
    return None


def of_nodes(stages: Sequence[Stage], layers: Sequence[Quantised], notes: Notes) -> list[dict]:
    """What became of each node: "exact" or "rounded", and by how much."""
    found = []
    for stage, layer in zip(stages, layers, strict=True):
        for node in stage.nodes:
            said = list(notes.of.get(node.name, ()))
            if node in stage.back or (node.type in OPERATORS and "weight" in node.values):
                said.append(weights_in_words(layer))
            elif node is stage.neuron:
                said += neuron_in_words(layer)
            rounded = any(not one.startswith("exact") for one in said)
            found.append(
                {"node": node.name, "type": node.type, "layer": layer.mapped.name,
                 "outcome": "rounded" if rounded else "exact", "how": said or ["exact"]}
            )  # fmt: skip
    return found


def weights_in_words(layer: Quantised) -> str:
    """What rounding does to the weights of a layer."""
    off = np.abs(layer.weight / layer.scale - layer.mapped.weight).max(initial=0.0)
    top = largest(layer.mapped).max(initial=0.0)
    if not off:
        return "exact: all weights are on the grid"
    return f"weights in units of 1/{layer.scale:.6g}: off by {off / top:.2%} of the largest at most"


def neuron_in_words(layer: Quantised) -> list[str]:
    """What rounding does to decays, threshold and bias."""
    mapped, said = layer.mapped, []
    for what, rest in (("current", mapped.alpha), ("membrane", mapped.beta)):
        off = float(np.abs(grid(rest) - rest).max())
        if off:
            steps = decays(rest)
            said.append(f"what the {what} keeps in a step is off by {off:.1e} (decays {steps.min()} … {steps.max()})")
    if layer.threshold is not None and mapped.threshold is not None:
        level = layer.scale * mapped.threshold
        whole = layer.threshold + (1 if mapped.reaches else 0)
        if abs(level - whole) > 1e-9 * level and not mapped.grid:
            said.append(f"threshold {layer.threshold} for {level:.6g} units")
        off = float(np.abs(layer.drive / layer.scale - mapped.drive).max())
        if off:
            said.append(f"bias off by {off:.1e} of the threshold")
    return said or ["exact: threshold, decays and bias are on the grid"]


def of_layers(layers: Sequence[Quantised]) -> list[dict[str, Any]]:
    """The scale of each layer, and how much of the integers' range it uses."""
    return [
        {
            "layer": layer.mapped.name,
            "neurons": layer.mapped.neurons,
            "scale": layer.scale,
            "threshold": layer.threshold,
            "largest_weight": int(np.abs(layer.weight).max(initial=0)),
            "clipped": int(np.sum(np.abs(layer.scale * layer.mapped.weight) > 256)),
            "zeroed": int(np.sum((layer.weight == 0) & (layer.mapped.weight != 0))),
        }
        for layer in layers
    ]


def plain_steps(account: Account) -> list[dict[str, Any]]:
    """The rows for a file."""
    return [asdict(step) for step in account.steps]
