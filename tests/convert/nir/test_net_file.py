"""`basalt import network.net`: the file's integers as they are, samples beside them, and a run folder that verifies."""

import json
from dataclasses import replace

import h5py
import numpy as np
import pytest

from basalt.convert import netx
from basalt.convert.nir.command import import_command
from basalt.convert.nir.options import ImportOptions
from basalt.deploy.commands.verify import verify_command
from basalt.deploy.options import VerifyOptions
from basalt.errors import BasaltError
from basalt.records.network import Network
from basalt.records.neuron import Neuron
from basalt.records.synapses import Conv, Spiking
from tests.conformance import messages


def spiking() -> tuple[Network, np.ndarray]:
    """A convolution with a bias and what hears it: the input has a shape, which lava-dl's file does not say."""
    rng = np.random.default_rng(3)

    def neuron(threshold: int) -> Neuron:
        return Neuron(threshold, np.array([2048]), np.array([128]))

    layers = (
        Conv(
            name="conv",
            weight=2 * rng.integers(-30, 60, (2, 1, 3, 3)),
            neuron=neuron(90),
            bias=np.repeat(np.array([5, -3]), 12),
            start=1,
            input_shape=(1, 6, 5),
        ),
        Spiking("last", 2 * rng.integers(-40, 60, (3, 24)), neuron(70)),
    )
    return Network(layers), (rng.random((5, 1, 6, 5, 30)) < 0.4).astype(np.uint8)


def as_lava_dl(path):
    """Without what Basalt's files say beside: the file is then read as one of lava-dl's."""
    with h5py.File(path, "r+") as file:
        for name in list(file.attrs):
            del file.attrs[name]
        del file["layer/0"]  # the shape of the input
        for at in range(1, 1 + len(file["layer"])):
            file.move(f"layer/{at}", f"layer/{at - 1}")
        for layer in file["layer"].values():
            for key in ("inputShape", "neuron/start", "neuron/reset"):
                if key in layer:
                    del layer[key]


def wide() -> tuple[Network, np.ndarray]:
    """Sigma-delta layers, on integers of more than 8 bits."""
    network, values = next(found for found in map(messages.case, range(50)) if len(found[0].layers) > 2)
    return network, values.astype(np.int32) * 3 - 200


NETWORKS = {"spiking": spiking, "sigma-delta": lambda: messages.case(5), "of more bits": wide}


@pytest.mark.parametrize(("kind", "lava_dl"), [(kind, False) for kind in NETWORKS] + [("spiking", True)])
def test_a_net_file_becomes_a_run_that_verifies(kind, lava_dl, tmp_path):
    network, values = NETWORKS[kind]()
    path, labels = tmp_path / "trained.net", np.arange(len(values)) % 3
    netx.write(path, network)
    if lava_dl:
        as_lava_dl(path)
    np.savez(tmp_path / "data.npz", spikes=values, labels=labels)
    options = ImportOptions(path, tmp_path / "data.npz", dt="2ms", output=tmp_path / "run")
    import_command(options)
    shape = values.shape[1:4] if values.ndim == 5 else None
    kept, given = (netx.read(one, input_shape=shape) for one in (tmp_path / "run/model.net", path))
    assert (given.reading is not None) is lava_dl
    assert (kept.step_seconds, given.step_seconds, kept.reading) == (0.002, None, given.reading)
    for here, there in zip(kept.layers, given.layers, strict=True):
        assert np.array_equal(here.weight, there.weight)
    test = np.load(tmp_path / "run/test.npz")
    assert np.array_equal(test["spikes"], values) and np.array_equal(test["labels"], labels)
    verify_command(VerifyOptions(tmp_path / "run/model.net", backend="compiled"))
    assert json.loads((tmp_path / "run/verify.json").read_text())["mismatches"] == 0
    import_command(replace(options, dt=None, data=None))
    assert (tmp_path / "run/model.net").read_bytes() == path.read_bytes()
    assert not (tmp_path / "run/test.npz").exists() and not (tmp_path / "run/verify.json").exists()


def test_what_does_not_fit_a_net_file_is_named(tmp_path):
    network, values = spiking()
    path = tmp_path / "trained.net"
    netx.write(path, replace(network, step_seconds=0.001))
    options = ImportOptions(path, tmp_path / "data.npz", output=tmp_path / "run")

    def refused(why, arrays, **changes):
        np.savez(tmp_path / "data.npz", **arrays)
        with pytest.raises(BasaltError, match=why):
            import_command(replace(options, **changes))
        assert not (tmp_path / "run").exists()

    good = {"spikes": values}
    refused("leave out --writer and --reset", good, writer="nir", reset="hard")
    refused("leave out --nearest", good, nearest=True)
    refused("leave out --calibrate and --finetune", good, finetune=3, calibrate=path)
    refused("has steps of 0.001 s; leave out --dt", good, dt="1s")
    refused("has no array `spikes`", {"other": values})
    refused("has 29 features, the network takes 30", {"spikes": values.reshape(5, 30, 30)[:, :29]})
    refused("`labels` must be 5 integers", {"spikes": values, "labels": np.arange(4)})
    refused("not .samples, features, steps.", {"spikes": values.reshape(5, -1)})
    refused("does not exist", good, data=tmp_path / "none.npz")
    refused("does not exist", good, file=tmp_path / "none.net")
    path.write_bytes(path.read_bytes()[:3000])
    refused("is not a readable .net file", good)
