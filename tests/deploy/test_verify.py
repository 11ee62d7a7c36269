"""A single wrong spike is found and named."""

import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from basalt.convert import netx
from basalt.deploy.commands.verify import divergence_of, state_of, states_of
from basalt.deploy.comparison import Divergence, Pair, compare, verification
from basalt.deploy.comparison_states import backend_states, compare_states, reference_states, simulated, told
from basalt.deploy.job import Job
from basalt.deploy.main import app
from basalt.errors import BasaltError
from basalt.records.simulate import simulate
from tests.conformance.direct import run_direct
from tests.conformance.grid import DENSE, case
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


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda path: path.write_bytes(b""), "not a readable"),
        (lambda path: path.write_bytes(path.read_bytes()[:300]), "not a readable"),
        (lambda path: np.savez(path, other=1), "holds no layer of this network"),
        (lambda path: np.savez(path, **simulate(CASE.network, CASE.spikes[:, :, :-1])), "of another network or input"),
    ],
)
def test_a_trace_that_cannot_be_compared_is_named(exported, spoil, says):
    """Nothing is compared with nothing, and nothing crashes."""
    spoil(exported / "trace.npz")
    done = CliRunner().invoke(app, ["verify", str(exported / "model.net")])
    assert isinstance(done.exception, BasaltError), done.exception
    assert "trace.npz" in str(done.exception) and says in str(done.exception)
    assert not (exported / "verify.json").exists()


def with_memory(kind):
    """A network with a memory pathway of a kind, and some spikes."""
    cases = (case(index) for index in range(DENSE, DENSE + 60))
    return next(
        (found, layer.name)
        for found in cases
        for layer in found.network.spiking
        if layer.memory is not None and layer.memory.kind == kind and found.spikes.shape[2] > 6
    )


@pytest.mark.parametrize("backend", ["fixed", "compiled", "near-memory"])
@pytest.mark.parametrize(("kind", "symbol"), [("slow_memory", "m"), ("hgrn", "h"), ("hopfield", "q")])
def test_states_of_every_sample_are_compared(backend, kind, symbol):
    """Batches one after another, the last of them filled up."""
    found, name = with_memory(kind)
    sent, held = simulated(found.network, found.spikes)
    outcome = run_direct(Job(found.network, found.spikes, backend, len(found.spikes) // 2 + 1, block=3, states=True))
    states = compare_states(found.network, held, outcome.states)
    assert {entry.state for entry in states if entry.layer == name} == {"u", "v", symbol}
    assert [entry.mismatches for entry in states] == [0] * len(states)
    assert all(entry.samples == len(found.spikes) for entry in states)
    held[name]["m"][-1, -1] += 1
    (wrong,) = [entry for entry in compare_states(found.network, held, outcome.states) if entry.mismatches]
    assert (wrong.layer, wrong.state, wrong.mismatches) == (name, symbol, 1)
    assert wrong.first == {
        "sample": len(found.spikes) - 1,
        "index": held[name]["m"].shape[1] - 1,
        "left": int(held[name]["m"][-1, -1]),
        "right": int(held[name]["m"][-1, -1]) - 1,
    }
    pair = replace(compare(found.network, ("reference", sent), (backend, outcome.sent)), states=(*states[:-1], wrong))
    assert pair.mismatches == 1
    assert f"{symbol}[{wrong.size - 1}]: reference has" in state_of(pair)
    assert f"{symbol} of {name}" in states_of(pair)
    assert "1 of " in states_of(pair)


@pytest.mark.parametrize(("kind", "symbol"), [(None, None), ("slow_memory", "m"), ("hgrn", "h"), ("hopfield", "q")])
def test_states_at_a_divergence_are_those_of_lava(kind, symbol):
    """u, v and the memory pathway's state after a step, out of Lava, are the reference's, and are reported."""
    network, spikes = CASE.network, CASE.spikes
    name = next(network.spiking).name
    if kind is not None:
        found, name = with_memory(kind)
        network, spikes = found.network, found.spikes
    backend = "compiled" if kind == "hgrn" else "fixed"
    place = (network, spikes, name, len(spikes) - 1, 5)
    reference, lava = reference_states(*place), backend_states(*place, backend)
    assert {state: values.tolist() for state, values in lava.items() if values.size} == {
        state: values.tolist() for state, values in reference.items() if values.size
    }
    first = Divergence(("reference", backend), name, 0, 0, 5, 0, 1, dict.fromkeys(("reference", backend)))
    told_states = {"reference": told(network, name, 0, reference), backend: told(network, name, 0, lava)}
    if symbol is not None:
        told_states[backend][symbol][-1] += 1
    sentence = divergence_of(Pair("reference", backend, (), replace(first, states=told_states)))
    assert f"u is {int(reference['u'][0])} (reference)" in sentence
    if symbol is not None:
        size = len(told_states[backend][symbol])
        assert f"of {symbol}, 1 of {size} differ, first {symbol}[{size - 1}]: " in sentence
