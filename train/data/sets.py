"""The data sets, a row each: where one is loaded, and what a network or a recipe has to know of it before it is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

Sensor = tuple[int, int, int]

SENSOR = (2, 34, 34)
"""Axes of the sensor: polarity (0 = OFF, 1 = ON), rows y, columns x; as in N-MNIST."""
CHANNELS = 700
"""Of a cochlea."""
SIDE = 128
"""Rows and columns of the camera before which gestures were made."""


class Said(Protocol):
    """What a shape depends on of the configuration (`config.DataConfig`)."""

    @property
    def name(self) -> str:
        """Of the data set."""

    @property
    def group(self) -> int:
        """Neighbours that become one input."""

    @property
    def recall(self) -> Any:
        """The task of recall."""


@dataclass(frozen=True)
class DataSet:
    """A data set.

    Attributes:
        module: in `basalt.train.data`, with a function `load(config, data_dir) -> Splits`.
        sensor: its axes, as `EventSet.sensor`, which `group` may make coarser.
        classes: their number; None where the configuration says it.
        defaults: keys of the recipe's `[data]` table that default to something else.
        grouped: its inputs can be grouped.
        still: images that do not move.
    """

    module: str
    sensor: Callable[[Said], Sensor]
    classes: int | None
    defaults: Mapping[str, Any] = field(default_factory=dict)
    grouped: bool = False
    still: bool = False


def camera(config: Said) -> Sensor:
    """The simulated event camera, or N-MNIST's."""
    return SENSOR


def pixel(config: Said) -> Sensor:
    """One pixel per step."""
    return (1, 1, 1)


def cochlea(config: Said) -> Sensor:
    """Channels of sound."""
    return (1, 1, -(-CHANNELS // config.group))


def blocks(config: Said) -> Sensor:
    """Blocks of pixels of the camera of gestures."""
    side = -(-SIDE // config.group)
    return (2, side, side)


def image(config: Said) -> Sensor:
    """The pixels of an image."""
    return (1, 28, 28)


def channels(config: Said) -> Sensor:
    """Those of the recall task, and the go signal's."""
    return (1, 1, config.recall.channels + 1)


SOUND = {"step_ms": 10.0, "steps": 100, "group": 5}
STILL = {"step_ms": 1.0, "steps": 25}

SETS: dict[str, DataSet] = {
    "digits": DataSet("digits", camera, 10),
    "mnist": DataSet("mnist", camera, 10),
    "nmnist": DataSet("nmnist", camera, 10),
    "smnist": DataSet("pixels", pixel, 10),
    "psmnist": DataSet("pixels", pixel, 10),
    "spoken": DataSet("spoken", cochlea, 10, SOUND, grouped=True),
    "shd": DataSet("heidelberg", cochlea, 20, SOUND, grouped=True),
    "ssc": DataSet("heidelberg", cochlea, 35, {"step_ms": 4.0, "steps": 250, "group": 5}, grouped=True),
    "gesture": DataSet("gesture", blocks, 11, {"step_ms": 6.0, "steps": 1000, "group": 4}, grouped=True),
    "static_digits": DataSet("images", image, 10, STILL, still=True),
    "static_mnist": DataSet("images", image, 10, STILL, still=True),
    "static_fashion": DataSet("images", image, 10, STILL, still=True),
    "recall": DataSet("recall", channels, None, {"step_ms": 1.0}),
}
"""Name in a recipe → data set. 5 channels of 700 together make 140 of sounds, 4 pixels 32 × 32 of gestures."""

GROUPED = tuple(name for name, entry in SETS.items() if entry.grouped)
STATIC = tuple(name for name, entry in SETS.items() if entry.still)


@dataclass(frozen=True)
class Shape:
    """Axes of the sensor, as `EventSet.sensor`, and the number of classes."""

    sensor: Sensor
    classes: int

    @property
    def features(self) -> int:
        """The length of the feature axis."""
        return self.sensor[0] * self.sensor[1] * self.sensor[2]


def shape(config: Said) -> Shape:
    """The shape of the data set that `config` names."""
    found = SETS[config.name]
    return Shape(found.sensor(config), config.recall.classes if found.classes is None else found.classes)
