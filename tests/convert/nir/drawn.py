"""NIR files for tests: written as the package `nir` writes them, and networks drawn in float."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Nodes = dict[str, dict[str, Any]]


def write_graph(group: h5py.Group, nodes: Nodes, edges: list[tuple[str, str]]) -> None:
    group["type"] = "NIRGraph"
    for name, values in nodes.items():
        inner = group.create_group(f"nodes/{name}")
        if values["type"] == "NIRGraph":
            write_graph(inner, values["nodes"], values["edges"])
            continue
        for key, value in values.items():
            inner[key] = value
    group.create_dataset("edges", data=np.array(edges, dtype=object), dtype=h5py.string_dtype())


def write_nir(path: Path, nodes: Nodes, edges: list[tuple[str, str]] | None = None) -> Path:
    """A file; without edges, nodes in a row."""
    names = list(nodes)
    with h5py.File(path, "w") as file:
        file["version"] = "1.0.8"
        write_graph(file.create_group("node"), nodes, edges or list(pairwise(names)))
    return path


def ends(inputs: tuple[int, ...], outputs: int) -> tuple[dict[str, Any], dict[str, Any]]:
    return {"type": "Input", "shape": np.array(inputs)}, {"type": "Output", "shape": np.array([outputs])}


def neuron(rng: np.random.Generator, kind: str, size: int, leak: bool = True) -> dict[str, Any]:
    """A neuron node for steps of 1 ms; thresholds differ."""
    found = {"type": kind, "r": rng.uniform(0.5, 2, size), "v_threshold": rng.uniform(0.5, 1.5, size)}
    if kind == "IF":
        return found
    found["v_leak"] = rng.uniform(-0.2, 0.2, size) * leak
    if kind == "LIF":
        return {**found, "tau": rng.uniform(0.003, 0.03, size)}
    taus = {"tau_mem": rng.uniform(0.003, 0.03, size), "tau_syn": rng.uniform(0.002, 0.01, size)}
    return {**found, **taus, "w_in": rng.uniform(1, 4, size)}


def network(rng: np.random.Generator, kinds: tuple[str, ...], recurrent: bool) -> tuple[Nodes, list[tuple[str, str]]]:
    """Dense layers of such neurons, with biases where a layer can have them."""
    sizes = [int(size) for size in rng.integers(3, 9, len(kinds) + 1)]
    first, last = ends((sizes[0],), sizes[-1])
    nodes: Nodes = {"input": first}
    edges = []
    before = "input"
    for order, kind in enumerate(kinds):
        inputs, size = sizes[order], sizes[order + 1]
        strength = 1.0 if kind == "IF" else 12.0 if kind == "LIF" else 40.0
        weight = rng.normal(0.1, 0.6, (size, inputs)) * strength
        synapses = {
            "type": "Affine",
            "weight": weight,
            "bias": rng.normal(0, 0.05, size) * strength * (kind != "CubaLIF"),
        }
        nodes |= {f"w{order}": synapses, f"n{order}": neuron(rng, kind, size)}
        edges += [(before, f"w{order}"), (f"w{order}", f"n{order}")]
        if recurrent:
            back = {"type": "Linear", "weight": rng.normal(0, 0.4, (size, size)) * strength}
            if order % 2:
                back = {"type": "Scale", "scale": rng.normal(0, 0.4, size) * strength}
            nodes[f"r{order}"] = back
            edges += [(f"n{order}", f"r{order}"), (f"r{order}", f"n{order}")]
        before = f"n{order}"
    nodes["output"] = last
    return nodes, [*edges, (before, "output")]


def plain_loop(nodes: Nodes, spikes: np.ndarray, kinds: tuple[str, ...], reset: str, dt: float = 1e-3) -> np.ndarray:
    """The output's spikes by NIR's equations in Euler steps, neuron by neuron: the slow, obvious judge."""
    for order, kind in enumerate(kinds):
        node, synapses, back = nodes[f"n{order}"], nodes[f"w{order}"], nodes.get(f"r{order}")
        size = len(node["r"])
        out = np.zeros((len(spikes), size, spikes.shape[2]))
        for sample in range(len(spikes)):
            current, membrane, sent = np.zeros(size), np.zeros(size), np.zeros(size)
            for t in range(spikes.shape[2]):
                arrived = synapses["weight"] @ spikes[sample, :, t] + synapses["bias"]
                if back is not None:
                    arrived += back["weight"] @ sent if back["type"] == "Linear" else back["scale"] * sent
                for j in range(size):
                    if kind == "IF":
                        membrane[j] += node["r"][j] * arrived[j]
                    else:
                        tau, driven = node.get("tau", node.get("tau_mem"))[j], arrived[j]
                        if kind == "CubaLIF":
                            step = dt / node["tau_syn"][j]
                            current[j] += step * (node["w_in"][j] * driven - current[j])
                            driven = current[j]
                        membrane[j] += dt / tau * (node["v_leak"][j] - membrane[j] + node["r"][j] * driven)
                    sent[j] = membrane[j] > node["v_threshold"][j]
                    if sent[j]:
                        membrane[j] = {"hard": 0.0, "soft": membrane[j] - node["v_threshold"][j], "none": membrane[j]}[
                            reset
                        ]
                out[sample, :, t] = sent
        spikes = out
    return spikes
