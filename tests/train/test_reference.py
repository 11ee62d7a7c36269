"""Every key of a recipe is explained, and docs/recipe_reference.md says the same."""

import pytest
from pydantic import BaseModel, Field

from basalt.errors import BasaltError
from basalt.train.explain import recipe, title
from basalt.train.layers import LAYERS
from basalt.train.recipe import RECIPES, parse, read
from basalt.train.reference import explained, key, sections
from tools import recipe_reference


def paths(wanted):
    return [key.path for section in explained(wanted) for key in section.keys]


def test_the_page_is_current():
    current = recipe_reference.FILE.read_text(encoding="utf-8") == recipe_reference.page()
    assert current, "run `python tools/recipe_reference.py`"


def leaves(content, before=""):
    for name, value in content.items():
        if name == "layers":
            for layer in value:
                yield from leaves(layer, f"network.layers.{layer['kind']}.")
        elif isinstance(value, dict):
            yield from leaves(value, f"{before}{name}." if name != "network" else "")
        else:
            yield f"{before}{name}"


@pytest.mark.parametrize("name", sorted(path.stem for path in RECIPES.glob("*.toml")))
def test_every_key_of_every_recipe_is_explained(name):
    for path in leaves(read(name).plain()):
        found = [key for section in explained(path) for key in section.keys]
        assert found and all(len(key.meaning) > 5 and key.values and key.default for key in found), path


def test_every_field_of_every_kind_of_layer_is_explained():
    for kind, entry in LAYERS.items():
        for name in entry.config.model_fields:
            if name != "adaptive":
                assert explained(f"{kind}.{name}"), (kind, name)
    assert any(section.path.endswith("adaptive") for section in sections())


def test_no_key_is_said_twice():
    found = [key.path for section in sections() for key in section.keys]
    assert len(set(found)) == len(found) > 120


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("training.epochs", ["training.epochs"]),
        ("rate_target", ["training.rate_target"]),
        ("network.layers.1.window", ["network.layers.dmp.window"]),
        ("layers.0.patterns", ["network.layers.hopfield.patterns"]),
        ("recall.delay", ["data.recall.delay"]),
    ],
)
def test_keys_are_found_by_their_ends(wanted, found):
    assert paths(wanted) == found


def test_a_table_or_a_kind_of_layer_has_all_its_keys():
    assert paths("augment") == paths("training.augment") and len(paths("augment")) == 9
    assert {path.rpartition(".")[2] for path in paths("dmp")} >= {"window", "units", "threshold", "weight_scale"}
    assert all(path.split(".")[2] != "conv" for path in paths("dmp"))


def test_ranges_units_and_defaults_are_the_models():
    (section,) = explained("data.steps")
    assert section.keys[0].values == "whole number ≥ 1, ≤ 4096" and section.keys[0].unit == "steps"
    assert section.keys[0].default.startswith("60; 100 for spoken")
    with pytest.raises(BasaltError, match="steps"):
        parse({"name": "a", "data": {"name": "digits", "steps": 4097}, "network": {"layers": []}}, "test")
    (section,) = explained("voltage_decay")[:1]
    assert section.keys[0].values == "number ≥ 0, ≤ 1, or [low, high]"
    assert explained("objective")[0].keys[0].values.startswith("cross_entropy, ")


def test_a_field_without_a_meaning_is_a_fault():
    class Bare(BaseModel):
        """Nothing said."""

        size: int = Field(1, ge=0)

    with pytest.raises(KeyError, match=r"Bare\.size has no description"):
        key("size", "size", Bare)


def test_a_wrong_key_is_a_sentence():
    with pytest.raises(BasaltError, match=r"no key 'epoch'; did you mean epochs\? `basalt recipe --explain`"):
        explained("epoch")
    with pytest.raises(BasaltError, match="Name a recipe"):
        recipe()


def test_the_command_says_it(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    recipe("training.clip", explain=True)
    said = capsys.readouterr().out
    assert "[training]" in said and "largest gradient norm; inf for any" in said
    recipe("dmp_digits")
    assert parse_toml(capsys.readouterr().out)["training"]["clip"] == 1.0
    assert title("network.layers.lif|dmp.adaptive") == "[[network.layers]] of the kind lif, dmp: adaptive"


def parse_toml(text):
    import tomllib

    return tomllib.loads(text)
