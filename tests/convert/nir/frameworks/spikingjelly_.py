"""SpikingJelly 2.0.0: IFNode, LIFNode, ParametricLIFNode and CUBALIFNode, which it exports with a hard reset only."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from tests.convert.nir.frameworks.case import DT, SIZES, Case, doubled, loaded, stepped, weighted

STEP = 1e-3
NODES: dict[str, tuple[float, Callable[[Any], Any]]] = {
    "IFNode": (0.6, lambda neuron: neuron.IFNode(v_threshold=0.9)),
    "IFNode, v_reset": (0.6, lambda neuron: neuron.IFNode(v_threshold=0.9, v_reset=-0.2)),
    "LIFNode": (2.0, lambda neuron: neuron.LIFNode(tau=3.0, v_threshold=0.7)),
    "LIFNode, v_reset": (2.0, lambda neuron: neuron.LIFNode(tau=3.0, v_threshold=0.7, v_reset=-0.2)),
    "LIFNode, decay_input=False": (0.7, lambda neuron: neuron.LIFNode(tau=3.0, decay_input=False)),
    "ParametricLIFNode": (2.0, lambda neuron: neuron.ParametricLIFNode(init_tau=2.7)),
    "CUBALIFNode": (0.2, lambda neuron: neuron.CUBALIFNode(c_decay=0.6, v_decay=0.8)),
}
"""Name → strength of weights, and the neuron."""


def draw(kind: str, path: Path, spikes: np.ndarray, step: float = STEP) -> np.ndarray:
    """Two layers."""
    import torch

    rng = np.random.default_rng(len(kind))
    package = "spikingjelly.activation_based"
    net, (gain, made) = torch.nn.Sequential(), NODES[kind]
    for before, size in pairwise(SIZES):
        linear = loaded(f"{package}.layer").Linear(before, size, bias=kind != "CUBALIFNode")
        net.append(weighted(linear, gain, rng)).append(made(loaded(f"{package}.neuron")))
    loaded(f"{package}.nir_exchange").export_to_nir(net, torch.zeros(1, SIZES[0]), path, dt=step)
    loaded(f"{package}.functional").reset_net(net)
    return stepped(doubled(net), spikes)


def case(kind: str) -> Case:
    """One of them."""
    options = {"writer": "spikingjelly", "dt": DT}
    needs = ("spikingjelly", "nirtorch", "nir")
    return Case("SpikingJelly", kind, "hard", needs, partial(draw, kind), options)


CASES = tuple(map(case, NODES))
