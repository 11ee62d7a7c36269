"""Sounds of one's own: a folder of .wav or .flac files per class, as spikes of 700 cochlea channels.

`config.path` is a folder as of `folders`; `config.groups` names speakers by a pattern of the path, so that nobody is
heard in two splits. Every file goes through `train.data.cochlea`; several channels become their mean, and
`config.group` neighbouring channels of the cochlea become one input.
"""

import os
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

import numpy as np
from jaxtyping import Int16

from basalt.errors import BasaltError
from basalt.opening import memory_limit, opened, too_large
from basalt.train.data.cache import cached, fingerprint, key_of, state_of
from basalt.train.data.config import DataConfig
from basalt.train.data.events import EventSet, Splits
from basalt.train.data.folders import Listing, divided, listed, place
from basalt.train.data.sets import CHANNELS, Shape
from basalt.train.data.stream import Recording, binned

ENDINGS = (".wav", ".flac")
RATE_MOST = 192_000
CHANNELS_MOST = 64
FULL = 1 << 15
"""What 1.0 is in integers of 16 bits."""
UNSTATED = (0, (1 << 32) - 1)
"""Sizes in the header of a file that was written to a pipe."""


def load(config: DataConfig, data_dir: Path) -> Splits:
    """Train, validation and test sounds of the folder that `config.path` names.

    Raises:
        BasaltError: files are missing, damaged, or too few; the message names the file.
    """
    listing = listed(place(config, data_dir), ENDINGS)
    events = heard(listing, config)
    train, validation, test = divided(listing, config)
    how = "by group" if config.groups else "as in their folders" if listing.parts else "by file"
    return Splits(
        train=events.subset(train[: config.limit]),
        validation=events.subset(validation),
        test=events.subset(test),
        name="sounds",
        classes=len(listing.classes),
        provenance=f"{len(events):,} sounds of {listing.summary()}, split {how}, {CHANNELS} cochlea channels grouped "
        f"by {config.group}",
    )


def shape(config: DataConfig, data_dir: Path) -> Shape:
    """The grouped channels, and the number of classes.

    Raises:
        BasaltError: as of `load`.
    """
    return Shape((1, 1, -(-CHANNELS // config.group)), len(listed(place(config, data_dir), ENDINGS).classes))


def heard(listing: Listing, config: DataConfig) -> EventSet:
    """All sounds of a folder, from the cache if it has them."""
    from basalt.train.data import cochlea

    def samples() -> Iterator[Recording]:
        for path, label in zip(listing.files, listing.labels.tolist(), strict=True):
            times, channels = cochlea.spikes(*read(path))
            yield Recording(times, (channels // config.group).astype(np.uint16), label)

    key = key_of(
        steps=config.steps,
        step_ms=config.step_ms,
        group=config.group,
        labels=listing.labels.tolist(),
        source=state_of(listing.files, listing.root),
        code=fingerprint(Path(__file__), Path(cochlea.__file__)),
    )
    sensor, count = (1, 1, -(-CHANNELS // config.group)), len(listing.files)
    return cached("sounds", key, lambda: binned(f"Listening to {listing.root.name}", samples(), count, config, sensor))


def read(path: Path) -> tuple[Int16[np.ndarray, "samples"], int]:
    """The sound of a file and its rate in Hz.

    Raises:
        BasaltError: it cannot be read, is damaged or empty, or its rate is none that the cochlea hears.
    """
    import soundfile

    from basalt.train.data.cochlea import HIGHEST_HZ

    with opened(path) as file:
        if cut_off(file):
            raise BasaltError(f"The sound {path} is cut off: put it there again.")
        try:
            with soundfile.SoundFile(file) as sound:
                rate, count = sound.samplerate, sound.frames * sound.channels
                if not 2 * HIGHEST_HZ <= rate <= RATE_MOST:
                    raise BasaltError(
                        f"The sound {path} has {rate:,} samples a second, and the cochlea hears "
                        f"{2 * HIGHEST_HZ:,.0f} to {RATE_MOST:,}: resample it."
                    )
                if sound.channels > CHANNELS_MOST or count < 0:
                    raise BasaltError(f"The sound {path} has {sound.channels} channels: leave it out.")
                if 4 * count > memory_limit():
                    raise too_large(path, "the sound", 4 * count, memory_limit())
                audio = sound.read(dtype="float32", always_2d=True)
        except (RuntimeError, OSError, ValueError, TypeError) as error:
            raise BasaltError(f"The sound {path} is damaged or no {path.suffix} file: put it there again.") from error
    if not len(audio):
        raise BasaltError(f"The sound {path} is empty: leave it out.")
    if not np.isfinite(audio).all():
        raise BasaltError(f"The sound {path} is damaged (not all of its values are numbers): put it there again.")
    mean = audio.mean(axis=1, dtype=np.float64) * FULL
    return np.clip(np.rint(mean), -FULL, FULL - 1).astype(np.int16), rate


def cut_off(file: BufferedReader) -> bool:
    """Whether a RIFF file is shorter than it says, which libsndfile takes for its end."""
    head = file.read(8)
    size = os.fstat(file.fileno()).st_size
    file.seek(0)
    stated = int.from_bytes(head[4:], "little")
    return head[:4] == b"RIFF" and stated not in UNSTATED and stated + 8 > size + 1
