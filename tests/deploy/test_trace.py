"""verify compares training where a trace of it is given, says what it did not compare, and finds what differs."""

import json

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from basalt.convert import netx
from basalt.deploy.main import app
from basalt.deploy.trace import align, read_trace
from basalt.errors import BasaltError
from basalt.records.simulate import simulate
from basalt.train.slayer import slayer
from tests.deploy.test_inputs import BLOCK, PLAIN, exported

NORMED = {**PLAIN, "norm": slayer.neuron.norm.MeanOnlyBatchNorm}
STEPS = 25


@pytest.fixture
def trained(tmp_path):
    """model.net, x.npz and SLAYER's spikes of a convolution, a dense layer and a read-out without dynamics."""
    return make(tmp_path)


def make(folder, **options):
    torch.manual_seed(5)
    blocks = [
        BLOCK.Conv(dict(NORMED), 2, 4, 3, weight_scale=3, **options),
        BLOCK.Flatten(),
        BLOCK.Dense(dict(NORMED), 4 * 4 * 4, 10, weight_scale=3, **options),
        BLOCK.Affine(dict(PLAIN), 10, 3, dynamics=False),
    ]
    spikes = (torch.rand(4, 2, 6, 6, STEPS) < 0.3).float()
    for block in blocks:
        norm = getattr(getattr(block, "neuron", None), "norm", None)
        if norm is not None:
            norm.num_features, norm.running_mean = 1, torch.tensor([-0.2])
    sent = exported(blocks, spikes.numpy(), folder / "model.net")
    np.savez(folder / "x.npz", spikes=spikes.numpy())
    return folder, sent


def verify(folder, *more):
    done = CliRunner().invoke(app, ["verify", str(folder / "model.net"), "-i", str(folder / "x.npz"), *map(str, more)])
    path = folder / "verify.json"
    return done, json.loads(path.read_text()) if path.exists() else None


def test_without_a_trace_it_says_that_training_was_not_compared(trained):
    folder, sent = trained
    np.savez(folder / "trace.npz", **sent)  # beside the file, of a test.npz: not of this input
    done, found = verify(folder)
    assert done.exit_code == 0
    words = " ".join(done.output.split())
    assert "Training was not compared" in words and "--trace FILE.npz" in words and "of test.npz" in words
    assert found["training"]["compared"] is False
    assert found["training"]["not_compared"] == ["layer0", "layer2", "layer3"]
    assert [pair["left"] for pair in found["pairs"]] == ["reference"]


def test_a_trace_is_compared_layer_by_layer(trained):
    """With the arrays as SLAYER gives them: a read-out's real numbers, a step earlier."""
    folder, sent = trained
    assert all(values.any() for values in sent.values())
    np.savez(folder / "trace.npz", **sent)
    done, found = verify(folder, "--trace", folder / "trace.npz")
    assert done.exit_code == 0, done.output
    assert found["training"]["compared"] is True and found["training"]["not_compared"] == []
    assert found["training"]["late"] == {"layer0": 0, "layer2": 0, "layer3": 1}
    assert "layers send later here, which is allowed for: layer3 1 step." in " ".join(done.output.split())
    assert [(pair["left"], pair["right"]) for pair in found["pairs"]] == [
        ("training", "reference"),
        ("reference", "fixed"),
    ]
    assert found["mismatches"] == 0


def test_a_wrong_spike_of_training_is_found(trained):
    folder, sent = trained
    sent["layer2"][1, 7, 20] = 1 - sent["layer2"][1, 7, 20]
    np.savez(folder / "t.npz", **sent)
    done, found = verify(folder, "--trace", folder / "t.npz")
    first = found["first_divergence"]
    assert done.exit_code == 1 and found["mismatches"] == 1
    assert (first["layer"], first["sample"], first["neuron"], first["step"]) == ("layer2", 1, 7, 20)


def test_lavas_reading_differs_from_training_and_is_found(trained):
    folder, sent = trained
    np.savez(folder / "t.npz", **sent)
    done, found = verify(folder, "--trace", folder / "t.npz", "--bias-start", "lava")
    assert done.exit_code == 1 and found["mismatches"] > 0


