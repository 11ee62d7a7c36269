"""The data table of a recipe: defaults that follow the data set, and keys that belong to some sets only."""

import pytest
from pydantic import ValidationError

from basalt.train.data.config import DataConfig
from basalt.train.data.sets import GROUPED, SETS


@pytest.mark.parametrize("name", [name for name, entry in SETS.items() if entry.defaults])
def test_a_data_set_brings_its_own_defaults_and_what_is_given_wins(name: str) -> None:
    plain = DataConfig(name=name)
    assert {key: getattr(plain, key) for key in SETS[name].defaults} == SETS[name].defaults
    given = ({"steps": 7} if name != "recall" else {}) | ({"group": 9} if name in GROUPED else {})
    chosen = DataConfig(name=name, **given)
    assert all(getattr(chosen, key) == value for key, value in given.items())
    assert chosen.step_ms == SETS[name].defaults["step_ms"]
    assert DataConfig.model_validate(plain.model_dump()) == plain


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"name": "mnist", "group": 5}, "group = 5 is for spoken, shd, ssc, gesture; leave it out with mnist"),
        ({"name": "shd", "exclude_first": 3}, "leave it out with shd"),
        ({"name": "shd", "protocol": "speaker:theo"}, "is for spoken; leave it out with shd"),
        ({"name": "static_digits", "group": 2}, "group = 2 is for spoken, shd"),
        ({"name": "digits", "coding": "latency"}, "coding = 'latency' is for static_digits, static_mnist"),
        ({"name": "recall", "steps": 50}, r"recall has 90 steps \(cue \+ delay.*: leave steps = 50 out"),
        ({"name": "recall", "recall": {"distractors": 7}}, "7 distractors of 10 steps do not fit into 60 of delay"),
        ({"name": "recall", "recall": {"classes": 2}}, "2 distractors of other classes need more than 2 classes"),
        ({"name": "recall", "recall": {"channels": 4}}, "8 classes need more patterns than 1 of 4 channels make"),
        ({"name": "spoken", "protocol": "theo"}, "String should match pattern"),
        ({"name": ["spoken"]}, "Input should be"),
    ],
)
def test_keys_that_mean_nothing_are_refused(given: dict, text: str) -> None:
    with pytest.raises(ValidationError, match=text):
        DataConfig.model_validate(given)
