"""What a training has seen of another data set's samples, for every pair of data sets that share images."""

from pathlib import Path

import numpy as np
import pytest

from basalt.train.data import digits, mnist, nmnist
from basalt.train.data.config import DataConfig
from basalt.train.data.events import EventSet
from basalt.train.data.origin import ORIGINS, TEST, TRAINING, embedded, first_labels, origin, overlap, warning
from basalt.train.data.sets import SETS

SHARE_TRAINING = ("digits", "static_digits", "mnist", "smnist", "psmnist", "static_mnist", "nmnist")
NOWHERE = Path("/nowhere")


def samples(index: object, labels: object = None) -> EventSet:
    """Samples without an event."""
    where = np.asarray(index, np.int64)
    return EventSet(
        offsets=np.zeros(len(where) + 1, np.int64),
        features=np.zeros(0, np.uint16),
        times=np.zeros(0, np.uint16),
        labels=np.zeros(len(where), np.int64) if labels is None else np.asarray(labels, np.int64),
        steps=1,
        step_ms=1.0,
        index=where,
    )


def count(trained: str, tested: str, split: str, index: object, labels: object = None, **config: object) -> int:
    return int(seen(trained, tested, split, index, labels, **config).sum())


def seen(trained, tested, split, index, labels=None, data_dir=NOWHERE, **config):  # type: ignore[no-untyped-def]
    shown = samples(index, labels)
    return overlap(DataConfig(name=trained, **config), DataConfig(name=tested), split, shown, data_dir)


def test_the_embedded_digits_are_the_first_500_of_each_class_of_mnists_training_images() -> None:
    where = embedded()
    assert len(set(where.tolist())) == 5000
    assert (first_labels()[where] == np.repeat(np.arange(10), 500)).all()
    assert where.max() == len(first_labels()) - 1 == 5847
    assert where[:3].tolist() == [1, 21, 34]  # the first zeros of MNIST
    assert 0 in where and 1 in where


@pytest.mark.parametrize("trained", SHARE_TRAINING)
@pytest.mark.parametrize("tested", SETS)
def test_every_pair_of_data_sets(trained: str, tested: str) -> None:
    """Of sample 7 of the training split and of the test split; N-MNIST's as the complete set has them."""
    found = [count(trained, tested, split, [7], [first_labels()[7]]) for split in ("train", "validation")]
    shares = tested in SHARE_TRAINING
    if tested in ("digits", "static_digits") or trained not in ("digits", "static_digits"):
        assert found == [shares or tested == trained] * 2
    tests = np.arange(10) if tested not in ("digits", "static_digits") else digits.split()[2][:10]
    labels = 9 - first_labels()[:10]  # no label of the training images
    expected = 10 if tested in ("digits", "static_digits") and trained not in ("digits", "static_digits") else 0
    assert count(trained, tested, "test", tests, labels) == expected


@pytest.mark.parametrize("name", SETS)
def test_a_training_saw_its_own_training_and_validation_and_not_its_test(name: str) -> None:
    train, validation, test = digits.split() if "digits" in name else ([1, 2], [3, 4], [5, 6])
    labels = first_labels()[[5, 6]] if name != "nmnist" else [9, 9]
    assert seen(name, name, "train", train).all()
    assert seen(name, name, "validation", validation).all()
    assert not seen(name, name, "test", test, labels if len(test) == 2 else None).any()


def test_what_training_left_out_is_new() -> None:
    index = [0, 999, 1000, 5000]
    assert seen("mnist", "nmnist", "train", index, exclude_first=1000).tolist() == [False, False, True, True]
    assert seen("psmnist", "nmnist", "train", index, exclude_first=1000).tolist() == [False, False, True, True]
    assert count("mnist", "digits", "test", digits.split()[2]) == 500
    few = count("mnist", "digits", "test", digits.split()[2], exclude_first=1000)
    assert few == int((embedded()[digits.split()[2]] >= 1000).sum()) == 391


def test_a_part_of_nmnist_may_number_its_test_on_from_the_training_set() -> None:
    index = np.arange(400, 500)
    training, other = first_labels()[index], (first_labels()[index] + 1) % 10
    assert origin("nmnist").shows("test", samples(index, training))[0] == TRAINING
    assert origin("nmnist").shows("test", samples(index, other))[0] == TEST
    assert count("mnist", "nmnist", "test", index, training) == 100
    assert count("mnist", "nmnist", "test", index, other) == 0
    assert count("digits", "nmnist", "test", index, training) == 95


def test_a_limited_training_saw_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train, validation, _ = digits.split()
    assert count("digits", "static_digits", "train", train, limit=100) == 100
    assert count("digits", "static_digits", "validation", validation, limit=100) == 500
    monkeypatch.setattr(mnist, "_HELD_OUT", 2)
    labels = np.repeat(np.arange(10, dtype=np.uint8), 8)
    images = np.zeros((80, 28, 28), np.uint8)
    np.savez(tmp_path / "mnist.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    given = {"trained": "mnist", "tested": "smnist", "split": "train", "index": np.arange(80)}
    assert seen(**given, data_dir=tmp_path, limit=11).sum() == 11 + 20
    assert seen(**given, limit=11).all()  # without the labels nobody knows which: any


def test_recordings_that_are_here_are_those_that_were_seen(tmp_path: Path) -> None:
    for number in range(1, 41):
        file = tmp_path / "NMNIST" / "Train" / str(number % 10) / f"{number:05}.bin"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    assert nmnist.numbered("Train", tmp_path)[:2].tolist() == [[0, 1], [1, 2]]
    found = seen("nmnist", "smnist", "train", [5, 39, 40], data_dir=tmp_path, exclude_first=10)
    assert found.tolist() == [False, True, False]
    assert not len(nmnist.numbered("Train", NOWHERE))


def test_the_warning_counts_names_the_source_and_the_way_out() -> None:
    parts = {"train": samples([3, 4]), "test": samples([3, 4, 5], [9, 9, 9])}
    known = {"train": np.array([True, False]), "test": np.zeros(3, bool)}
    said = warning(DataConfig(name="smnist"), DataConfig(name="nmnist"), parts, known)
    assert said.startswith("1 of these 5 samples show MNIST training images that this network was trained or chosen on")
    assert "data.exclude_first=N" in said and TEST not in said
    own = warning(DataConfig(name="spoken"), DataConfig(name="spoken"), parts, known)
    assert "spoken's train split" in own and "--split test" in own
    assert warning(DataConfig(), DataConfig(), parts, {"train": np.zeros(2, bool), "test": np.zeros(3, bool)}) == ""  # type: ignore[arg-type]


def test_registered_data_sets_exist() -> None:
    assert set(ORIGINS) <= set(SETS)
