"""Recordings of one's own: a folder of files per class, an .npz file of spikes, or a data set of torch or tonic.

`config.path` is a folder as of `folders`, of files as of `basalt.recordings`, or an .npz file with `spikes` (samples ×
features × steps, or samples × channels × height × width × steps; 0 or 1) and `labels`. `config.sensor`, `polarity`,
`crop`, `group`, `denoise_ms` and `start_ms` say what is seen of a recording (`basalt.recordings.view`).
"""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from basalt.arrays import archive, read_arrays
from basalt.errors import BasaltError
from basalt.recordings import read as reading
from basalt.recordings.arrays import of_columns
from basalt.recordings.view import View, look, sensor_of
from basalt.train.data.cache import cached, fingerprint, key_of, state_of
from basalt.train.data.config import DataConfig
from basalt.train.data.events import EventSet, Splits, feature_type
from basalt.train.data.folders import SPLIT_SEED, Listing, divided, listed, place
from basalt.train.data.sets import SEEN, Shape
from basalt.train.data.split import by_shares
from basalt.train.data.stream import Recording, binned

SPIKES = ".npz"
STEPS_MOST = 1 << 16


def load(config: DataConfig, data_dir: Path) -> Splits:
    """Train, validation and test samples of the files that `config.path` names.

    Raises:
        BasaltError: they are missing, damaged, of different sensors, or too few; the message names the file.
    """
    path = place(config, data_dir)
    if path.is_file():
        return of_file(path, config)
    listing = listed(path, tuple(reading.READERS))
    events = of_folder(listing, config)
    train, validation, test = divided(listing, config)
    how = "by group" if config.groups else "as in their folders" if listing.parts else "by file"
    return Splits(
        train=events.subset(train[: config.limit]),
        validation=events.subset(validation),
        test=events.subset(test),
        name="events",
        classes=len(listing.classes),
        provenance=f"{len(events):,} recordings ({listing.files[0].suffix}) of {listing.summary()}, split {how}",
    )


def shape(config: DataConfig, data_dir: Path) -> Shape:
    """The sensor as it is seen, and the number of classes; of one recording and the folders' names.

    Raises:
        BasaltError: as of `load`.
    """
    path = place(config, data_dir)
    if path.is_file():
        with archive(path) as found:
            lacking(path, found.names)
            sensor = sensor_of_spikes(path, found.header("spikes").shape, config)
        labels = read_arrays(path, ("labels",))["labels"]
        return Shape(sensor, int(checked(path, labels, len(labels)).max()) + 1)
    listing = listed(path, tuple(reading.READERS))
    return Shape(view_of(listing, config).shape(size_of(listing, config)), len(listing.classes))


def of_folder(listing: Listing, config: DataConfig) -> EventSet:
    """All recordings of a folder, from the cache if it has them."""
    view, size = view_of(listing, config), size_of(listing, config)
    key = key_of(
        steps=config.steps,
        step_ms=config.step_ms,
        view=repr(view),
        labels=listing.labels.tolist(),
        source=state_of(listing.files, listing.root),
        code=fingerprint(Path(__file__), *sorted(Path(reading.__file__).parent.glob("*.py"))),
    )
    title = f"Reading {listing.root.name}"
    count = len(listing.files)
    return cached("events", key, lambda: binned(title, samples(listing, view), count, config, view.shape(size)))


def samples(listing: Listing, view: View) -> Iterator[Recording]:
    """The recordings of a folder."""
    for path, label in zip(listing.files, listing.labels.tolist(), strict=True):
        yield seen(reading.read(path), view, path, label)


def seen(events: Any, view: View, path: Path, label: int) -> Recording:
    """What is seen of a recording."""
    found = look(events, view, path)
    kind = feature_type(found.shape[0] * found.shape[1] * found.shape[2])
    return Recording(found.times, found.inputs.astype(kind), label)


def view_of(listing: Listing, config: DataConfig) -> View:
    """How a folder's recordings are looked at: those of one sensor."""
    return view(config, size_of(listing, config))


def view(config: DataConfig, size: tuple[int, int] | None) -> View:
    """How recordings are looked at."""
    start = None if config.start_ms is None else round(config.start_ms * 1000)
    denoise = (config.denoise_ms or 0.0) * 1000.0
    return View(
        size, config.polarity or "both", config.crop, config.group, denoise, start, "data.sensor = [WIDTH, HEIGHT]"
    )


