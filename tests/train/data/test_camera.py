"""The simulated event camera: what it must do whatever its constants, and the bands that the calibrated ones keep."""

import numpy as np
import pytest
from pydantic import ValidationError

from basalt.train.data import digits
from basalt.train.data.camera import path, simulate
from basalt.train.data.config import CameraConfig, DataConfig
from basalt.train.data.events import RawEvents
from basalt.train.data.figures import Figures, agreement, measure

QUIET = {"noise_on_hz": 0, "noise_off_hz": 0}
STILL = {"position_jitter_px": 0, "time_jitter_ms": 0, "threshold_spread": 0, "threshold_jitter": 0, **QUIET}


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return digits.images()[::50]


@pytest.fixture(scope="module")
def film(images: np.ndarray) -> RawEvents:
    return simulate(images, np.arange(len(images)), CameraConfig(), seed=1)


@pytest.fixture(scope="module")
def figures(film: RawEvents, images: np.ndarray) -> Figures:
    return measure(film, images)


def same(one: RawEvents, other: RawEvents) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("offsets", "times", "features"))


def test_a_seed_gives_the_same_events_and_another_seed_others(images: np.ndarray) -> None:
    index = np.arange(len(images))
    one = simulate(images, index, CameraConfig(), seed=3, threads=1)
    assert same(one, simulate(images, index, CameraConfig(), seed=3, threads=4))
    assert not same(one, simulate(images, index, CameraConfig(), seed=4, threads=1))


def test_a_sample_depends_on_its_index_not_on_its_batch(film: RawEvents, images: np.ndarray) -> None:
    order = np.array([70, 3, 41])
    alone = simulate(images[order], order, CameraConfig(), seed=1)
    for place, i in enumerate(order):
        own, there = slice(*alone.offsets[place : place + 2]), slice(*film.offsets[i : i + 2])
        assert np.array_equal(alone.times[own], film.times[there])
        assert np.array_equal(alone.features[own], film.features[there])
    moved = simulate(images[:1], np.array([99]), CameraConfig(), seed=1)
    assert not np.array_equal(moved.times, film.times[: film.offsets[1]])


def test_events_are_in_order_of_time_on_the_sensor_within_the_recording(film: RawEvents) -> None:
    assert film.features.max() < 2 * 34 * 34
    assert film.times.min() >= 0 and film.times.max() <= 310_000
    for i in range(len(film)):
        assert (np.diff(film.times[film.offsets[i] : film.offsets[i + 1]]) >= 0).all()


def test_a_dark_edge_that_moves_right_sends_off_in_front_and_on_behind() -> None:
    image = np.zeros((1, 28, 28), np.uint8)
    image[:, 4:24, 10:16] = 255
    config = CameraConfig(path_ms=(0, 300), path_x=(13, 20), path_y=(16.5, 16.5), **STILL)
    film = simulate(image, np.arange(1), config, seed=1)
    early = film.times < 100_000
    column = film.features[early] % 34
    on = film.features[early] >= 34 * 34
    assert column[~on].mean() > column[on].mean() + 4
    bright = simulate(image, np.arange(1), config.model_copy(update={"contrast": 2.0}), seed=1)
    column, on = bright.features % 34, bright.features >= 34 * 34
    assert column[on].mean() > column[~on].mean()


def test_a_crossing_has_as_many_events_as_thresholds_fit_in() -> None:
    """A pixel that sees log luminance fall by 1.204 and rise again, by steps of 0.2: six events of each polarity."""
    image = np.zeros((1, 28, 28), np.uint8)
    image[:, :, 10:18] = 255
    ways = {
        "path_ms": (0, 300),
        "path_x": (6.0, 26.0),
        "path_y": (16.5, 16.5),
        "threshold_on": 0.2,
        "threshold_off": 0.2,
    }
    config = CameraConfig(**ways, **STILL, contrast=-0.7, refractory_ms=0, latency_ms=0)
    film = simulate(image, np.arange(1), config, seed=1)
    counts = np.bincount(film.features, minlength=2 * 34 * 34).reshape(2, 34, 34)
    # ON events start from the last OFF reference, 6 * 0.2 below: one less may fit.
    assert counts[0, 17, 16] == 6
    assert counts[1, 17, 16] in (5, 6)


