"""What a run is exported from, and into."""

from pathlib import Path

import numpy as np
import pytest

from basalt.convert.export import export, write_export
from basalt.errors import BasaltError
from basalt.train import data
from basalt.train.recipe import parse
from tests.train.helpers import content, recipe, splits
from tests.train.test_training import run as train


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    train(folder, wanted=recipe(epochs=1))
    return folder


def test_only_a_run_or_its_checkpoint_is_exported(trained: Path) -> None:
    """Not what lies beside another file, which may be another network."""
    (trained / "best.safetensors").write_bytes((trained / "checkpoint.safetensors").read_bytes())
    with pytest.raises(BasaltError, match=r"best\.safetensors is neither a run folder nor its checkpoint\.safetensors"):
        export(trained / "best.safetensors")
    with pytest.raises(BasaltError, match=r"No checkpoint at .*nowhere: "):
        export(trained.parent / "nowhere")
    assert not (trained / "model.net").exists()


def test_nothing_is_written_before_all_is_known(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> None:
        raise BasaltError("The data are not there.")

    monkeypatch.setattr(data, "load", missing)
    with pytest.raises(BasaltError, match="not there"):
        export(trained)
    assert not (trained / "model.net").exists()


def test_nothing_of_other_weights_is_left(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "load", lambda config, data_dir=None: splits())
    np.savez(trained / "trace.npz", hidden1=np.zeros(3))
    (trained / "verify.json").write_text('{"mismatches": 0}')
    export(trained / "checkpoint.safetensors", samples=2, verified=0)
    assert (trained / "model.net").exists()
    assert not (trained / "trace.npz").exists() and not (trained / "verify.json").exists()


def test_the_weights_of_a_convolution_are_counted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not one a pair of an input and an output."""
    monkeypatch.setattr(data, "load", lambda config, data_dir=None: splits())
    layers = [{"kind": "conv", "channels": 3}, {"kind": "readout"}]  # 3 × 1 × 3 × 3, and 2 × 3·2·2
    train(tmp_path / "conv", wanted=parse({**content(epochs=1), "network": {"layers": layers}}, "conv"))
    assert "(2 layers, 51 weights of synapses) and 5 test samples" in write_export(tmp_path / "conv", 5, 0, None)
