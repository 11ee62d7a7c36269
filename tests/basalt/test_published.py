"""Networks that come with Basalt run by their names, offline, and nothing is written beside them."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from basalt import published
from basalt.convert import netx
from basalt.deploy.commands.list import list_command
from basalt.deploy.commands.price import counts_of
from basalt.deploy.options import net_file
from basalt.errors import BasaltError

ROOT = Path(__file__).parents[2]


def state_of_models():
    return sorted((path, path.stat().st_mtime_ns) for path in (ROOT / "models").rglob("*"))


def basalt(cwd, *arguments):
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "basalt.cli", *arguments],
        cwd=cwd,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(cwd), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_a_name_runs_and_results_are_in_runs(tmp_path):
    before = state_of_models()
    said = basalt(tmp_path, "run", "spoken_dsnn_64", "--samples", "20")
    assert "accuracy 100.00 % (20 right)" in said and "Energy of an inference" in said
    folder = tmp_path / "runs" / "spoken_dsnn_64"
    assert (folder / "deploy-fixed" / "report.html").is_file()
    assert "0 of " in basalt(tmp_path, "verify", "spoken_dsnn_64", "--samples", "2")
    assert (folder / "verify.json").is_file()
    assert "deploy-fixed/energy.json" in basalt(tmp_path, "price", "spoken_dsnn_64", "--table", "textbook-45nm")
    assert "runs/spoken_dsnn_64/mapping.json" in basalt(tmp_path, "map", "spoken_dsnn_64", "--mesh", "2x4")
    assert "runs/spoken_dsnn_64/mapping.json" in basalt(tmp_path, "map", "runs/spoken_dsnn_64/deploy-fixed")
    assert state_of_models() == before


def test_models_are_those_of_their_checkpoints_with_samples():
    from basalt.train import checkpoint

    names = published.names()
    assert names == sorted(path.parent.name for path in (ROOT / "models").glob("*/checkpoint.safetensors"))
    for name in names[::8]:
        folder = published.FOLDER / name
        network, saved = netx.read(folder / published.NET), checkpoint.read(folder)
        for mine, trained in zip(network.layers, saved.network().records(), strict=True):
            assert np.array_equal(getattr(mine, "weight", 0), getattr(trained, "weight", 0))
            assert getattr(mine, "neuron", None).__class__ is getattr(trained, "neuron", None).__class__
        with np.load(folder / published.SAMPLES) as found:
            assert found["spikes"].shape[:2] == (published.SAMPLES_MOST, network.inputs)
            assert found["labels"].shape == (published.SAMPLES_MOST,)
        assert saved.recipe.data.name in published.TASKS


def test_a_path_goes_before_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spoken_dmp_s1").mkdir()
    with pytest.raises(BasaltError, match=r"spoken_dmp_s1 holds no model\.net"):
        net_file(Path("spoken_dmp_s1"))


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("spoken_dmp_s11", "does not exist; did you mean the model spoken_dmp_s1"),
        ("models/smnist_d20_s9", "did you mean the model smnist_d20_s"),
        ("zzz", "^zzz does not exist; name another file or run folder, or a model: `basalt list models`"),
        ("../models/spoken_dmp_s1", "does not exist"),
    ],
)
def test_a_name_of_nothing_is_a_sentence(named, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BasaltError, match=said):
        net_file(Path(named))


def test_prices_of_a_model_that_has_not_run_yet(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BasaltError, match="`basalt run spoken_dmp_s1`"):
        counts_of(Path("spoken_dmp_s1"))
    with pytest.raises(BasaltError, match="did you mean the model spoken_dmp_s1"):
        counts_of(Path("spoken_dmp_s11"))


def test_the_list_says_task_accuracy_and_size(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "250")
    list_command("models")
    row = next(line for line in capsys.readouterr().out.splitlines() if " spoken_dmp_s1 " in line)
    assert "spoken digits: 99.00 % of 300 test samples (97.10 … 99.66 %); 38,414 parameters" in row and "KiB" in row
    list_command()
    found = capsys.readouterr().out
    assert "`basalt list models` lists them" in found and "spoken_dmp_s1" not in found
    with pytest.raises(BasaltError, match="did you mean models"):
        list_command("model")


def test_models_stay_small():
    size = sum(path.stat().st_size for path in (ROOT / "models").glob(f"*/{published.NET}"))
    assert size < 7 << 20
