"""Binning and the dense form, against loops that are slow and obvious."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.train.data.events import EventSet, RawEvents, Splits, bin_events, concatenate, feature_of, join

FEATURES = 2 * 34 * 34
events = st.lists(st.tuples(st.integers(0, 400_000), st.integers(0, FEATURES - 1)), max_size=30)


def raw_of(samples: list[list[tuple[int, int]]]) -> RawEvents:
    flat = [event for sample in samples for event in sorted(sample)]
    return RawEvents(
        offsets=np.cumsum([0, *map(len, samples)]),
        times=np.array([time for time, _ in flat], np.int64),
        features=np.array([feature for _, feature in flat], np.uint16),
    )


def binned(samples: list[list[tuple[int, int]]], steps: int = 60, step_ms: float = 5.0) -> EventSet:
    count = len(samples)
    return bin_events(raw_of(samples), np.arange(count) % 10, np.arange(count) + 7, steps=steps, step_ms=step_ms)


@settings(deadline=None, max_examples=60)
@given(st.lists(events, min_size=1, max_size=4), st.integers(1, 80), st.sampled_from([1.0, 2.5, 5.0, 7.3]))
def test_bins_are_the_unique_sorted_pairs(samples: list, steps: int, step_ms: float) -> None:
    found = binned(samples, steps, step_ms)
    assert found.features.dtype == found.times.dtype == np.uint16
    for i, sample in enumerate(samples):
        pairs = {(feature, int(time / (step_ms * 1000))) for time, feature in sample}
        expected = sorted(pair for pair in pairs if pair[1] < steps)
        own = slice(found.offsets[i], found.offsets[i + 1])
        assert list(zip(found.features[own].tolist(), found.times[own].tolist(), strict=True)) == expected


@settings(deadline=None, max_examples=30)
@given(st.lists(events, min_size=3, max_size=3), st.lists(st.integers(-3, 2), min_size=1, max_size=5))
def test_dense_and_subset_equal_a_slow_loop(samples: list, which: list[int]) -> None:
    found = binned(samples, steps=12, step_ms=30.0)
    expected = np.zeros((len(which), FEATURES, 12), np.uint8)
    for row, i in enumerate(which):
        for time, feature in samples[i]:
            if time // 30_000 < 12:
                expected[row, feature, time // 30_000] = 1
    assert (found.dense(which) == expected).all()
    chosen = found.subset(which)
    assert (chosen.dense() == expected).all()
    assert chosen.index.tolist() == [found.index[i] for i in which]
    assert chosen.labels.tolist() == [found.labels[i] for i in which]


def test_dense_takes_slices_and_masks_and_refuses_a_sample_that_is_not_there() -> None:
    found = binned([[(0, 1)], [(5000, 2)], [(10_000, 3)]])
    assert found.features_count == FEATURES
    assert (found.dense(slice(1, 3)) == found.dense([1, 2])).all()
    assert (found.dense(np.array([True, False, True])) == found.dense([0, 2])).all()
    assert found.dense(1).shape == (1, FEATURES, 60)
    assert found.dense(1)[0, 2, 1] == 1
    with pytest.raises(IndexError):
        found.dense([3])


def test_late_events_are_dropped() -> None:
    found = binned([[(299_999, 5), (300_000, 6)]])
    assert found.features.tolist() == [5]
    assert found.times.tolist() == [59]


def test_feature_order_is_polarity_row_column() -> None:
    one = np.array([1])
    assert feature_of(np.array([3]), np.array([2]), one).tolist() == [34 * 34 + 2 * 34 + 3]


def test_join_keeps_samples_apart() -> None:
    whole = raw_of([[(1, 2)], [], [(3, 4), (5, 6)]])
    joined = join([raw_of([[(1, 2)], []]), raw_of([[(3, 4), (5, 6)]])])
    assert joined.offsets.tolist() == whole.offsets.tolist()
    assert joined.times.tolist() == whole.times.tolist()
    assert joined.features.tolist() == whole.features.tolist()
    assert len(join([])) == 0


def test_concatenated_sets_keep_their_samples() -> None:
    whole = binned([[(0, 1), (9000, 8)], [], [(5000, 2)], [(10_000, 3)]])
    joined = concatenate([whole.subset([0, 1]), whole.subset([2, 3])])
    assert (joined.dense() == whole.dense()).all()
    assert joined.index.tolist() == whole.index.tolist() and joined.labels.tolist() == whole.labels.tolist()
    assert (joined.steps, joined.step_ms, joined.sensor) == (whole.steps, whole.step_ms, whole.sensor)


def test_a_part_of_a_set_is_made_when_it_is_asked_for() -> None:
    made: list[str] = []

    def making(name: str) -> Callable[[], EventSet]:
        def make() -> EventSet:
            made.append(name)
            return bin_events(raw_of([[(1, 2)]]), np.zeros(1, np.int64), np.zeros(1, np.int64), steps=2, step_ms=1.0)

        return make

    splits = Splits(
        train=making("train"), validation=making("validation"), test=making("test"), name="x", classes=2, provenance="."
    )
    assert not made
    assert splits.test is splits.test
    assert made == ["test"]
