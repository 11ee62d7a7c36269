"""What the simulated camera still misses, measured on real recordings of the same digits."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from basalt.train.data.events import RawEvents
from basalt.train.data.figures import BIN_MS, FRAME_MS, FRAMES, Figures, agreement, frames, measure
from basalt.train.data.sets import SENSOR


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

    agreement: mean correlation, digit by digit, of real and simulated 5 ms frames (`figures.agreement`), at each
    smoothing of `spread` (pixels and frames); ceiling: that of two simulated recordings that differ in noise alone.
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
    wrong = np.abs(simulated.profile - measured.profile)
    worst = int(wrong.argmax())
    left, noise = _residual(real, one), _residual(other, one)
    beyond = [_beyond_ink(figures) for figures in (measured, simulated)]
    hot = [_hot_pixels(raw) for raw in (real, one)]
    pattern = [_pattern(raw) for raw in (real, one)]
    quiet = [_quiet_share(raw) for raw in (real, one)]
    corners = [_corner_rate(raw) for raw in (real, one)]
    return (
        f"Frames: {left:.1%} of the variance of a digit's smoothed real frames is not in its simulated recording, "
        f"against {noise:.1%} between two simulated recordings.",
        f"Rate over time: {wrong.sum() / 2 / measured.profile.sum():.1%} of the events are in the wrong 10 ms, most at "
        f"{worst * BIN_MS:.0f} ms ({simulated.profile[worst]:.0f} simulated, {measured.profile[worst]:.0f} real).",
        f"Rest: the slow stretches (0-20, 75-115, 180-230 ms) have {quiet[0]:.1%} of the real events, {quiet[1]:.1%} "
        "of the simulated.",
        f"Event count: scatters {beyond[0]:.1%} around its line on ink, simulated {beyond[1]:.1%}.",
        f"Hot pixels: {hot[0][0]} with {hot[0][1]:.1%} of the real events, simulated {hot[1][0]}.",
        f"Fixed pattern: a pixel's mean count is off its four neighbours' mean by {pattern[0]:.1%}, simulated "
        f"{pattern[1]:.1%}: the simulator draws thresholds anew for each recording.",
        f"Noise in the corners: {corners[0][0]:.2f} OFF and {corners[0][1]:.2f} ON events per second and pixel, "
        f"simulated {corners[1][0]:.2f} and {corners[1][1]:.2f}.",
    )


def _residual(target: RawEvents, source: RawEvents) -> float:
    """Share of the smoothed target frames' variance that is not linear in the source frames, mean over digits."""
    return float(np.mean(1 - agreement(target, source) ** 2))


def _beyond_ink(figures: Figures) -> float:
    """Sd of the events around their line on ink, relative to the mean."""
    line = figures.slope * figures.ink + figures.intercept
    return float((figures.events - line).std() / figures.events.mean())


def _pixel_rates(raw: RawEvents) -> np.ndarray:
    """Events per recording of each polarity and pixel: (2, 34, 34)."""
    return np.bincount(raw.features, minlength=int(np.prod(SENSOR))).reshape(SENSOR) / len(raw)


def _neighbours(rates: np.ndarray) -> np.ndarray:
    from scipy.ndimage import median_filter

    return np.asarray(median_filter(rates, 3))


def _hot_pixels(raw: RawEvents) -> tuple[int, float]:
    """Pixels with three times their neighbours' events and at least one more per recording; their share of events."""
    rates = _pixel_rates(raw).sum(0)
    usual = _neighbours(rates)
    hot = (rates > 3 * usual) & (rates > usual + 1)
    return int(hot.sum()), float(rates[hot].sum() / rates.sum())


def _pattern(raw: RawEvents) -> float:
    """Median distance of a pixel's rate from the mean of its four neighbours', relative, where a digit passes."""
    rates = _pixel_rates(raw).sum(0)
    inner = rates[1:-1, 1:-1]
    around = (rates[:-2, 1:-1] + rates[2:, 1:-1] + rates[1:-1, :-2] + rates[1:-1, 2:]) / 4
    passed = around > 5
    return float(np.median(np.abs(inner[passed] / around[passed] - 1)))


def _corner_rate(raw: RawEvents, size: int = 5) -> tuple[float, float]:
    """OFF and ON events per second and pixel in the four corners, where no digit appears."""
    rates = _pixel_rates(raw)
    ends = [*range(size), *range(-size, 0)]
    off, on = rates[:, ends][:, :, ends].mean((1, 2)) / (FRAMES * FRAME_MS / 1000)
    return float(off), float(on)


def _quiet_share(raw: RawEvents) -> float:
    ms = raw.times / 1000
    return float(((ms < 20) | ((ms >= 75) & (ms < 115)) | ((ms >= 180) & (ms < 230))).mean())


def mean_frames(raw: RawEvents) -> np.ndarray:
    """Events per pixel and recording, in each saccade and of each polarity: (3, 2, 34, 34)."""
    sums = np.zeros((3, *SENSOR), np.float64)
    for sample in range(len(raw)):
        shown = frames(raw, sample, 0)
        sums += np.stack([shown[..., :21].sum(-1), shown[..., 21:44].sum(-1), shown[..., 44:].sum(-1)])
    return sums / len(raw)
