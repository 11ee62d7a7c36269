"""A live module of a script: imported without a file, or refused with a sentence."""

import json

import numpy as np
import pytest

from basalt.convert import netx
from basalt.convert.nir.command import import_command
from basalt.convert.nir.options import ImportOptions
from basalt.errors import BasaltError
from basalt.records.simulate import simulate

SNNTORCH = """
import torch, snntorch as snn
torch.manual_seed(3)
net = torch.nn.Sequential(
    torch.nn.Linear(8, 12, bias=False),
    {first},
    torch.nn.Linear(12, 4, bias=False),
    snn.Leaky(beta=0.8, reset_mechanism="zero", init_hidden=True, output=True),
)
with torch.no_grad():
    net[0].weight.mul_(4)
    net[2].weight.mul_(4)
"""
SLAYER = """
import torch
from lava.lib.dl import slayer
torch.manual_seed(1)
neuron = dict(threshold=0.5, current_decay=0.4, voltage_decay=0.1)
blocks = torch.nn.ModuleList([slayer.block.cuba.Dense(neuron, 8, 6, delay_shift=False)])
"""


def imported(tmp_path, script, name="net", **options):
    (tmp_path / "model.py").write_text(script)
    if not (tmp_path / "data.npz").exists():
        spikes = np.random.default_rng(0).random((10, 8, 40)) < 0.3
        np.savez(tmp_path / "data.npz", spikes=spikes.astype(np.uint8))
    given = {"data": tmp_path / "data.npz", "output": tmp_path / "run", **options}
    import_command(ImportOptions(tmp_path / f"model.py:{name}", **given))


@pytest.mark.parametrize(
    "first",
    [
        'snn.Leaky(beta=0.9, reset_mechanism="zero", init_hidden=True)',
        'snn.Leaky(beta=torch.rand(12), threshold=0.8, learn_beta=True, reset_mechanism="zero", init_hidden=True)',
    ],
)
def test_a_module_of_snntorch_is_what_it_computes_itself(first, tmp_path):
    pytest.importorskip("snntorch", reason="pip install snntorch nirtorch nir")
    imported(tmp_path, SNNTORCH.format(first=first))
    content = json.loads((tmp_path / "run/import.json").read_text())
    assert content["meaning"]["reset"] == "snntorch-zero"
    (beside,) = content["activity"]["float"]
    assert beside["fired"] > 50 and beside["differing"] == 0
    assert content["account"][1]["equal_counts"] == 1.0


SAID = {
    'snn.Leaky(beta=0.9, reset_mechanism="none", init_hidden=True)': "several ways",
    'snn.Leaky(beta=0.9, reset_mechanism="zero", init_hidden=True, inhibition=True)': "inhibition",
    "snn.Lapicque(beta=0.9, init_hidden=True)": "1 is Lapicque",
    "torch.nn.ReLU()": "1 is ReLU",
    'snn.Leaky(beta=0.9, reset_mechanism="zero")': "init_hidden=True",
}


@pytest.mark.parametrize("first", SAID)
def test_what_the_exporter_would_drop_is_refused(first, tmp_path):
    pytest.importorskip("snntorch", reason="pip install snntorch nirtorch nir")
    with pytest.raises(BasaltError, match=SAID[first]):
        imported(tmp_path, SNNTORCH.format(first=first))
    assert not (tmp_path / "run").exists()


def test_a_module_of_slayer_keeps_its_integers(tmp_path):
    imported(tmp_path, SLAYER, "blocks", dt="1ms")
    network = netx.read(tmp_path / "run/model.net")
    samples = np.load(tmp_path / "run/test.npz")["spikes"]
    assert network.step_seconds == 1e-3 and network.layers[0].weight.shape == (6, 8)
    assert simulate(network, samples)[network.layers[0].name].any()


BROKEN = {
    "raises": ("raise ValueError('no\\nluck')", "net", "ValueError: no"),
    "ends": ("import sys; sys.exit(3)", "net", "SystemExit"),
    "is no Python": ("net = (", "net", "SyntaxError"),
    "lacks it": ("other = 1", "net", "defines no 'net'"),
    "is a number": ("net = 1", "net", "no neurons of"),
    "is a class": ("import torch\nnet = torch.nn.Linear", "net", "no neurons of"),
    "has no neurons": ("import torch\nnet = torch.nn.Linear(8, 2)", "net", "no neurons of"),
    "lies": ("class net:\n    modules = 3", "net", "no neurons of"),
}


@pytest.mark.parametrize("which", BROKEN)
def test_a_script_that_cannot_be_imported_is_a_sentence(which, tmp_path):
    script, name, said = BROKEN[which]
    with pytest.raises(BasaltError, match=said) as found:
        imported(tmp_path, script, name)
    assert "\n" not in str(found.value)


def test_what_a_module_says_itself_is_not_asked_for(tmp_path):
    with pytest.raises(BasaltError, match="leave out --reset"):
        imported(tmp_path, SLAYER, "blocks", reset="hard")
    with pytest.raises(BasaltError, match="--data"):
        imported(tmp_path, SLAYER, "blocks", data=None)
    with pytest.raises(BasaltError, match="does not exist"):
        import_command(ImportOptions(tmp_path / "none.py:net", tmp_path / "data.npz"))
