"""A single wrong spike is found and named."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from convert import netx
from deploy.main import app
from deploy.reference import simulate
from deploy.verify import compare, verification
from tests.conformance.strategies import make_case

CASE = next(case for case in map(make_case, range(1000)) if case.network.readout and case.spikes.shape[2] > 8)


def test_equal_sides_have_no_divergence():
    sent = simulate(CASE.network, CASE.spikes)
    pair = compare(CASE.network, ("a", sent), ("b", sent))
    assert pair.mismatches == 0 and pair.first_divergence is None
    assert pair.compared == sum(value.size for value in sent.values())
    assert verification([pair])["first_divergence"] is None


@pytest.mark.parametrize("seed", range(10))
def test_one_flipped_spike_is_named(seed):
    """Layer, sample, neuron and step of the earliest difference."""
    rng = np.random.default_rng(seed)
    sent = simulate(CASE.network, CASE.spikes)
    wrong = {name: value.copy() for name, value in sent.items()}
    name = str(rng.choice([layer.name for layer in CASE.network.spiking]))
    place = tuple(int(rng.integers(size)) for size in wrong[name].shape)
    wrong[name][place] ^= 1
    pair = compare(CASE.network, ("a", sent), ("b", wrong))
    found = pair.first_divergence
    assert pair.mismatches == 1
    assert (found.layer, found.sample, found.neuron, found.step) == (name, *place)
    assert {found.left, found.right} == {0, 1}


def test_last_sums_are_compared_with_the_last_step():
    sent = simulate(CASE.network, CASE.spikes)
    name = CASE.network.readout.name
    last = {name: sent[name][:, :, -1].copy()}
    assert compare(CASE.network, ("a", last), ("b", sent)).mismatches == 0
    last[name][0, 0] += 1
    pair = compare(CASE.network, ("a", last), ("b", sent))
    assert pair.mismatches == 1
    assert pair.first_divergence.step == CASE.spikes.shape[2] - 1


@pytest.fixture
def exported(tmp_path):
    """What export leaves: model.net, test.npz, trace.npz."""
    netx.write(tmp_path / "model.net", CASE.network)
    np.savez(tmp_path / "test.npz", spikes=CASE.spikes)
    np.savez(tmp_path / "trace.npz", **simulate(CASE.network, CASE.spikes))
    return tmp_path


def test_verify_command(exported):
    done = CliRunner().invoke(app, ["verify", str(exported / "model.net")])
    assert done.exit_code == 0, done.output
    found = json.loads((exported / "verify.json").read_text())
    assert found["mismatches"] == 0 and found["compared"] > 0
    assert [(pair["left"], pair["right"]) for pair in found["pairs"]] == [
        ("training", "reference"),
        ("reference", "fixed"),
    ]


def test_verify_command_finds_a_wrong_training(exported):
    """A trace that differs in one spike: exit code 1, and the states of the reference in the file."""
    sent = simulate(CASE.network, CASE.spikes)
    name = next(CASE.network.spiking).name
    sent[name][0, 0, 5] ^= 1
    np.savez(exported / "trace.npz", **sent)
    done = CliRunner().invoke(app, ["verify", str(exported / "model.net")])
    assert done.exit_code != 0
    first = json.loads((exported / "verify.json").read_text())["first_divergence"]
    assert (first["layer"], first["sample"], first["neuron"], first["step"]) == (name, 0, 0, 5)
    assert first["states"]["training"] is None
    assert set(first["states"]["reference"]) == {"u", "v"}


def test_backend_states_are_lavas_own(exported):
    """u and v read out of Lava at a step are the reference's."""
    from deploy.verify import Divergence, backend_states, reference_states

    name = next(CASE.network.spiking).name
    place = Divergence(("reference", "fixed"), name, 0, 0, 6, 0, 1, {})
    assert backend_states(CASE.network, CASE.spikes, place, "fixed_pt") == reference_states(
        CASE.network, CASE.spikes, place
    )