def size_of(listing: Listing, config: DataConfig) -> tuple[int, int]:
    """(width, height) of the sensor: as the recipe says it, or the first recording."""
    return config.sensor or said_by(listing.files[0], listing.files[0].stat().st_mtime_ns)


@cache
def said_by(path: Path, changed: int) -> tuple[int, int]:
    """What a recording says, of which `changed` is the time of its last change."""
    return sensor_of(reading.read(path), view(DataConfig(name="events"), None), path)


def of_file(path: Path, config: DataConfig) -> Splits:
    """Train, validation and test samples of an .npz file, cut by shares of each class.

    Raises:
        BasaltError: it is missing or damaged, its spikes are no zeros and ones, or the recipe asks for what recordings
            alone have.
    """
    with archive(path) as found:
        lacking(path, found.names)
        sensor = sensor_of_spikes(path, found.header("spikes").shape, config)
    arrays = read_arrays(path, ("spikes", "labels"))
    labels = checked(path, arrays["labels"], len(arrays["spikes"]))
    spikes = arrays["spikes"].reshape(len(labels), -1, arrays["spikes"].shape[-1])
    if not all(((one == 0) | (one == 1)).all() for one in spikes):
        raise BasaltError(
            f"{path}: `spikes` holds other values than 0 and 1, the events that training takes: write those."
        )
    events = of_spikes(spikes, labels, config, sensor)
    shares = [share for share in (config.validation, config.test) if isinstance(share, float)]
    counts = np.bincount(labels)
    if counts.min() < 3 or len(counts) < 2:
        raise BasaltError(
            f"{path} has {counts.min()} samples of the class {int(counts.argmin())} of {len(counts)}: three or more "
            "of each of two classes or more are needed, one of each split."
        )
    train, validation, test = by_shares(labels, shares, SPLIT_SEED)
    return Splits(
        train=events.subset(train[: config.limit]),
        validation=events.subset(validation),
        test=events.subset(test),
        name="events",
        classes=len(counts),
        provenance=f"{len(labels):,} samples of {path.name}, {len(counts)} classes, split by sample",
    )


def lacking(path: Path, names: Sequence[str]) -> None:
    """Refuse a file without spikes or labels."""
    for name in ("spikes", "labels"):
        if name not in names:
            raise BasaltError(
                f"{path} has no array `{name}`: it needs `spikes` (samples × features × steps) and `labels`; "
                "recordings as .npz files lie in a folder per class."
            )


