"""A network of integers as a NIR file, and the same integers back."""

from dataclasses import replace
from itertools import product

import h5py
import numpy as np
import pytest

from basalt.convert import netx
from basalt.convert.nir.chain import Notes, chain
from basalt.convert.nir.command import import_command
from basalt.convert.nir.export import export_nir
from basalt.convert.nir.map import Meaning, map_stages
from basalt.convert.nir.mapped import run_layers
from basalt.convert.nir.options import ImportOptions
from basalt.convert.nir.own import read_own
from basalt.convert.nir.read import read
from basalt.convert.nir.write import write_nir
from basalt.convert.nir.writers import WRITERS
from basalt.errors import BasaltError
from basalt.records.network import Network
from basalt.records.neuron import Neuron
from basalt.records.readout import Readout
from basalt.records.simulate import simulate
from basalt.records.synapses import Conv, Spiking


def neuron(rng, size, current, voltage, reset="hard", each=False):
    def some(value):
        found = np.full(size if each else 1, value)
        return np.maximum(found - rng.integers(0, 50, len(found)), 0) if each and 0 < value < 4096 else found

    threshold = rng.integers(20, 200, size) if each else int(rng.integers(20, 200))
    amount = {"reset_amount": rng.integers(20, 300, size)} if reset == "soft" and each else {}
    return Neuron(threshold, some(current), some(voltage), reset, **amount, refractory=2 if each else 0)


def dense(rng, name, order, inputs, size, bias=False, back=None, **kinds):
    weight = rng.integers(-128, 128, (size, inputs)) * 2
    given = {"bias": rng.integers(-30, 60, size), "start": order} if bias else {}
    if back is not None:
        given["recurrent_weight"] = (
            rng.integers(-50, 50, (size, size)) if back == "full" else rng.integers(-50, 50, size)
        )
    return Spiking(name, weight, neuron(rng, size, **kinds), **given)


DECAYS = list(product((4096, 900, 0), (0, 300, 4096)))


@pytest.mark.parametrize(("current", "voltage"), DECAYS)
@pytest.mark.parametrize("reset", ["hard", "soft", "none"])
@pytest.mark.parametrize("each", [False, True])
def test_the_same_integers_come_back(current, voltage, reset, each, tmp_path):
    rng = np.random.default_rng([current, voltage, len(reset), each])
    kinds = {"current": current, "voltage": voltage, "reset": reset, "each": each}
    biased = current == 4096 or voltage > 0
    layers = (
        replace(dense(rng, "first", 1, 7, 6, bias=biased, back="full", **kinds), delay=np.arange(6)),
        dense(rng, "second", 2, 6, 5, bias=biased, back="diagonal", **kinds),
        Readout("classes", rng.integers(-100, 100, (3, 5)), *((200, None) if each else (200, 300))),
    )
    network = Network(layers, "n", 1e-3)
    write_nir(tmp_path / "n.nir", network, 1e-3)
    found = read_own(read(tmp_path / "n.nir"), "n", "n.nir")
    assert found.step_seconds == 1e-3 and [one.name for one in found.layers] == ["first", "second", "classes"]
    spikes = rng.integers(0, 2, (2, 7, 40)).astype(np.uint8)
    here, there = simulate(network, spikes), simulate(found, spikes)
    assert here["first"].any()
    for name, sent in here.items():
        assert np.array_equal(sent, there[name]), name
    for one, other in zip(network.layers, found.layers, strict=True):
        assert np.array_equal(one.weight, other.weight)
        if isinstance(one, Spiking):
            assert np.array_equal(one.recurrent_weight, other.recurrent_weight)
            assert np.array_equal(one.delay, other.delay)
            for field in ("threshold", "current_decay", "voltage_decay", "amount"):
                mine, other_ = getattr(one.neuron, field), getattr(other.neuron, field)
                assert np.all(np.asarray(mine) == np.asarray(other_)), field


