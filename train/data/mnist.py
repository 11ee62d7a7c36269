"""Full MNIST from the data folder, seen through the simulated camera.

Validation is a fixed stratified 5,000 of the 60,000 training images (SPLIT_SEED). `exclude_first = n` drops the
images 0..n-1 of the training set from training and validation: recordings of them can then be a test.
"""

import gzip
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Int64, UInt8

from basalt.arrays import read_arrays
from basalt.errors import BasaltError
from basalt.opening import MIB, opened
from basalt.train.data.cache import DAMAGED, fingerprint
from basalt.train.data.config import DataConfig
from basalt.train.data.events import EventSet, Splits
from basalt.train.data.film import film
from basalt.train.data.split import stratified

SPLIT_SEED = 20_261_122
_CLASSES, _HELD_OUT = 10, 500
_RAW = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


class Source(NamedTuple):
    """Where images in MNIST's format are.

    Attributes:
        title: for people.
        packed: the file that Keras has them in. folder: torchvision's, in whose `raw` four files are.
        origin: where to get them.
    """

    title: str
    packed: str
    folder: str
    origin: str


MNIST = Source("MNIST", "mnist.npz", "MNIST", "torchvision.datasets.MNIST downloads them")


class Mnist(NamedTuple):
    """The official images (0 to 255) and labels."""

    x_train: UInt8[np.ndarray, "training 28 28"]
    y_train: Int64[np.ndarray, "training"]
    x_test: UInt8[np.ndarray, "test 28 28"]
    y_test: Int64[np.ndarray, "test"]


def load(config: DataConfig, data_dir: Path) -> Splits:
    """Train, validation and test events.

    Raises:
        BasaltError: MNIST isn't in `data_dir`, is damaged, or `exclude_first` leaves nothing.
    """
    files = _files(data_dir, MNIST)
    images = read(data_dir)
    source = fingerprint(*files)
    train, validation = split(images.y_train, config.exclude_first)
    train = train[: config.limit]
    test, first_test = np.arange(len(images.y_test)), len(images.y_train)

    def part(name: str, x: np.ndarray, y: np.ndarray, which: np.ndarray, first_stream: int = 0) -> EventSet:
        return film(f"mnist-{name}", x, y, which, config, source=source, first_stream=first_stream)

    return Splits(
        train=lambda: part("train", images.x_train, images.y_train, train),
        validation=lambda: part("validation", images.x_train, images.y_train, validation),
        test=lambda: part("test", images.x_test, images.y_test, test, first_test),
        name="mnist",
        classes=_CLASSES,
        provenance=f"MNIST from {files[0].name}, without its first {config.exclude_first} training images, "
        "seen through the simulated event camera",
    )


def split(
    labels: Int64[np.ndarray, "n"], exclude_first: int = 0
) -> tuple[Int64[np.ndarray, "train"], Int64[np.ndarray, "validation"]]:
    """Positions of training and validation images among the 60,000, 55,000 and 5,000 of them less the first n.

    Raises:
        BasaltError: that leaves none.
    """
    train, validation = (part[part >= exclude_first] for part in stratified(labels, (_HELD_OUT,), SPLIT_SEED))
    if not len(train) or not len(validation):
        raise BasaltError(f"exclude_first = {exclude_first} leaves none of MNIST's 60,000 training images.")
    return train, validation


def read(data_dir: Path, source: Source = MNIST) -> Mnist:
    """Read the source's .npz file (keys x_train y_train x_test y_test) or torchvision's files in its folder's `raw`.

    Raises:
        BasaltError: neither is there, or it is damaged.
    """
    files, title = _files(data_dir, source), source.title
    try:
        arrays = _unpack(files[0]) if len(files) == 1 else [_idx(file) for file in files]
    except (BasaltError, *DAMAGED) as error:
        raise BasaltError(f"{files[0]} is damaged ({error}): put {title} there again.") from error
    x_train, y_train, x_test, y_test = arrays
    for images, labels in ((x_train, y_train), (x_test, y_test)):
        if images.shape != (len(labels), 28, 28) or images.dtype != np.uint8:
            raise BasaltError(f"{files[0]} does not hold {title}'s 28 x 28 images and labels: put {title} there again.")
    return Mnist(x_train, y_train.astype(np.int64), x_test, y_test.astype(np.int64))


def _files(data_dir: Path, source: Source) -> list[Path]:
    packed = data_dir / source.packed
    if packed.is_file():
        return [packed]
    raw = [data_dir / source.folder / "raw" / name for name in _RAW]
    found = [next((at for at in (path, path.with_name(path.name + ".gz")) if at.is_file()), None) for path in raw]
    present = [path for path in found if path is not None]
    if len(present) == len(_RAW):
        return present
    raise BasaltError(
        f"{source.title} is not in {data_dir}: put {source.packed} there (keys x_train, y_train, x_test, y_test) or "
        f"torchvision's folder {source.folder}/raw with its four files ({source.origin}), or name another folder with "
        "--data-dir."
    )


_LARGEST = 64 * MIB
"""Bytes of the largest file; the training images are 45 MiB."""


def _unpack(path: Path) -> list[np.ndarray]:
    stored = read_arrays(path, Mnist._fields)
    return [stored[name] for name in Mnist._fields]


def _idx(path: Path) -> np.ndarray:
    """An array of the IDX format: magic 0 0 8 rank, big-endian int32 sizes, bytes."""
    with opened(path) as file:
        content = (gzip.GzipFile(fileobj=file) if path.suffix == ".gz" else file).read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError(f"more than {_LARGEST:,} bytes")
    if content[:3] != b"\x00\x00\x08":
        raise ValueError("no IDX file of bytes")
    rank = content[3]
    sizes = np.frombuffer(content, ">i4", rank, 4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(sizes)