def sensor_of_spikes(path: Path, found: tuple[int, ...], config: DataConfig) -> tuple[int, int, int]:
    """The sensor's axes of an array of spikes."""
    asked = [key for key in (*SEEN[1:], "groups") if getattr(config, key) not in (None, "both", 0.0)]
    if config.group != 1:
        asked.append("group")
    if asked:
        raise BasaltError(f"data.{asked[0]} is for recordings, and {path} holds spikes: leave it out.")
    if len(found) not in (3, 5) or 0 in found:
        raise BasaltError(
            f"{path}: `spikes` has the shape {found}, not (samples, features, steps) or (samples, channels, height, "
            "width, steps)."
        )
    if found[-1] > STEPS_MOST:
        raise BasaltError(f"{path}: `spikes` has {found[-1]:,} steps, and {STEPS_MOST:,} is the most: write fewer.")
    if len(found) == 5:
        return (found[1], found[2], found[3])
    if config.sensor is None:
        return (1, 1, found[1])
    width, height = config.sensor
    if found[1] % (width * height):
        raise BasaltError(f"{path}: `spikes` has {found[1]} features, which no sensor of {width} × {height} has.")
    return (found[1] // (width * height), height, width)


def checked(path: Path, labels: np.ndarray, count: int) -> np.ndarray:
    """Labels as they must be."""
    if (
        labels.shape != (count,)
        or labels.dtype.kind not in "ui"
        or not count
        or labels.min() < 0
        or labels.max() >= 1 << 16
    ):
        raise BasaltError(
            f"{path}: `labels` must be {count} integers from 0 to 65,535, and is {labels.dtype} {labels.shape}."
        )
    return labels.astype(np.int64)


def of_spikes(spikes: np.ndarray, labels: np.ndarray, config: DataConfig, sensor: tuple[int, int, int]) -> EventSet:
    """Spikes (samples × features × steps) as events; steps past `config.steps` are left out."""
    kind = feature_type(spikes.shape[1])
    features, times = [np.zeros(0, kind)], [np.zeros(0, np.uint16)]
    for one in spikes[:, :, : config.steps]:
        feature, step = np.nonzero(one)
        features.append(feature.astype(kind))
        times.append(step.astype(np.uint16))
    return EventSet(
        offsets=np.cumsum([len(part) for part in features]).astype(np.int64),
        features=np.concatenate(features),
        times=np.concatenate(times),
        labels=labels,
        steps=config.steps,
        step_ms=config.step_ms,
        index=np.arange(len(labels)),
        sensor=sensor,
    )


def from_datasets(
    config: DataConfig, train: Any, test: Any, validation: Any = None, classes: int | None = None
) -> Splits:
    """The splits of data sets of torch or tonic, in place of files.

    Each is a sequence of (sample, label): a sample is a structured array of events with the fields x, y (if its sensor
    has rows), t (µs) and p, as tonic's are, or an array or tensor of spikes (features × steps, or channels × height ×
    width × steps). The sensor's size is `config.sensor`, else the data set's `sensor_size`, as tonic has it.

    Args:
        config: of the name "events": steps, step_ms, and what is seen of recordings.
        validation: None for a share of `train`, `config.validation`.
        classes: their number; None for the largest label and one.

    Raises:
        BasaltError: a sample is neither, or does not fit the others.
    """
    whole = {"train": train, "test": test} | ({} if validation is None else {"validation": validation})
    made = {name: from_dataset(config, data, f"the {name} data set") for name, data in whole.items()}
    if validation is None:
        share = config.validation if isinstance(config.validation, float) else 0.1
        first, second = by_shares(made["train"].labels, (share,), SPLIT_SEED)
        made |= {"validation": made["train"].subset(second), "train": made["train"].subset(first)}
    count = classes or 1 + max(int(part.labels.max(initial=0)) for part in made.values())
    told = type(train).__name__
    return Splits(
        train=made["train"].subset(slice(config.limit)),
        validation=made["validation"],
        test=made["test"],
        name="events",
        classes=count,
        provenance=f"{told}, {sum(map(len, made.values())):,} samples given from Python",
    )


def from_dataset(config: DataConfig, data: Any, title: str = "the data set") -> EventSet:
    """One data set of torch or tonic as events; see `from_datasets`."""
    sizes = getattr(data, "sensor_size", None)
    size = config.sensor or (None if sizes is None else (int(sizes[0]), int(sizes[1])))
    how = view(config, size)
    parts: list[EventSet] = []
    found: list[Recording] = []
    for position, (sample, label) in enumerate(shown(data, title)):
        path = Path(f"sample {position} of {title}")
        values = np.asarray(sample)
        if values.dtype.names:
            columns = {name: values[name] for name in values.dtype.names}
            found.append(
                seen(of_columns(path, {"y": np.zeros(len(values), np.int16)} | columns), how, path, int(label))
            )
        elif values.ndim in (2, 4) and np.isin(values, (0, 1)).all():
            axes = values.shape[:-1] if values.ndim == 4 else (1, 1, values.shape[0])
            flat = values.reshape(1, -1, values.shape[-1])
            parts.append(of_spikes(flat, np.array([int(label)]), config, axes))
        else:
            raise BasaltError(
                f"{path} is neither a structured array of events nor spikes of 0 and 1 (features × steps): give those."
            )
    return joined(config, parts, found, how, title)


def shown(data: Any, title: str) -> Iterator[tuple[Any, Any]]:
    """The items of a data set, with a bar for what takes long."""
    from basalt.train.data.progress import progress

    with progress(f"Reading {title}", len(data)) as advance:
        for position in range(len(data)):
            yield data[position]
            advance(1)


def joined(config: DataConfig, parts: list[EventSet], found: list[Recording], how: View, title: str) -> EventSet:
    """One set of samples that are all of one kind and size."""
    from basalt.train.data.events import concatenate

    if bool(parts) == bool(found) or len({part.sensor for part in parts}) > 1:
        what = "holds no samples" if not parts and not found else "mixes samples of different kinds or sizes"
        raise BasaltError(f"{title} {what}: give samples of one kind and size.")
    if found:
        assert how.size is not None
        return binned(f"Reading {title}", found, len(found), config, how.shape(how.size))
    whole = concatenate(parts)
    return EventSet(
        whole.offsets, whole.features, whole.times, whole.labels, whole.steps, whole.step_ms, np.arange(len(whole)),
        whole.sensor,
    )  # fmt: skip
