"""What a run's counts.json says of its operations."""

import numpy as np
import pytest

from basalt.deploy.energy.operations import membrane_updates, operations
from basalt.deploy.job import Job, Outcome, run
from basalt.deploy.operations import MEMBRANE_SAMPLES, operations_of
from basalt.records.network import Network
from basalt.records.neuron import Neuron
from basalt.records.simulate import simulate
from basalt.records.synapses import Conv, Spiking
from tests.conformance.grid import ALL, DENSE, case
from tests.conformance.strategies import make_case

CASE = make_case(3)


def of_run(network, spikes, changed=None):
    """The operations of a run that sent what the reference says."""
    outcome = Outcome(simulate(network, spikes), {}, 0.0, 0.0, changed=changed or {})
    return operations_of(Job(network, spikes), outcome, {"samples": 1, "processes": []})


def changes(states):
    """How often each sample's membranes changed, by layer."""
    return {name: np.count_nonzero(np.diff(state.v, axis=-1), axis=(1, 2)) for name, state in states.items()}


def test_membranes_are_those_of_the_first_samples():
    spikes = np.concatenate([CASE.spikes] * (MEMBRANE_SAMPLES + 1))
    states, first = {}, {}
    simulate(CASE.network, spikes, states)
    simulate(CASE.network, spikes[:MEMBRANE_SAMPLES], first)
    found = of_run(CASE.network, spikes, changes(states))
    without = operations(CASE.network, spikes, simulate(CASE.network, spikes))
    assert found == without | {
        "MembraneUpdates": membrane_updates([state.v for state in first.values()]),
        "membrane_samples": MEMBRANE_SAMPLES,
    }
    assert of_run(CASE.network, spikes) == without


@pytest.mark.parametrize(
    ("backend", "index"),
    [("fixed", 3), ("fixed", DENSE + 5), ("compiled", DENSE + 5), ("compiled", ALL - 20), ("near-memory", 3)],
)
def test_a_run_counts_changes_of_membranes_itself(backend, index):
    """In rounds and blocks, of all samples, as the reference's membranes change."""
    found, states = case(index), {}
    spikes = np.concatenate([found.spikes] * 3)
    simulate(found.network, spikes, states)
    outcome = run(Job(found.network, spikes, backend, batch=2, block=3))
    dense = [layer.name for layer in found.network.layers if layer.kind == Spiking.kind]
    assert dense and sorted(outcome.changed) == sorted(dense)
    for name, expected in changes(states).items():
        if name in dense:
            assert outcome.changed[name].tolist() == expected.tolist()
    if dense == [layer.name for layer in found.network.emitting]:
        assert any(outcome.changed[name].any() for name in dense)


def test_convolutions_have_none():
    neuron = Neuron(100, np.array([4096]), np.array([0]))
    layer = Conv(name="c", weight=np.full((1, 1, 2, 2), 2), neuron=neuron, input_shape=(1, 4, 4))
    found = of_run(Network((layer,)), np.ones((1, 16, 3), dtype=np.uint8))
    assert found["Effective_ACs"] == 2 * 9 * 4
    assert "MembraneUpdates" not in found
