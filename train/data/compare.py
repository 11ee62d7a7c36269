"""What the simulated camera still misses, measured on real recordings of the same digits."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from train.data.config import SENSOR
from train.data.events import RawEvents
from train.data.figures import Figures, agreement, frames, measure


@dataclass(frozen=True)
class Row:
    """A line of the comparison."""

    name: str
    unit: str
    real: float
    simulated: float


_ROWS: tuple[tuple[str, str, Callable[[Figures], float]], ...] = (
    ("events per recording, mean", "", lambda f: float(f.events.mean())),
    ("events per recording, sd", "", lambda f: float(f.events.std())),
    ("events per unit of ink", "", lambda f: f.slope),
    ("events without ink", "", lambda f: f.intercept),
    ("correlation of events with ink", "", lambda f: f.ink_correlation),
    ("ON fraction, saccade 1", "", lambda f: float(f.on_fraction[0])),
    ("ON fraction, saccade 2", "", lambda f: float(f.on_fraction[1])),
    ("ON fraction, saccade 3", "", lambda f: float(f.on_fraction[2])),
    ("active pixels", "", lambda f: f.active_pixels),
    ("events per active pixel", "", lambda f: f.events_per_active_pixel),
    ("same-pixel interval, 5th percentile", "ms", lambda f: float(f.intervals_ms[0])),
    ("same-pixel interval, median", "ms", lambda f: float(f.intervals_ms[1])),
    ("same-pixel interval, 75th percentile", "ms", lambda f: float(f.intervals_ms[2])),
    ("density of binary 5 ms frames", "%", lambda f: 100 * f.density),
)


def table(real: Figures, simulated: Figures) -> list[Row]:
    """Each figure of the real recordings and of the simulated ones."""
    return [Row(name, unit, of(real), of(simulated)) for name, unit, of in _ROWS]


@dataclass(frozen=True)
class Comparison:
    """Real and simulated recordings of the same digits.

    agreement: mean correlation, digit by digit, of real and simulated 5 ms frames (`figures.agreement`); ceiling: that
    of two simulated recordings that differ in noise alone; mistaken: the same with the next digit of another class,
    the floor that shape alone has to beat; spread: smoothing in pixels and frames to the three of them.
    """

    real: Figures
    simulated: Figures
    spread: tuple[float, ...]
    agreement: tuple[float, ...]
    ceiling: tuple[float, ...]
    misses: tuple[str, ...]


def compare(real: RawEvents, one: RawEvents, other: RawEvents, images: UInt8[np.ndarray, "n 28 28"]) -> Comparison:
    """Compare real recordings with two simulated ones of the same digits, which differ in the seed alone."""
    measured, simulated = measure(real, images), measure(one, images)
    spread = (0.0, 0.5, 1.0, 2.0)
    reached = tuple(float(agreement(real, one, smooth=smooth).mean()) for smooth in spread)
    ceiling = tuple(float(agreement(other, one, smooth=smooth).mean()) for smooth in spread)
    return Comparison(
        real=measured,
        simulated=simulated,
        spread=spread,
        agreement=reached,
        ceiling=ceiling,
        misses=misses(real, one, other, measured, simulated),
    )


def misses(real: RawEvents, one: RawEvents, other: RawEvents, measured: Figures, simulated: Figures) -> tuple[str, ...]:
    """One sentence per shortcoming, with its size."""
    profile = np.abs(simulated.profile - measured.profile)
    worst = int(profile.argmax())
    residual_real = _residual(real, one)
    residual_simulated = _residual(other, one)
    hot = _hot_pixels(real, one)
    sd_real, sd_simulated = (_beyond_ink(figures) for figures in (measured, simulated))
    tail_real, tail_simulated = (_quiet_share(raw) for raw in (real, one))
    return (
        f"Rate over time: {profile.sum() / measured.profile.sum():.1%} of the events are in the wrong 10 ms, most at "
        f"{worst * 10} ms ({simulated.profile[worst]:.0f} simulated, {measured.profile[worst]:.0f} real).",
        f"Frames: {residual_real:.1%} of the variance of a digit's smoothed real frames is not in its simulated "
        f"recording, against {residual_simulated:.1%} between two simulated recordings.",
        f"Recording to recording: the event count scatters {sd_real:.1%} around its line on ink, simulated "
        f"{sd_simulated:.1%}: gain and lighting don't vary in the simulator.",
        f"Fixed pattern: {hot[0]:.1%} of the real events come from the 1 % of pixels that differ most from the "
        f"simulation, over all recordings, simulated {hot[1]:.1%}: a real sensor's own pattern isn't modelled.",
        f"Between saccades (75-115, 180-225 ms): {tail_real:.1%} of the real events, {tail_simulated:.1%} of the "
        "simulated.",
    )


def _residual(target: RawEvents, source: RawEvents, smooth: float = 1.0) -> float:
    """Share of the target frames' variance that the best multiple of the source frames leaves, mean over digits."""
    return float(np.mean(1 - agreement(target, source, smooth=smooth) ** 2))


def _beyond_ink(figures: Figures) -> float:
    """Sd of the events around their line on ink, relative to the mean."""
    line = figures.slope * figures.ink + figures.intercept
    return float((figures.events - line).std() / figures.events.mean())


def _hot_pixels(real: RawEvents, simulated: RawEvents) -> tuple[float, float]:
    pixels = SENSOR[1] * SENSOR[2]
    counts = [
        np.bincount(raw.features.astype(np.int64) % pixels, minlength=pixels) / len(raw) for raw in (real, simulated)
    ]
    extra = np.argsort(np.abs(counts[0] - counts[1]))[-(pixels // 100) :]
    return float(counts[0][extra].sum() / counts[0].sum()), float(counts[1][extra].sum() / counts[1].sum())


def _quiet_share(raw: RawEvents) -> float:
    ms = raw.times / 1000
    return float((((ms >= 75) & (ms < 115)) | ((ms >= 180) & (ms < 225))).mean())


def mean_frames(raw: RawEvents) -> np.ndarray:
    """Events per pixel and recording, in each saccade and of each polarity: (3, 2, 34, 34)."""
    sums = np.zeros((3, *SENSOR), np.float64)
    for sample in range(len(raw)):
        shown = frames(raw, sample, 0)
        sums += np.stack([shown[..., :21].sum(-1), shown[..., 21:44].sum(-1), shown[..., 44:].sum(-1)])
    return sums / len(raw)
