"""What a run's counts.json says of its operations."""

import numpy as np

from basalt.deploy.energy.operations import membrane_updates, operations
from basalt.deploy.job import Job, Outcome
from basalt.deploy.operations import MEMBRANE_SAMPLES, operations_of
from basalt.records.network import Network
from basalt.records.neuron import Neuron
from basalt.records.simulate import simulate
from basalt.records.synapses import Conv
from tests.conformance.strategies import make_case

CASE = make_case(3)


def of_run(network, spikes):
    """The operations of a run that sent what the reference says."""
    outcome = Outcome(simulate(network, spikes), {}, 0.0, 0.0)
    return operations_of(Job(network, spikes), outcome, {"samples": 1, "processes": []})


def test_membranes_are_those_of_the_first_samples():
    spikes = np.concatenate([CASE.spikes] * (MEMBRANE_SAMPLES + 1))
    states = {}
    simulate(CASE.network, spikes[:MEMBRANE_SAMPLES], states)
    found = of_run(CASE.network, spikes)
    without = operations(CASE.network, spikes, simulate(CASE.network, spikes))
    assert found == without | {
        "MembraneUpdates": membrane_updates([state.v for state in states.values()]),
        "membrane_samples": MEMBRANE_SAMPLES,
    }


def test_convolutions_have_none():
    neuron = Neuron(100, np.array([4096]), np.array([0]))
    layer = Conv(name="c", weight=np.full((1, 1, 2, 2), 2), neuron=neuron, input_shape=(1, 4, 4))
    found = of_run(Network((layer,)), np.ones((1, 16, 3), dtype=np.uint8))
    assert found["Effective_ACs"] == 2 * 9 * 4
    assert "MembraneUpdates" not in found
