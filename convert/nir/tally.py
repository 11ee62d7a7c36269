"""What a part of the samples shows of a network beside another: little enough to keep of all parts."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Num
from numba import njit

from basalt.convert.nir.run import Chain, scores
from basalt.kernels.events import OPTIONS


class Tally(NamedTuple):
    """Of some samples.

    Attributes:
        scores: what each class has. wrong: spikes that differ from the other network's, by layer. fired: its own;
            both None of a layer that sums.
    """

    scores: Num[np.ndarray, "samples classes"]
    wrong: tuple[int | None, ...]
    fired: tuple[int | None, ...]


class Divergence(NamedTuple):
    """Where two networks differ first: compared by step, then sample, then neuron."""

    step: int
    sample: int
    neuron: int
    float: int
    integers: int


@njit(**OPTIONS)
def difference(one, other):  # type: ignore[no-untyped-def]
    """Σ |one − other| and Σ one of two arrays of bytes, whose number is a multiple of 8; most are 0."""
    ones, others = one.view(np.uint64), other.view(np.uint64)
    wrong, fired = np.int64(0), np.int64(0)
    for eight in range(ones.shape[0]):
        if ones[eight] | others[eight]:
            for n in range(8 * eight, 8 * eight + 8):
                wrong += abs(np.int64(one[n]) - np.int64(other[n]))
                fired += one[n]
    return wrong, fired


def tally(chain: Chain, sent: Sequence[np.ndarray], meant: Sequence[np.ndarray]) -> Tally:
    """Of a network, beside what the other sends; it may send for more steps."""
    wrong: list[int | None] = []
    fired: list[int | None] = []
    for ready, here, there in zip(chain, sent, meant, strict=True):
        if not ready.spiking:
            wrong.append(None)
            fired.append(None)
            continue
        pairs = [difference(one[: len(other)].reshape(-1), other.reshape(-1)) for one, other in zip(here, there)]
        wrong.append(int(sum(pair[0] for pair in pairs)))
        fired.append(int(sum(pair[1] for pair in pairs)))
    last = sent[-1] if not chain[-1].spiking else sent[-1][:, : meant[-1].shape[1]]
    return Tally(scores(chain[-1], last), tuple(wrong), tuple(fired))


def joined(tallies: Sequence[Tally]) -> Tally:
    """Of all parts."""

    def added(of_parts: tuple[int | None, ...]) -> int | None:
        return None if None in of_parts else sum(one for one in of_parts if one is not None)

    wrong = tuple(added(one) for one in zip(*(tally.wrong for tally in tallies), strict=True))
    fired = tuple(added(one) for one in zip(*(tally.fired for tally in tallies), strict=True))
    return Tally(np.concatenate([tally.scores for tally in tallies]), wrong, fired)


def first_of(
    chain: Chain, sent: Sequence[np.ndarray], meant: Sequence[np.ndarray], begin: int
) -> list[Divergence | None]:
    """Where each layer's spikes differ first, the samples counted from `begin`."""
    found: list[Divergence | None] = []
    for ready, here, there in zip(chain, sent, meant, strict=True):
        wrong = here[:, : there.shape[1]] != there if ready.spiking else np.zeros((0, 0, 0), dtype=bool)
        steps = np.flatnonzero(wrong.any(axis=(0, 2)))
        if not len(steps):
            found.append(None)
            continue
        step = int(steps[0])
        sample, neuron = (int(one) for one in np.argwhere(wrong[:, step])[0])
        values = (int(there[sample, step, neuron]), int(here[sample, step, neuron]))
        found.append(Divergence(step, begin + sample, neuron, *values))
    return found