def test_nothing_moves_nothing_is_sent_but_noise() -> None:
    image = digits.images()[:1]
    rest = {"path_ms": (0, 300), "path_x": (16, 16), "path_y": (16, 16)}
    assert len(simulate(image, np.arange(1), CameraConfig(**rest, **STILL), seed=1).times) == 0
    noisy = CameraConfig(**rest, **(STILL | {"noise_on_hz": 20, "noise_off_hz": 5}))
    film = simulate(image, np.arange(1), noisy, seed=1)
    on = (film.features >= 34 * 34).sum()
    assert on == pytest.approx(20 * 0.31 * 1156, rel=0.1)
    assert len(film.times) - on == pytest.approx(5 * 0.31 * 1156, rel=0.15)


def test_a_pixel_is_held_in_reset() -> None:
    image = digits.images()[:4]
    film = simulate(image, np.arange(4), CameraConfig(refractory_ms=8, **QUIET), seed=1)
    place = np.repeat(np.arange(4), np.diff(film.offsets)) * 1156 + film.features % 1156
    order = np.lexsort((film.times, place))
    gaps = np.diff(film.times[order])[np.diff(place[order]) == 0]
    assert gaps.min() >= 7_999


def test_more_events_than_room_are_all_kept() -> None:
    config = CameraConfig(noise_on_hz=60)
    film = simulate(digits.images()[:1], np.arange(1), config, seed=1)
    assert len(film.times) > 12_288 * 1.5
    assert film.times.max() > 300_000


def test_the_path_rests_outside_its_knots() -> None:
    config = CameraConfig(path_ms=(10, 20, 30), path_x=(1, 5, 5), path_y=(2, 2, 9))
    x, y = path(config, np.array([-5.0, 10.0, 20.0, 30.0, 99.0]))
    assert x.tolist() == [1, 1, 5, 5, 5]
    assert y.tolist() == [2, 2, 2, 9, 9]


@pytest.mark.parametrize(
    "wrong",
    [
        {"treshold_on": 0.1},
        {"threshold_on": 0},
        {"path_ms": (0, 1)},
        {"path_ms": (0, 0), "path_x": (1, 1), "path_y": (1, 1)},
        {"path_ms": (0, 9), "path_x": (1, 99), "path_y": (1, 1)},
    ],
)
def test_wrong_parameters_are_refused(wrong: dict) -> None:
    with pytest.raises(ValidationError):
        DataConfig.model_validate({"camera": wrong})


def test_calibrated_counts(figures: Figures) -> None:
    """Real: 4,133 events, sd 1,154, 35 a unit of ink + 616, r 0.951."""
    assert 3_700 < figures.events.mean() < 4_600
    assert 900 < figures.events.std() < 1_450
    assert 30 < figures.slope < 40
    assert 300 < figures.intercept < 1_000
    assert figures.ink_correlation > 0.9


def test_calibrated_rate_has_three_bursts(figures: Figures) -> None:
    real = (
        "17 65 154 248 297 306 241 108 30 22 33 50 108 192 244 253 229 125 48 38 54 29 20 161 229 252 241 163 116 50 9"
    )
    expected = np.array(real.split(), float)
    assert np.corrcoef(figures.profile[:31], expected)[0, 1] > 0.97
    bursts, gaps = figures.profile[[5, 15, 25]], figures.profile[[9, 21]]
    assert bursts.min() > 4 * gaps.max()


def test_calibrated_pixels_and_polarity(figures: Figures) -> None:
    """Real: 0.498 ON, 447 pixels active, 9.0 events each, intervals 2.5 / 6.7 / 16 ms, density 2.5 %."""
    assert np.abs(figures.on_fraction - 0.498).max() < 0.03
    assert 400 < figures.active_pixels < 500
    assert 8 < figures.events_per_active_pixel < 10.5
    assert (figures.intervals_ms > [1.8, 4.5, 11]).all() and (figures.intervals_ms < [3.2, 8, 19]).all()
    assert 0.022 < figures.density < 0.029


def test_two_films_of_a_digit_agree_and_of_two_digits_do_not(film: RawEvents, images: np.ndarray) -> None:
    again = simulate(images, np.arange(len(images)), CameraConfig(), seed=2)
    assert agreement(film, again).mean() > 0.95
    turned = simulate(images[::-1], np.arange(len(images)), CameraConfig(), seed=2)
    assert agreement(film, turned).mean() < 0.8