def test_blocks_without_a_shift_are_a_step_earlier_each(tmp_path):
    folder, sent = make(tmp_path, delay_shift=False)
    np.savez(folder / "t.npz", **sent)
    done, found = verify(folder, "--trace", folder / "t.npz", "--bias-start", "unshifted")
    assert done.exit_code == 0, done.output
    assert found["training"]["late"] == {"layer0": 1, "layer2": 2, "layer3": 3}
    assert "layer0 1 step, layer2 2 steps, layer3 3 steps" in " ".join(done.output.split())


def test_part_of_a_trace_is_compared_and_the_rest_told(trained):
    folder, sent = trained
    np.savez(folder / "t.npz", layer2=sent["layer2"][:2], other=np.zeros(3))
    done, found = verify(folder, "--trace", folder / "t.npz")
    assert done.exit_code == 0
    assert found["training"]["not_compared"] == ["layer0", "layer3"]
    assert found["training"]["other_arrays"] == ["other"]
    assert "layer0, layer3 were not compared" in " ".join(done.output.split())
    assert [(layer["layer"], layer["samples"]) for layer in found["pairs"][0]["layers"]] == [("layer2", 2)]


def test_of_a_trace_of_more_samples_those_are_compared_that_run(trained):
    """`--samples` below those of the trace ended in a traceback."""
    folder, sent = trained
    np.savez(folder / "t.npz", **sent)
    done, found = verify(folder, "--trace", folder / "t.npz", "-n", 2)
    assert done.exit_code == 0, done.exception
    assert {layer["samples"] for layer in found["pairs"][0]["layers"]} == {2}
    assert found["training"]["late"] == {"layer0": 0, "layer2": 0, "layer3": 1}


def test_layers_may_be_named_by_their_order(tmp_path):
    """A file of ours names its layers; nothing may be late in it."""
    folder, sent = make(tmp_path)
    network = netx.read(folder / "model.net")
    netx.write(folder / "ours.net", network)
    ours = netx.read(folder / "ours.net")
    found = simulate(ours, np.load(folder / "x.npz")["spikes"].reshape(4, -1, STEPS).astype(np.uint8))
    np.savez(folder / "t.npz", layer0=sent["layer0"], layer1=sent["layer2"])
    trace = read_trace(folder / "t.npz", netx.read(folder / "model.net"), 4, STEPS)
    assert list(trace.sent) == ["layer0"] and trace.unnamed == ("layer1",)
    late = {name: np.roll(values, -1, axis=2) for name, values in found.items() if name != "layer3"}
    np.savez(folder / "t.npz", **late)
    trace = read_trace(folder / "t.npz", ours, 4, STEPS)
    assert set(align(ours, trace, found, shift=False).late.values()) == {0}
    assert align(ours, trace, found, shift=True).late["layer0"] == 1


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"other": np.zeros(3)}, "its arrays must be called layer0, layer2, layer3, and are other"),
        ({"layer0": np.zeros((4, 64, STEPS - 1))}, r"layer 'layer0' has the shape \(64, 24\) there, not \(64, 25\)"),
        ({"layer0": np.zeros((5, 64, STEPS))}, "has 5 samples of layer 'layer0', the input 4"),
        ({"layer0": np.full((4, 64, STEPS), 0.5)}, "holds fractions where spikes belong"),
        ({"layer3": np.full((4, 3, STEPS), 0.51)}, "holds 0.51, which is not a multiple of 1/64"),
        ({"layer0": np.full((4, 64, STEPS), "a")}, "must hold numbers"),
    ],
)
def test_a_trace_of_something_else_is_named(arrays, says, trained):
    folder, _ = trained
    np.savez(folder / "t.npz", **arrays)
    with pytest.raises(BasaltError, match=says):
        read_trace(folder / "t.npz", netx.read(folder / "model.net"), 4, STEPS)


def test_a_trace_that_is_not_there_is_named(trained):
    done, _ = verify(trained[0], "--trace", "no.npz")
    assert isinstance(done.exception, BasaltError) and "no.npz does not exist" in str(done.exception)
