"""Inputs that a SLAYER network was trained on give SLAYER's spikes: images, signed and fractional values; others are
refused by what is wrong with them."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from basalt.convert import netx
from basalt.deploy.inputs import load_inputs, parse_shape, read_both
from basalt.deploy.job import Job, run
from basalt.errors import BasaltError
from basalt.records.simulate import simulate
from basalt.train.slayer import slayer
from tests.conformance.direct import run_direct

BLOCK = slayer.block.cuba
PLAIN = {"threshold": 0.8, "current_decay": 0.4, "voltage_decay": 0.1}


def exported(blocks, values, path):
    """What SLAYER's blocks compute of values, and the .net file that lava-dl writes of them."""
    x = torch.as_tensor(values, dtype=torch.float32)
    sent = {}
    with torch.no_grad():
        for index, block in enumerate(blocks):
            x = block.eval()(x)
            sent[f"layer{index}"] = x.numpy().reshape(len(values), -1, values.shape[-1])
    with h5py.File(path, "w") as file:
        for index, block in enumerate(blocks):
            block.export_hdf5(file.create_group(f"layer/{index}"))
    return sent


def affine(weight=0.7, bias=0.3):
    torch.manual_seed(1)
    return [
        BLOCK.Input({**PLAIN, "current_decay": 1}, weight=weight, bias=bias),
        BLOCK.Dense(PLAIN, 12, 6, weight_scale=4),
    ]


REAL = np.random.default_rng(2).normal(0.2, 1.5, (3, 12, 1)).repeat(20, axis=2)
VALUES = {
    "reals": (REAL, {}),
    "multiples of 1/32": (np.round(REAL * 32) / 32, {}),
    "signed integers": (np.clip(np.rint(REAL), -4, 3).astype(np.int8), {}),
    "integers with fraction bits": (np.rint(REAL * 16).astype(np.int64), {"fraction": 4}),
    "spikes": ((REAL > 0).astype(np.uint8), {}),
    "what SLAYER clamps": (np.full((1, 12, 20), 200, dtype=np.uint8), {}),
}


@pytest.mark.parametrize("name", list(VALUES))
@pytest.mark.parametrize("backend", ["fixed", "compiled"])
def test_an_affine_input_takes_what_it_was_trained_on(name, backend, tmp_path):
    values, extra = VALUES[name]
    real = values / (1 << extra.get("fraction", 0))
    wanted = exported(affine(), real, tmp_path / "a.net")
    np.savez(tmp_path / "x.npz", spikes=values, **extra)
    network, inputs = read_both(tmp_path / "a.net", tmp_path / "x.npz")
    reference = simulate(network, inputs.spikes)
    sent = run_direct(Job(network, inputs.spikes, backend, 2, block=3)).sent
    for layer, spikes in wanted.items():
        assert np.array_equal(reference[layer], spikes), layer
        assert np.array_equal(sent[layer], spikes), layer
    assert wanted["layer0"].any()
    assert bool(inputs.notices) == (name in ("reals", "what SLAYER clamps"))


def test_lava_runs_them_too(tmp_path):
    """Stock processes too, where a value of the input is a whole number of weight units; through Lava's runtime."""
    values = np.clip(np.rint(REAL[:1] * 32), -128, 127) / 32
    wanted = exported(affine(weight=1), values, tmp_path / "a.net")
    np.savez(tmp_path / "x.npz", spikes=values)
    network, inputs = read_both(tmp_path / "a.net", tmp_path / "x.npz")
    sent = run(Job(network, inputs.spikes, "fixed", file=tmp_path / "a.net"), timeout=60).sent
    assert np.array_equal(sent["layer1"], wanted["layer1"])
    with pytest.raises(BasaltError, match="no fraction bits in the input"):
        run(Job(network, inputs.spikes, "netx", file=tmp_path / "a.net"), timeout=60)
    whole = np.clip(np.rint(REAL[:1]), -4, 3)
    wanted = exported(affine(), whole, tmp_path / "b.net")
    np.savez(tmp_path / "y.npz", spikes=whole)
    network, inputs = read_both(tmp_path / "b.net", tmp_path / "y.npz")
    assert (whole < 0).any()
    sent = run(Job(network, inputs.spikes, "netx", file=tmp_path / "b.net"), timeout=60).sent
    assert np.array_equal(sent["layer1"], wanted["layer1"])


def test_what_was_rounded_is_told(tmp_path):
    exported(affine(), REAL, tmp_path / "a.net")
    np.savez(tmp_path / "x.npz", spikes=np.full((1, 12, 20), 200, dtype=np.uint8))
    _, inputs = read_both(tmp_path / "a.net", tmp_path / "x.npz")
    assert inputs.notices[0].startswith("240 of 240 input values were rounded to 1/32 and clamped")
    assert inputs.notices[0].endswith("200 became 3.96875.")
    raw = read_both(tmp_path / "a.net", tmp_path / "x.npz", bias_start="lava")[1]
    assert not raw.notices and raw.spikes.max() == 200


