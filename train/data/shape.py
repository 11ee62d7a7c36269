"""What a network needs to know of a data set before it is loaded."""

from collections.abc import Callable
from dataclasses import dataclass

from basalt.train.data.config import SENSOR, STATIC, DataConfig

CHANNELS = 700
"""Of a cochlea."""
SIDE = 128
"""Rows and columns of the camera before which gestures were made."""


@dataclass(frozen=True)
class Shape:
    """Axes of the sensor, as `EventSet.sensor`, and the number of classes."""

    sensor: tuple[int, int, int]
    classes: int

    @property
    def features(self) -> int:
        """The length of the feature axis."""
        return self.sensor[0] * self.sensor[1] * self.sensor[2]


def _camera(config: DataConfig) -> tuple[int, int, int]:
    return SENSOR


def _pixel(config: DataConfig) -> tuple[int, int, int]:
    return (1, 1, 1)


def _cochlea(config: DataConfig) -> tuple[int, int, int]:
    return (1, 1, -(-CHANNELS // config.group))


def _blocks(config: DataConfig) -> tuple[int, int, int]:
    side = -(-SIDE // config.group)
    return (2, side, side)


def _image(config: DataConfig) -> tuple[int, int, int]:
    return (1, 28, 28)


def _channels(config: DataConfig) -> tuple[int, int, int]:
    return (1, 1, config.recall.channels + 1)


SHAPES: dict[str, tuple[Callable[[DataConfig], tuple[int, int, int]], int | None]] = {
    "digits": (_camera, 10),
    "mnist": (_camera, 10),
    "nmnist": (_camera, 10),
    "smnist": (_pixel, 10),
    "psmnist": (_pixel, 10),
    "spoken": (_cochlea, 10),
    "shd": (_cochlea, 20),
    "ssc": (_cochlea, 35),
    "gesture": (_blocks, 11),
    **dict.fromkeys(STATIC, (_image, 10)),
    "recall": (_channels, None),
}
"""Data set → its sensor, which `group` may make coarser, and classes; None where the configuration says how many."""


def shape(config: DataConfig) -> Shape:
    """The shape of the data set that `config` names."""
    sensor, classes = SHAPES[config.name]
    return Shape(sensor(config), config.recall.classes if classes is None else classes)
