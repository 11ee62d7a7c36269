"""Neurons that stand in for others: leak and threshold of each layer, fitted to the outputs of the float network.

A neuron that sends one spike in a step where another sends several, or whose membrane has no floor, strays the further
the more it is inhibited. A leak makes it forget: β' = β·(1 − k/4096), a higher threshold leaves it room: θ' = c·θ.
Found layer by layer from the last to the first, one factor at a time, by how far the outputs y point the same way as
the float network's, y*, and how far its class c* is ahead, both less their mean over classes:

    agreement = mean over samples of cos(y, y*) + min(0.3, (y[c*] − the largest other y) / |y|)

which knows no labels, and does not mind that all outputs are lower.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from jaxtyping import Num

from basalt.convert.nir.map import Meaning
from basalt.convert.nir.mapped import UNITY, Mapped
from basalt.convert.nir.meant import ready_stage
from basalt.convert.nir.run import Chain, run_after, run_ready, scores, side_by_side
from basalt.convert.nir.stage import Stage

LEAKS = (0, 64, 128, 256)
LEVELS = (1.0, 1.2)
"""What all layers begin with: of each, the pair that agrees best."""
LEAK_FACTOR, LEVEL_FACTOR = 1.5, 1.1
"""From one value to the next."""
ROUNDS = 2
LEAST = 1e-5
"""What an agreement has to gain."""
AHEAD = 0.3
"""From where on it does not matter how far the class is ahead."""

Pair = tuple[int, float]
"""Leak in 1/4096, and factor of the threshold."""
Outputs = Num[np.ndarray, "samples classes"]


def fit(
    stages: tuple[Stage, ...],
    meaning: Meaning,
    layers: tuple[Mapped, ...],
    frames: np.ndarray,
    update: Callable[[int, int], None],
) -> tuple[Mapped, ...]:
    """The layers with leaks and thresholds that agree best with the float network on some samples."""
    wanted = outputs(tuple(ready_stage(stage, meaning) for stage in stages), frames)
    spiking = [order for order, layer in enumerate(layers) if layer.threshold is not None and not layer.passes]
    total = len(LEAKS) * len(LEVELS) + ROUNDS * len(spiking)
    done = 0

    known: dict[tuple[Pair, ...], float] = {}

    def agree(pairs: list[Pair], heard: list[np.ndarray]) -> float:
        if tuple(pairs) not in known:
            begin = len(heard) - 1
            both = zip(layers[begin:], pairs[begin:], strict=True)
            chain = tuple(leaky(layer, *pair).ready() for layer, pair in both)
            known[tuple(pairs)] = agreement(outputs(chain, *heard), wanted)
        return known[tuple(pairs)]

    best: tuple[float, list[Pair]] = (-2.0, [])
    for level in LEVELS:
        for leak in LEAKS:
            update(done, total)
            pairs = [(leak, level)] * len(layers)
            best = max(best, (agree(pairs, [frames]), pairs))
            done += 1
    found, pairs = best
    for _ in range(ROUNDS):
        heard = [frames]
        for layer, pair in zip(layers[:-1], pairs[:-1], strict=True):
            heard.append(run_ready(leaky(layer, *pair).ready(), heard))
        for order in reversed(spiking):
            update(done, total)
            for step in (leakier, tighter, higher, lower):
                while True:
                    tried = [*pairs[:order], step(pairs[order]), *pairs[order + 1 :]]
                    better = agree(tried, heard[: order + 1]) if tried != pairs else found
                    if better < found + LEAST:
                        break
                    found, pairs = better, tried
            done += 1
    update(total, total)
    return tuple(leaky(layer, *pair) for layer, pair in zip(layers, pairs, strict=True))


def leakier(pair: Pair) -> Pair:
    """A larger leak."""
    return round(pair[0] * LEAK_FACTOR), pair[1]


def tighter(pair: Pair) -> Pair:
    """A smaller leak."""
    return round(pair[0] / LEAK_FACTOR), pair[1]


def higher(pair: Pair) -> Pair:
    """A higher threshold."""
    return pair[0], pair[1] * LEVEL_FACTOR


def lower(pair: Pair) -> Pair:
    """A lower threshold."""
    return pair[0], pair[1] / LEVEL_FACTOR


def leaky(layer: Mapped, leak: int, level: float) -> Mapped:
    """A layer that leaks more, with a higher threshold; which stays 1, and all that arrives is less."""
    if layer.threshold is None or layer.passes or (leak == 0 and level == 1.0):
        return layer
    return replace(
        layer,
        beta=layer.beta * (1 - leak / UNITY),
        weight=layer.weight / level,
        recurrent=None if layer.recurrent is None else layer.recurrent / level,
        drive=layer.drive / level,
    )


def outputs(chain: Chain, *heard: np.ndarray) -> Outputs:
    """What the last of some layers decides by; `heard` is the input, and what the layers before them send."""

    def of(part: slice) -> np.ndarray:
        return scores(chain[-1], run_after([frames[part] for frames in heard], chain)[-1])

    return np.concatenate(list(side_by_side(of, len(heard[0]))))


def agreement(found: Outputs, wanted: Outputs) -> float:
    """How far outputs agree, as above; a sample whose outputs are all the same counts 0."""
    here, there = (one - one.mean(axis=1, keepdims=True) for one in (found, wanted))
    long, wide = (np.linalg.norm(one, axis=1) for one in (here, there))
    cosine = (here * there).sum(axis=1) / np.where(long * wide > 0, long * wide, 1.0)
    samples, best = np.arange(len(here)), there.argmax(axis=1)
    others = here.copy()
    others[samples, best] = -np.inf
    second = others.max(axis=1, initial=-np.inf) if here.shape[1] > 1 else here[:, 0]
    ahead = (here[samples, best] - second) / np.where(long > 0, long, 1.0)
    return float(np.mean(cosine + np.minimum(ahead, AHEAD)))
