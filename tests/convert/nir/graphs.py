"""Random graphs that branch, skip and join; and the slow, obvious judge of what they send, node by node."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from tests.convert.nir.drawn import Nodes, ends

Edges = list[tuple[str, str]]
LARGEST = 254
"""Of each neuron's weights, so that its scale is its threshold, and all of it is on the grid of the integers."""
SIZES = (3, 4)


def drawn_graph(
    rng: np.random.Generator, kinds: list[str], recurrent: bool, dt: float, delays: float = 0.0
) -> tuple[Nodes, Edges]:
    """Neurons n0, n1, … in any order, each of which hears some of those before it and the input.

    The last hears all that nobody else does. Ways between two of one size may be factors; recurrence goes through r0 …
    """
    names = [f"n{label}" for label in rng.permutation(len(kinds))]
    sizes = {name: int(rng.choice(SIZES)) for name in ["input", *names]}
    nodes: Nodes = {"input": ends((sizes["input"],), 1)[0]}
    edges: Edges = []
    unheard: list[str] = []
    for order, kind in enumerate(kinds):
        name, size = names[order], sizes[names[order]]
        before = ["input", *names[:order]]
        heard = {str(one) for one in rng.choice(before, min(len(before), int(rng.integers(1, 4))), replace=False)}
        heard |= set(unheard) if order == len(kinds) - 1 else set()
        unheard = [one for one in [*unheard, *([name] if order < len(kinds) - 1 else [])] if one not in heard]
        ways: list[tuple[str, np.ndarray]] = []
        for source in sorted(heard):
            weight = 2 * rng.integers(-60, 100, (size, sizes[source]))
            if sizes[source] == size and rng.random() < 0.3:
                weight = np.diagonal(weight).copy()
            ways.append((source, weight))
        if recurrent and rng.random() < 0.5:
            ways.append((name, 2 * rng.integers(-40, 60, (size, size) if rng.random() < 0.5 else size)))
        for row in range(size):  # the largest weight of each neuron
            weight = ways[rng.integers(len(ways))][1]
            weight[(row, rng.integers(weight.shape[1])) if weight.ndim == 2 else row] = LARGEST
        for place, (source, weight) in enumerate(ways):
            called = f"r{name[1:]}" if source == name else f"w{name[1:]}_{place}"
            values = {"weight": weight.astype(float)} if weight.ndim == 2 else {"scale": weight.astype(float)}
            if weight.ndim == 2 and source != name and rng.random() < 0.4:
                values["bias"] = 2.0 * rng.integers(-10, 15, size)
            type_ = "Scale" if weight.ndim == 1 else "Affine" if "bias" in values else "Linear"
            nodes[called] = {"type": type_, **values}
            if source != name and rng.random() < delays:
                late = f"d{called[1:]}"
                steps = rng.integers(0, 5, sizes[source]) if rng.random() < 0.5 else rng.integers(0, 63, 1)
                nodes[late] = {"type": "Delay", "delay": steps * dt}
                edges += [(source, late), (late, called), (called, name)]
            else:
                edges += [(source, called), (called, name)]
        nodes[name] = neuron_on_grid(rng, kind, size, dt)
    nodes["output"] = ends((1,), sizes[names[-1]])[1]
    return nodes, [*edges, (names[-1], "output")]


def neuron_on_grid(rng: np.random.Generator, kind: str, size: int, dt: float) -> dict[str, Any]:
    """Thresholds that are powers of 2, decays in 1/4096, and a gain of 1."""
    found = {"type": kind, "r": np.ones(size), "v_threshold": 2.0 ** rng.integers(7, 10, size)}
    if kind == "IF":
        return found
    membrane, current = (dt * 4096 / rng.choice([256, 512, 1024, 2048], size) for _ in range(2))
    found |= {"r": membrane / dt, "v_leak": np.zeros(size), "v_reset": np.zeros(size)}
    if kind == "LIF":
        return found | {"tau": membrane}
    return found | {"tau_mem": membrane, "tau_syn": current, "w_in": current / dt}


def real(value: np.ndarray) -> np.ndarray:
    """What is left of a state in real numbers."""
    return value


def whole(value: np.ndarray) -> np.ndarray:
    """In integers: multiples of 1/64 of a weight, towards 0."""
    return np.trunc(64 * value) / 64


