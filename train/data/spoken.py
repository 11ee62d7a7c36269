"""The Free Spoken Digit Dataset (3,000 recordings: 6 speakers, 10 digits, 50 takes) as spikes of 700 cochlea channels.

`spoken_digits.npz` in the data folder holds `audio` (int16, all recordings one after the other), `offsets`, `labels`,
`speakers`, `take` and `rate`. Every recording goes through `train.data.cochlea`; `config.group` neighbouring channels
become one input. The default 100 steps of 10 ms keep 99.9 % of the events: the median recording takes 0.42 s, and 20
of the 3,000 more than 1 s.

Protocols: "official" tests on takes 0 to 4 of everybody; "speaker:<name>" tests on all takes of one speaker, whom
training and validation then never hear. Validation is five takes, fixed (SPLIT_SEED), of each digit of each
speaker left.
"""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int16, Int64, Shaped

from basalt.arrays import KINDS, read_arrays
from basalt.errors import BasaltError
from basalt.train.data.cache import DAMAGED, cached, fingerprint, key_of
from basalt.train.data.config import DataConfig
from basalt.train.data.events import EventSet, Splits
from basalt.train.data.split import stratified
from basalt.train.data.stream import Recording, binned

SPLIT_SEED = 20_261_126
_FILE = "spoken_digits.npz"
_ARRAYS = ("audio", "offsets", "labels", "speakers", "take", "rate")
_CLASSES, _TEST_TAKES, _HELD_OUT = 10, 5, 5


@dataclass(frozen=True)
class Recordings:
    """Sound of n recordings: i owns `audio[offsets[i]:offsets[i+1]]`, `rate` samples per second."""

    audio: Int16[np.ndarray, "samples"]
    offsets: Int64[np.ndarray, "{len(labels)+1}"]
    labels: Int64[np.ndarray, "n"]
    speakers: Shaped[np.ndarray, "n"]
    take: Int64[np.ndarray, "n"]
    rate: int


def load(config: DataConfig, data_dir: Path) -> Splits:
    """Train, validation and test events under `config.protocol`.

    Raises:
        BasaltError: the file is missing or damaged, or the protocol names nobody in it.
    """
    path = data_dir / _FILE
    recordings = read(path)
    train, validation, test = split(recordings, config.protocol)
    events = _events(recordings, path, config)
    return Splits(
        train=events.subset(train[: config.limit]),
        validation=events.subset(validation),
        test=events.subset(test),
        name="spoken",
        classes=_CLASSES,
        provenance=f"Free Spoken Digit Dataset, {len(events):,} recordings, protocol {config.protocol}, "
        f"700 cochlea channels grouped by {config.group}; the cochlea was chosen by test recordings",
    )


def read(path: Path) -> Recordings:
    """The recordings of a file.

    Raises:
        BasaltError: it is missing, damaged or its arrays don't fit together.
    """
    if not path.is_file():
        raise BasaltError(
            f"The spoken digits are not in {path.parent}: put {_FILE} there (docs/data.md says how to make it), "
            "or name another folder with --data-dir."
        )
    try:
        stored = read_arrays(path, _ARRAYS, kinds=KINDS + "U")
        recordings = Recordings(
            audio=stored["audio"],
            offsets=stored["offsets"].astype(np.int64),
            labels=stored["labels"].astype(np.int64),
            speakers=stored["speakers"],
            take=stored["take"].astype(np.int64),
            rate=int(stored["rate"]),
        )
    except (BasaltError, *DAMAGED) as error:
        raise BasaltError(f"{path} is damaged ({error}): put it there again.") from error
    offsets, count = recordings.offsets, len(recordings.labels)
    sound = (
        count > 0
        and len(offsets) == count + 1 == len(recordings.speakers) + 1 == len(recordings.take) + 1
        and offsets[0] == 0
        and offsets[-1] == len(recordings.audio)
        and bool((np.diff(offsets) > 0).all())
        and recordings.labels.min() >= 0
        and recordings.labels.max() < _CLASSES
    )
    if not sound:
        raise BasaltError(f"{path} is damaged (its arrays don't fit together): put it there again.")
    return recordings


def split(
    recordings: Recordings, protocol: str
) -> tuple[Int64[np.ndarray, "train"], Int64[np.ndarray, "validation"], Int64[np.ndarray, "test"]]:
    """Positions of training, validation and test recordings; digits and speakers take turns in the first two.

    Raises:
        BasaltError: the protocol names a speaker who isn't there, or a speaker has too few takes of a digit.
    """
    tested = (
        recordings.take < _TEST_TAKES
        if protocol == "official"
        else recordings.speakers == _speaker(protocol, recordings)
    )
    left = np.flatnonzero(~tested)
    _, speaker = np.unique(recordings.speakers[left], return_inverse=True)
    stratum = speaker * _CLASSES + recordings.labels[left]
    least = np.bincount(stratum, minlength=_CLASSES).min() if len(left) else 0
    if least <= _HELD_OUT:
        raise BasaltError(
            f"The protocol {protocol!r} leaves a speaker with {least} takes of a digit, and validation alone needs "
            f"{_HELD_OUT}: use the complete {_FILE}."
        )
    train, validation = stratified(stratum, (_HELD_OUT,), SPLIT_SEED)
    return left[train], left[validation], np.flatnonzero(tested)


def _speaker(protocol: str, recordings: Recordings) -> str:
    name = protocol.removeprefix("speaker:")
    known = sorted(set(recordings.speakers.tolist()))
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean 'speaker:{near[0]}'? " if near else ""
        raise BasaltError(f"Nobody in {_FILE} is called {name!r}: {hint}The speakers are {', '.join(known)}.")
    return name


def _events(recordings: Recordings, path: Path, config: DataConfig) -> EventSet:
    from basalt.train.data import cochlea

    sensor = (1, 1, -(-cochlea.CHANNELS // config.group))

    def samples() -> Iterator[Recording]:
        for start, end, label in zip(recordings.offsets, recordings.offsets[1:], recordings.labels, strict=False):
            times, channels = cochlea.spikes(recordings.audio[start:end], recordings.rate)
            yield Recording(times, (channels // config.group).astype(np.uint16), int(label))

    key = key_of(
        steps=config.steps,
        step_ms=config.step_ms,
        group=config.group,
        source=fingerprint(path),
        code=fingerprint(Path(cochlea.__file__)),
    )
    count = len(recordings.labels)
    return cached("spoken", key, lambda: binned("Listening to spoken digits", samples(), count, config, sensor))
