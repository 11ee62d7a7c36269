"""What a network sees of a recording: from events of a sensor to spikes of inputs in steps.

    events → without noise → of the wanted polarity, inside the crop → pooled → inputs → steps

An input's number is (polarity · rows + y) · columns + x, with OFF = 0 and ON = 1 where both are told apart; an event's
step is ⌊(t − start) / step⌋.
"""

from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Int64, UInt8

from basalt.errors import BasaltError
from basalt.opening import VARIABLE, memory_limit, mib, too_large
from basalt.recordings.events import Events

POLARITIES = {"both": 2, "merge": 1, "on": 1, "off": 1}
"""What may be seen of polarities → how many there are then: both told apart, both as one, or one of them alone."""
FEATURES_MOST = 1 << 32
TIME_BYTES = 8


@dataclass(frozen=True)
class View:
    """How a recording is looked at.

    Attributes:
        size: (width, height) of the sensor; None for what the recording says.
        polarity: of `POLARITIES`.
        crop: (left, top, width, height) of the part of the sensor that is seen; None for all of it.
        pool: so many pixels, on each axis, become one input.
        denoise_us: an event is kept if one of the four pixels beside its own had one at most so long before; 0 for all.
        start_us: whole µs where time begins, on the recorder's clock; None for the first event.
        asked: how people say `size`.
    """

    size: tuple[int, int] | None = None
    polarity: str = "both"
    crop: tuple[int, int, int, int] | None = None
    pool: int = 1
    denoise_us: float = 0.0
    start_us: int | None = None
    asked: str = "its width and height"

    def window(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """(left, top, width, height) of what is seen of a sensor.

        Raises:
            BasaltError: it is not inside the sensor.
        """
        left, top, width, height = self.crop or (0, 0, *size)
        if left < 0 or top < 0 or width < 1 or height < 1 or left + width > size[0] or top + height > size[1]:
            raise BasaltError(
                f"The crop {left},{top},{width},{height} (left, top, width, height) is not inside a sensor of "
                f"{size[0]} × {size[1]} pixels."
            )
        return left, top, width, height

    def shape(self, size: tuple[int, int]) -> tuple[int, int, int]:
        """(polarities, rows, columns) of the inputs.

        Raises:
            BasaltError: as of `window`; or there are more than can be numbered.
        """
        _, _, width, height = self.window(size)
        found = (POLARITIES[self.polarity], -(-height // self.pool), -(-width // self.pool))
        if found[0] * found[1] * found[2] > FEATURES_MOST:
            raise BasaltError(f"A sensor of {size[0]} × {size[1]} pixels has more than {FEATURES_MOST:,} inputs.")
        return found


class Seen(NamedTuple):
    """What is seen of a recording.

    Attributes:
        times: µs from the start, none before it.
        inputs: of the events.
        shape: (polarities, rows, columns) of the inputs.
    """

    times: Int64[np.ndarray, "k"]
    inputs: Int64[np.ndarray, "k"]
    shape: tuple[int, int, int]


def look(events: Events, view: View, path: Path) -> Seen:
    """What is seen of a recording.

    Args:
        path: of the recording, for people.

    Raises:
        BasaltError: nobody says how large its sensor is, it says another size than `view`, or has events outside of it.
    """
    size = sensor_of(events, view, path)
    left, top, width, height = view.window(size)
    _, rows, columns = shape = view.shape(size)
    kept = inside(events, view, (left, top, width, height))
    start = int(events.t.min()) if view.start_us is None else view.start_us
    if view.denoise_us:
        need = (size[0] + 2) * (size[1] + 2) * TIME_BYTES
        if need > memory_limit():
            raise too_large(path, f"a time for each of {size[0]} × {size[1]} pixels", need, memory_limit())
        from basalt.recordings.noise_kernel import supported

        order = np.argsort(events.t, kind="stable")
        told = np.zeros(len(events), np.bool_)
        told[order] = supported(events.t[order], events.x[order], events.y[order], *size, view.denoise_us)
        kept &= told
    kept &= events.t >= start
    x, y = (events.x[kept].astype(np.int64) - left) // view.pool, (events.y[kept].astype(np.int64) - top) // view.pool
    which = events.on[kept].astype(np.int64) if view.polarity == "both" else np.int64(0)
    return Seen(events.t[kept] - start, (which * rows + y) * columns + x, shape)


def sensor_of(events: Events, view: View, path: Path) -> tuple[int, int]:
    """(width, height) of the sensor that a recording is of.

    Raises:
        BasaltError: as of `look`.
    """
    size = view.size or events.size
    if size is None:
        raise BasaltError(f"The recording {path} does not say how large its sensor is: give {view.asked}.")
    if events.size is not None and events.size != size:
        raise BasaltError(
            f"The recording {path} is of a sensor of {events.size[0]} × {events.size[1]} pixels, not {size[0]} × "
            f"{size[1]}: give {view.asked} of that size, or leave the recording out."
        )
    wide, tall = int(events.x.max(initial=0)), int(events.y.max(initial=0))
    if wide >= size[0] or tall >= size[1] or min(events.x.min(initial=0), events.y.min(initial=0)) < 0:
        raise BasaltError(
            f"The recording {path} has events outside of {size[0]} × {size[1]} pixels (up to x = {wide}, y = {tall}): "
            f"give {view.asked} as it is, or leave the recording out."
        )
    return size


def steps_of(duration: float, step: float) -> int:
    """How many steps a duration has begun, as people count them: 0.7 ms of 0.1 ms are 7, whatever floats make of it."""
    return max(1, ceil(round(duration / step, 6)))


def inside(events: Events, view: View, window: tuple[int, int, int, int]) -> np.ndarray:
    """Which events are of the wanted polarity, inside the crop."""
    left, top, width, height = window
    kept: np.ndarray = (events.x >= left) & (events.x < left + width) & (events.y >= top) & (events.y < top + height)
    if view.polarity in ("on", "off"):
        kept &= events.on == (view.polarity == "on")
    return kept


def spikes(seen: Seen, steps: int | None, step_us: float, path: Path) -> UInt8[np.ndarray, "features steps"]:
    """Spikes of all inputs: 1 where an input has any number of events in a step.

    Args:
        steps: later ones are left out; None for as many as there are events.

    Raises:
        BasaltError: they would take more memory than they may.
    """
    step = (seen.times / step_us).astype(np.int64)
    count = steps or int(step.max(initial=0)) + 1
    features = seen.shape[0] * seen.shape[1] * seen.shape[2]
    if features * count > memory_limit():
        raise BasaltError(
            f"{path}: {features:,} inputs × {count:,} steps need {mib(features * count)} MiB of memory, and the limit "
            f"is {mib(memory_limit())}: see less of it (a shorter duration, longer steps, a crop, pooled pixels), or "
            f"raise the limit with {VARIABLE}."
        )
    out = np.zeros((features, count), np.uint8)
    early = step < count
    out[seen.inputs[early], step[early]] = 1
    return out
