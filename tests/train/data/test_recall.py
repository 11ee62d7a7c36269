"""Delayed recall: what is shown when, and that only order tells the cue."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.train.data import DataConfig, load, recall
from basalt.train.data.config import RecallConfig
from basalt.train.data.events import Splits
from basalt.train.data.recall import patterns

SMALL = {"train": 48, "validation": 16, "test": 32}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recall, "SIZES", SMALL)


def made(seed: int = 1, **task: Any) -> tuple[RecallConfig, Splits]:
    config = DataConfig(name="recall", seed=seed, recall=task)
    return config.recall, load(config, Path("nowhere"))


def test_without_chance_a_sample_is_the_schedule() -> None:
    """rate = 1, noise = 0: the cue, each distractor as a whole, the go signal, and silence."""
    task, splits = made(rate=1.0, noise=0.0, distractors=2, cue=4, delay=17, go=3, response=5, classes=5)
    shown = patterns(task, 1)
    x, labels = splits.train.dense(), splits.train.labels
    assert x.shape == (48, 41, 29) and (splits.classes, splits.train.steps) == (5, 29)
    names = {tuple(row.astype(int)): label for label, row in enumerate(shown)}
    for sample, label in zip(x, labels, strict=True):
        seen = [names.get(tuple(column)) for column in sample[:-1].T]
        assert seen[:4] == [label] * 4 and not sample[:-1, 21:].any()
        others = [number for number in seen[4:21] if number is not None]
        assert len(others) == 8 and label not in others
        first, second = others[0], others[4]
        assert others == [first] * 4 + [second] * 4 and first != second
        assert not sample[:-1, 4:21].sum(0)[[number is None for number in seen[4:21]]].any()
        assert np.flatnonzero(sample[-1]).tolist() == [21, 22, 23]
    assert np.bincount(labels).tolist() == [10, 10, 10, 9, 9]


@settings(max_examples=12, deadline=None)
@given(
    st.integers(2, 6), st.integers(8, 30), st.integers(1, 5), st.integers(0, 1), st.integers(5, 20), st.integers(0, 99)
)
def test_rates_are_those_of_the_configuration(classes, channels, cue, distractors, delay, seed):  # type: ignore[no-untyped-def]
    task = RecallConfig(
        classes=classes, channels=channels, cue=cue, distractors=distractors, delay=delay, rate=0.6, noise=0.05
    )
    shown = patterns(task, seed)
    assert shown.sum(1).tolist() == [max(1, round(0.25 * channels))] * classes
    assert len({tuple(row) for row in shown}) == classes
    config = DataConfig(name="recall", seed=seed, recall=task.model_dump())
    data = recall._drawn(config, np.random.RandomState(seed), np.arange(200))
    x = data.dense()
    of_class, during = shown[data.labels], x[:, :-1, :cue]
    assert during[of_class].mean() == pytest.approx(0.6, abs=0.1)
    assert during[~of_class].mean() == pytest.approx(0.05, abs=0.03)
    assert x[:, :-1, -task.response :].mean() == pytest.approx(0.05, abs=0.03)


def test_the_cue_and_a_distractor_look_alike() -> None:
    """Channels of what comes first and of what comes later have the same statistics."""
    task, splits = made(distractors=1, delay=10, noise=0.0, classes=4)
    x = splits.train.dense()[:, :-1]
    first, later = x[:, :, :10].sum((1, 2)), x[:, :, 10:20].sum((1, 2))
    assert abs(first.mean() - later.mean()) < 4 * (first.std() + later.std()) / 48**0.5
    assert task.steps == 40


def test_the_same_seed_gives_the_same_and_splits_differ() -> None:
    _, one = made()
    _, other = made()
    _, third = made(seed=2)
    for name in SMALL:
        assert np.array_equal(getattr(one, name).dense(), getattr(other, name).dense())
        assert getattr(one, name).index.tolist() == list(range(SMALL[name]))
    assert not np.array_equal(one.train.dense([0]), one.test.dense([0]))
    assert not np.array_equal(one.train.dense(), third.train.dense())
    digest = int(one.test.features.astype(np.int64) @ np.arange(len(one.test.features)))
    assert digest == DIGEST, "samples of a seed must never change: networks trained on them are tested later"


DIGEST = 395_954_545


def test_a_limit_is_of_training_samples() -> None:
    splits = load(DataConfig(name="recall", limit=7), Path("nowhere"))
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [7, 16, 32]
    assert "the first of 3 patterns of 8 classes, recalled after 60 steps" in splits.provenance
