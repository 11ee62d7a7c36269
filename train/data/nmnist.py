"""Real recordings: N-MNIST (Orchard et al. 2015), decoded by tonic.

The folder `NMNIST` of the data folder holds `Train/<digit>/<number>.bin` and `Test/<digit>/<number>.bin`. In the
complete set number - 1 is the image's position in MNIST's training or test set. A part of the set is used as it is, and
said so.
"""

import socket
import urllib.error
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64

from basalt.errors import BasaltError
from basalt.opening import read_bytes
from basalt.train.data.cache import cached, key_of, note, state_of
from basalt.train.data.config import DataConfig
from basalt.train.data.events import EventSet, RawEvents, Splits, bin_events, concatenate, feature_of
from basalt.train.data.sets import SENSOR
from basalt.train.data.split import stratified

SPLIT_SEED = 20_261_123
_CLASSES = 10
_COMPLETE = {"Train": 60_000, "Test": 10_000}
_PATIENCE = 30.0
_LARGEST = 1 << 18
"""Bytes of a recording, of 5 for each event: several times those of the longest one."""
_CALIBRATED = "; the simulated camera was fitted on its recordings of MNIST's training images 0 to 399"


@dataclass(frozen=True)
class Recordings:
    """All recordings of a folder and the part, "Train" or "Test", that each came from; `events.index` is number - 1."""

    events: EventSet
    parts: np.ndarray


def load(config: DataConfig, data_dir: Path) -> Splits:
    """Train (less a tenth, at most 500 per class, for validation) and test recordings.

    Raises:
        BasaltError: recordings are missing or damaged and can't be downloaded.
    """
    train, test = (_binned(part, config, data_dir) for part in _COMPLETE)
    train = train.subset(np.flatnonzero(train.index >= config.exclude_first))
    least = int(np.bincount(train.labels, minlength=_CLASSES).min())
    if least < 2:
        raise BasaltError(
            f"{data_dir / 'NMNIST' / 'Train'} has fewer than two recordings of a digit after leaving out the first "
            f"{config.exclude_first}: put more there, or lower exclude_first."
        )
    first, validation = split(train.labels)
    return Splits(
        train=train.subset(first[: config.limit]),
        validation=train.subset(validation),
        test=test,
        name="nmnist",
        classes=_CLASSES,
        provenance=_provenance(data_dir),
    )


