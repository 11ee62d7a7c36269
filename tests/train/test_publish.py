"""Published networks: small, listed, and as good as the run they come from."""

import json
from pathlib import Path

import pytest
import torch

from basalt.errors import BasaltError
from basalt.train import checkpoint
from basalt.train.checkpoint import load
from basalt.train.moments import moments
from basalt.train.networks import Network
from basalt.train.publish import formula_count, overview, publish
from basalt.train.recipe import parse
from basalt.train.resumption import Progress
from basalt.train.stepper import optimizer as make_optimizer

DATA = {"name": "spoken"}


def recipe(name="tiny"):  # type: ignore[no-untyped-def]
    layers = [{"kind": "dmp", "units": 6, "states": 3}, {"kind": "lif", "units": 4, "recurrent": True, "delay": 5}]
    training = {"epochs": 9, "rate_penalty": 2.0, "average": 1.5, "augment": {"drop": 0.1, "share": 0.4}}
    network = {"layers": [*layers, {"kind": "readout"}]}
    return parse({"name": name, "data": DATA, "network": network, "training": training}, "test")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    torch.manual_seed(3)
    folder = tmp_path / "runs" / "tiny"
    folder.mkdir(parents=True)
    network = Network(recipe().network, 10, 2)
    optimizer = make_optimizer(network, recipe().training, torch.device("cpu"))
    sum(parameter.sum() for parameter in network.parameters()).backward()
    optimizer.step()
    last = Progress(
        network.state_dict(),
        moments(network, optimizer),
        torch.get_rng_state(),
        1,
        1,
        4.2,
        ({"epoch": 1},),
        average=network.state_dict(),
    )
    saved = checkpoint.Checkpoint(recipe(), 10, 2, network.state_dict(), last=last)
    saved.write(folder / checkpoint.NAME)
    recipe().write(folder / "recipe.toml")
    (folder / "log.csv").write_text("epoch\r\n1\r\n")
    metrics = {
        "accuracy_float": 0.981, "accuracy_integer": 0.9795, "parameters": 123, "seed": 7, "seconds": 4.2,
        "spike_rate": {"hidden1": 0.1, "hidden2": 0.05},
    }  # fmt: skip
    (folder / "metrics.json").write_text(json.dumps(metrics))
    return folder


def test_publishing_keeps_the_network_and_leaves_out_the_rest(run: Path, tmp_path: Path) -> None:
    publish(run, tmp_path / "models")
    kept = tmp_path / "models" / "tiny"
    assert (kept / checkpoint.NAME).stat().st_size < (run / checkpoint.NAME).stat().st_size / 2
    assert checkpoint.read(run).last is not None and checkpoint.read(kept).last is None
    before, after = load(run).state_dict(), load(kept).state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    text = (tmp_path / "models" / "README.md").read_text()
    assert text == overview(tmp_path / "models")
    assert "| tiny | 7 | 9, averaged 1.5 | 40 % | 2 above 0.05 | 123 | " in text and "| 98.10 | 97.95 |" in text


def test_the_table_of_the_models_here_is_what_they_are() -> None:
    models = Path(__file__).parents[2] / "models"
    assert (models / "README.md").read_text() == overview(models)


def test_an_unfinished_run_is_not_published(run: Path, tmp_path: Path) -> None:
    (run / "metrics.json").unlink()
    with pytest.raises(BasaltError, match="not finished"):
        publish(run, tmp_path / "models")


def test_the_papers_formula() -> None:
    # 10·6 + 6·3 + 3² + 3 + 10, then 6·4 + 4² + 4 (recurrent, delays)
    assert formula_count(recipe().network, 10) == 100 + 44


def test_a_checkpoint_stands_for_its_run(run: Path, tmp_path: Path) -> None:
    publish(run / checkpoint.NAME, tmp_path / "models")
    assert (tmp_path / "models" / "tiny" / "metrics.json").is_file()


def test_a_run_without_a_log_is_not_half_published(run: Path, tmp_path: Path) -> None:
    (run / "log.csv").unlink()
    with pytest.raises(BasaltError, match=r"tiny has no log\.csv"):
        publish(run, tmp_path / "models")
    assert not (tmp_path / "models").exists()


def test_a_run_is_not_published_into_itself(run: Path) -> None:
    """Its checkpoint could not be resumed any more."""
    before = (run / checkpoint.NAME).read_bytes()
    with pytest.raises(BasaltError, match=r"is the run itself.*--to"):
        publish(run, run.parent)
    assert (run / checkpoint.NAME).read_bytes() == before


def test_a_folder_of_models_that_cannot_be_made_is_named(run: Path, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("")
    with pytest.raises(BasaltError, match="Cannot make the folder"):
        publish(run, tmp_path / "models")
