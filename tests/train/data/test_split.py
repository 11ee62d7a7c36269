"""Splits are stratified, disjoint and never change."""

import hashlib

import numpy as np

from basalt.train.data import digits
from basalt.train.data.split import stratified


def test_the_digits_split_is_fixed_stratified_and_disjoint() -> None:
    train, validation, test = digits.split()
    assert [len(part) for part in (train, validation, test)] == [4000, 500, 500]
    assert sorted(np.concatenate([train, validation, test]).tolist()) == list(range(5000))
    for part, each in ((train, 400), (validation, 50), (test, 50)):
        assert np.bincount(part // 500).tolist() == [each] * 10
    checksum = hashlib.sha256(np.concatenate([train, validation, test]).astype("<i8").tobytes()).hexdigest()
    assert checksum[:16] == "141e927af6de4170"


def test_every_beginning_is_balanced() -> None:
    labels = np.repeat([0, 1, 2], [30, 20, 10])
    rest, held = stratified(labels, (4,), seed=5)
    assert np.bincount(labels[held]).tolist() == [4, 4, 4]
    assert np.bincount(labels[rest[:9]]).tolist() == [3, 3, 3]
    assert len(rest) == 48
    assert not np.array_equal(rest, stratified(labels, (4,), seed=6)[0])


def test_the_digits_are_the_expected_ones() -> None:
    images = digits.images()
    assert images.shape == (5000, 28, 28) and images.dtype == np.uint8
    assert int(images.sum(dtype=np.int64)) == 131_267_102
