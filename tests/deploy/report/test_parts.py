"""The statistics, number formats and paths that a report is made of."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as numpy_arrays

from basalt.deploy.report.arrays import ReportArrays
from basalt.deploy.report.format import digits, percent, seconds, share, si, whole
from basalt.deploy.report.plots import pictures, raster, spread_labels, time_ticks
from basalt.deploy.report.statistics import confusion, wilson
from basalt.deploy.report.views import MOST_CLASSES, confusion_view


def test_wilson_as_published():
    # Newcombe, Statistics in Medicine 17 (1998), Table I: 81 of 263 gives 0.2553 to 0.3662; 0 of 20 gives 0 to 0.1611.
    assert wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0.0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)


@given(st.integers(1, 10_000), st.data())
def test_wilson_holds_the_accuracy_and_stays_within_bounds(samples, data):
    right = data.draw(st.integers(0, samples))
    low, high = wilson(right / samples, samples)
    assert 0 <= low <= right / samples + 1e-12
    assert right / samples - 1e-12 <= high <= 1


def test_confusion_counts_true_by_predicted():
    matrix = confusion(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0]), 3)
    assert matrix.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]


@pytest.mark.parametrize(("classes", "rows"), [(3, 3), (MOST_CLASSES, MOST_CLASSES), (100_000, 0)])
def test_the_confusion_of_too_many_classes_has_no_rows(classes, rows):
    last = classes - 1
    found = confusion_view(ReportArrays(np.array([0, 1, last, 1]), np.array([0, last, last, last])))
    assert len(found["rows"]) == rows and (found["errors"], found["samples"]) == (2, 4)
    assert found["confused"] == [{"true": str(last), "taken": "1", "count": 2}]


def test_without_an_error_nothing_is_confused():
    found = confusion_view(ReportArrays(np.array([0, 1]), np.array([0, 1])))
    assert found["confused"] == [] and found["errors"] == 0


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (si(1.234e-6, "J"), "1.23 µJ"),
        (si(999.96e-9, "J"), "1.00 µJ"),
        (si(0.0, "J"), "0 J"),
        (si(0.3, "s"), "300 ms"),
        (digits(0.0123), "0.0123"),
        (digits(123456), "123\u202f456"),
        (whole(1234567), "1\u202f234\u202f567"),
        (percent(0.9765), "97.65 %"),
        (percent(0.0004), "0.04 %"),
        (share(0.0002), "< 0.1 %"),
        (share(0.51), "51 %"),
        (seconds(245), "4 min 05 s"),
    ],
)
def test_numbers_read_well(shown, text):
    assert shown == text


@given(st.lists(st.floats(0, 100), max_size=8))
def test_labels_keep_apart_and_in_order(positions):
    placed = spread_labels(positions)
    ordered = [placed[n] for n in sorted(range(len(positions)), key=lambda n: positions[n])]
    assert all(after - before >= 11 - 1e-9 for before, after in pairwise(ordered))


def test_a_raster_has_one_tick_a_spike():
    spikes = np.zeros((5, 7), dtype=np.uint8)
    spikes[1, 2] = spikes[4, 6] = 1
    (mark,) = raster("layer", spikes, 120).marks
    assert mark.path.count("M") == 2
    assert mark.path.startswith("M5 ")


@given(numpy_arrays(np.uint8, (12, 9), elements=st.integers(0, 1)))
def test_every_spike_is_drawn_in_its_group(spikes):
    off, on = raster("input", spikes, 120, (("OFF", "off"), ("ON", "on"))).marks
    assert (off.path.count("M"), on.path.count("M")) == (spikes[:6].sum(), spikes[6:].sum())


def test_a_large_raster_stays_small():
    plot = raster("layer", np.ones((5000, 4000), dtype=np.uint8), 100)
    assert plot.marks[0].path.count("M") == 100 * 600


def test_pictures_show_the_polarity_that_had_more():
    spikes = np.zeros((2, 8, 8, 6), dtype=np.uint8)
    spikes[1, 3, 5, :2] = 1  # two ON events in the first third, at x = 5, y = 3
    spikes[0, 1, 2, 5] = 1
    first, _, last = pictures(spikes.reshape(128, 6), (2, 8, 8))
    assert first[0] == (0, 1)
    assert [(mark.style, mark.path) for mark in first[1]] == [("on level2", "M5 3h1v1h-1z")]
    assert [(mark.style, mark.path) for mark in last[1]] == [("off level1", "M2 1h1v1h-1z")]


def test_times_are_round_and_the_last_has_its_unit():
    assert [tick.label for tick in time_ticks(60, 5.0)] == ["0", "50", "100", "150", "200", "250", "300 ms"]
    assert time_ticks(7, None)[-1].label.endswith("steps")


def test_a_square_sensor_is_recognised_and_nothing_else():
    predicted = np.array([0])
    assert ReportArrays(predicted).sensor_of(2 * 34 * 34) == (2, 34, 34)
    assert ReportArrays(predicted).sensor_of(700) is None
    assert ReportArrays(predicted, sensor=(1, 4, 5)).sensor_of(20) == (1, 4, 5)
    assert ReportArrays(predicted, sensor=(1, 4, 5)).sensor_of(21) is None
