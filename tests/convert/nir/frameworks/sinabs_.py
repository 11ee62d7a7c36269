"""Sinabs 3.1.3: IAF and LIF, with one spike a step or several, a floor or none."""

from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from tests.convert.nir.frameworks.case import SIZES, Case, doubled, each, loaded, weighted

RESETS = {
    "sinabs": ("MultiSpike", "MembraneSubtract"),
    "several": ("MultiSpike", "MembraneSubtract"),
    "soft": ("SingleSpike", "MembraneSubtract"),
    "hard": ("SingleSpike", "MembraneReset"),
}


def layer(kind: str, reset: str, normal: bool, size: int, rng: np.random.Generator) -> Any:
    """A layer."""
    activation, layers = loaded("sinabs.activation"), loaded("sinabs.layers")
    spike, after = RESETS[reset]
    shared = {"spike_fn": getattr(activation, spike), "reset_fn": getattr(activation, after)(), "batch_size": 1}
    level = each(0.6, 1.4, size, rng)
    shared["spike_threshold"] = level
    shared["min_v_mem"] = -level if reset == "sinabs" else None
    if kind == "IAF":
        return layers.IAFSqueeze(**shared)
    return layers.LIFSqueeze(tau_mem=each(4, 20, size, rng), norm_input=normal, **shared)


def draw(kind: str, reset: str, normal: bool, path: Path, spikes: np.ndarray) -> np.ndarray:
    """Two layers."""
    import nir
    import torch

    rng = np.random.default_rng([len(kind), len(reset), normal])
    net = torch.nn.Sequential()
    for before, size in pairwise(SIZES):
        linear = torch.nn.Linear(before, size)
        net.append(weighted(linear, 5.0 if normal else 0.7, rng)).append(layer(kind, reset, normal, size, rng))
    nir.write(path, loaded("sinabs.nir").to_nir(net, torch.zeros(1, SIZES[0])))
    net = doubled(net)
    sent = []
    for sample in spikes:  # steps are the first axis
        for part in net[1::2]:
            part.reset_states()
        sent.append(squeezed(net, sample))
    return np.stack(sent)


def squeezed(net: Any, sample: np.ndarray) -> np.ndarray:
    """(outputs, steps) of one sample."""
    import torch

    with torch.no_grad():
        at = torch.as_tensor(sample, dtype=torch.float64).T
        for part in net:
            at = part(at.double())
        return at.T.numpy()


def case(kind: str, reset: str, normal: bool = False) -> Case:
    """One of them."""
    options = {"writer": "sinabs" if normal or kind == "IAF" else "sinabs-sum", "reset": reset}
    spike, after = RESETS[reset]
    named = f"{spike}, {after}" + (", min_v_mem" if reset == "sinabs" else "")
    shown = kind + (", norm_input" if normal else "")
    needs = ("sinabs", "nirtorch", "nir")
    refused = spike == "MultiSpike"
    return Case("Sinabs", shown, named, needs, partial(draw, kind, reset, normal), options, refused)


CASES = (
    *(case("IAF", reset) for reset in RESETS),
    *(case("LIF", reset, normal) for normal in (True, False) for reset in ("several", "soft", "hard")),
)
