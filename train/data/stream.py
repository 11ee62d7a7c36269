"""Samples that arrive one after the other, binned in chunks: a whole set of raw events can be gigabytes."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np
from jaxtyping import Int64

from basalt.train.data.cache import note
from basalt.train.data.config import DataConfig
from basalt.train.data.events import EventSet, Features, RawEvents, bin_events, concatenate

_CHUNK = 256
_NOTABLE = 0.01


class Recording(NamedTuple):
    """One recording: times in µs, each event's position on the feature axis, the label."""

    times: Int64[np.ndarray, "k"]
    features: Features
    label: int


def binned(
    title: str, samples: Iterable[Recording], count: int, config: DataConfig, sensor: tuple[int, int, int]
) -> EventSet:
    """Bin `count` samples, `config.steps` steps of `config.step_ms`; `index` is the position in the order they come in.

    More than 1 % of the events past the last step are worth a note on standard error.
    """
    from basalt.train.data.progress import progress

    parts: list[EventSet] = []
    seen = late = 0
    end = config.steps * config.step_ms * 1000.0
    with progress(title, count) as advance:
        for chunk in _chunks(samples):
            raw = RawEvents(
                offsets=np.cumsum([0, *(len(sample.times) for sample in chunk)]).astype(np.int64),
                times=np.concatenate([sample.times for sample in chunk]),
                features=np.concatenate([sample.features for sample in chunk]),
            )
            index = np.arange(len(chunk)) + len(parts) * _CHUNK
            labels = np.array([sample.label for sample in chunk], np.int64)
            parts.append(bin_events(raw, labels, index, steps=config.steps, step_ms=config.step_ms, sensor=sensor))
            seen += len(raw.times)
            late += int((raw.times >= end).sum())
            advance(len(chunk))
    if late > _NOTABLE * seen:
        note(f"{title}: {late / seen:.0%} of the events come after {end / 1000:g} ms (steps x step_ms); left out.")
    return concatenate(parts)


def _chunks(samples: Iterable[Recording]) -> Iterator[list[Recording]]:
    left = iter(samples)
    while chunk := list(islice(left, _CHUNK)):
        yield chunk
