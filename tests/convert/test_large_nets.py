"""Large matrices of weights, which stay in 8 or 16 bits, are unpacked by threads, and are read once."""

import zlib

import h5py
import numpy as np
import pytest

from basalt import chunks
from basalt.convert import netx, netx_reader
from basalt.deploy.job import Job, run
from basalt.errors import BasaltError
from basalt.kernels import dense
from basalt.records.network import Network
from basalt.records.neuron import Neuron, axis
from basalt.records.readout import Readout
from basalt.records.simulate import simulate
from basalt.records.synapses import Spiking
from basalt.rehearsal import _known


@pytest.fixture(autouse=True)
def small_is_large(monkeypatch):
    monkeypatch.setattr(chunks, "LARGE", 1000)
    monkeypatch.setattr(dense, "LARGE", 1000)


def network(low, high, step, recurrent=True):
    rng = np.random.default_rng(5)

    def weights(*shape):
        return step * rng.integers(low // step, high // step + 1, shape)

    neuron = Neuron(900, axis(1000), axis(100))
    hidden = Spiking("hidden", weights(70, 90), neuron, weights(70, 70) // 8 * 8 if recurrent else None)
    return Network((hidden, Readout("readout", weights(40, 70))))


def write(path, network, kind=np.int16, shape=(32, 24), **packing):
    netx.write(path, network)
    with h5py.File(path, "r+") as file:
        for name in ("layer/0/weight", "layer/0/weight_rec", "layer/1/weight"):
            if name in file:
                values = file[name][()].astype(kind)
                del file[name]
                file.create_dataset(name, data=values, chunks=shape, **packing or {"compression": "gzip"})
    _known.clear()
    return path


@pytest.mark.parametrize(("low", "high", "step", "bits"), [(-128, 127, 1, 8), (-256, 254, 2, 16), (-255, 253, 1, 16)])
@pytest.mark.parametrize("kind", [np.int16, np.int64, np.float32])
def test_weights_stay_narrow_and_spike_as_the_reference(low, high, step, bits, kind, tmp_path):
    made = network(low, high, step)
    packing = {"compression": "gzip", "shuffle": kind is not np.int16}
    found = netx.read(write(tmp_path / "a.net", made, kind, **packing))
    for mine, read in zip(made.layers, found.layers, strict=True):
        assert read.weight.dtype.itemsize == bits // 8 and read.weight.T.flags.c_contiguous
        assert np.array_equal(mine.weight, read.weight)
    spikes = (np.random.default_rng(1).random((9, 90, 12)) < 0.3).astype(np.uint8)
    expected = simulate(made, spikes)
    for name, sent in simulate(found, spikes).items():
        assert np.array_equal(sent, expected[name])
    assert expected["hidden"].any()
    sent = run(Job(found, spikes, "compiled")).sent
    assert all(np.array_equal(sent[name], expected[name]) for name in expected)


def test_values_are_unpacked_once_in_the_child(tmp_path, monkeypatch):
    path = write(tmp_path / "a.net", network(-128, 127, 1))
    unpacked = []
    before = netx_reader.pieces
    monkeypatch.setattr(netx_reader, "pieces", lambda *arguments: unpacked.append(1) or before(*arguments))
    netx.read(path)
    assert not unpacked  # not in this process: what the child read is here
    netx.read(path)
    assert len(unpacked) == 3  # a file that is known is not rehearsed, so that no child has read it


@pytest.mark.parametrize("extreme", [(3, 200), (69, 200), (3, -250)])
def test_a_late_wide_value_widens_all(extreme, tmp_path):
    made = network(-60, 60, 1, recurrent=False)
    made.layers[0].weight[extreme[0], -1] = extreme[1]
    found = netx.read(write(tmp_path / "a.net", made))
    assert found.layers[0].weight.dtype == np.int16 and np.array_equal(found.layers[0].weight, made.layers[0].weight)


@pytest.mark.parametrize(("value", "said"), [(40_000, "weight_range: weight is 40000"), (254.5, "fractions, as 254.5")])
def test_what_no_weight_is_is_refused(value, said, tmp_path):
    path = write(tmp_path / "a.net", network(-60, 60, 1), np.float64)
    with h5py.File(path, "r+") as file:
        file["layer/0/weight"][69, 80] = value
    with pytest.raises(BasaltError, match=said):
        netx.read(path)


def test_headroom_counts_narrow_weights_in_full(tmp_path):
    """The sums of a row are not those of 8 bits."""
    made = network(-128, 127, 1)
    found = netx.read(write(tmp_path / "a.net", made))
    assert found.layers[0].largest_sum(255) == made.layers[0].largest_sum(255) > 1 << 16
    assert found.layers[1].largest_sum(1) == made.layers[1].largest_sum(1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (zlib.compress(bytes(10_000)), "unpacks to more than its 1,536 bytes"),
        (zlib.compress(bytes(100)), "has a chunk of 100 bytes where 1,536 belong"),
        (b"damaged", "is damaged"),
    ],
)
def test_damaged_chunks_are_refused(content, said, tmp_path):
    path = write(tmp_path / "a.net", network(-60, 60, 1))
    with h5py.File(path, "r+") as file:
        file["layer/0/weight"].id.write_direct_chunk((32, 24), content)
    with pytest.raises(BasaltError, match=said):
        netx.read(path)


@pytest.mark.parametrize("packing", [{"compression": "lzf"}, {"fletcher32": True}])
def test_other_packings_are_read_by_hdf5(packing, tmp_path):
    made = network(-60, 60, 1)
    assert np.array_equal(netx.read(write(tmp_path / "a.net", made, **packing)).layers[0].weight, made.layers[0].weight)


def test_a_limit_counts_two_bytes_of_a_weight(tmp_path, monkeypatch):
    path = write(tmp_path / "a.net", network(-60, 60, 1))
    size = 2 * (70 * 90 + 70 * 70 + 40 * 70)
    monkeypatch.setattr("basalt.hdf5_guard.memory_limit", lambda: size + 10_000)
    netx.read(path)
    monkeypatch.setattr("basalt.hdf5_guard.memory_limit", lambda: size)
    _known.clear()
    with pytest.raises(BasaltError, match="MiB"):
        netx.read(path)
