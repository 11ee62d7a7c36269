"""The loss around trained weights, along random directions that are normalised by filter.

    L(w + a·d₁ + b·d₂),  each row of d scaled to the length of the same row of w, the incoming weights of a neuron

so that networks whose weights have other scales compare. Biases and decays stay, as batch normalisation does there.
Weights are moved in floats; a forward pass rounds them to the deployed grid as in training: the loss has small steps.

Source: Li et al., NeurIPS 2018 (arXiv 1712.09913).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from jaxtyping import Float

Direction = dict[str, torch.Tensor]
"""By the names of a network's parameters."""

Loss = Callable[[], float]
"""The loss of the network as it is, on samples that do not change."""


def direction(network: torch.nn.Module, draw: torch.Generator) -> Direction:
    """A random direction, normalised by filter."""
    return {name: _normalised(p.detach(), draw) for name, p in network.named_parameters() if _moves(p)}


def _moves(parameter: torch.nn.Parameter) -> bool:
    return parameter.dim() > 1 and parameter.requires_grad


def _normalised(weight: Float[torch.Tensor, "rows ..."], draw: torch.Generator) -> Float[torch.Tensor, "rows ..."]:
    drawn = torch.randn(weight.shape, generator=draw).to(weight)
    rows = drawn.flatten(1)
    scale = weight.flatten(1).norm(dim=1, keepdim=True) / rows.norm(dim=1, keepdim=True).clamp(min=1e-12)
    return (rows * scale).reshape(weight.shape)


@contextmanager
def moved(network: torch.nn.Module, steps: Sequence[tuple[float, Direction]]) -> Iterator[None]:
    """Within the block, the weights are w + Σ a·d."""
    weights = dict(network.named_parameters())
    names = {name for _, along in steps for name in along}
    before = {name: weights[name].detach().clone() for name in names}
    try:
        with torch.no_grad():
            for distance, along in steps:
                for name, d in along.items():
                    weights[name].add_(d, alpha=distance)
        yield
    finally:
        with torch.no_grad():
            for name, value in before.items():
                weights[name].copy_(value)


@torch.no_grad()
def line(
    network: torch.nn.Module, loss: Loss, along: Direction, distances: Sequence[float]
) -> Float[np.ndarray, "points"]:
    """The loss along one direction."""
    found = []
    for distance in distances:
        with moved(network, [(distance, along)]):
            found.append(loss())
    return np.array(found)


@torch.no_grad()
def plane(
    network: torch.nn.Module, loss: Loss, along: tuple[Direction, Direction], distances: Sequence[float]
) -> Float[np.ndarray, "rows columns"]:
    """The loss on a square grid: rows along the second direction, columns along the first."""
    found = np.zeros((len(distances), len(distances)))
    for row, b in enumerate(distances):
        for column, a in enumerate(distances):
            with moved(network, [(a, along[0]), (b, along[1])]):
                found[row, column] = loss()
    return found


@torch.no_grad()
def sharpness(
    network: torch.nn.Module, loss: Loss, draw: torch.Generator, radius: float = 0.25, directions: int = 8
) -> float:
    """Mean over random directions d of (L(w + r·d) + L(w − r·d))/2 − L(w): what moving by r in every filter costs."""
    ends = [line(network, loss, direction(network, draw), (-radius, radius)).mean() for _ in range(directions)]
    return float(np.mean(ends)) - loss()
