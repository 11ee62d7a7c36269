"""A simulated event camera that looks at digits as N-MNIST's did.

The digit moves over the sensor in three saccades. A pixel at (x, y) sees the log luminance

    L(t) = log(1 + contrast * ink(x - X(t), y - Y(t)))

with ink the image scaled by `digit_scale` and blurred by a Gaussian of `blur_px`, and (X, Y) the path of the digit's
centre: `path_x`, `path_y` at `path_ms`, between them the monotone cubic (PCHIP). N-MNIST's digits are darker than their
ground (contrast < 0), so their leading edges send OFF. The pixel follows L through a first-order low pass of
`latency_ms`. Whenever it has moved by a threshold since its last reset, it sends ON (up) or OFF (down) and is held in
reset for `refractory_ms`. Thresholds differ from pixel to pixel and from event to event. Noise events come on top,
uniformly.
"""

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from jaxtyping import Float32, Float64, Int64, UInt8

from basalt.train.data.config import CameraConfig
from basalt.train.data.events import RawEvents, join
from basalt.train.data.sets import SENSOR

_CHUNK = 64
_CAPACITY = 12_288
_SIZE = 28


def simulate(
    images: UInt8[np.ndarray, "n 28 28"],
    index: Int64[np.ndarray, "n"],
    config: CameraConfig,
    *,
    seed: int,
    threads: int | None = None,
    advance: Callable[[int], None] | None = None,
) -> RawEvents:
    """Show each image (0 = no ink, 255 = full ink) to the camera and return its events, in order of time.

    Sample i depends on images[i], index[i], config and seed alone: not on the batch, the order or the threads.
    `advance` is called with the number of samples done, from time to time.
    """
    pieces = [slice(at, at + _CHUNK) for at in range(0, len(images), _CHUNK)]
    setting = _setting(config)
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        parts = []
        for part in pool.map(lambda piece: _record(images[piece], index[piece], setting, seed), pieces):
            parts.append(part)
            if advance is not None:
                advance(len(part))
    return join(parts)


def path(config: CameraConfig, times_ms: Float64[np.ndarray, "k"]) -> tuple[np.ndarray, np.ndarray]:
    """Column and row of the digit's centre at the given times; before the first knot and after the last it rests."""
    from scipy.interpolate import PchipInterpolator

    knots = np.asarray(config.path_ms, np.float64)
    inside = np.clip(times_ms, knots[0], knots[-1])
    return PchipInterpolator(knots, config.path_x)(inside), PchipInterpolator(knots, config.path_y)(inside)


def _setting(config: CameraConfig) -> tuple:
    """The arguments of the kernel that are the same for every sample."""
    step = config.integration_ms
    lead = math.ceil(4 * config.time_jitter_ms / step) + 1
    steps = round(config.duration_ms / step)
    xs, ys = path(config, np.arange(-lead, steps + 1 + lead) * step)
    edge = max(SENSOR[1:]) - 1
    reach = max(xs.max(), ys.max(), edge - xs.min(), edge - ys.min())
    half = math.ceil(reach + 6 * config.position_jitter_px) + 2
    parameters = (
        config.threshold_on,
        config.threshold_off,
        config.threshold_spread,
        config.threshold_jitter,
        config.refractory_ms,
        1.0 - math.exp(-step / config.latency_ms) if config.latency_ms else 1.0,
        config.noise_on_hz,
        config.noise_off_hz,
    )
    jitter = (config.position_jitter_px, config.time_jitter_ms, float(lead))
    return (
        _profile(config, half),
        float(half),
        np.float32(config.contrast),
        xs,
        ys,
        float(step),
        tuple(float(value) for value in parameters),
        jitter,
    )


def _profile(config: CameraConfig, half: int) -> Float32[np.ndarray, "fine 28"]:
    """Share of image row (or column) u in the light at each fine position, -half..half pixels from the centre.

    An image pixel is a bar of `digit_scale`, blurred: a difference of two error functions, cut off at 1e-4.
    """
    from scipy.special import ndtr

    from basalt.train.data.camera_kernel import PHASES

    fine = (np.arange((2 * half + 1) * PHASES) / PHASES - half)[:, None]
    edges = (np.arange(_SIZE + 1) - _SIZE / 2)[None] * config.digit_scale
    covered = ndtr((fine - edges) / config.blur_px)
    share = covered[:, :-1] - covered[:, 1:]
    return np.where(share > 1e-4, share, 0).astype(np.float32)


def _record(images: np.ndarray, index: np.ndarray, setting: tuple, seed: int) -> RawEvents:
    from basalt.train.data.camera_kernel import record

    profile, half, contrast, xs, ys, step, parameters, jitter = setting
    ink = np.ascontiguousarray(images, np.float32) / np.float32(255)
    numbers = np.asarray(index, np.int64)
    counts = np.zeros(len(images), np.int64)
    capacity = _CAPACITY
    while True:
        times = np.empty((len(images), capacity), np.int32)
        features = np.empty((len(images), capacity), np.uint16)
        record(ink, numbers, seed, profile, half, contrast, xs, ys, step, parameters, jitter, counts, times, features)
        if counts.max(initial=0) <= capacity:
            break
        capacity = int(counts.max())
    kept_times, kept_features = [], []
    for count, row_times, row_features in zip(counts, times, features, strict=True):
        order = np.argsort(row_times[:count], kind="stable")
        kept_times.append(row_times[:count][order])
        kept_features.append(row_features[:count][order])
    return RawEvents(
        offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        times=np.concatenate([*kept_times, np.zeros(0, np.int32)]).astype(np.int64),
        features=np.concatenate([*kept_features, np.zeros(0, np.uint16)]),
    )
