"""The data table of a recipe: defaults that follow the data set, and keys that belong to some sets only."""

from importlib import import_module

import pytest
from pydantic import ValidationError

from basalt.train.data.config import DataConfig
from basalt.train.data.sets import OWNED, SETS


@pytest.mark.parametrize("name", [name for name, entry in SETS.items() if entry.defaults])
def test_a_data_set_brings_its_own_defaults_and_what_is_given_wins(name: str) -> None:
    plain = DataConfig(name=name)
    assert {key: getattr(plain, key) for key in SETS[name].defaults} == SETS[name].defaults
    given = ({"steps": 7} if name != "recall" else {}) | ({"group": 9} if "group" in SETS[name].keys else {})
    chosen = DataConfig(name=name, **given)
    assert all(getattr(chosen, key) == value for key, value in given.items())
    assert chosen.step_ms == SETS[name].defaults.get("step_ms", 5.0)
    assert DataConfig.model_validate(plain.model_dump()) == plain


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (
            {"name": "mnist", "group": 5},
            "group = 5 is for spoken, shd, ssc, gesture, events, sounds; leave it out with mnist",
        ),
        ({"name": "shd", "exclude_first": 3}, "leave it out with shd"),
        ({"name": "shd", "protocol": "speaker:theo"}, "is for spoken; leave it out with shd"),
        ({"name": "static_digits", "group": 2}, "group = 2 is for spoken, shd"),
        ({"name": "digits", "coding": "latency"}, "coding = 'latency' is for static_digits, static_mnist"),
        ({"name": "digits", "path": "x"}, "path = 'x' is for events, sounds; leave it out with digits"),
        ({"name": "sounds", "crop": [0, 0, 9, 9]}, r"crop = \(0, 0, 9, 9\) is for events; leave it out with sounds"),
        (
            {"name": "events", "test": ["theo"]},
            "test names groups, and no pattern `groups` says which file is of which",
        ),
        ({"name": "events", "test": 0}, r"a share above 0 and below 1, or a list of groups' names.*got 0"),
        ({"name": "events", "test": [], "groups": "(a)"}, r"a list of groups' names.*got \[\]"),
        ({"name": "events", "groups": "_(", "test": 0.1}, "is no regular expression"),
        ({"name": "events", "groups": "_[a-z]+"}, "has no group: put what names one into parentheses"),
        ({"name": "events", "duration_ms": 50, "steps": 3}, "50 in steps of 5 ms is 10 steps: leave steps = 3 out"),
        ({"name": "events", "duration_ms": 1e6}, "less than or equal to 4096"),
        ({"name": "events", "duration_ms": "long"}, "valid number"),
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


def test_a_duration_says_the_steps() -> None:
    assert DataConfig(name="events", duration_ms=300, step_ms=7).steps == 43
    assert DataConfig(name="sounds", duration_ms=500).steps == 50
    whole = DataConfig(name="events", duration_ms=300)
    assert DataConfig.model_validate(whole.model_dump()) == whole and whole.steps == 60


def test_what_one_set_owns_is_a_field_and_every_owner_is_registered() -> None:
    """A new set is a file and a row: nothing else names it."""
    assert set(OWNED) <= set(DataConfig.model_fields)
    assert {key for entry in SETS.values() for key in entry.keys} == set(OWNED)
    for entry in SETS.values():
        found = import_module(f"basalt.train.data.{entry.module}")
        assert callable(found.load) and (entry.sensor is not None or callable(found.shape))
