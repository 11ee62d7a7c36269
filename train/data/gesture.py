"""DVS-Gesture (Amir et al. 2017): 11 gestures of arms and hands before a 128 x 128 event camera, as tonic unpacks them.

The test recordings are of six people who are in no other part; validation is a fixed tenth of each class of the
training recordings (SPLIT_SEED). Blocks of `config.group` x `config.group` pixels become one input of each polarity.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from basalt.arrays import read_array
from basalt.errors import BasaltError
from basalt.train.data.cache import cached, fingerprint, key_of, state_of
from basalt.train.data.config import DataConfig
from basalt.train.data.events import EventSet, Splits
from basalt.train.data.split import stratified
from basalt.train.data.stream import Recording, binned

SPLIT_SEED = 20_261_125
PIXELS = 128
_CLASSES = 11
_LATEST = 1 << 40
"""Milliseconds; later than any recording."""
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
        files = _files(folder)
        samples = _samples(files, config.group, side)
        return binned(f"Reading {folder.name}", samples, len(files), config, (2, side, side))

    key = key_of(
        steps=config.steps,
        step_ms=config.step_ms,
        group=config.group,
        source=state_of(_files(folder), data_dir),
        code=fingerprint(Path(__file__)),
    )
    return cached(f"gesture-{part}", key, build)


def _samples(files: Sequence[Path], group: int, side: int) -> Iterator[Recording]:
    """Recordings: rows of x, y, polarity and milliseconds."""
    for path in files:
        try:
            rows = read_array(path)
        except BasaltError as error:
            raise BasaltError(f"The recording {path} is damaged ({error}): put it there again.") from error
        label = int(path.stem) if path.stem.isdecimal() and len(path.stem) < 3 else _CLASSES
        if rows.ndim != 2 or rows.shape[1] != 4 or label >= _CLASSES or not _inside(rows):
            raise BasaltError(
                f"The recording {path} has events outside {PIXELS} x {PIXELS} pixels or a label past {_CLASSES - 1}: "
                "put it there again."
            )
        x, y, polarity = (rows[:, axis].astype(np.int64) for axis in range(3))
        features = ((polarity != 0) * side + y // group) * side + x // group
        yield Recording((rows[:, 3] * 1000).astype(np.int64), features.astype(np.uint16), label)


def _inside(rows: np.ndarray) -> bool:
    """Whether all values are numbers, pixels are the camera's and times can be."""
    pixels, times = rows[:, :2], rows[:, 3]
    return bool(((pixels >= 0) & (pixels < PIXELS)).all() and ((times >= 0) & (times < _LATEST)).all())


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("user*_*/[0-9]*.npy"), key=str)
