"""Chains of layers run over samples: a few at a time, which stay small, on as many cores as there are."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from jaxtyping import Num, UInt8

from basalt.convert.nir.events import Ready

AT_ONCE = 8
"""Samples in a part."""
Chain = tuple[Ready, ...]
Found = TypeVar("Found")


def parts(samples: int) -> list[slice]:
    """Samples that are computed at once."""
    return [slice(first, min(first + AT_ONCE, samples)) for first in range(0, samples, AT_ONCE)]


def side_by_side(work: Callable[[slice], Found], samples: int) -> Iterator[Found]:
    """What `work` makes of each part, in order."""
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        yield from pool.map(work, parts(samples))


def run_ready(ready: Ready, frames: Num[np.ndarray, "samples ..."]) -> Num[np.ndarray, "samples ..."]:
    """What a layer sends for all samples, as `Ready.run` has it."""
    return np.concatenate(list(side_by_side(lambda part: ready.run(frames[part]), len(frames))))


def run_chain(
    chain: Sequence[Ready], frames: UInt8[np.ndarray, "samples steps _width"], steps: int | None = None
) -> list[np.ndarray]:
    """What each layer sends; sums are of the first `steps`, where there are more to come."""
    found = []
    for ready in chain:
        frames = ready.run(frames if ready.spiking else frames[:, :steps])
        found.append(frames)
    return found


def scores(ready: Ready, sent: np.ndarray) -> Num[np.ndarray, "samples classes"]:
    """What the last layer decides by: counts of spikes, or sums."""
    if not ready.spiking:
        return sent
    return sent[:, :, : len(ready.rows.place)].sum(axis=1, dtype=np.float64)
