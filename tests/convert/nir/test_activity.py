"""Recorded activity beside the import: where it first differs, and whether meaning or rounding is to blame."""

import json

import numpy as np
import pytest

from basalt.convert.nir.command import import_command
from basalt.convert.nir.options import ImportOptions
from basalt.errors import BasaltError
from tests.convert.nir.drawn import network, plain_loop, write_nir

KINDS = ("LIF", "IF")


@pytest.fixture
def drawn(tmp_path):
    """A file, samples, and what its second layer sends with a soft reset, as a plain loop has it."""
    rng = np.random.default_rng(21)
    nodes, edges = network(rng, KINDS, False)
    spikes = (rng.random((11, int(nodes["input"]["shape"][0]), 50)) < 0.3).astype(np.uint8)
    np.savez(tmp_path / "data.npz", spikes=spikes)
    first = plain_loop(nodes, spikes, KINDS[:1], "soft")
    return write_nir(tmp_path / "d.nir", nodes, edges), first, plain_loop(nodes, spikes, KINDS, "soft")


def imported(path, reset="soft", activity=None):
    options = ImportOptions(
        path, path.with_name("data.npz"), "nir", "1ms", reset, activity=activity, output=path.parent / "run"
    )
    import_command(options)
    return json.loads((path.parent / "run/import.json").read_text())["activity"]


def test_the_float_network_is_the_recorded_one_and_rounding_is_named(drawn, tmp_path):
    path, first, second = drawn
    np.savez(tmp_path / "a.npz", n0=first, n1=second)
    found = imported(path, activity=tmp_path / "a.npz")
    assert [one["differing"] for one in found["float"]] == [0, 0]
    assert [one["fired"] for one in found["float"]] == [int(first.sum()), int(second.sum())]
    assert "rounding shows first in layer" in found["verdict"] or "spike for spike" in found["verdict"]
    assert "Beside the recorded activity" in (tmp_path / "run/import.html").read_text()


def test_another_reset_is_found_out_at_its_first_spike(drawn, tmp_path):
    path, first, second = drawn
    np.savez(tmp_path / "a.npz", n1=second, n0=first)
    found = imported(path, reset="none", activity=tmp_path / "a.npz")
    place = found["float"][0]["first"]
    begun = np.flatnonzero(first.any(axis=(0, 1)))[0]
    assert place["step"] > begun  # nothing differs before a spike
    assert "another --writer, --reset or --dt" in found["verdict"] and "'n0'" in found["verdict"]


def test_one_spike_that_was_changed_is_the_first_difference(drawn, tmp_path):
    path, _, second = drawn
    second[9, 1, 17] = 1 - second[9, 1, 17]
    np.savez(tmp_path / "a.npz", n1=second)
    found = imported(path, activity=tmp_path / "a.npz")
    expected = {"step": 17, "sample": 9, "neuron": 1, "recorded": int(second[9, 1, 17])}
    assert found["float"][0]["differing"] == 1 and found["float"][0]["first"].items() >= expected.items()


BROKEN = {
    "none of the network": ({"elsewhere": np.zeros((2, 3, 50))}, "no neuron node"),
    "steps": ({"n0": np.zeros((2, 3, 49))}, "has the shape"),
    "fractions": ({"n0": None}, "whole numbers"),
    "empty": ({}, "no arrays"),
}


@pytest.mark.parametrize("which", BROKEN)
def test_what_is_not_of_the_network_is_refused(which, drawn, tmp_path):
    path, first, _ = drawn
    arrays, said = BROKEN[which]
    arrays = {key: first * 0.5 if value is None else value for key, value in arrays.items()}
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(BasaltError, match=said):
        imported(path, activity=tmp_path / "a.npz")
    assert not (tmp_path / "run").exists()


