"""The data table of a recipe: defaults that follow the data set, and keys that belong to some sets only."""

import pytest
from pydantic import ValidationError

from train.data.config import DEFAULTS, DataConfig


@pytest.mark.parametrize("name", DEFAULTS)
def test_a_data_set_brings_its_own_defaults_and_what_is_given_wins(name: str) -> None:
    plain = DataConfig(name=name)
    assert {key: getattr(plain, key) for key in DEFAULTS[name]} == DEFAULTS[name]
    chosen = DataConfig(name=name, steps=7, group=9)
    assert (chosen.steps, chosen.group, chosen.step_ms) == (7, 9, DEFAULTS[name]["step_ms"])
    assert DataConfig.model_validate(plain.model_dump()) == plain


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"name": "mnist", "group": 5}, "group = 5 is for spoken, shd, ssc, gesture; leave it out with mnist"),
        ({"name": "shd", "exclude_first": 3}, "leave it out with shd"),
        ({"name": "shd", "protocol": "speaker:theo"}, "is for spoken; leave it out with shd"),
        ({"name": "spoken", "protocol": "theo"}, "String should match pattern"),
        ({"name": ["spoken"]}, "Input should be"),
    ],
)
def test_keys_that_mean_nothing_are_refused(given: dict, text: str) -> None:
    with pytest.raises(ValidationError, match=text):
        DataConfig.model_validate(given)
