"""Pattern completion: what associative memories recall from corrupted cues, and how much they hold.

Patterns are rows of ±1, drawn at random. A cue is a pattern with a fraction of its elements corrupted; it is recalled
if the signs of the state after the last iteration are those of the pattern.

    classical:  ξ ← sign(Xᵀ X ξ)       holds about 0.138 N patterns of N elements (Amit, Gutfreund, Sompolinsky 1985)
    modern:     ξ ← Xᵀ softmax(β X ξ)       holds a number that grows exponentially with N (Demircigil et al. 2017)
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import log2

import numpy as np
import torch
from jaxtyping import Float

from basalt.records.hopfield import Hopfield
from basalt.train.dynamics.memories.hopfield import RETRIEVALS
from basalt.train.dynamics.scalars import STATE_SCALE

CAPACITY = 0.138
"""Patterns an element that the classical memory holds, for many elements."""
FRACTION = 6
"""Fraction bits of keys and values in `deployed`."""

Patterns = Float[np.ndarray, "patterns size"]
Recall = Callable[[Patterns, Float[np.ndarray, "cues size"]], Float[np.ndarray, "cues size"]]


def patterns(draw: np.random.Generator, count: int, size: int) -> Patterns:
    """Random patterns of ±1."""
    return draw.choice([-1.0, 1.0], (count, size))


def _noise(draw: np.random.Generator, cues: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    return np.where(chosen, draw.choice([-1.0, 1.0], cues.shape), cues)


def _flip(draw: np.random.Generator, cues: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    return np.where(chosen, -cues, cues)


def _erase(draw: np.random.Generator, cues: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    return np.where(chosen, -1.0, cues)


CORRUPTIONS = {"noise": _noise, "flip": _flip, "erase": _erase}
"""What becomes of the chosen elements: drawn anew (half of them change), turned round, or −1 (silent)."""


def corrupted(
    draw: np.random.Generator, cues: Float[np.ndarray, "cues size"], fraction: float, how: str = "noise"
) -> Float[np.ndarray, "cues size"]:
    """The cues with that fraction of the elements of each corrupted, as `CORRUPTIONS` says."""
    count = round(fraction * cues.shape[1])
    chosen = draw.permuted(np.tile(np.arange(cues.shape[1]) < count, (len(cues), 1)), axis=1)
    return CORRUPTIONS[how](draw, cues, chosen)


def classical(iterations: int = 20, diagonal: bool = True) -> Recall:
    """Recall by signs; an element whose field is zero stays.

    With the diagonal of XᵀX, as deployed, elements also hold themselves, the more the more patterns there are: few
    elements are lost where there are too many patterns, but few are mended. The theory of capacity is without it.
    """

    def recall(stored: Patterns, cues: np.ndarray) -> np.ndarray:
        state, own = cues, 0 if diagonal else len(stored)
        for _ in range(iterations):
            field = state @ stored.T @ stored - own * state
            state = np.where(field == 0, state, np.sign(field))
        return state

    return recall


def modern(beta: float = 1.0, iterations: int = 1) -> Recall:
    """Recall by softmax."""

    def recall(stored: Patterns, cues: np.ndarray) -> np.ndarray:
        state = cues
        for _ in range(iterations):
            likeness = beta * state @ stored.T
            share = np.exp(likeness - likeness.max(1, keepdims=True))
            state = share / share.sum(1, keepdims=True) @ stored
        return state

    return recall


def deployed(variant: str, beta: float = 1.0, iterations: int = 1) -> Recall:
    """Recall by the deployed integers; β is a power of two."""

    def recall(stored: Patterns, cues: np.ndarray) -> np.ndarray:
        whole = variant == "modern"
        keys = np.rint(stored * (1 << FRACTION if whole else 1)).astype(np.int64)
        memory = Hopfield(
            variant=variant,
            keys=keys,
            values=keys if whole else None,
            trace_decay=0,
            similarity_shift=8 + FRACTION - round(log2(beta)),
            recall_shift=FRACTION,
            output_shift=FRACTION,
            iterations=iterations,
            gain=1,
        )
        query = torch.from_numpy(cues * STATE_SCALE)[:, None]
        return RETRIEVALS[variant](memory, query)[:, 0].numpy()

    return recall


@dataclass(frozen=True)
class Score:
    """Over all cues: fraction recalled without an error, and mean fraction of right elements."""

    recalled: float
    elements: float


def score(recall: Recall, stored: Patterns, cues: Float[np.ndarray, "patterns size"]) -> Score:
    """How well cue k is recalled as pattern k."""
    right = np.sign(recall(stored, cues)) == stored
    return Score(float(right.all(1).mean()), float(right.mean()))


def completion(
    recall: Recall,
    count: int,
    size: int,
    fractions: Iterable[float] = (0.2, 0.4, 0.6),
    how: str = "noise",
    draws: int = 10,
    seed: int = 1,
) -> dict[float, Score]:
    """The score at each fraction of corruption, over `draws` sets of `count` patterns of `size` elements."""
    found = {}
    for fraction in fractions:
        draw = np.random.default_rng(seed)
        scores = []
        for _ in range(draws):
            stored = patterns(draw, count, size)
            scores.append(score(recall, stored, corrupted(draw, stored, fraction, how)))
        found[fraction] = _mean(scores)
    return found


def capacity(
    recall: Recall, counts: Iterable[int], size: int, fraction: float = 0.0, draws: int = 10, seed: int = 1
) -> dict[int, Score]:
    """The score of patterns as their own (or corrupted) cues, by the number of patterns stored."""
    return {count: completion(recall, count, size, (fraction,), draws=draws, seed=seed)[fraction] for count in counts}


def held(scores: dict[int, Score], enough: float = 0.97) -> int:
    """The largest number of patterns up to which that fraction of elements is right at every number tried."""
    most = 0
    for count in sorted(scores):
        if scores[count].elements < enough:
            break
        most = count
    return most


def modern_capacity(size: Float[np.ndarray, "..."] | float, turned: float = 0.0) -> Float[np.ndarray, "..."] | float:
    """Patterns up to which cues with a fraction `turned` of wrong elements are surely mended by an exponential memory.

        K = exp(N·I(1 − 2·turned)/2),  I(a) = ½((1 + a)·log(1 + a) + (1 − a)·log(1 − a))          (2^(N/2) for none)

    For many elements, one step and exp(ξ·x) (Demircigil et al. 2017). It is a lower bound; of cues without an
    error the softmax mends every one, however many patterns there are.
    """
    a = 1 - 2 * turned
    rate = 0.5 * sum((1 + sign * a) * np.log(1 + sign * a) for sign in (1, -1) if 1 + sign * a > 0)
    return np.exp(np.asarray(size) * rate / 2)


def _mean(scores: list[Score]) -> Score:
    return Score(*(float(np.mean([getattr(one, name) for one in scores])) for name in ("recalled", "elements")))
