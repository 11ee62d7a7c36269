"""What became of each node and layer, in words and numbers for people."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from basalt.convert.nir.chain import Notes
from basalt.convert.nir.operators import OPERATORS
from basalt.convert.nir.quantise import Quantised, decays, each, grid, rowwise
from basalt.convert.nir.stage import Stage


def of_nodes(stages: Sequence[Stage], layers: Sequence[Quantised], notes: Notes) -> list[dict]:
    """What became of each node: "exact" or "rounded", and by how much."""
    found = []
    for stage, layer in zip(stages, layers, strict=True):
        for node in stage.nodes:
            said = list(notes.of.get(node.name, ()))
            if node in stage.back or (node.type in OPERATORS and "weight" in node.values):
                said.append(weights_in_words(layer))
            elif node is stage.neuron and layer.mapped.delay is not None:
                said.append(delay_in_words(layer.mapped.delay))
            elif node is stage.neuron:
                said += neuron_in_words(layer)
            rounded = any(not one.startswith("exact") for one in said)
            found.append(
                {"node": node.name, "type": node.type, "layer": layer.mapped.name,
                 "outcome": "rounded" if rounded else "exact", "how": said or ["exact"]}
            )  # fmt: skip
    return found


def delay_in_words(delay: np.ndarray) -> str:
    """By how many steps spikes are late."""
    low, high = delay.min(), delay.max()
    return f"exact: {low} steps" if low == high else f"exact: {low} … {high} steps"


def weights_in_words(layer: Quantised) -> str:
    """What rounding does to the weights of a layer."""
    wanted = layer.mapped.weight
    off = np.abs(layer.weight / rowwise(layer.scale, wanted) - wanted).reshape(len(wanted), -1).max(axis=1)
    top = np.abs(wanted).reshape(len(wanted), -1).max(axis=1)
    if not np.any(off):
        return "exact: all weights are on the grid"
    worst = np.max(off / np.where(top > 0, top, 1))
    return f"weights in units of {units(layer)}: off by {worst:.2%} of a neuron's largest at most"


def units(layer: Quantised) -> str:
    """1/S of a layer, or the range of its neurons."""
    low, high = layer.scale.min(), layer.scale.max()
    return f"1/{low:.6g}" if low == high else f"1/{high:.6g} … 1/{low:.6g}"


def neuron_in_words(layer: Quantised) -> list[str]:
    """What rounding does to decays, threshold and bias."""
    mapped, said = layer.mapped, []
    for what, rest in (("current", mapped.alpha), ("membrane", mapped.beta)):
        off = float(np.abs(grid(rest) - rest).max())
        if off:
            steps = decays(rest)
            said.append(f"what the {what} keeps in a step is off by {off:.1e} (decays {steps.min()} … {steps.max()})")
    if layer.threshold is not None and mapped.threshold is not None:
        level = each(mapped, layer.scale) * mapped.threshold
        whole = layer.threshold + (1 if mapped.reaches else 0)
        off = float(np.max(np.abs(level - whole) / level))
        if off > 1e-9 and not mapped.grid:
            said.append(f"thresholds off by {off:.2%}")
        if mapped.amount is not None and layer.amount is not None:
            off = float(np.max(np.abs(layer.amount / each(mapped, layer.scale) / mapped.amount - 1)))
            if off:
                said.append(f"what a spike subtracts off by {off:.2%}")
        off = float(np.abs(layer.drive / each(mapped, layer.scale) - mapped.drive).max())
        if off:
            said.append(f"bias off by {off:.1e} of the threshold")
    return said or ["exact: threshold, decays and bias are on the grid"]


def of_layers(layers: Sequence[Quantised]) -> list[dict[str, Any]]:
    """The scale of each layer, and how much of the integers' range it uses."""
    return [
        {
            "layer": layer.mapped.name,
            "level": layer.order,
            "neurons": layer.mapped.neurons,
            "scale": both(layer.scale),
            "threshold": None if layer.threshold is None else both(layer.threshold),
            "largest_weight": int(np.abs(layer.weight).max(initial=0)),
            "clipped": int(np.sum(np.abs(rowwise(layer.scale, layer.weight) * layer.mapped.weight) > 257)),
            "zeroed": int(np.sum((layer.weight == 0) & (layer.mapped.weight != 0))),
        }
        for layer in layers
    ]


def both(found: np.ndarray) -> list[float]:
    """The smallest and the largest."""
    return [found.min().item(), found.max().item()]
