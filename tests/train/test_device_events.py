"""Events made dense with tensor operations, as on a GPU, are those of the compiled loop, bit for bit."""

import gc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.train import device_events
from basalt.train.augment import drawn
from basalt.train.batches import CPU, dense
from basalt.train.data.events import EventSet
from basalt.train.device_events import assembled, held
from basalt.train.recipe import AugmentConfig
from tests.train.helpers import events

AUGMENTS = st.builds(
    AugmentConfig,
    share=st.sampled_from([0.0, 0.5, 1.0]),
    pixels=st.integers(0, 3),
    steps=st.integers(0, 3),
    drop=st.floats(0, 0.9),
    noise=st.floats(0, 1),
    rotate=st.floats(0, 90),
    scale=st.floats(0, 0.9),
    shear=st.floats(0, 0.9),
)


def there(data: EventSet, chosen: np.ndarray, augment: AugmentConfig, seeds: np.ndarray) -> torch.Tensor:
    """As `dense` does for a device that is not the processor."""
    rows, columns = data.sensor[-2:]
    across, down = min(augment.pixels, columns - 1), min(augment.pixels, rows - 1)
    turn = np.deg2rad(augment.rotate)
    changes = drawn(seeds, augment.share, across, down, augment.steps, augment.drop, turn, augment.scale, augment.shear)
    return assembled(data, chosen, augment, seeds, changes, CPU)


@settings(max_examples=60, deadline=None)
@given(AUGMENTS, st.integers(0, 2**32), st.integers(0, 12))
def test_the_same_events(augment: AugmentConfig, seed: int, count: int) -> None:
    data, draw = events(9, 0), np.random.default_rng(seed)
    chosen = draw.integers(0, len(data), count)
    seeds = draw.integers(0, 2**64, count, dtype=np.uint64)
    expected = dense(data, chosen, augment, seeds)
    got = there(data, chosen, augment, seeds)
    assert got.transpose(1, 2).is_contiguous()
    assert torch.equal(got, expected)


@pytest.mark.parametrize(("feature", "kind"), [(40_000, np.uint16), (150_000, np.uint32)])
def test_features_above_half_of_the_range_are_no_negative_ones_and_lose_no_bits(feature: int, kind: type) -> None:
    data = EventSet(
        offsets=np.array([0, 2]),
        features=np.array([3, feature], kind),
        times=np.array([1, 0], np.uint16),
        labels=np.zeros(1, np.int64),
        steps=2,
        step_ms=1.0,
        index=np.zeros(1, np.int64),
        sensor=(1, 1, feature + 10_000),
    )
    got = there(data, np.array([0]), AugmentConfig(), np.zeros(1, np.uint64))
    assert torch.equal(got, dense(data, np.array([0]))) and got[0, feature, 0] == 1


def test_what_is_carried_goes_with_the_set() -> None:
    data = events(3, 0)
    assert held(data, CPU) is held(data, CPU)
    before = len(device_events._HELD)
    del data
    gc.collect()
    assert len(device_events._HELD) < before
