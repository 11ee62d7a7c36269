"""Sequential and permuted MNIST: an image as 784 graded values, one pixel per step.

`smnist` reads row by row, `psmnist` in a fixed random order (numpy's RandomState of `permutation_seed`, whose stream is
frozen). A pixel has `bits` bits, 7 by default: 0 to 127. The splits are those of `basalt.train.data.mnist`.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Int64, UInt8

from basalt.errors import BasaltError
from basalt.train.data.config import DataConfig
from basalt.train.data.events import Splits, Which
from basalt.train.data.mnist import read, split

PIXELS = 28 * 28


@dataclass(frozen=True, eq=False)
class PixelSet:
    """Images that are sent one pixel per step; what `EventSet` is for events.

    Attributes:
        images: as they are, 0 to 255.
        order: the pixel of each step.
        bits: kept of each pixel.
        labels, index: classes, and positions in the set that the images come from.
    """

    images: UInt8[np.ndarray, "n 28 28"]
    order: Int64[np.ndarray, "784"]
    bits: int
    labels: Int64[np.ndarray, "n"]
    index: Int64[np.ndarray, "n"]
    step_ms: float = 1.0
    steps: int = PIXELS
    sensor: tuple[int, ...] = (1, 1, 1)
    features_count: int = 1

    def __len__(self) -> int:
        return len(self.labels)

    def dense(self, which: Which = slice(None)) -> UInt8[np.ndarray, "batch 1 784"]:
        """Graded input of the chosen samples."""
        images = self.images[np.atleast_1d(np.arange(len(self))[which])]
        return images.reshape(len(images), -1)[:, None, self.order] >> (8 - self.bits)

    def subset(self, which: Which) -> "PixelSet":
        """The chosen samples as a set of their own."""
        at = np.atleast_1d(np.arange(len(self))[which])
        return PixelSet(self.images[at], self.order, self.bits, self.labels[at], self.index[at], self.step_ms)


def load(config: DataConfig, data_dir: Path) -> Splits:
    """Train, validation and test sequences.

    Raises:
        BasaltError: MNIST isn't in `data_dir` or is damaged, or the recipe wants another number of steps.
    """
    if config.steps != PIXELS:
        raise BasaltError(f"{config.name} has {PIXELS} steps, a pixel each: set data.steps to {PIXELS}.")
    mnist, permuted = read(data_dir), config.name == "psmnist"
    order = np.random.RandomState(config.permutation_seed).permutation(PIXELS) if permuted else np.arange(PIXELS)
    train, validation = split(mnist.y_train, config.exclude_first)
    part = partial(PixelSet, order=order, bits=config.bits, step_ms=config.step_ms)
    return Splits(
        train=part(mnist.x_train[t := train[: config.limit]], labels=mnist.y_train[t], index=t),
        validation=part(mnist.x_train[validation], labels=mnist.y_train[validation], index=validation),
        test=part(mnist.x_test, labels=mnist.y_test, index=np.arange(len(mnist.y_test))),
        name=config.name,
        classes=10,
        provenance=f"MNIST, a pixel of {config.bits} bits a step"
        + (f", in the order of permutation {config.permutation_seed}" if permuted else ""),
    )
