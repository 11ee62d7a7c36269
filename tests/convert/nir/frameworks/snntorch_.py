"""snnTorch 1.0.0: Leaky, Synaptic, RLeaky and RSynaptic with every reset, at once and a step late."""

from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from tests.convert.nir.frameworks.case import SIZES, Case, doubled, each, loaded, stepped, weighted

NEURONS = ("Leaky", "Synaptic", "RLeaky", "RSynaptic")
LATE = {"subtract": "snntorch-subtract", "zero": "snntorch-zero", "none": "none"}
NOW = {"subtract": "snntorch-subtract-at-once", "zero": "hard", "none": "none"}


def biased(kind: str, reset: str) -> bool:
    """Whether it has biases: those through a synapse are refused where neurons rest, as with "zero"."""
    return "Synaptic" not in kind or reset != "zero"


def neuron(kind: str, reset: str, delay: bool, size: int, rng: np.random.Generator) -> Any:
    """A layer."""
    shared = {"reset_mechanism": reset, "reset_delay": delay, "init_hidden": True}
    decays = [each(0.5, 0.9, size, rng)] + ([each(0.6, 0.95, size, rng)] if "Synaptic" in kind else [])
    recurrent = {"linear_features": size} if kind.startswith("R") else {}
    found = getattr(loaded("snntorch"), kind)(*decays, threshold=each(0.6, 1.4, size, rng), **shared, **recurrent)
    if recurrent:
        weighted(found.recurrent, 0.3, rng)
        found.recurrent.bias.data *= 0.3 * biased(kind, reset)
    return found


def draw(kind: str, reset: str, delay: bool, path: Path, spikes: np.ndarray) -> np.ndarray:
    """Two layers."""
    import nir
    import torch

    rng = np.random.default_rng([len(kind), len(reset), delay])
    gain = 0.25 if "Synaptic" in kind else 0.7
    layers = []
    for before, size in pairwise(SIZES):
        layers.append(weighted(torch.nn.Linear(before, size, bias=biased(kind, reset)), gain, rng))
        layers.append(neuron(kind, reset, delay, size, rng))
    net, export = torch.nn.Sequential(*layers), loaded("snntorch.export_nir").export_to_nir
    nir.write(path, export(net, torch.zeros(1, SIZES[0]), ignore_dims=[0]))
    for layer in layers[1::2]:
        layer.reset_mem()
    net = doubled(net)
    for layer in net[1::2]:
        if kind.startswith("R"):  # whose own spikes are of single precision
            layer.recurrent.register_forward_pre_hook(lambda _, heard: (heard[0].double(),))
    return stepped(net, spikes)


def case(kind: str, reset: str, delay: bool) -> Case:
    """One of them."""
    options = {"writer": "snntorch", "reset": (LATE if delay else NOW)[reset]}
    refused = reset == "subtract" and not delay
    named = reset if delay else f"{reset}, at once"
    needs = ("snntorch", "nirtorch", "nir")
    return Case("snnTorch", kind, named, needs, partial(draw, kind, reset, delay), options, refused)


CASES = tuple(
    case(kind, reset, delay)
    for kind in NEURONS
    for reset in LATE
    for delay in (True, False)
    if delay or (reset != "none" and kind != "RSynaptic")  # which ends in a traceback at once
)
