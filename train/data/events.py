"""Events of a data set, binned to steps and kept sparse until a batch needs them dense."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol, no_type_check, runtime_checkable

import numpy as np
from jaxtyping import Int64, UInt8, UInt16, UInt32

from basalt.train.data.sets import SENSOR

Which = int | slice | Sequence[int] | np.ndarray
Features = UInt16[np.ndarray, "k"] | UInt32[np.ndarray, "k"]
"""Positions on the feature axis, in as many bits as `feature_type` says."""


def feature_type(count: int) -> type[np.uint16] | type[np.uint32]:
    """What holds a position among `count` features: 16 bits up to 65,536, else 32."""
    return np.uint16 if count <= 1 << 16 else np.uint32


@dataclass(frozen=True, eq=False)
class EventSet:
    """Binned events of n samples, k in all.

    Sample i owns `features[offsets[i]:offsets[i+1]]` and `times[...]`: its unique (feature, step) pairs, sorted by
    feature, then step. feature = polarity * rows * columns + y * columns + x, polarity 0 = OFF, 1 = ON.
    `index` is the position of each sample in the set that it comes from.
    """

    offsets: Int64[np.ndarray, "{len(labels)+1}"]
    features: Features
    times: UInt16[np.ndarray, "k"]
    labels: Int64[np.ndarray, "n"]
    steps: int
    step_ms: float
    index: Int64[np.ndarray, "n"]
    sensor: tuple[int, ...] = SENSOR

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def features_count(self) -> int:
        """The length of the feature axis: the product of the sensor's axes."""
        return int(np.prod(self.sensor))

    def dense(self, which: Which = slice(None)) -> UInt8[np.ndarray, "batch features steps"]:
        """Spike tensor in {0, 1} of the chosen samples, in the order asked for.

        Raises:
            IndexError: a sample that isn't there.
        """
        from basalt.train.data.kernels import scatter

        chosen = self._positions(which)
        out = np.zeros((len(chosen), self.features_count, self.steps), np.uint8)
        scatter(self.offsets, self.features, self.times, chosen, out)
        return out

    def subset(self, which: Which) -> "EventSet":
        """The chosen samples as a set of their own, in the order asked for.

        Raises:
            IndexError: a sample that isn't there.
        """
        chosen = self._positions(which)
        lengths = np.diff(self.offsets)[chosen]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        taken = np.repeat(self.offsets[chosen] - offsets[:-1], lengths) + np.arange(offsets[-1])
        return EventSet(
            offsets=offsets,
            features=self.features[taken],
            times=self.times[taken],
            labels=self.labels[chosen],
            steps=self.steps,
            step_ms=self.step_ms,
            index=self.index[chosen],
            sensor=self.sensor,
        )

    def rebinned(self, factor: int) -> "EventSet":
        """The events in steps `factor` times as long, one spike however many fall in the same step.

        As binning the recording with those steps would have given: ⌊⌊t/Δ⌋/k⌋ = ⌊t/(kΔ)⌋.
        """
        if factor == 1:
            return self
        times = self.times // factor
        new = np.ones(len(times), bool)  # sorted by feature, then step: what falls together stands together
        new[1:] = (self.features[1:] != self.features[:-1]) | (times[1:] != times[:-1])
        new[self.offsets[:-1][np.diff(self.offsets) > 0]] = True
        before = np.concatenate([[0], np.cumsum(new)])
        return EventSet(
            offsets=before[self.offsets],
            features=self.features[new],
            times=times[new],
            labels=self.labels,
            steps=-(-self.steps // factor),
            step_ms=self.step_ms * factor,
            index=self.index,
            sensor=self.sensor,
        )

    def _positions(self, which: Which) -> Int64[np.ndarray, "batch"]:
        return np.atleast_1d(np.arange(len(self), dtype=np.int64)[which])


def concatenate(parts: Sequence[EventSet]) -> EventSet:
    """The samples of all parts, one after the other; the parts share steps and sensor."""
    lengths = np.concatenate([np.diff(part.offsets) for part in parts])
    return EventSet(
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        features=np.concatenate([part.features for part in parts]),
        times=np.concatenate([part.times for part in parts]),
        labels=np.concatenate([part.labels for part in parts]),
        steps=parts[0].steps,
        step_ms=parts[0].step_ms,
        index=np.concatenate([part.index for part in parts]),
        sensor=parts[0].sensor,
    )


@runtime_checkable
class Samples(Protocol):
    """A set of labelled samples that can be made dense, such as `EventSet`."""

    @property
    def labels(self) -> Int64[np.ndarray, "n"]: ...
    @property
    def index(self) -> Int64[np.ndarray, "n"]: ...
    @property
    def steps(self) -> int: ...
    @property
    def step_ms(self) -> float: ...
    @property
    def sensor(self) -> tuple[int, ...]: ...
    @property
    def features_count(self) -> int: ...
    def __len__(self) -> int: ...
    def __hash__(self) -> int: ...
    def dense(self, which: Which = ...) -> UInt8[np.ndarray, "batch features steps"]: ...
    def subset(self, which: Which) -> "Samples": ...


class Part:
    """A field of samples, or of a function that makes them, which is called when they are first asked for."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = f"_{name}"

    def __get__(self, splits: "Splits | None", owner: type) -> Samples:
        if splits is None:
            raise AttributeError(self.name)  # so that the dataclass gives the field no default
        made = splits.__dict__[self.name]
        if callable(made):
            made = splits.__dict__[self.name] = made()
        found: Samples = made
        return found

    def __set__(self, splits: "Splits", given: Samples | Callable[[], Samples]) -> None:
        splits.__dict__[self.name] = given


def _fields_unchecked(cls: type) -> type:
    """At runtime `Part` takes what a field is given, which is no Part."""
    no_type_check(cls.__init__)  # type: ignore[misc]
    return cls


@_fields_unchecked
@dataclass(frozen=True, kw_only=True)
class Splits:
    """A data set cut into three, with a sentence that says where it comes from.

    Whoever needs the test set alone, as an export does, does not wait for a training set given as a function.
    """

    train: Part = Part()
    validation: Part = Part()
    test: Part = Part()
    name: str
    classes: int
    provenance: str


@dataclass(frozen=True)
class RawEvents:
    """Events as a sensor sends them, of n samples: sample i owns `[offsets[i]:offsets[i+1]]`, in order of time.

    times in µs; features as in `EventSet`.
    """

    offsets: Int64[np.ndarray, "bounds"]
    times: Int64[np.ndarray, "k"]
    features: Features

    def __len__(self) -> int:
        return len(self.offsets) - 1


def join(parts: Sequence[RawEvents]) -> RawEvents:
    """The samples of all parts, one after the other."""
    lengths = np.concatenate([np.diff(part.offsets) for part in parts]) if parts else np.zeros(0, np.int64)
    return RawEvents(
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        times=np.concatenate([part.times for part in parts]) if parts else np.zeros(0, np.int64),
        features=np.concatenate([part.features for part in parts]) if parts else np.zeros(0, np.uint16),
    )


def feature_of(
    x: Int64[np.ndarray, "k"], y: Int64[np.ndarray, "k"], polarity: Int64[np.ndarray, "k"]
) -> UInt16[np.ndarray, "k"]:
    """Position on the feature axis: polarity * 34 * 34 + y * 34 + x."""
    _, rows, columns = SENSOR
    return ((polarity * rows + y) * columns + x).astype(np.uint16)


def bin_events(
    raw: RawEvents,
    labels: Int64[np.ndarray, "n"],
    index: Int64[np.ndarray, "n"],
    *,
    steps: int,
    step_ms: float,
    sensor: tuple[int, ...] = SENSOR,
) -> EventSet:
    """Bin events to steps: step = floor(time / step_ms), one spike however many events fall in the same bin.

    Events at or past `steps * step_ms` are dropped (with the defaults, 300 ms of recordings of about 306 ms:
    0.2 % of N-MNIST's events).
    """
    from basalt.train.data.kernels import bin_samples

    count = int(np.prod(sensor))
    binning = bin_samples if feature_type(count) is np.uint16 else _binned
    offsets, features, times = binning(raw.offsets, raw.times, raw.features, count, steps, step_ms * 1000.0)
    return EventSet(
        offsets=offsets,
        features=features,
        times=times,
        labels=np.asarray(labels, np.int64),
        steps=steps,
        step_ms=step_ms,
        index=np.asarray(index, np.int64),
        sensor=sensor,
    )


def _binned(
    offsets: Int64[np.ndarray, "bounds"],
    times: Int64[np.ndarray, "k"],
    features: Features,
    feature_count: int,
    steps: int,
    step_us: float,
) -> tuple[Int64[np.ndarray, "bounds"], Features, UInt16[np.ndarray, "kept"]]:
    """`kernels.bin_samples` by sorting: its time and memory grow with the events and not with the features."""
    bounds, parts = [0], []
    for low, high in pairwise(offsets):
        step = (times[low:high] / step_us).astype(np.int64)
        early = step < steps
        parts.append(np.unique(features[low:high][early].astype(np.int64) * steps + step[early]))
        bounds.append(bounds[-1] + len(parts[-1]))
    pairs = np.concatenate(parts) if parts else np.zeros(0, np.int64)
    kept = (pairs // steps).astype(feature_type(feature_count)), (pairs % steps).astype(np.uint16)
    return np.array(bounds, np.int64), *kept