SCRIPT = """
from types import SimpleNamespace as Made

import numpy as np

sent = np.load({file!r})
first, second = sent["n0"].transpose(0, 2, 1) > 0, sent["n1"].transpose(0, 2, 1) > 0
idx, time = np.full((len(first), 4000), -1), np.full((len(first), 4000), np.inf)
for sample, frames in enumerate(first):
    steps, neurons = np.nonzero(frames)
    idx[sample, : len(steps)], time[sample, : len(steps)] = neurons, steps * {dt} + {shift}
events = Made(idx=idx, time=time, n_neurons=first.shape[2], t_max=first.shape[1] * {dt})
other = Made(data=np.zeros((1, 1, 1)), dt={dt})
recorded = Made(nodes={{
    "n0": Made(observables={{"voltage": other, "spikes": events}}),
    "n1": Made(observables={{"anything": Made(data=second, dt={dt})}}),
}})
no_data = 3
"""


@pytest.mark.parametrize("shift", [0, 0.0009])
def test_nirdata_of_a_script_is_what_its_arrays_are(shift, drawn, tmp_path):
    """Grids and events, which are as `nir` 1.0.8 makes them: k·dt + shift, and -1 where there is none."""
    path, first, second = drawn
    np.savez(tmp_path / "a.npz", n0=first, n1=second)
    script = tmp_path / "record.py"
    script.write_text(SCRIPT.format(file=str(tmp_path / "a.npz"), dt=0.001, shift=shift))
    expected = imported(path, activity=tmp_path / "a.npz")
    assert imported(path, activity=tmp_path / "record.py:recorded") == expected
    second[3, 0, 20] = 1 - second[3, 0, 20]
    np.savez(tmp_path / "a.npz", n0=first, n1=second)
    place = imported(path, activity=tmp_path / "record.py:recorded")["float"][1]["first"]
    assert (place["step"], place["sample"], place["neuron"]) == (20, 3, 0)
    with pytest.raises(BasaltError, match="name a NIRGraphData, or"):
        imported(path, activity=tmp_path / "record.py:no_data")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ('recorded.nodes["n0"].observables.pop("spikes")', "has the shape"),
        (
            'recorded.nodes["n0"].observables["more"] = recorded.nodes["n0"].observables.pop("spikes")',
            "call one spikes",
        ),
        ("events.t_max /= 2", "has events beyond"),
        ("events.idx[0, 0] = 99", "has events beyond"),
        ('recorded.nodes["n1"].observables.clear()', "holds no observables"),
        ('recorded.nodes["n1"].observables["anything"] = 3', "neither TimeGriddedData nor EventData"),
        ('recorded.nodes["n7"] = recorded.nodes.pop("n1")', "is no neuron node of the network"),
        ("recorded.nodes.clear()", "holds no arrays"),
    ],
)
def test_nirdata_that_is_none_of_the_network_is_named(change, why, drawn, tmp_path):
    path, first, second = drawn
    np.savez(tmp_path / "a.npz", n0=first, n1=second)
    text = SCRIPT.format(file=str(tmp_path / "a.npz"), dt=0.001, shift=0)
    (tmp_path / "record.py").write_text(f"{text}\n{change}\n")
    with pytest.raises(BasaltError, match=why):
        imported(path, activity=tmp_path / "record.py:recorded")


def test_nirdata_of_nir_itself(drawn, tmp_path):
    """Grids and events of the package; nested graphs are found under their names."""
    nir_data = pytest.importorskip("nir.data_ir", reason="nir is not installed")
    from basalt.convert.nir.nir_data import spikes_of_nodes

    _, first, _ = drawn
    grid = nir_data.TimeGriddedData(first.transpose(0, 2, 1) > 0, 0.1)
    for one in (grid, grid.to_event(4000), grid.to_event(4000, time_shift=0.05)):
        inner = nir_data.NIRGraphData({"n": nir_data.NIRNodeData({"spikes": one})})
        found = spikes_of_nodes(nir_data.NIRGraphData({"part": inner}), first.shape[2], "it")
        assert np.array_equal(found["part.n"], first)
