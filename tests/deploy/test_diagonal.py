"""Diagonal recurrence, deployed: the spikes of a dense diagonal matrix, for one synaptic operation a spike."""

from dataclasses import replace

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.convert import netx
from basalt.convert.rules import check
from basalt.convert.stock import why_not_stock
from basalt.deploy.energy.operations import operations
from basalt.deploy.job import Job
from basalt.deploy.network import parts
from basalt.errors import BasaltError
from basalt.lava_procs.metering import COLUMN
from basalt.records.network import Network
from basalt.records.neuron import Neuron, axis
from basalt.records.simulate import simulate
from basalt.records.synapses import Spiking
from tests.conformance.direct import run_direct

BACKENDS = ("fixed", "compiled", "near-memory")


def layer(seed: int, neurons: int, inputs: int = 9) -> Spiking:
    """A layer whose neurons excite or inhibit themselves."""
    rng = np.random.default_rng(seed)
    weight, own = (2 * rng.integers(-60, 100, shape) for shape in ((neurons, inputs), (neurons,)))
    return Spiking("hidden", weight, Neuron(150, axis(3000), axis(600)), recurrent_weight=own)


def dense(found: Spiking) -> Spiking:
    """The same with a matrix of zeros but for its diagonal."""
    assert found.recurrent_weight is not None
    return replace(found, recurrent_weight=np.diag(found.recurrent_weight))


def spikes(seed: int, inputs: int = 9, steps: int = 20) -> np.ndarray:
    return (np.random.default_rng(seed).random((3, inputs, steps)) < 0.3).astype(np.uint8)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([1, 7, 64, 65, 130]), st.sampled_from(BACKENDS))
def test_a_diagonal_is_a_matrix_of_zeros_beside_it(seed, neurons, backend):
    """Spikes, and all counters but those of synapses."""
    vector, x = layer(seed, neurons), spikes(seed)
    one, other = (run_direct(Job(Network((found,)), x, backend, 2)) for found in (vector, dense(vector)))
    assert np.array_equal(one.sent["hidden"], other.sent["hidden"])
    assert np.array_equal(simulate(Network((vector,)), x)["hidden"], one.sent["hidden"])
    same = [COLUMN[name] for name in ("events_in", "spikes_out", "neuron_updates", "saturations")]
    ours, theirs = (sent.counts["hidden.spiking"] for sent in (one, other))
    assert np.array_equal(ours[:, same], theirs[:, same])
    heard, fired = (values[:, :, :-1].sum((1, 2)) for values in (x, one.sent["hidden"]))
    operations = COLUMN["synaptic_operations"]
    assert ours[:, operations].tolist() == (heard * neurons + fired).tolist()
    assert theirs[:, operations].tolist() == ((heard + fired) * neurons).tolist()


def test_it_matters():
    """Spikes differ from those without recurrence, so that the comparison above says something."""
    found, x = layer(3, 20), spikes(3)
    alone = replace(found, recurrent_weight=None)
    ours, without = (simulate(Network((each,)), x)["hidden"] for each in (found, alone))
    assert 0.1 < ours.mean() < 0.9 and (ours != without).mean() > 0.05


def test_what_it_takes():
    """One weight per neuron, and as many dense-equivalent operations per step."""
    found, x = layer(1, 20), spikes(1)
    sent = simulate(Network((found,)), x)
    (part,) = parts(found)
    assert part.bits["weights"] == 8 * (20 * 9 + 20)
    counted = operations(Network((found,)), x, sent)
    fired = sent["hidden"][:, found.recurrent_weight != 0, :-1].sum()
    arrived = sum(np.count_nonzero(found.weight[:, i]) * x[:, i, :-1].sum() for i in range(9))
    assert counted is not None
    assert counted["Effective_ACs"] == pytest.approx((arrived + fired) / 3)
    assert counted["Dense"] == (20 * 9 + 20) * 20


def test_the_file_has_a_vector_and_a_type_of_its_own(tmp_path):
    """Stock lava-dl does not know the type, so it cannot take the vector for something else."""
    netx.write(tmp_path / "a.net", Network((layer(1, 5),)))
    netx.write(tmp_path / "full.net", Network((dense(layer(1, 5)),)))
    with h5py.File(tmp_path / "a.net") as file:
        group = file["layer/0"]
        assert (group["type"][0], group["weight_own"].shape) == (b"dense_own", (5,))
        assert "weight_rec" not in group and file.attrs["version"] == 3
    with h5py.File(tmp_path / "full.net") as file:
        assert (file["layer/0/type"][0], file.attrs["version"]) == (b"dense_rec", 1)
    (found,) = netx.read(tmp_path / "a.net").layers
    assert isinstance(found, Spiking)
    assert found.recurrence == "diagonal" and np.array_equal(found.recurrent_weight, layer(1, 5).recurrent_weight)
    assert why_not_stock(found) == "stock netx has no diagonal recurrence"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"weight_own": None}, "'weight_own' is missing"),
        ({"weight_own": np.zeros((5, 2))}, "'weight_own' has 2 dimensions"),
        ({"weight_own": np.zeros(4)}, "breaks the rule shapes: size of recurrent_weight is 4"),
        ({"weight_own": np.full(5, 256)}, "breaks the rule weight_range: recurrent_weight is 256"),
        ({"weight_rec": np.zeros((5, 5))}, "'weight_own' is there beside 'weight_rec'"),
        ({"type": np.array([b"dense_rec"])}, "'weight_own' is there in a layer of the type 'dense_rec'"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path, change, says):
    netx.write(tmp_path / "a.net", Network((layer(1, 5),)))
    with h5py.File(tmp_path / "a.net", "a") as file:
        for key, value in change.items():
            if key in file["layer/0"]:
                del file["layer/0"][key]
            if value is not None:
                file["layer/0"][key] = value
    with pytest.raises(BasaltError, match=says):
        netx.read(tmp_path / "a.net")


def test_headroom_is_that_of_one_weight():
    """A row of a matrix adds up; a neuron that hears itself alone has one weight."""
    found = replace(layer(1, 600), recurrent_weight=np.full(600, 254))
    assert check(Network((found,))) == []
    full = replace(found, recurrent_weight=np.full((600, 600), 254))
    assert [violation.rule for violation in check(Network((full,)))] == ["state_headroom"]
