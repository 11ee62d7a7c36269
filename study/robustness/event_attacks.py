"""Attacks that a spiking input allows: events are added or removed, at most k of them per sample, and stay 0 or 1.

A cell of the input is a feature at a step. Turning it round changes the loss, to first order, by

    gain = ∂L/∂x·(1 − 2x)          (an event more if x = 0, one less if x = 1)

The attack turns the cells with the largest positive gain, some in each iteration, and no cell twice: so k bounds what
differs from the input. The projection of a perturbation onto {0, 1} of arXiv 2403.16674, with a budget.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int

from basalt.study.robustness.attacks import Labels, Logits, gradient

Input = Float[torch.Tensor, "batch features steps"]

NEVER = float("-inf")


@dataclass(frozen=True)
class Moves:
    """What an attack may do: add events, remove them, or both."""

    add: bool = True
    remove: bool = True


BOTH = Moves()


def flip_events(
    logits: Logits, x: Input, labels: Labels, budget: int, iterations: int = 10, moves: Moves = BOTH
) -> Input:
    """The input with at most `budget` cells of each sample turned round, the gradient taken anew in each iteration.

    Samples whose gradient vanishes, or has no cell left that would raise the loss, use less than the budget.
    """
    changed, turned = x.clone(), torch.zeros_like(x, dtype=torch.bool)
    rounds = min(iterations, budget)
    for done in range(rounds):
        gain = gradient(logits, changed, labels) * (1 - 2 * changed)
        gain = gain.masked_fill(turned | ~_allowed(x, moves), NEVER).flatten(1)
        count = budget * (done + 1) // rounds - budget * done // rounds
        best = gain.topk(min(count, gain.shape[1]), dim=1)
        chosen = _cells(best.indices, best.values > 0, x)
        changed, turned = torch.where(chosen, 1 - changed, changed), turned | chosen
    return changed


def random_events(x: Input, like: Input, draw: torch.Generator) -> Input:
    """As many events added and as many removed in each sample as `like` has more and less than x, at random places."""
    change = (like - x).flatten(1)
    added = _random_cells(x == 0, (change > 0).sum(1), draw)
    removed = _random_cells(x == 1, (change < 0).sum(1), draw)
    return torch.where(added | removed, 1 - x, x)


def _allowed(x: Input, moves: Moves) -> Bool[torch.Tensor, "batch features steps"]:
    return ((x == 0) & moves.add) | ((x == 1) & moves.remove)


def _cells(
    places: Int[torch.Tensor, "batch most"], which: Bool[torch.Tensor, "batch most"], like: Input
) -> Bool[torch.Tensor, "batch features steps"]:
    """True at the places, of each flattened sample, that `which` says."""
    flat = torch.zeros(len(like), like[0].numel(), dtype=torch.bool, device=like.device)
    return flat.scatter(1, places, which).reshape(like.shape)


def _random_cells(
    among: Bool[torch.Tensor, "batch features steps"], counts: Int[torch.Tensor, "batch"], draw: torch.Generator
) -> Bool[torch.Tensor, "batch features steps"]:
    """So many cells of each sample, drawn among those that are true."""
    most = int(counts.max()) if len(counts) else 0
    order = torch.rand(among.shape, generator=draw, device=draw.device).to(among.device)
    order = order.masked_fill(~among, -1.0).flatten(1)
    places = order.topk(most, dim=1).indices
    first = torch.arange(most, device=among.device) < counts[:, None]
    return _cells(places, first, order.reshape(among.shape))
