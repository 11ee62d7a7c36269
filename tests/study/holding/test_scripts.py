"""Both scripts of the study on a small network and data that are made here."""

from xml.etree import ElementTree

import pytest
import tomli_w
from rich.console import Console

from basalt.documents import read_json
from basalt.errors import BasaltError
from basalt.files import write_json
from basalt.study.holding.measure import measure
from basalt.study.holding.picture import picture
from basalt.study.holding.train import train
from basalt.train import data
from basalt.train.loop import fit, make_fabric
from basalt.train.recipe import parse
from tests.train.helpers import STEPS, content, splits


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(data, "load", lambda config, data_dir=None: splits(samples=96))


def test_each_way_and_seed_is_trained_once(tmp_path, capsys):
    recipe, output = tmp_path / "tiny.toml", tmp_path / "out.json"
    recipe.write_text(tomli_w.dumps(content()))
    settings = {"interval": 4, "recipe": str(recipe), "epochs": 2}
    settings |= {"set_": None, "data_dir": None, "accelerator": "cpu"}
    train(output, way=["held"], seed=[1], **settings)
    (first,) = read_json(output)
    assert first["samples"] == 20 and 0 <= first["accuracy"] <= 1 and first["held_steps"] == 4
    capsys.readouterr()
    train(output, way=["held", "pulsed"], seed=[1], **settings)
    rows = read_json(output)
    assert [row["way"] for row in rows] == ["held", "pulsed"] and rows[0] == first
    assert rows[1]["loss"] != first["loss"]
    assert "pulsed, interval 4, seed 1" in capsys.readouterr().out
    with pytest.raises(BasaltError, match=r"'hold' is not one of every, held.*did you mean 'held'"):
        train(output, way=["hold"], seed=[1], **settings)


def test_a_network_is_measured_with_its_own_refreshes_and_others(tmp_path):
    wanted = content(epochs=2)
    wanted["network"]["layers"][0]["update_interval"] = 4
    fit(parse(wanted, "tiny"), splits(96), tmp_path / "run", make_fabric("cpu", "1"), False, Console(quiet=True))
    output = tmp_path / "out.json"
    measure([tmp_path / "run"], output, samples=64, window=4, data_dir=None)
    (row,) = read_json(output)
    assert row["accuracy"] == row["moved"]["0"] and set(row["moved"]) == {"-2", "-1", "0", "1", "2"}
    assert len(row["correlation_steps"]) == len(row["gradient_signal"]) == len(row["graded"]) == 1
    assert 0 < row["correlation_steps"][0] < STEPS


def test_a_network_without_dual_memory_is_refused(tmp_path):
    wanted = content(epochs=1)
    del wanted["network"]["layers"][0]
    fit(parse(wanted, "tiny"), splits(), tmp_path / "run", make_fabric("cpu", "1"), False, Console(quiet=True))
    with pytest.raises(BasaltError, match="Run tiny has no layer of kind dmp"):
        measure([tmp_path / "run"], tmp_path / "out.json", samples=64, window=4, data_dir=None)


def test_the_picture_of_what_was_measured(tmp_path):
    rows = [{"network": f"net{k}", "moved": {"-1": 0.5, "0": 0.9, "1": 0.25 * k}} for k in (1, 2)]
    write_json(tmp_path / "in.json", rows)
    picture(tmp_path / "in.json", tmp_path / "out.svg")
    drawn = ElementTree.parse(tmp_path / "out.svg").getroot()
    words = ["".join(text.itertext()) for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert {"net1", "net2"} <= set(words)
    assert len(list(drawn.iter("{http://www.w3.org/2000/svg}circle"))) == 6