def split(labels: Int64[np.ndarray, "n"]) -> tuple[Int64[np.ndarray, "train"], Int64[np.ndarray, "validation"]]:
    """Positions of training and validation recordings among those of the Train folder; two of each class or more."""
    least = int(np.bincount(labels, minlength=_CLASSES).min())
    train, validation = stratified(labels, (min(500, max(1, least // 10)),), SPLIT_SEED)
    return train, validation


def numbered(part: str, data_dir: Path) -> Int64[np.ndarray, "n 2"]:
    """Number - 1 and digit of the recordings in a folder, by number; none if there is no such folder."""
    found = [(_index(path), _label(path)) for path in _files(part, data_dir)]
    return np.array(sorted(found), np.int64).reshape(-1, 2)


def recordings(config: DataConfig, data_dir: Path) -> Recordings:
    """All recordings, of both parts, for tests of networks trained on simulated events.

    Raises:
        BasaltError: as `load`.
    """
    parts = {part: _binned(part, config, data_dir) for part in _COMPLETE}
    both = list(parts.values())
    return Recordings(events=concatenate(both), parts=np.repeat(list(parts), [len(part) for part in both]))


def read(
    part: str, data_dir: Path, advance: Callable[[int], None] | None = None
) -> tuple[RawEvents, Int64[np.ndarray, "n"], Int64[np.ndarray, "n"]]:
    """Raw events, labels and indices of "Train" or "Test", in order of the index.

    Raises:
        BasaltError: recordings are missing or damaged.
    """
    from tonic.datasets import NMNIST
    from tonic.io import read_mnist_file

    ensure(data_dir)
    files = sorted(_files(part, data_dir), key=_index)
    lengths, times, features = [], [], []
    for path in files:
        content = read_bytes(path, _LARGEST)
        if len(content) % 5:
            raise BasaltError(f"The recording {path} is cut off: put it there again.")
        events = read_mnist_file(BytesIO(content), NMNIST.dtype, is_stream=True)
        x, y = events["x"], events["y"]
        if len(events) and (x.max() >= SENSOR[2] or y.max() >= SENSOR[1]):
            raise BasaltError(f"The recording {path} has events outside 34 x 34 pixels: put it there again.")
        lengths.append(len(events))
        times.append(events["t"].astype(np.int64))
        features.append(feature_of(x, y, events["p"]))
        if advance is not None:
            advance(1)
    raw = RawEvents(
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        times=np.concatenate(times),
        features=np.concatenate(features),
    )
    labels, index = ([of(path) for path in files] for of in (_label, _index))
    return raw, np.array(labels, np.int64), np.array(index, np.int64)


def ensure(data_dir: Path) -> None:
    """Check that both parts have recordings; download them if there are none at all.

    Raises:
        BasaltError: a part is missing, or nothing is there and the download fails.
    """
    counts = {part: len(_files(part, data_dir)) for part in _COMPLETE}
    place = data_dir / "NMNIST"
    wanted = (
        f"put N-MNIST's Train/<digit>/*.bin and Test/<digit>/*.bin into {place}, or name its parent with --data-dir"
    )
    if not any(counts.values()):
        _download(data_dir, wanted)
        counts = {part: len(_files(part, data_dir)) for part in _COMPLETE}
    empty = [part for part, count in counts.items() if count == 0]
    if empty:
        raise BasaltError(f"N-MNIST in {place} has no recordings in {' and '.join(empty)}: {wanted}.")


def _binned(part: str, config: DataConfig, data_dir: Path) -> EventSet:
    ensure(data_dir)
    files = _files(part, data_dir)
    if len(files) != _COMPLETE[part]:
        note(f"N-MNIST: {len(files):,} of {_COMPLETE[part]:,} recordings in {data_dir / 'NMNIST' / part}; using those.")

    def build() -> EventSet:
        from basalt.train.data.progress import progress

        with progress(f"Reading N-MNIST {part}", len(files)) as advance:
            raw, labels, index = read(part, data_dir, advance)
        return bin_events(raw, labels, index, steps=config.steps, step_ms=config.step_ms)

    key = key_of(steps=config.steps, step_ms=config.step_ms, source=state_of(files, data_dir))
    return cached(f"nmnist-{part.lower()}", key, build)


def _files(part: str, data_dir: Path) -> list[Path]:
    return sorted((data_dir / "NMNIST" / part).glob("[0-9]/*.bin"))


def _index(path: Path) -> int:
    """Number - 1.

    Raises:
        BasaltError: the name is not a number.
    """
    if not (path.stem.isascii() and path.stem.isdecimal() and len(path.stem) < 10):
        raise BasaltError(f"The recording {path} is not named by a number: rename it, or remove it.")
    return int(path.stem) - 1


def _label(path: Path) -> int:
    return int(path.parent.name)


def _provenance(data_dir: Path) -> str:
    counts = {part: len(_files(part, data_dir)) for part in _COMPLETE}
    if counts == _COMPLETE:
        return f"N-MNIST, real recordings, complete{_CALIBRATED}"
    in_part = " and ".join(f"{count:,} of {_COMPLETE[part]:,} in {part}" for part, count in counts.items())
    return f"N-MNIST, real recordings, in part: {in_part}{_CALIBRATED}"


def _download(data_dir: Path, wanted: str) -> None:
    import tonic.datasets

    note(f"N-MNIST is not in {data_dir / 'NMNIST'}: downloading it (1.1 GB).")
    try:
        with _socket_timeout():
            for train in (True, False):
                tonic.datasets.NMNIST(save_to=str(data_dir), train=train)
    except (OSError, RuntimeError, urllib.error.URLError) as error:
        raise BasaltError(
            f"N-MNIST is not in {data_dir / 'NMNIST'} and can't be downloaded ({error}): {wanted}."
        ) from error


@contextmanager
def _socket_timeout() -> Any:
    """A network that doesn't answer is an error after a while, not a wait without end."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_PATIENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
