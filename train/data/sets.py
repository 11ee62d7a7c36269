"""The data sets, a row each: where one is loaded, and what a network or a recipe has to know of it before it is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
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
        sensor: its axes, as `EventSet.sensor`, which `group` may make coarser; None where files alone say it, and
            `module` has a function `shape(config, data_dir) -> Shape`.
        classes: their number; None where the configuration says it.
        defaults: keys of the recipe's `[data]` table that default to something else.
        keys: of `OWNED`, those that mean something to it.
        about: what it is, for people.
    """

    module: str
    sensor: Callable[[Said], Sensor] | None
    classes: int | None
    about: str
    defaults: Mapping[str, Any] = field(default_factory=dict)
    keys: tuple[str, ...] = ()


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
SHARES = {"test": 0.2, "validation": 0.1}
SEEN = ("sensor", "polarity", "crop", "denoise_ms", "start_ms")
"""Keys that say what is seen of a recording."""
OWN = ("path", "groups", "test", "validation", "duration_ms", "group")
"""Keys of whoever has files of their own."""
OWNED = ("group", "coding", "exclude_first", "protocol", *SEEN, *OWN[:-1])
"""Keys of the `[data]` table that some data sets have and others refuse."""

SETS: dict[str, DataSet] = {
    "digits": DataSet("digits", camera, 10, "5,000 MNIST digits through the simulated camera", keys=("exclude_first",)),
    "mnist": DataSet("mnist", camera, 10, "all of MNIST through the simulated camera", keys=("exclude_first",)),
    "nmnist": DataSet("nmnist", camera, 10, "N-MNIST, real event-camera recordings", keys=("exclude_first",)),
    "smnist": DataSet("pixels", pixel, 10, "MNIST, one pixel per step", keys=("exclude_first",)),
    "psmnist": DataSet("pixels", pixel, 10, "MNIST, one pixel per step, permuted", keys=("exclude_first",)),
    "spoken": DataSet(
        "spoken", cochlea, 10, "Free Spoken Digit Dataset through a cochlea", SOUND, ("group", "protocol")
    ),
    "shd": DataSet("heidelberg", cochlea, 20, "Spiking Heidelberg Digits", SOUND, ("group",)),
    "ssc": DataSet(
        "heidelberg", cochlea, 35, "Spiking Speech Commands", {"step_ms": 4.0, "steps": 250, "group": 5}, ("group",)
    ),
    "gesture": DataSet(
        "gesture", blocks, 11, "DVS-Gesture, arms and hands", {"step_ms": 6.0, "steps": 1000, "group": 4}, ("group",)
    ),
    "static_digits": DataSet("images", image, 10, "the 5,000 digits, one pixel per input", STILL, ("coding",)),
    "static_mnist": DataSet("images", image, 10, "all of MNIST, one pixel per input", STILL, ("coding",)),
    "static_fashion": DataSet("images", image, 10, "Fashion-MNIST, one pixel per input", STILL, ("coding",)),
    "recall": DataSet("recall", channels, None, "delayed recall, made from a seed", {"step_ms": 1.0}),
    "events": DataSet(
        "recordings",
        None,
        None,
        "your own recordings of an event camera, a folder per class, or an .npz file of spikes",
        {**SHARES, "polarity": "both", "denoise_ms": 0.0},
        (*SEEN, *OWN),
    ),
    "sounds": DataSet(
        "sounds", None, None, "your own sounds, a folder of .wav or .flac per class", {**SOUND, **SHARES}, OWN
    ),
}
"""Name in a recipe → data set. 5 channels of 700 together make 140 of sounds, 4 pixels 32 × 32 of gestures."""


@dataclass(frozen=True)
class Shape:
    """Axes of the sensor, as `EventSet.sensor`, and the number of classes."""

    sensor: Sensor
    classes: int

    @property
    def features(self) -> int:
        """The length of the feature axis."""
        return self.sensor[0] * self.sensor[1] * self.sensor[2]


def shape(config: Said, data_dir: Path | None = None) -> Shape:
    """The shape of the data set that `config` names.

    Args:
        data_dir: as of `basalt.train.data.load`.

    Raises:
        BasaltError: its files say it, and cannot be read.
    """
    found = SETS[config.name]
    if found.sensor is None:
        from basalt.paths import data_dir as folder

        told: Shape = import_module(f"basalt.train.data.{found.module}").shape(config, folder(data_dir))
        return told
    return Shape(found.sensor(config), config.recall.classes if found.classes is None else found.classes)
