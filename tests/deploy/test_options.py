"""Every command that reads a .net file takes it as it was trained, says so, and takes another reading if asked."""

import json

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from basalt.cli import build
from basalt.train.slayer import slayer
from tests.deploy.test_inputs import BLOCK, PLAIN, exported


@pytest.fixture
def trained(tmp_path):
    """A normalised convolution without an input's shape, beside what it is run on."""
    torch.manual_seed(8)
    norm = {"norm": slayer.neuron.norm.MeanOnlyBatchNorm}
    block = BLOCK.Conv({**PLAIN, **norm}, 2, 3, 3, stride=2, weight_scale=3)
    spikes = (torch.rand(2, 2, 7, 7, 10) < 0.3).numpy().astype(np.uint8)
    block.neuron.norm.num_features, block.neuron.norm.running_mean = 3, torch.full((3,), -0.3)
    sent = exported([block], spikes, tmp_path / "model.net")["layer0"]
    np.savez(tmp_path / "test.npz", spikes=spikes)
    return tmp_path, sent


def call(*arguments):
    done = CliRunner().invoke(build(), [str(argument) for argument in arguments])
    return done.exit_code, " ".join(done.output.split()), done.exception


COMMANDS = {
    "run": lambda folder: ("run", folder, "-o", folder / "out"),
    "verify": lambda folder: ("verify", folder),
    "map": lambda folder: ("map", folder, "--rate", 0.1, "--input-shape", "2,7,7"),
    "ablate": lambda folder: ("ablate", "near-memory", folder, "-n", 1),
    "compare": lambda folder: ("compare", folder, "-n", 1, "-o", folder / "compared"),
}


@pytest.mark.parametrize("name", list(COMMANDS))
@pytest.mark.parametrize(("reading", "says"), [(None, "as in SLAYER's training"), ("lava", "as in stock Lava's")])
def test_every_command_says_how_it_read_the_file(name, reading, says, trained, monkeypatch):
    monkeypatch.setattr("basalt.study.near_memory.study.combinations", lambda core: [core])  # one core, not eight
    more = [] if reading is None else ["--bias-start", reading]
    code, output, error = call(*COMMANDS[name](trained[0]), *more)
    assert code == 0, error
    assert says in output


def test_what_is_run_is_what_was_trained(trained):
    folder, sent = trained
    for reading, equal in (("training", True), ("lava", False)):
        assert call(*COMMANDS["run"](folder), "--bias-start", reading)[0] == 0
        assert np.array_equal(np.load(folder / "out" / "spikes.npz")["spikes"], sent) == equal
        assert json.loads((folder / "out" / "result.json").read_text())["reading"] == reading


def test_stock_processes_are_refused_by_name(trained):
    code, _, error = call(*COMMANDS["run"](trained[0]), "--backend", "netx")
    assert code == 1 and "its bias acts from step 1, as in training, and those of stock layers all from step 0" in str(
        error
    )
    assert call(*COMMANDS["run"](trained[0]), "--backend", "netx", "--bias-start", "lava")[0] == 0


def test_a_reading_that_is_none_is_named(trained):
    code, _, error = call(*COMMANDS["run"](trained[0]), "--bias-start", "slayer")
    assert code == 1 and "choose from training, unshifted, lava" in str(error)
