"""Shapes reported without loading are those of what is loaded."""

from pathlib import Path

import numpy as np
import pytest

from basalt.train.data import DataConfig, cochlea, digits, gesture, heidelberg, load, mnist, spoken
from basalt.train.data import sets as shapes
from basalt.train.data.sets import SETS, Shape, shape


@pytest.mark.parametrize(
    ("name", "group", "features", "classes"),
    [
        ("digits", 1, 2312, 10),
        ("smnist", 1, 1, 10),
        ("spoken", 5, 140, 10),
        ("shd", 1, 700, 20),
        ("ssc", 3, 234, 35),
        ("gesture", 4, 2048, 11),
        ("gesture", 5, 1352, 11),
        ("static_mnist", 1, 784, 10),
        ("recall", 1, 41, 8),
    ],
)
def test_features_and_classes(name: str, group: int, features: int, classes: int) -> None:
    found = shape(DataConfig(name=name, group=group))
    assert (found.features, found.classes) == (features, classes)


def test_numbers_are_those_of_the_data_sets() -> None:
    assert cochlea.CHANNELS == heidelberg.CHANNELS == shapes.CHANNELS and gesture.PIXELS == shapes.SIDE
    classes = {name: source.classes for name, source in heidelberg.SOURCES.items()}
    classes |= {"spoken": spoken._CLASSES, "gesture": gesture._CLASSES, "mnist": mnist._CLASSES}
    assert {name: SETS[name].classes for name in classes} == classes


def test_a_loaded_set_has_its_shape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mnist, "_HELD_OUT", 1)
    which = (np.arange(10)[:, None] * 500 + np.arange(2)).ravel()
    images, labels = digits.images()[which], np.repeat(np.arange(10, dtype=np.uint8), 2)
    np.savez(tmp_path / "mnist.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    for config in (DataConfig(name="psmnist", steps=784), DataConfig(name="mnist", steps=10)):
        splits = load(config, tmp_path)
        assert Shape(splits.train.sensor, splits.classes) == shape(config)
        assert splits.train.features_count == shape(config).features
