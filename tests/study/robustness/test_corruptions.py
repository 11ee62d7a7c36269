"""Corruptions: events keep their number, place or time, as each promises; each against a loop over events."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from basalt.study.robustness.corruptions import dropped, jittered, noise, stretched


def spikes(seed, steps=20, top=1):
    draw = np.random.default_rng(seed)
    x = (draw.random((3, 5, steps)) < 0.3) * draw.integers(1, top + 1, (3, 5, steps))
    return torch.from_numpy(x.astype(np.uint8))


def generator(seed=1):
    return torch.Generator().manual_seed(seed)


@given(seed=st.integers(0, 999), top=st.sampled_from([1, 100]))
def test_nothing_to_do_changes_nothing(seed, top):
    x = spikes(seed, top=top)
    for same in (noise(x, 0, generator()), dropped(x, 0, generator()), jittered(x, 0, generator()), stretched(x, 1)):
        assert torch.equal(same, x)
        assert same.dtype == x.dtype


@given(seed=st.integers(0, 999), fraction=st.floats(0, 2), top=st.sampled_from([1, 100]))
def test_noise_only_adds_and_no_more_than_asked_for(seed, fraction, top):
    x = spikes(seed, top=top)
    x[1] = 0
    more = noise(x, fraction, generator(seed))
    assert (more >= x).all()
    added = ((more > 0) & (x == 0)).flatten(1).sum(1)
    assert (added <= ((x > 0).flatten(1).sum(1) * fraction).round()).all()
    for one, before in zip(more, x):
        assert set(one.unique().tolist()) <= {0, *before.unique().tolist()}


def test_noise_adds_what_is_asked_for_where_there_is_room():
    x = torch.zeros(2, 100, 100, dtype=torch.uint8)
    x[0, :, 3] = 1
    assert 180 < int(noise(x, 2.0, generator())[0].sum()) - 100 <= 200


@given(seed=st.integers(0, 999))
def test_dropped_only_removes(seed):
    x = spikes(seed, top=50)
    less = dropped(x, 0.5, generator(seed))
    assert ((less == x) | (less == 0)).all()


def test_dropped_removes_that_fraction():
    x = torch.ones(10, 30, 30, dtype=torch.uint8)
    assert abs(float(dropped(x, 0.3, generator()).float().mean()) - 0.7) < 0.02


@given(seed=st.integers(0, 999), spread=st.floats(0.1, 5))
def test_jittered_keeps_features_and_merges_at_most(seed, spread):
    x = spikes(seed)
    moved = jittered(x, spread, generator(seed))
    assert (moved.sum(2) <= x.sum(2)).all()
    assert ((moved.sum(2) > 0) == (x.sum(2) > 0)).all()


def test_jitter_moves_by_its_spread():
    x = torch.zeros(2000, 1, 101, dtype=torch.uint8)
    x[:, 0, 50] = 1
    found = jittered(x, 3.0, generator()).nonzero()[:, 2].float() - 50
    assert len(found) == 2000
    assert abs(float(found.mean())) < 0.3
    assert abs(float(found.std()) - 3.0) < 0.2


@pytest.mark.parametrize("factor", [0.5, 0.7, 1.5, 2.0])
def test_stretched_is_a_loop_over_events(factor):
    x = spikes(4)
    steps = round(20 * factor)
    expected = torch.zeros(3, 5, steps, dtype=torch.uint8)
    for b, f, t in x.nonzero().tolist():
        expected[b, f, min(int(t * factor), steps - 1)] = 1
    assert torch.equal(stretched(x, factor), expected)


def test_graded_input_is_held_when_stretched():
    x = torch.tensor([[[5, 0, 9]]], dtype=torch.uint8)
    assert stretched(x, 2.0).tolist() == [[[5, 5, 0, 0, 9, 9]]]
    assert stretched(x, 2 / 3).tolist() == [[[5, 0]]]
