"""Recipes: defaults, and errors that name file, key and allowed values."""

from pathlib import Path
from typing import Any

import pytest

from basalt.errors import BasaltError
from basalt.train import recipe as recipes
from tests.train.helpers import content


@pytest.mark.parametrize("path", sorted(recipes.RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_recipes_are_valid_and_complete(path: Path, tmp_path: Path) -> None:
    recipe = recipes.read(path.stem)
    assert recipe.name == path.stem
    recipe.write(tmp_path / "recipe.toml")
    assert recipes.read(tmp_path / "recipe.toml").plain() == recipe.plain()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"training.epoch": 3}, "recipe.toml: training.epoch: unknown key.*did you mean 'epochs'"),
        ({"training.epochs": 0}, "recipe.toml: training.epochs: .*greater than or equal to 1.*got 0"),
        ({"training.epochs": "many"}, "training.epochs: .*integer.*'many'"),
        ({"training.objective": "crossentropy"}, "training.objective: .*did you mean 'cross_entropy'"),
        ({"training.augment.drops": 1}, "training.augment.drops: unknown key.*did you mean 'drop'"),
        (
            {"network.layers.0.kind": "dpm"},
            r"network.layers\[0\].kind: 'dpm' is not one of lif, dmp.*did you mean 'dmp'",
        ),
        ({"network.layers.0.state": 4}, r"network.layers\[0\].state: unknown key.*did you mean 'states'"),
        ({"network.layers.1.reset": "zero"}, r"network.layers\[1\].reset: .*'hard', 'soft' or 'none'.*got 'zero'"),
        ({"network.layers.1.voltage_decay": [0.5, 0.1]}, r"layers\[1\].voltage_decay: a decay is a fraction.*got "),
        ({"network.layers.2.kind": "lif", "network.layers.2.units": 3}, "network: the last layer.*readout"),
        ({"network.layers.1.name": "hidden1"}, "network: two layers have the same name"),
        ({"sed": 1}, "recipe.toml: sed: unknown key.*did you mean 'seed'"),
        ({"name": "../elsewhere"}, "name: .*pattern"),
        ({"seed": 1 << 64}, "seed: input should be less than"),
        ({"training.contrastive.layer": "hiden1"}, r"layer: 'hiden1' is not one of .*did you mean 'hidden1'\?$"),
        ({"training.objective": "cross_entrop"}, r"objective: 'cross_entrop' is not.*mean 'cross_entropy'\?$"),
        ({"training.epochs.most.x": 1}, "--set training.epochs.most.x: training.epochs.most is no table of the recipe"),
        ({"network.layers.²": 1}, "no table of the recipe"),
        ({"network.layers.².units": 1}, "there is no layer '²'"),
        ({"network.layers": 3}, r"network.layers: layers are tables, .*\[\[network.layers\]\] \(got 3\)"),
        ({"network.layers": ["lif"]}, r"network.layers\[0\]: a layer is a table with its kind \(got 'lif'\)"),
        ({"network.layers": []}, r"network: the last layer, and no other, is a readout \(got none\)"),
        ({"network.layers": [{"kind": "readout"}]}, "network: a readout needs a layer before it"),
        ({"network.layers.0.kind": ["lif"]}, r"layers\[0\].kind: \['lif'\] is not one of lif"),
        ({"network.layers.0": {"kind": "conv", "channels": 3, "groups": 2}}, "is no table of the recipe"),
        ({"network.layers": [{"kind": "conv", "channels": 3, "groups": 2}]}, r"layers\[0\]: 2 groups do not divide"),
        ({"network.layers": [{"kind": "conv", "channels": 3, "padding": 1 << 70}]}, "padding: give a whole number up"),
        ({"network.layers.0.name": "input"}, "name: 'input' is reserved for the network's input; choose another"),
        ({"network.layers.0.name": "file"}, "name: 'file' is reserved for numpy.savez"),
        ({"network.layers.0.coefficient_bits": 24}, "coefficient_bits: input should be less than or equal to 16"),
        ({"network.layers": [{"kind": "pool", "size": [0, 2]}]}, r"layers\[0\].size: 1 or more \(got \(0, 2\)\)"),
        ({"network.layers.0.update_interval": 1 << 70}, "update_interval: input should be less than or equal to 4096"),
        ({"training.augment.steps": 1 << 70}, "augment.steps: input should be less than or equal to 4096"),
        ({"network.layers.0.units": 0}, r"units: input should be greater than 0 \(got 0\)"),
        ({"network.layers.0.units": True}, r"units: input should be a number \(got True\)"),
        ({"network.layers.0.window": float("inf")}, r"window: input should be a finite number \(got inf\)"),
        ({"training.learning_rate": float("inf")}, r"learning_rate: input should be a finite number \(got inf\)"),
        ({"data": {"name": "recall", "recall": {"dealy": 3}}}, "data.recall.dealy: unknown key.*mean 'delay'"),
        ({"data": {"name": "recall", "recall": {"delay": 3}}}, "data.recall: 2 distractors of 10 steps do not fit"),
    ],
)
def test_errors_name_file_key_and_way_out(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    import tomli_w

    path = tmp_path / "recipe.toml"
    path.write_text(tomli_w.dumps(content()))
    with pytest.raises(BasaltError, match=message) as caught:
        recipes.read(path, change)
    assert "\n" not in str(caught.value)


def test_missing_key_is_named() -> None:
    without = {key: value for key, value in content().items() if key != "data"}
    with pytest.raises(BasaltError, match="here: data: this key is missing"):
        recipes.parse(without, "here")


def test_unknown_recipe_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(BasaltError, match=r"dmp_digits.*did you mean 'dmp_digits'"):
        recipes.find("dmp_digit")
    with pytest.raises(BasaltError, match=r"or the path of a TOML file\.$"):
        recipes.find("nothing like it")
    (tmp_path / "recipe.toml").write_text("")
    with pytest.raises(BasaltError, match=r"is a run: go on with it with --resume"):
        recipes.find(tmp_path)


def test_broken_toml_names_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text("name = \n")
    with pytest.raises(BasaltError, match=r"broken.toml is not valid TOML.*line 1"):
        recipes.read(path)


def test_settings_of_the_command_line() -> None:
    assert recipes.setting("training.epochs=3") == ("training.epochs", 3)
    assert recipes.setting("network.layers.0.reset=soft") == ("network.layers.0.reset", "soft")
    assert recipes.setting("network.layers.0.voltage_decay=[0.1, 0.2]")[1] == [0.1, 0.2]
    with pytest.raises(BasaltError, match="key=value"):
        recipes.setting("training.epochs")
    with pytest.raises(BasaltError, match="no layer"):
        recipes.read("dmp_digits", {"network.layers.9.units": 3})
    assert recipes.read("dmp_digits", {"network.layers.0.units": 3}).network.layers[0].units == 3
