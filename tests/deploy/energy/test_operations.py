"""Operations under NeuroBench's names: by brute force, and as NeuroBench itself finds them."""

import numpy as np
import pytest
from hypothesis import given, settings

from basalt.deploy.energy.operations import activation_sparsity, membrane_updates, memory_products, operations
from basalt.records.network import Network
from basalt.records.neuron import Neuron
from basalt.records.readout import Readout
from basalt.records.simulate import simulate
from basalt.records.synapses import Conv, Spiking
from tests.conformance.strategies import cases

STEPS = 30


def network(rng):
    """Two layers and a read-out with some weights of 0, without leakage or reset, so that torch computes the same."""

    def weight(neurons, inputs):
        return 2 * rng.integers(-30, 31, (neurons, inputs)) * (rng.random((neurons, inputs)) < 0.8)

    neuron = Neuron(100, np.array([4096]), np.array([0]), "none")
    layers = (Spiking("a", weight(14, 11), neuron), Spiking("b", weight(9, 14), neuron), Readout("r", weight(3, 9)))
    return Network(layers)


def example(seed=4):
    rng = np.random.default_rng(seed)
    return network(rng), (rng.random((5, 11, STEPS)) < 0.2).astype(np.uint8)


def torch_twin(network):
    """The network in snntorch: each layer hears a step late, as in Lava."""
    import snntorch
    import torch

    class Twin(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linears = torch.nn.ModuleList()
            self.neurons = torch.nn.ModuleList()
            for layer in network.layers:
                linear = torch.nn.Linear(layer.inputs, layer.neurons, bias=False)
                linear.weight.data = torch.tensor(layer.weight, dtype=torch.float32)
                self.linears.append(linear)
            for layer in network.spiking:
                threshold = float(layer.neuron.threshold)
                self.neurons.append(
                    snntorch.Leaky(beta=1.0, threshold=threshold, reset_mechanism="none", init_hidden=True, output=True)
                )
            self.before = None

        def reset(self):
            self.before = None
            for neuron in self.neurons:
                neuron.reset_mem()

        def forward(self, arrived):
            before = self.before or [torch.zeros(len(arrived), linear.in_features) for linear in self.linears]
            fired = [neuron(linear(heard))[0] for linear, neuron, heard in zip(self.linears, self.neurons, before)]
            out = self.linears[-1](before[-1])
            self.before = [arrived, *fired]
            return out, out

    return Twin()


def neurobench_figures(network, spikes):
    """What NeuroBench finds, and the spikes of the twin by layer."""
    import torch
    from neurobench.metrics.workload import ActivationSparsity, MembraneUpdates, SynapticOperations
    from neurobench.models import SNNTorchModel

    model = SNNTorchModel(torch_twin(network))
    model.register_hooks()
    data = torch.tensor(spikes.transpose(0, 2, 1), dtype=torch.float32)
    with torch.no_grad():
        model(data)
        batch = (data, torch.zeros(len(data)))
        fired = [torch.stack(hook.activation_outputs, -1).numpy() for hook in model.activation_hooks]
        found = {
            "ActivationSparsity": ActivationSparsity()(model, None, batch),
            "MembraneUpdates": MembraneUpdates()(model, None, batch),
            **SynapticOperations()(model, None, batch),
        }
    return found, fired


def our_figures(network, spikes):
    states = {}
    sent = simulate(network, spikes, states)
    found = operations(network, spikes, sent)
    found.pop("layers")
    return {**found, "MembraneUpdates": membrane_updates([state.v for state in states.values()])}, sent


def test_neurobench_finds_the_same():
    """Exactly, on a network that both run and that spikes alike in both."""
    pytest.importorskip("neurobench")
    network, spikes = example()
    theirs, fired = neurobench_figures(network, spikes)
    ours, sent = our_figures(network, spikes)
    for layer, found in zip(network.spiking, fired):
        assert np.array_equal(found, sent[layer.name])
        assert found.any()
    assert ours == pytest.approx(theirs, rel=1e-12)


def test_what_neurobench_found():
    """Recorded from neurobench 2.1.0 with snntorch 1.0.0: `neurobench_figures(*example())`."""
    assert our_figures(*example())[0] == pytest.approx(RECORDED, rel=1e-12)


RECORDED = {
    "Effective_MACs": 0.0,
    "Effective_ACs": 1780.4,
    "Dense": 9210.0,
    "ActivationSparsity": 0.6472463768115942,
    "MembraneUpdates": 594.2,
}


def test_graded_input_is_multiplied():
    network, spikes = example()
    graded = spikes * 3
    found = operations(network, graded, simulate(network, graded))
    once = operations(network, spikes, simulate(network, spikes))
    assert found["layers"]["a"]["Effective_MACs"] == once["layers"]["a"]["Effective_ACs"] > 0
    assert found["layers"]["a"]["Effective_ACs"] == 0
    assert found["layers"]["b"]["Effective_MACs"] == 0


@pytest.mark.parametrize(("place", "reached"), [(0, 1), (1, 2), (5, 1), (6, 4), (12, 1)])
def test_a_convolution_reaches_what_its_kernel_reaches(place, reached):
    """A kernel of 3 × 3, at every other place of 5 × 5: a corner, two edges, an odd place, the middle."""
    kernel = np.array([[[[2, 0, 2], [2, 2, 2], [2, 2, 2]]]])  # so that an odd row and even column reach one less
    layer = Conv(
        name="c",
        weight=np.repeat(kernel, 2, axis=0),
        neuron=Neuron(100, np.array([4096]), np.array([0])),
        input_shape=(1, 5, 5),
        stride=(2, 2),
        padding=(1, 1),
    )
    spikes = np.zeros((1, 25, 3), dtype=np.uint8)
    spikes[0, place, 0] = 1
    found = operations(Network((layer,)), spikes, {"c": np.zeros((1, 18, 3), dtype=np.uint8)})
    assert found["Effective_ACs"] == 2 * reached
    # Along each axis the three places of the kernel have 2, 3 and 2 inputs; two channels, three steps.
    assert found["Dense"] == 7 * 7 * 2 * 3


def brute_force(layer, arrived, own):
    """Synapses with a weight other than 0 that events reach, one by one, and all synapses."""
    weights = [(layer.weight, arrived)]
    if isinstance(layer, Spiking) and layer.recurrent_weight is not None:
        weights.append(
            (layer.recurrent_weight, own) if layer.recurrence == "full" else (np.diag(layer.recurrent_weight), own)
        )
    if isinstance(layer, Spiking) and layer.memory is not None:
        weights.append((layer.memory.drive_weight[None], arrived))
    effective = sum(
        int((weight[:, feature] != 0).sum()) * int((values[:, feature, :-1] != 0).sum())
        for weight, values in weights
        for feature in range(weight.shape[1])
    )
    diagonal = isinstance(layer, Spiking) and layer.recurrence == "diagonal"
    missing = layer.neurons * (layer.neurons - 1) if diagonal else 0
    return effective, sum(weight.size for weight, _ in weights) - missing


@settings(max_examples=15, deadline=None)
@given(case=cases())
def test_any_dense_network_by_brute_force(case):
    sent = simulate(case.network, case.spikes)
    found = operations(case.network, case.spikes, sent)
    arrived, (samples, _, steps) = case.spikes, case.spikes.shape
    for layer in case.network.layers:
        if layer.kind in ("spiking", "readout"):
            effective, dense = brute_force(layer, arrived, sent[layer.name])
            mine = found["layers"][layer.name]
            assert mine["Effective_ACs"] + mine["Effective_MACs"] == pytest.approx(effective / samples)
            assert mine["Dense"] == dense * steps
        arrived = sent[layer.name]
    assert 0 <= found["ActivationSparsity"] <= 1
    assert found["Effective_ACs"] + found["Effective_MACs"] <= found["Dense"]


def test_products_of_a_slow_memory_are_multiplications():
    counts = {
        "samples": 2,
        "processes": [{"name": "a", "counters": {"dense_macs": [30, 50]}}, {"name": "b", "counters": {}}],
    }
    assert memory_products(counts) == {"a": 40.0}
    network, spikes = example()
    sent = simulate(network, spikes)
    without, having = operations(network, spikes, sent), operations(network, spikes, sent, memory_products(counts))
    assert having["Effective_MACs"] == without["Effective_MACs"] + 40
    assert having["Dense"] == without["Dense"] + 40


def test_membranes_that_do_not_move_are_no_updates():
    still = np.zeros((2, 3, 5))
    assert membrane_updates([still]) == 3
    still[1, 2, 2] = 1.0  # up and down again
    assert membrane_updates([still]) == 3 + 2 / 2
    assert activation_sparsity([]) == 0.0
