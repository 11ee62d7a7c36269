"""The .net file: what goes in comes out, and what is wrong is refused by name."""

from dataclasses import fields, is_dataclass, replace

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from basalt.convert import netx
from basalt.errors import BasaltError
from basalt.records.network import Network
from basalt.records.neuron import Neuron, axis
from basalt.records.synapses import Encoder, Spiking
from tests.conformance.conv_strategies import conv_cases, make_conv_case
from tests.conformance.pathways import make_pathway_case
from tests.conformance.strategies import cases, make_case


def assert_same(a, b):
    """Two records, field by field."""
    if is_dataclass(a):
        assert type(a) is type(b)
        for item in fields(a):
            assert_same(getattr(a, item.name), getattr(b, item.name))
    elif isinstance(a, tuple):
        assert len(a) == len(b)
        for x, y in zip(a, b):
            assert_same(x, y)
    elif isinstance(a, np.ndarray):
        assert np.array_equal(a, b)
    else:
        assert a == b


@given(case=cases() | conv_cases())
def test_round_trip(case, tmp_path_factory):
    """Every record comes back as it went in."""
    path = tmp_path_factory.mktemp("net") / "a.net"
    network = replace(case.network, step_seconds=0.005, origin={"seed": "1"})
    netx.write(path, network)
    assert_same(netx.read(path), network)


@given(index=st.integers(0, 191))
def test_round_trip_of_memory_pathways(index, tmp_path_factory):
    """Of every kind and variant; the version is the oldest that knows them."""
    path = tmp_path_factory.mktemp("net") / "a.net"
    network = make_pathway_case(index)[0].network
    netx.write(path, network)
    assert_same(netx.read(path), network)
    with h5py.File(path) as file:
        membranes = network.readout is not None and network.readout.membranes
        pathway = 2 if {"hgrn", "hopfield"} & set(pathway_kinds(network)) else 1
        assert file.attrs["version"] == (4 if membranes else pathway)


def pathway_kinds(network):
    """Kinds of the memory pathways of a network."""
    return [layer.memory.kind for layer in network.spiking if layer.memory is not None]


@pytest.mark.parametrize(
    ("kind", "key", "value", "says"),
    [
        ("hgrn", "forget_weight", None, "'memory/forget_weight' is missing"),
        ("hgrn", "variant", "open", "breaks the rule memory_variant: the variant of the hgrn memory is 'open'"),
        ("hgrn", "low", np.zeros((2, 2)), "'memory/low' has 2 dimensions, not 1"),
        ("hgrn", "sideways", 3, "'memory/sideways' is not known here in a hgrn memory"),
        ("hopfield", "keys", np.full((2, 2), 0.5), "'memory/keys' holds fractions"),
        ("hopfield", "iterations", 0, "breaks the rule hopfield_width: iterations is 0"),
        ("hopfield", "trace_decay", None, "'memory/trace_decay' is missing"),
        ("hopfield", "beta", 3, "'memory/beta' is not known here in a hopfield memory"),
    ],
)
def test_wrong_memories_are_named(kind, key, value, says, tmp_path):
    path = tmp_path / "a.net"
    cases = (make_pathway_case(index)[0].network for index in range(192))
    netx.write(path, next(network for network in cases if kind in pathway_kinds(network)))
    with h5py.File(path, "a") as file:
        group = next(layer for layer in file["layer"].values() if layer["type"][0].decode() == kind)["memory"]
        if key in group:
            del group[key]
        if value is not None:
            group[key] = value
    with pytest.raises(BasaltError, match=says):
        netx.read(path)


@pytest.fixture
def written(tmp_path):
    """A file with a slow memory, recurrence, a bias and a read-out."""
    path = tmp_path / "a.net"
    case = next(
        case
        for case in map(make_case, range(1000))
        if any(layer.memory is not None and layer.bias is not None for layer in case.network.spiking)
        and case.network.readout is not None
    )
    netx.write(path, case.network)
    return path


def memory_layer(file):
    """The name of the first layer with a slow memory."""
    return next(f"layer/{index}" for index in file["layer"] if "memory" in file[f"layer/{index}"])


@given(share=st.floats(0.0, 0.95))
def test_truncated_file_is_refused(share, tmp_path_factory):
    """Cut anywhere, a file gives one sentence and never another network."""
    path = tmp_path_factory.mktemp("net") / "a.net"
    netx.write(path, make_case(3).network)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(BasaltError, match=r"a\.net"):
        netx.read(path)


@given(place=st.floats(0.0, 1.0, exclude_max=True), value=st.integers(0, 255))
def test_damaged_file_never_crashes(place, value, tmp_path_factory):
    """One wrong byte anywhere is refused with a sentence, or hits something that is not read."""
    path = tmp_path_factory.mktemp("net") / "a.net"
    netx.write(path, make_case(3).network)
    content = bytearray(path.read_bytes())
    content[int(len(content) * place)] = value
    path.write_bytes(content)
    try:
        netx.read(path)
    except BasaltError as error:
        assert "a.net" in str(error)