def test_where_nothing_is_rounded_values_must_be_exact(tmp_path):
    """A file of ours, or one read as Lava has it."""
    exported(affine(), REAL, tmp_path / "a.net")
    netx.write(tmp_path / "ours.net", netx.read(tmp_path / "a.net"))
    for value, says in ((0.3, "holds 0.3; an affine input takes multiples of 1/64"), (200.5, "more than the 8 bits")):
        np.savez(tmp_path / "x.npz", spikes=np.full((1, 12, 5), value))
        with pytest.raises(BasaltError, match=says):
            read_both(tmp_path / "ours.net", tmp_path / "x.npz")
    np.savez(tmp_path / "x.npz", spikes=np.full((1, 12, 5), -1.25))
    network, inputs = read_both(tmp_path / "ours.net", tmp_path / "x.npz")
    first = network.layers[0]
    assert (first.fraction, first.signed, inputs.spikes.view(np.int8).max()) == (2, True, -5)


CONV = {"weight_scale": 3}


@pytest.mark.parametrize("stride", [1, 2])
def test_a_network_may_begin_with_a_convolution(stride, tmp_path):
    """Its shape is that of the array, or named, or the only one that fits; never that of another order."""
    torch.manual_seed(2)
    blocks = [
        BLOCK.Conv(PLAIN, 2, 4, 3, stride=stride, **CONV),
        BLOCK.Flatten(),
        BLOCK.Dense(PLAIN, {1: 4 * 6 * 7, 2: 4 * 3 * 4}[stride], 5, weight_scale=3),
    ]
    spikes = (torch.rand(2, 2, 8, 9, 12) < 0.3).numpy()
    wanted = exported(blocks, spikes, tmp_path / "a.net")
    np.savez(tmp_path / "image.npz", spikes=spikes)
    np.savez(tmp_path / "flat.npz", spikes=spikes.reshape(2, -1, 12))
    np.savez(tmp_path / "turned.npz", spikes=spikes.transpose(0, 2, 3, 1, 4))
    ways = [("image.npz", None), ("image.npz", "2,8,9"), ("flat.npz", "2,8,9"), ("flat.npz", None)]
    for name, shape in ways if stride == 1 else ways[:3]:
        network, inputs = read_both(tmp_path / "a.net", tmp_path / name, input_shape=shape)
        found = simulate(network, inputs.spikes)
        for layer in network.layers:
            assert wanted[layer.name].any() and np.array_equal(found[layer.name], wanted[layer.name])
    if stride == 2:
        with pytest.raises(BasaltError, match="name it with --input-shape C,H,W, of which 2,7,9 to 2,8,10 give"):
            read_both(tmp_path / "a.net", tmp_path / "flat.npz")
    with pytest.raises(BasaltError, match="the kernel makes"):
        read_both(tmp_path / "a.net", tmp_path / "turned.npz")


def test_a_network_may_begin_with_a_pool(tmp_path):
    torch.manual_seed(3)
    spikes = (torch.rand(1, 3, 5, 6, 15) < 0.4).numpy()
    wanted = exported([BLOCK.Pool(PLAIN, 2, weight_scale=2)], spikes, tmp_path / "a.net")
    np.savez(tmp_path / "x.npz", spikes=spikes)
    network, inputs = read_both(tmp_path / "a.net", tmp_path / "x.npz")
    assert wanted["layer0"].any() and np.array_equal(simulate(network, inputs.spikes)["layer0"], wanted["layer0"])


def test_images_for_a_network_that_knows_its_own_shape(tmp_path):
    torch.manual_seed(4)
    spikes = (torch.rand(1, 2, 3, 4, 10) < 0.4).numpy()
    exported([BLOCK.Input(PLAIN), BLOCK.Flatten(), BLOCK.Dense(PLAIN, 24, 5)], spikes, tmp_path / "a.net")
    np.savez(tmp_path / "x.npz", spikes=spikes.transpose(0, 3, 2, 1, 4))
    with pytest.raises(BasaltError, match=r"cannot have the shape \(4, 3, 2\): the first layer takes \(2, 3, 4\)"):
        read_both(tmp_path / "a.net", tmp_path / "x.npz")


REFUSED = {
    "300": (np.full((1, 4, 5), 300), {}, "must be integers from 0 to 255, and holds 300"),
    "a half": (np.full((1, 4, 5), 0.5), {}, "and holds 0.5"),
    "half of 3": (np.full((1, 4, 5), 3), {"fraction": 1}, "and holds 1.5"),
    "text": (np.full((1, 4, 5), "a"), {}, "must hold numbers, not <U1"),
    "fraction of reals": (np.ones((1, 4, 5)), {"fraction": 1}, "`fraction` is for integers"),
    "fractions": (np.ones((1, 4, 5), int), {"fraction": [1, 2]}, "`fraction` must be one integer"),
    "four axes": (np.ones((1, 2, 2, 5)), {}, r"has the shape \(1, 2, 2, 5\), not"),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_what_is_wrong_is_named(name, tmp_path):
    values, extra, says = REFUSED[name]
    np.savez(tmp_path / "x.npz", spikes=values, **extra)
    with pytest.raises(BasaltError, match=says):
        load_inputs(tmp_path / "x.npz", 4)


def test_whole_numbers_may_be_of_any_type(tmp_path):
    """As a tensor's spikes are floats."""
    for kind in (np.float32, np.int64, bool):
        np.savez(tmp_path / "x.npz", spikes=np.ones((1, 4, 5), dtype=kind))
        assert load_inputs(Path(tmp_path / "x.npz"), 4).spikes.dtype == np.uint8


@pytest.mark.parametrize("named", ["2,8", "a,b,c", "0,8,8", "2,8,8,1", ""])
def test_a_shape_that_is_none_is_named(named):
    with pytest.raises(BasaltError, match="is not channels,height,width"):
        parse_shape(named)