def judged(
    nodes: Nodes,
    edges: Edges,
    spikes: np.ndarray,
    reset: str,
    left: Callable[[np.ndarray], np.ndarray],
    dt: float = 1e-3,
) -> dict[str, np.ndarray]:
    """What each neuron sends: everything in one step, the neurons' own recurrence in the next."""
    sizes = {name: node["r"].size for name, node in nodes.items() if node["type"] in ("IF", "LIF", "CubaLIF")}
    sent = {name: np.zeros((len(spikes), size, spikes.shape[2])) for name, size in sizes.items()}
    for sample in range(len(spikes)):
        one = Sample(nodes, edges, reset, left, dt, sizes)
        for t in range(spikes.shape[2]):
            one.now = {"input": spikes[sample, :, t].astype(float)}
            for name in sizes:
                sent[name][sample, :, t] = one.value(name)
            one.before = {name: one.now[name] for name in sizes}
            one.past.append(one.now)
    return sent


class Sample:
    """A sample as it goes on: states, what was sent a step before and ever, and what is known of this step."""

    def __init__(self, nodes, edges, reset, left, dt, sizes):
        self.nodes, self.edges, self.reset, self.left, self.dt = nodes, edges, reset, left, dt
        self.u, self.v, self.before = ({name: np.zeros(size) for name, size in sizes.items()} for _ in range(3))
        self.now, self.past = {}, []

    def value(self, name):
        if name not in self.now:
            if self.nodes[name]["type"] == "Delay":
                self.now[name] = self.late(name)
            elif name.startswith("r"):
                self.now[name] = through(self.nodes[name], self.before["n" + name[1:]])
            elif name in self.v:
                self.now[name] = self.fire(name)
            else:
                self.now[name] = through(self.nodes[name], self.heard(name))
        return self.now[name]

    def late(self, name):
        (source,) = (one for one, other in self.edges if other == name)
        steps = np.broadcast_to(np.rint(self.nodes[name]["delay"] / self.dt).astype(int), self.value(source).shape)
        ever = [*(one[source] for one in self.past), self.value(source)]
        return np.array([ever[-1 - late][which] if late < len(ever) else 0.0 for which, late in enumerate(steps)])

    def heard(self, name):
        return sum(self.value(one) for one, other in self.edges if other == name)

    def fire(self, name):
        node, level = self.nodes[name], self.nodes[name]["v_threshold"].reshape(-1)
        alpha = 1 - self.dt / node["tau_syn"] if "tau_syn" in node else 0.0
        beta = 1.0 if node["type"] == "IF" else 1 - self.dt / node.get("tau", node.get("tau_mem"))
        before, kept = self.before[name], self.v[name]
        self.u[name] = self.left(alpha * self.u[name]) + self.heard(name)
        if self.reset == "snntorch-zero":
            kept = np.where(before > 0, 0, kept)
        v = self.left(beta * kept) + self.u[name]
        if self.reset == "snntorch-subtract" and self.left is real:
            v = v - before * level
        fired = (v > level).astype(float)
        if self.reset in ("hard", "soft"):
            v = v - fired * (v if self.reset == "hard" else level)
        elif self.reset == "snntorch-subtract" and self.left is whole:  # as a soft reset by θ/β, rounded
            v = v - fired * np.rint(level / beta)
        self.v[name] = v
        return fired


def through(node: dict[str, Any], frame: np.ndarray) -> np.ndarray:
    """What an operator makes of a frame."""
    if node["type"] == "Scale":
        return node["scale"] * frame
    if node["type"] == "Flatten":
        return frame.reshape(-1)
    if node["type"] == "Conv2d":
        shaped = frame.reshape(1, node["weight"].shape[1] * node["groups"], *square(node, frame))
        given = {key: node[key] for key in ("stride", "padding", "dilation", "groups")}
        weight, bias = (torch.as_tensor(node[key], dtype=torch.float64) for key in ("weight", "bias"))
        return torch.nn.functional.conv2d(torch.as_tensor(shaped), weight, bias, **given)[0].numpy().reshape(-1)
    return node["weight"] @ frame + node.get("bias", 0.0)


def square(node: dict[str, Any], frame: np.ndarray) -> tuple[int, int]:
    """Height and width of a square image."""
    side = math.isqrt(frame.size // (node["weight"].shape[1] * node["groups"]))
    return side, side
