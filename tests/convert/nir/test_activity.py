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
