"""What is measured of recordings, real or simulated, to compare them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, UInt8

from basalt.train.data.events import RawEvents, bin_events
from basalt.train.data.sets import SENSOR

BIN_MS = 10.0
FRAME_MS = 5.0
FRAMES = 62
_THIRDS_MS = (105.0, 217.0)
_PERCENTILES = (5, 50, 75)


@dataclass(frozen=True)
class Figures:
    """Figures of n recordings of digits whose ink (the sum of pixels in [0, 1]) is known."""

    events: Float64[np.ndarray, "n"]
    ink: Float64[np.ndarray, "n"]
    slope: float
    intercept: float
    ink_correlation: float
    profile: Float64[np.ndarray, "bins"]  # events per 10 ms and recording
    on_fraction: Float64[np.ndarray, "3"]  # in each saccade
    active_pixels: float
    events_per_active_pixel: float
    intervals_ms: Float64[np.ndarray, "3"]  # between events of one pixel, percentiles 5, 50, 75
    density: float  # of binary 5 ms frames, two polarities


def measure(raw: RawEvents, images: UInt8[np.ndarray, "n 28 28"]) -> Figures:
    """Measure recordings; images[i] is the digit that recording i shows."""
    pixels = SENSOR[1] * SENSOR[2]
    events = np.diff(raw.offsets).astype(np.float64)
    ink = images.reshape(len(images), -1).sum(1) / 255.0
    slope, intercept = np.polyfit(ink, events, 1)
    sample = np.repeat(np.arange(len(raw)), np.diff(raw.offsets))
    on = raw.features >= pixels
    third = np.searchsorted(np.array(_THIRDS_MS) * 1000, raw.times)
    place = sample * pixels + raw.features.astype(np.int64) % pixels
    order = np.lexsort((raw.times, place))
    same = np.diff(place[order]) == 0
    intervals = np.diff(raw.times[order])[same] / 1000.0
    active = len(np.unique(place)) / len(raw)
    zeros = np.zeros(len(raw), np.int64)
    binned = bin_events(raw, zeros, zeros, steps=FRAMES, step_ms=FRAME_MS)
    return Figures(
        events=events,
        ink=ink,
        slope=float(slope),
        intercept=float(intercept),
        ink_correlation=float(np.corrcoef(ink, events)[0, 1]),
        profile=np.bincount((raw.times / (BIN_MS * 1000)).astype(np.int64), minlength=32)[:32] / len(raw),
        on_fraction=np.array([on[third == k].mean() for k in range(3)]),
        active_pixels=active,
        events_per_active_pixel=float(events.mean() / active),
        intervals_ms=np.percentile(intervals, _PERCENTILES),
        density=len(binned.features) / (len(raw) * 2 * pixels * FRAMES),
    )


def agreement(one: RawEvents, other: RawEvents, *, smooth: float = 1.0) -> Float64[np.ndarray, "n"]:
    """Correlation of the two recordings of each digit.

    Binary 5 ms frames of each polarity are smoothed by a Gaussian of `smooth` pixels and frames; the result is the
    Pearson correlation over polarity, row, column and frame. 0 leaves the frames as they are.
    """
    return np.array(
        [
            np.corrcoef(frames(one, sample, smooth).ravel(), frames(other, sample, smooth).ravel())[0, 1]
            for sample in range(len(one))
        ]
    )


def frames(raw: RawEvents, sample: int, smooth: float) -> Float32[np.ndarray, "2 34 34 frames"]:
    """Binary 5 ms frames of one recording, smoothed in space and time."""
    from scipy.ndimage import gaussian_filter

    chosen = slice(raw.offsets[sample], raw.offsets[sample + 1])
    dense = np.zeros((int(np.prod(SENSOR)), FRAMES + 2), np.float32)
    frame = np.minimum((raw.times[chosen] / (FRAME_MS * 1000)).astype(np.int64), FRAMES + 1)
    dense[raw.features[chosen], frame] = 1
    shaped = dense.reshape(*SENSOR, FRAMES + 2)
    return gaussian_filter(shaped, (0, smooth, smooth, smooth), truncate=3) if smooth else shaped
