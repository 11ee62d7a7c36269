"""Coarser steps as binning gives them, samples spread over a set, accuracy of changed input."""

from dataclasses import replace

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from basalt.study.robustness.corruptions import dropped
from basalt.study.robustness.generalisation import accuracy, first
from basalt.train.data.events import RawEvents, bin_events
from tests.train.helpers import events


@given(seed=st.integers(0, 9999), factor=st.integers(1, 7), samples=st.integers(1, 4), steps=st.integers(1, 20))
def test_rebinned_is_binned_with_longer_steps(seed, factor, samples, steps):
    draw = np.random.default_rng(seed)
    counts = draw.integers(0, 30, samples)
    times = np.concatenate([np.sort(draw.integers(0, steps * 1000, count)) for count in counts])
    raw = RawEvents(
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        times.astype(np.int64),
        draw.integers(0, 12, counts.sum()).astype(np.uint16),
    )
    labels = np.arange(samples)

    def binned(step_ms, count):
        return bin_events(raw, labels, labels, steps=count, step_ms=step_ms, sensor=(1, 3, 4))

    found, expected = binned(1.0, steps).rebinned(factor), binned(float(factor), -(-steps // factor))
    assert found.steps == expected.steps
    assert found.step_ms == expected.step_ms
    assert np.array_equal(found.dense(), expected.dense())
    assert np.array_equal(found.offsets, expected.offsets)
    assert np.array_equal(found.features, expected.features)
    assert np.array_equal(found.times, expected.times)


def test_events_of_two_samples_do_not_fall_together():
    alike = events(1, 1).subset(np.zeros(3, int))
    one = replace(alike, offsets=np.arange(4), features=alike.features[[0, 0, 0]], times=alike.times[[0, 0, 0]])
    found = one.rebinned(2)
    assert found.offsets.tolist() == [0, 1, 2, 3]
    assert found.dense().sum((1, 2)).tolist() == [1, 1, 1]


def test_first_is_spread_over_the_set_and_no_more_than_all():
    whole = events(30, 1)
    assert first(whole, 4).index.tolist() == [0, 9, 19, 29]
    assert first(whole, 99).index.tolist() == list(range(30))


def test_accuracy_is_that_of_changed_input():
    halves = lambda x: torch.stack([x[:, :8].sum((1, 2)), x[:, 8:].sum((1, 2))], 1)  # noqa: E731
    some = events(20, 3)
    x = torch.from_numpy(some.dense())
    labels = halves(x).argmax(1)
    labels[0] = 1 - labels[0]
    some = replace(some, labels=labels.numpy())
    assert len(set(labels[1:].tolist())) == 2
    assert accuracy(halves, some, batch=7) == 0.95
    emptied = int((halves(0 * x).argmax(1) == labels).sum())
    assert accuracy(halves, some, lambda x, draw: dropped(x, 1.0, draw)) == emptied / 20 < 0.95
