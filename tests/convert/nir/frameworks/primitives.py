"""A small graph for each of NIR's primitives, what becomes of the primitive, and which backends run that."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from basalt.convert.nir.asked import understand
from basalt.convert.nir.chain import Notes, chain
from basalt.convert.nir.map import map_stages
from basalt.convert.nir.nodes import of_nodes
from basalt.convert.nir.options import ImportOptions
from basalt.convert.nir.read import read
from basalt.convert.nir.scales import quantise
from basalt.records.network import Network
from tests.conformance.grid import Cell, GridCase
from tests.conformance.support import EXCLUSIONS, exact, features
from tests.convert.nir.drawn import ends, neuron, write_nir

RNG = np.random.default_rng(0)
IMAGE, VECTOR = (2, 6, 6), (6,)


def conv(values: Mapping[str, Any], kernel: tuple[int, ...]) -> dict[str, Any]:
    """A convolution."""
    return {"weight": RNG.normal(0, 1, (3, 2, *kernel)), "bias": np.zeros(3), "groups": 1, **values}


def pool(kind: str) -> dict[str, Any]:
    """A pool."""
    return {"type": kind, "kernel_size": np.array([2, 2]), "stride": np.array([2, 2]), "padding": np.array([0, 0])}


ONE = {"stride": np.array([1, 1]), "padding": np.array([1, 1]), "dilation": np.array([1, 1])}
CONV2D = {"type": "Conv2d", **conv(ONE, (3, 3))}
CONV1D = {"type": "Conv1d", **conv({"stride": 1, "padding": 1, "dilation": 1}, (3,))}
DENSE = {"type": "Linear", "weight": RNG.normal(0, 1, (6, 6))}
AFFINE = {**DENSE, "type": "Affine", "bias": RNG.normal(0, 0.1, 6)}
FLATTEN = {"type": "Flatten", "start_dim": 0, "end_dim": -1}
IF = {"type": "IF", "r": np.ones(1), "v_threshold": np.ones(1)}
LI = {"type": "LI", "tau": np.full(6, 0.01), "r": np.ones(6), "v_leak": np.zeros(6)}
CUBALI = {**LI, "type": "CubaLI", "tau_mem": np.full(6, 0.01), "tau_syn": np.full(6, 0.005), "w_in": np.ones(6)}

GRAPHS: dict[str, tuple[tuple[int, ...], list[dict[str, Any]], int]] = {
    "Linear": (VECTOR, [DENSE, IF], 0),
    "Affine": (VECTOR, [AFFINE, IF], 0),
    "Scale": (VECTOR, [{"type": "Scale", "scale": RNG.uniform(0.5, 2, 6)}, DENSE, IF], 0),
    "Conv1d": ((2, 8), [CONV1D, IF], 0),
    "Conv2d": (IMAGE, [CONV2D, IF], 0),
    "SumPool2d": (IMAGE, [pool("SumPool2d"), CONV2D, IF], 0),
    "AvgPool2d": (IMAGE, [pool("AvgPool2d"), CONV2D, IF], 0),
    "Flatten": (IMAGE, [FLATTEN, {"type": "Linear", "weight": RNG.normal(0, 1, (6, 72))}, IF], 0),
    "IF": (VECTOR, [DENSE, neuron(RNG, "IF", 6)], 1),
    "LIF": (VECTOR, [DENSE, neuron(RNG, "LIF", 6, leak=False)], 1),
    "LIF with v_leak": (VECTOR, [DENSE, DENSE, neuron(RNG, "LIF", 6)], 2),
    "CubaLIF": (VECTOR, [DENSE, neuron(RNG, "CubaLIF", 6, leak=False)], 1),
    "LI": (VECTOR, [DENSE, IF, DENSE, LI], 3),
    "CubaLI": (VECTOR, [DENSE, IF, DENSE, CUBALI], 3),
    "I": (VECTOR, [DENSE, IF, DENSE, {"type": "I", "r": np.ones(6)}], 3),
    "Delay": (VECTOR, [DENSE, IF, {"type": "Delay", "delay": np.full(6, 0.002)}, DENSE, IF], 2),
    "Threshold": (VECTOR, [DENSE, {"type": "Threshold", "threshold": np.ones(6)}], 1),
}
"""Primitive → shape of the input, the nodes in a row, and which of them it is."""


def become(name: str, path: Path) -> tuple[str, dict[str, str | None]]:
    """ "exact", "rounded" or the reason why it is refused; and for each backend None or why it does not run it."""
    shape, inner, place = GRAPHS[name]
    first, final = ends(shape, 6)
    nodes = {"input": first, **{f"n{order}": node for order, node in enumerate(inner)}, "output": final}
    write_nir(path, nodes)
    graph = read(path)
    stages, refused = chain(graph)
    meaning = understand(graph, ImportOptions(path, writer="nir", dt="1ms", reset="hard")).meaning
    layers = map_stages(stages, meaning, refused, notes := Notes())
    if refused:
        return f"refused: it {refused.get(f'n{place}') or next(iter(refused.values()))}", {}
    integers = quantise(layers, "max", None, shared=True)  # as netx asks for
    outcome = next((one["outcome"] for one in of_nodes(stages, integers, notes) if one["node"] == f"n{place}"), "exact")
    network = Network(tuple(layer.record() for layer in integers))
    case = GridCase(network, np.zeros((1, int(np.prod(shape)), 1), dtype=np.uint8), 1, Cell(), 0)
    has = sorted(features(case))
    reasons = {
        backend: next((EXCLUSIONS[backend, one] for one in has if (backend, one) in EXCLUSIONS), None)
        for backend in exact()
    }
    return outcome, reasons