@pytest.mark.parametrize("key", ["weight", "shape", "type", "neuron/vThMant", "neuron/iDecay"])
@pytest.mark.parametrize("value", [h5py.Empty("f"), h5py.Empty("i4"), np.zeros(0), np.zeros((0, 2))])
def test_nothing_where_something_belongs_is_named(key, value, tmp_path):
    """HDF5 knows arrays without a value, and arrays of none."""
    path = tmp_path / "a.net"
    size = (2, 1, 1)
    encoder = Encoder(name="in", weight=np.array([[64]]), neuron=Neuron(64, axis(0), axis(0), "hard"), features=size)
    dense = Spiking(name="out", weight=np.zeros((1, 2), np.int64), neuron=encoder.neuron)
    netx.write(path, Network((encoder, dense), "two"))
    with h5py.File(path, "a") as file:
        for layer in file["layer"].values():
            if key in layer:
                del layer[key]
                layer[key] = value
    with pytest.raises(BasaltError, match=r"a\.net"):
        netx.read(path)


def test_a_shape_beyond_all_memory_is_named(tmp_path):
    netx.write(tmp_path / "a.net", next(case.network for case in map(make_conv_case, range(100))))
    with h5py.File(tmp_path / "a.net", "a") as file:
        for layer in file["layer"].values():
            if layer["shape"].size == 3:
                layer["shape"][...] = 1 << 30
    with pytest.raises(BasaltError, match=r"'shape' is .* more than the 16,777,216 neurons"):
        netx.read(tmp_path / "a.net")


def test_a_name_that_is_no_text_is_made_one(tmp_path):
    """Reports and copies of the file are written with it."""
    netx.write(tmp_path / "a.net", make_case(3).network)
    with h5py.File(tmp_path / "a.net", "a") as file:
        file.attrs["name"] = b"caf\xe9"
    network = netx.read(tmp_path / "a.net")
    assert network.name == "caf\\udce9"
    netx.write(tmp_path / "b.net", network)


def test_missing_file(tmp_path):
    """The way out is named."""
    with pytest.raises(BasaltError, match=r"does not exist; make one with"):
        netx.read(tmp_path / "none.net")


@pytest.mark.parametrize(
    "key", ["weight", "type", "neuron/vThMant", "neuron/iDecay", "memory/transition", "memory/memory_shift"]
)
def test_missing_key_is_named(written, key):
    """File, layer and key."""
    with h5py.File(written, "a") as file:
        del file[f"{memory_layer(file)}/{key}"]
    with pytest.raises(BasaltError, match=rf"layer \d+: '{key}' is missing"):
        netx.read(written)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("weight", np.full((3, 3), np.nan), "holds NaN or infinity"),
        ("weight", np.full((3, 3), 0.5), "holds fractions"),
        ("weight", np.zeros(3), "has 1 dimensions, not 2"),
        ("neuron/vThMant", np.arange(7), "has 7 values for"),
        ("neuron/vThMant", -5, "breaks the rule threshold_range"),
        ("neuron/reset", "sideways", "is 'sideways', not one of hard, soft, none"),
        ("type", np.array([b"mystery"]), "type 'mystery' is not known here"),
        ("neuron/type", "SDNN", "neuron type 'SDNN' is not known here"),
    ],
)
def test_wrong_value_is_named(written, key, value, says):
    """Each in words that say what is wrong."""
    with h5py.File(written, "a") as file:
        layer = memory_layer(file)
        if key in file[layer]:
            del file[layer][key]
        file[layer][key] = value
    with pytest.raises(BasaltError, match=says):
        netx.read(written)


def test_newer_version_is_refused(written):
    """A file of tomorrow's Basalt."""
    with h5py.File(written, "a") as file:
        file.attrs["version"] = netx.VERSION + 1
    with pytest.raises(BasaltError, match="update Basalt"):
        netx.read(written)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("version", "three"),
        ("step_seconds", "slow"),
        ("step_seconds", -1.0),
        ("step_seconds", np.nan),
        ("origin", "{"),
        ("origin", "[1]"),
    ],
)
def test_a_wrong_attribute_is_named(written, name, value):
    with h5py.File(written, "a") as file:
        file.attrs[name] = value
    with pytest.raises(BasaltError, match=rf"\.net: the attribute '{name}' cannot be .*; export it again"):
        netx.read(written)


@pytest.mark.parametrize(("place", "says"), [("layer", "holds no layers"), ("layer/0", "layer 0 is missing")])
def test_a_dataset_in_place_of_a_group_is_named(written, place, says):
    with h5py.File(written, "a") as file:
        del file[place]
        file[place] = 3
    with pytest.raises(BasaltError, match=says):
        netx.read(written)


def test_an_old_file_survives_a_failed_export(written):
    """A network that breaks a rule leaves the file as it was."""
    before = written.read_bytes()
    bad = Network((Spiking("hidden", np.full((2, 2), 999), Neuron(1, axis(0), axis(0))),))
    with pytest.raises(BasaltError, match="breaks the rule weight_range: weight is 999"):
        netx.write(written, bad)
    assert written.read_bytes() == before
    assert [path.name for path in written.parent.iterdir()] == [written.name]
