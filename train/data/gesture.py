"""DVS-Gesture (Amir et al. 2017): 11 gestures of arms and hands before a 128 x 128 event camera, read through tonic.

The test recordings are of six people who are in no other part; validation is a fixed tenth of each class of the
training recordings (SPLIT_SEED). Blocks of `config.group` x `config.group` pixels become one input of each polarity.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from basalt.errors import BasaltError
from basalt.train.data.cache import cached, fingerprint, key_of, state_of
from basalt.train.data.config import DataConfig
from basalt.train.data.events import EventSet, Splits
from basalt.train.data.split import stratified
from basalt.train.data.stream import Recording, binned

SPLIT_SEED = 20_261_125
PIXELS = 128
_CLASSES = 11
_FOLDERS = {"train": "ibmGestureTrain", "test": "ibmGestureTest"}


def load(config: DataConfig, data_dir: Path) -> Splits:
    """Train, validation and test recordings.

    Raises:
        BasaltError: recordings are missing or damaged, or there are fewer than two of a class.
    """
    place = data_dir / "DVSGesture"
    empty = [folder for folder in _FOLDERS.values() if not _files(place / folder)]
    if empty:
        raise BasaltError(
            f"DVS-Gesture has no recordings in {' and '.join(empty)}: unpack tonic's archives (ibmGestureTrain.tar.gz "
            f"and ibmGestureTest.tar.gz: user*_*/<label>.npy) into {place}, or name its parent with --data-dir."
        )
    train, test = (_events(part, config, data_dir) for part in _FOLDERS)
    least = np.bincount(train.labels, minlength=_CLASSES).min()
    if least < 2:
        raise BasaltError(
            f"{place / _FOLDERS['train']} has fewer than two recordings of a class: put the complete set there."
        )
    first, validation = stratified(train.labels, (max(1, int(least) // 10),), SPLIT_SEED)
    return Splits(
        train=train.subset(first[: config.limit]),
        validation=train.subset(validation),
        test=test,
        name="gesture",
        classes=_CLASSES,
        provenance=f"DVS-Gesture, {len(train) + len(test):,} recordings, blocks of {config.group} x {config.group} "
        "pixels",
    )


def _events(part: str, config: DataConfig, data_dir: Path) -> EventSet:
    folder = data_dir / "DVSGesture" / _FOLDERS[part]
    side = -(-PIXELS // config.group)

    def build() -> EventSet:
        reader = _tonic(part, data_dir)
        samples = _samples(reader, config.group, side)
        return binned(f"Reading {folder.name}", samples, len(reader), config, (2, side, side))

    key = key_of(
        steps=config.steps,
        step_ms=config.step_ms,
        group=config.group,
        source=state_of(_files(folder), data_dir),
        code=fingerprint(Path(__file__)),
    )
    return cached(f"gesture-{part}", key, build)


def _samples(reader: Any, group: int, side: int) -> Iterator[Recording]:
    """Recordings in order of their paths: tonic's order is the file system's."""
    for position in np.argsort(reader.data):
        path, label = reader.data[position], reader.targets[position]
        try:
            events, _ = reader[position]
        except (OSError, ValueError, EOFError, IndexError) as error:
            raise BasaltError(f"The recording {path} is damaged ({error}): put it there again.") from error
        x, y, times = (events[axis].astype(np.int64) for axis in "xyt")
        inside = not len(events) or (min(x.min(), y.min(), times.min()) >= 0 and max(x.max(), y.max()) < PIXELS)
        if not inside or not 0 <= label < _CLASSES:
            raise BasaltError(
                f"The recording {path} has events outside {PIXELS} x {PIXELS} pixels or a label past {_CLASSES - 1}: "
                "put it there again."
            )
        features = (events["p"].astype(np.int64) * side + y // group) * side + x // group
        yield Recording(times, features.astype(np.uint16), label)


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("user*_*/[0-9]*.npy"))


def _tonic(part: str, data_dir: Path) -> Any:
    """tonic's reader, less its demand for the archives (without which it downloads) and for at least 100 files.

    tonic takes the folder's name from the class's, so the class keeps it; it uses numpy's recfunctions unimported.
    """
    import numpy.lib.recfunctions  # noqa: F401
    import tonic.datasets

    reader = type("DVSGesture", (tonic.datasets.DVSGesture,), {"_check_exists": lambda self: True})
    return reader(save_to=str(data_dir), train=part == "train")
