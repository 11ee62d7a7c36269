"""Batches: what is drawn depends on (seed, epoch) alone, and augmentation moves events as it says."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from basalt.errors import BasaltError
from basalt.train.batches import batch_count, dense, epoch_batches
from basalt.train.data.events import EventSet, Samples
from basalt.train.data.pixels import PixelSet
from basalt.train.recipe import AugmentConfig
from tests.train.helpers import STEPS, events


def test_dense_equals_the_sets_own() -> None:
    data = events(6, 0)
    chosen = np.array([4, 0, 5])
    got = dense(data, chosen)
    assert got.transpose(1, 2).is_contiguous()
    assert np.array_equal(got.numpy(), data.dense(chosen))


def test_epochs_repeat_and_differ() -> None:
    data, augment = events(20, 0), AugmentConfig(pixels=1, steps=1, drop=0.3, noise=0.1)

    def drawn(seed: int, epoch: int) -> tuple[torch.Tensor, torch.Tensor]:
        batches = list(epoch_batches(data, 6, augment, seed, epoch))
        assert len(batches) == batch_count(20, 6) == 3
        return torch.cat([x for x, _ in batches]), torch.cat([labels for _, labels in batches])

    first = drawn(1, 0)
    assert all(torch.equal(a, b) for a, b in zip(first, drawn(1, 0)))
    assert not torch.equal(first[0], drawn(1, 1)[0])
    assert not torch.equal(first[0], drawn(2, 0)[0])


def test_ranks_share_each_batch() -> None:
    data, plain = events(24, 0), AugmentConfig()
    whole = list(epoch_batches(data, 8, plain, 1, 0))
    parts = [list(epoch_batches(data, 8, plain, 1, 0, rank, 2)) for rank in range(2)]
    for batch, left, right in zip(whole, *parts):
        assert torch.equal(batch[0][0::2], left[0])
        assert torch.equal(batch[0][1::2], right[0])
        assert torch.equal(batch[1][1::2], right[1])


def one_event(feature: int, time: int) -> EventSet:
    return EventSet(
        offsets=np.array([0, 1]),
        features=np.array([feature], np.uint16),
        times=np.array([time], np.uint16),
        labels=np.zeros(1, np.int64),
        steps=STEPS,
        step_ms=5.0,
        index=np.zeros(1, np.int64),
        sensor=(2, 4, 5),
    )


def test_shifts_stay_in_range_and_reach_every_neighbour() -> None:
    data, augment = one_event(20 + 2 * 5 + 2, 6), AugmentConfig(pixels=1, steps=1)  # ON, row 2, column 2
    places = set()
    for seed in range(400):
        got = dense(data, np.array([0]), augment, np.array([seed * 7919], np.uint64))
        (place,) = torch.nonzero(got[0]).tolist()
        places.add(tuple(place))
    expected = {(20 + y * 5 + x, t) for y in (1, 2, 3) for x in (1, 2, 3) for t in (5, 6, 7)}
    assert places == expected


def test_a_row_of_channels_shifts_along_the_row_only() -> None:
    data = replace(one_event(17, 6), sensor=(1, 1, 40))
    places = set()
    for seed in range(200):
        got = dense(data, np.array([0]), AugmentConfig(pixels=1), np.array([seed * 7919], np.uint64))
        (place,) = torch.nonzero(got[0]).tolist()
        places.add(tuple(place))
    assert places == {(16, 6), (17, 6), (18, 6)}


def test_events_shifted_off_the_sensor_vanish() -> None:
    data, augment = one_event(0, 0), AugmentConfig(pixels=1)  # a corner
    kept = [int(dense(data, np.array([0]), augment, np.array([seed], np.uint64)).sum()) for seed in range(0, 9000, 13)]
    assert set(kept) == {0, 1}
    assert 0.35 < np.mean(kept) < 0.54  # 4 of 9 shifts stay on the sensor


def test_drop_and_noise_change_the_count() -> None:
    data = events(30, 0)
    which = np.arange(30)
    seeds = np.arange(30, dtype=np.uint64) * np.uint64(1 << 40)
    plain = int(dense(data, which).sum())
    dropped = int(dense(data, which, AugmentConfig(drop=0.5), seeds).sum())
    noisy = int(dense(data, which, AugmentConfig(noise=0.5), seeds).sum())
    assert 0.65 < dropped / plain < 0.85  # the dropped fraction is drawn from [0, 0.5]
    assert 1.15 < noisy / plain < 1.5


def test_turning_and_stretching_keeps_events_near() -> None:
    """Each event stays in its polarity and step, within the reach of the largest turn, stretch and slant."""
    augment = AugmentConfig(rotate=10.0, scale=0.1, shear=0.1)
    draw = np.random.default_rng(0)
    drawn = np.sort(draw.integers(0, 800, (4, 60)))
    data = EventSet(
        offsets=np.arange(5) * 60,
        features=drawn.ravel().astype(np.uint16),
        times=np.tile(np.arange(60) % 3, 4).astype(np.uint16),
        labels=np.zeros(4, np.int64),
        steps=3,
        step_ms=5.0,
        index=np.arange(4),
        sensor=(2, 20, 20),
    )
    chosen = np.arange(len(data))
    plain = dense(data, chosen).numpy()
    moved = dense(data, chosen, augment, np.arange(len(chosen), dtype=np.uint64) * 7919).numpy()
    assert (moved != plain).any()
    polarities, rows, columns = data.sensor
    reach = 0.5 * np.hypot(rows, columns) * (np.deg2rad(10) + 0.1 + 0.1) + 2
    for sample in range(len(chosen)):
        for feature, step in np.argwhere(moved[sample]):
            polarity, row, column = np.unravel_index(feature, (polarities, rows, columns))
            there = np.argwhere(plain[sample].reshape(polarities, rows, columns, -1)[polarity, :, :, step])
            assert np.hypot(*(there - (row, column)).T).min() <= reach


def images(samples: int) -> PixelSet:
    """Images with one bright block each, sent row by row in eight bits."""
    made = np.zeros((samples, 28, 28), np.uint8)
    made[:, 8:20, 10:16] = 200
    return PixelSet(made, np.arange(784), 8, np.zeros(samples, np.int64), np.arange(samples))


def seeds_of(samples: int) -> np.ndarray:
    return np.arange(samples, dtype=np.uint64) * np.uint64(7919)


def test_images_stay_as_they_are_without_augmentation() -> None:
    data, chosen = images(4), np.array([3, 0])
    expected = data.dense(chosen)
    for seeds in (None, seeds_of(2)):
        assert np.array_equal(dense(data, chosen, AugmentConfig(), seeds).numpy(), expected)
    assert np.array_equal(dense(data, chosen, AugmentConfig(pixels=2, rotate=10.0)).numpy(), expected)  # no seeds


def test_seeds_decide_how_images_move() -> None:
    """One sample, however the batch is made up; other seeds, other images."""
    data, augment = images(12), AugmentConfig(pixels=1, rotate=11.5, scale=0.1, shear=0.1)
    seeds = seeds_of(12)
    whole = dense(data, np.arange(12), augment, seeds)
    assert torch.equal(whole, dense(data, np.arange(12), augment, seeds))
    alone = torch.cat([dense(data, np.array([at]), augment, seeds[at : at + 1]) for at in range(12)])
    assert torch.equal(whole, alone)
    assert len({tuple(row) for row in whole[:, 0].tolist()}) == 12
    assert (whole != torch.from_numpy(data.dense())).any((1, 2)).all()


def test_images_shift_by_whole_pixels() -> None:
    data = images(200)
    block = data.images[0]
    expected = {np.roll(block, (y, x), (0, 1)).tobytes() for y in (-1, 0, 1) for x in (-1, 0, 1)}
    moved = dense(data, np.arange(200), AugmentConfig(pixels=1), seeds_of(200)).numpy()
    assert {row.tobytes() for row in moved.reshape(200, 28, 28)} == expected


def test_images_turn_and_stretch_no_further_than_asked() -> None:
    """The block keeps its ink to a tenth each way and a pixel of its edge; its middle stays where it is."""
    data = images(100)
    middle = np.argwhere(data.images[0]).mean(0)
    for augment in (AugmentConfig(rotate=11.5), AugmentConfig(scale=0.1), AugmentConfig(shear=0.1)):
        moved = dense(data, np.arange(100), augment, seeds_of(100)).numpy().reshape(100, 28, 28)
        ink = moved.sum((1, 2)) / data.images[0].sum()
        assert ((ink > 0.75) & (ink < 1.3)).all()
        centres = [np.average(np.argwhere(image), axis=0, weights=image[image > 0]) for image in moved]
        assert np.abs(np.array(centres) - middle).max() < 0.6
        assert (moved != data.images).any((1, 2)).mean() > 0.9


def test_images_bend_no_further_than_asked() -> None:
    """Ink stays within the reach of where it was (and a pixel for interpolation), and one image bends many ways."""
    data, reach = images(100), 2.0
    moved = dense(data, np.arange(100), AugmentConfig(bend=reach), seeds_of(100)).numpy().reshape(100, 28, 28)
    rows, columns = np.nonzero(moved.max(0))
    limit = int(1.5 * reach) + 1  # between nodes, cubics overshoot
    assert rows.min() >= 8 - limit and rows.max() < 20 + limit
    assert columns.min() >= 10 - limit and columns.max() < 16 + limit
    assert rows.min() < 8 and rows.max() >= 20 and columns.min() < 10 and columns.max() >= 16
    assert len({image.tobytes() for image in moved}) == 100
    row_starts = [np.nonzero(image.max(1))[0][0] - np.nonzero(image.max(1))[0][-1] for image in moved]
    assert len(set(row_starts)) > 2  # they are not only shifted


def test_seeds_decide_how_images_bend() -> None:
    data, augment, seeds = images(12), AugmentConfig(bend=2.0, rotate=5.0), seeds_of(12)
    whole = dense(data, np.arange(12), augment, seeds)
    alone = torch.cat([dense(data, np.array([at]), augment, seeds[at : at + 1]) for at in range(12)])
    assert torch.equal(whole, alone)


def test_events_cannot_be_bent() -> None:
    with pytest.raises(BasaltError, match="bend changes images; for events leave it out"):
        dense(events(4, 0), np.arange(4), AugmentConfig(bend=1.0), seeds_of(4))


def test_epochs_of_images_repeat() -> None:
    data, augment = images(10), AugmentConfig(pixels=2, rotate=5.0)
    first, again, other = (list(epoch_batches(data, 4, augment, seed, 0)) for seed in (1, 1, 2))
    assert len(first) == 2 and all(x.shape == (4, 1, 784) for x, _ in first)
    assert all(torch.equal(a[0], b[0]) for a, b in zip(first, again))
    assert not all(torch.equal(a[0], b[0]) for a, b in zip(first, other))


@pytest.mark.parametrize("made", [events(600, 0), images(600)])
def test_only_a_share_is_changed(made: Samples) -> None:
    chosen, seeds = np.arange(600), np.arange(600).astype(np.uint64) * np.uint64(7919)
    strong = {"pixels": 3, "rotate": 40.0, "scale": 0.5}
    strong |= {"bend": 3.0} if isinstance(made, PixelSet) else {}
    whole, half, none = (dense(made, chosen, AugmentConfig(share=s, **strong), seeds) for s in (1.0, 0.5, 0.0))
    plain = dense(made, chosen)
    assert torch.equal(none, plain)
    as_they_are = (half == plain).flatten(1).all(1)
    as_changed = (half == whole).flatten(1).all(1)
    assert (as_they_are | as_changed).all()
    assert 0.4 < float(as_they_are.float().mean()) < 0.6
