"""Layers in order run over samples: a few at a time, which stay small, on as many cores as there are."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from jaxtyping import Num, UInt8

from basalt.convert.nir.events import ALWAYS, Ready

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


def run_ready(ready: Ready, sent: Sequence[Num[np.ndarray, "samples ..."]]) -> Num[np.ndarray, "samples ..."]:
    """What a layer sends for all samples, as `Ready.run` has it; `sent` is the input, and what all before it send."""

    def of(part: slice) -> np.ndarray:
        return ready.run(*heard([frames[part] for frames in sent], ready.hears))

    return np.concatenate(list(side_by_side(of, len(sent[0]))))


def run_chain(
    chain: Sequence[Ready], frames: UInt8[np.ndarray, "samples steps _width"], steps: int | None = None
) -> list[np.ndarray]:
    """What each layer sends; sums are of the first `steps`, where there are more to come."""
    return run_after([frames], chain, steps)[1:]


def heard(sent: Sequence[Num[np.ndarray, "samples ..."]], sources: Sequence[int]) -> list[np.ndarray]:
    """What some sources send, of all that is sent, from the input on."""
    on = np.ones((*sent[0].shape[:2], 8), dtype=np.uint8)
    return [on if source == ALWAYS else sent[source] for source in sources]


def run_after(
    sent: Sequence[Num[np.ndarray, "samples ..."]], chain: Sequence[Ready], steps: int | None = None
) -> list[np.ndarray]:
    """The same of the layers that follow some: all that is sent, from the input on."""
    found = list(sent)
    for ready in chain:
        sources = heard(found, ready.hears)
        found.append(ready.run(*(sources if ready.spiking else (frames[:, :steps] for frames in sources))))
    return found


def scores(ready: Ready, sent: np.ndarray) -> Num[np.ndarray, "samples classes"]:
    """What the last layer decides by: counts of spikes, or sums."""
    if not ready.spiking:
        return sent
    return sent[:, :, : len(ready.rows.place)].sum(axis=1, dtype=np.float64)
