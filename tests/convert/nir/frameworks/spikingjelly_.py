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
        linear = loaded(f"{package}.layer").Linear(before, size)
        net.append(weighted(linear, gain, rng)).append(made(loaded(f"{package}.neuron")))
    loaded(f"{package}.nir_exchange").export_to_nir(net, torch.zeros(1, SIZES[0]), path, dt=step)
    loaded(f"{package}.functional").reset_net(net)
    return stepped(doubled(net), spikes)


def draw_skips(path: Path, spikes: np.ndarray) -> np.ndarray:
    """Four neurons: the second and the output hear the input too, the third the spikes of two added up."""
    import torch

    package = "spikingjelly.activation_based"
    neurons = loaded(f"{package}.neuron")
    rng = np.random.default_rng(8)

    class Skips(torch.nn.Module):
        """A network whose ways join before its neurons."""

        def __init__(self) -> None:
            super().__init__()
            inputs, hidden, outputs = SIZES
            sizes = {"a": (inputs, hidden), "b": (hidden, hidden), "b_skip": (inputs, hidden), "c": (hidden, hidden),
                     "d": (hidden, outputs), "d_skip": (inputs, outputs)}  # fmt: skip
            for name, (before, size) in sizes.items():
                setattr(self, name, weighted(torch.nn.Linear(before, size), 0.5, rng))
            self.if_a, self.if_d = (neurons.IFNode(v_threshold=level) for level in (0.9, 1.3))
            self.lif_b, self.lif_c = (neurons.LIFNode(tau=3.0, v_threshold=level) for level in (0.4, 0.5))

        def forward(self, x: Any) -> Any:
            """A step."""
            a = self.if_a(self.a(x))
            b = self.lif_b(self.b(a) + self.b_skip(x))
            c = self.lif_c(self.c(a + b))
            return self.if_d(self.d(c) + self.d_skip(x))

    net = Skips()
    loaded(f"{package}.nir_exchange").export_to_nir(net, torch.zeros(1, SIZES[0]), path, dt=STEP)
    loaded(f"{package}.functional").reset_net(net)
    return stepped([doubled(net)], spikes)


def case(kind: str, drawn: Callable[[Path, np.ndarray], np.ndarray]) -> Case:
    """One of them."""
    options = {"writer": "spikingjelly", "dt": DT}
    needs = ("spikingjelly", "nirtorch", "nir")
    return Case("SpikingJelly", kind, "hard", needs, drawn, options)


CASES = (
    *(case(kind, partial(draw, kind)) for kind in NODES),
    case("IFNode and LIFNode, skip connections", draw_skips),
)