def convolutions(rng, groups=2, wide=2):
    fires = {"current": 4096, "voltage": 200}
    return (
        Conv(name="conv", weight=rng.integers(-60, 60, (4, 2 // groups, 3, wide)) * 2, groups=groups,
             neuron=neuron(rng, 1, **fires),
             input_shape=(2, 7, 6), stride=(2, 1), padding=(1, 1), start=1,
             bias=np.repeat(rng.integers(0, 9, 4), 4 * (9 - wide))),
        dense(rng, "dense", 2, 4 * 4 * (9 - wide), 5, **fires),
    )  # fmt: skip


def test_convolutions_come_back_with_their_geometry(tmp_path):
    rng = np.random.default_rng(2)
    network = Network(convolutions(rng), "c", 1e-3)
    write_nir(tmp_path / "c.nir", network, 1e-3)
    found = read_own(read(tmp_path / "c.nir"), "c", "c.nir")
    spikes = rng.integers(0, 2, (3, 84, 20)).astype(np.uint8)
    here, there = simulate(network, spikes), simulate(found, spikes)
    assert here["dense"].any() and all(np.array_equal(here[name], there[name]) for name in here)


def test_others_read_the_equations(tmp_path):
    """Where nothing leaks no rounding is left, and NIR's own equations in float64 send the same spikes."""
    rng = np.random.default_rng(3)
    kinds = {"current": 4096, "voltage": 0, "reset": "soft"}
    network = Network((dense(rng, "a", 1, 6, 8, **kinds), dense(rng, "b", 2, 8, 5, **kinds)), "n", 1e-3)
    write_nir(tmp_path / "n.nir", network, 1e-3)
    stages, refused = chain(read(tmp_path / "n.nir"))
    layers = map_stages(stages, Meaning(WRITERS["nir"], 1e-3, "soft"), refused, Notes())
    assert not refused
    spikes = rng.integers(0, 2, (3, 6, 40)).astype(np.uint8)
    ours, theirs = simulate(network, spikes), run_layers(layers, spikes)
    for late, name in enumerate(("a", "b"), 1):
        assert theirs[name].any() and np.array_equal(ours[name][:, :, late:], theirs[name][:, :, :-late])


def test_the_package_nir_reads_it(tmp_path):
    nir = pytest.importorskip("nir", reason="pip install nir")
    rng = np.random.default_rng(4)
    layers = convolutions(rng, groups=1, wide=3)  # its own check of shapes knows neither groups nor oblong kernels
    write_nir(tmp_path / "c.nir", Network(layers, "c", 1e-3), 1e-3)
    graph = nir.read(tmp_path / "c.nir")
    assert graph.nodes["conv"].metadata["reset"] in ("hard", b"hard") and graph.nodes["input"].metadata["dt"] == 1e-3


def test_what_nir_cannot_say_is_refused_at_once(tmp_path):
    rng = np.random.default_rng(5)
    kinds = {"current": 900, "voltage": 300}
    layers = (
        Conv(
            name="grows",
            weight=np.full((1, 1, 1, 1), 2),
            neuron=neuron(rng, 1, **kinds),
            input_shape=(1, 2, 2),
            transposed=True,
        ),
        replace(dense(rng, "early", 2, 4, 4, bias=True, **kinds), start=0),
    )
    with pytest.raises(BasaltError) as found:
        write_nir(tmp_path / "n.nir", Network(layers, "n", 1e-3), 1e-3)
    assert "'grows' is a transposed" in str(found.value) and "'early' has a bias from step 0" in str(found.value)
    assert not (tmp_path / "n.nir").exists()


def test_there_and_back_by_the_commands(tmp_path):
    rng = np.random.default_rng(6)
    network = Network((dense(rng, "a", 1, 6, 4, current=900, voltage=300),), "n", None)
    (tmp_path / "run").mkdir()
    netx.write(tmp_path / "run/model.net", network)
    with pytest.raises(BasaltError, match="--dt"):
        export_nir(tmp_path / "run", tmp_path / "n.nir", None)
    export_nir(tmp_path / "run", tmp_path / "n.nir", "2ms")
    np.savez(tmp_path / "data.npz", spikes=rng.integers(0, 2, (2, 6, 9)))
    import_command(ImportOptions(tmp_path / "n.nir", tmp_path / "data.npz", output=tmp_path / "back"))
    found = netx.read(tmp_path / "back/model.net")
    assert found.step_seconds == 2e-3 and np.array_equal(found.layers[0].weight, network.layers[0].weight)
    assert np.load(tmp_path / "back/test.npz")["spikes"].shape == (2, 6, 10)
    with pytest.raises(BasaltError, match="leave out --reset"):
        import_command(ImportOptions(tmp_path / "n.nir", reset="hard", output=tmp_path / "back"))


@pytest.mark.parametrize("seed", range(25))
def test_a_file_that_was_changed_since_is_refused_with_a_sentence_or_still_of_integers(seed, tmp_path):
    rng = np.random.default_rng(seed)
    layers = (dense(rng, "a", 1, 4, 4, current=900, voltage=300, back="full", each=True),)
    write_nir(tmp_path / "n.nir", Network(layers, "n", 1e-3), 1e-3)
    with h5py.File(tmp_path / "n.nir", "a") as file:
        places = []
        file.visititems(lambda name, item: places.append(name) if isinstance(item, h5py.Dataset) else None)
        for name in rng.choice(places, 2, replace=False):
            del file[str(name)]
            if rng.random() < 0.8:
                file[str(name)] = rng.choice([0.5, -3.0, 1e9, 1e300]) * np.ones(
                    tuple(rng.integers(0, 4, rng.integers(3)))
                )
    try:
        import_command(ImportOptions(tmp_path / "n.nir", output=tmp_path / "back"))
    except BasaltError as error:
        assert "\n" not in str(error)
