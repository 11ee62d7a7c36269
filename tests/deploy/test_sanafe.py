"""The same network through SANA-FE's Loihi: the same spikes, and the same energy as from our counts and table.

SANA-FE (GPL-3) is called where it is installed, and nothing of it is here: `pip install sanafe`.
"""

import numpy as np
import pytest

from convert.records import Network, Neuron, Readout, Spiking
from deploy.energy.pricing import price
from deploy.run import Job, counts_file, run

sanafe = pytest.importorskip("sanafe")

QUIET = 4
"""Silent steps at the end: SANA-FE counts what a spike does in its own step, Basalt in the next one."""


def network(rng, inputs, sizes, recurrent):
    """Layers that SANA-FE's neurons can be: the current decays at once, the membrane never, reset is hard."""
    layers = []
    for order, neurons in enumerate(sizes):
        neuron = Neuron(
            threshold=int(rng.integers(40, 120)),
            current_decay=np.array([4096]),
            voltage_decay=np.array([0]),
            reset="hard",
        )
        weight = 2 * rng.integers(-20, 32, (neurons, inputs))
        own = 2 * rng.integers(-20, 8, (neurons, neurons)) if recurrent and order == 0 else None
        layers.append(Spiking(f"hidden{order}", weight, neuron, own))
        inputs = neurons
    layers.append(Readout("readout", 2 * rng.integers(-60, 60, (4, inputs))))
    return Network(tuple(layers))


def on_loihi(network, spikes):
    """Energy in joule and, by layer, spikes (neurons, steps) of one sample on SANA-FE's Loihi, a core a layer.

    Neurons are forced to update every step, as Basalt counts them; the read-out's never spike.
    """
    arch, net = sanafe.load_loihi(), sanafe.Network()
    cores = arch.tiles[0].cores
    steps = spikes.shape[-1]
    groups = {"input": net.create_neuron_group("input", len(spikes), log_spikes=True)}
    for number, (neuron, train) in enumerate(zip(groups["input"].neurons, spikes)):
        neuron.set_attributes(soma_hw_name=f"loihi_inputs[{number}]", model_attributes={"spikes": train.tolist()})
        neuron.map_to_core(cores[0])
    before = groups["input"]
    for layer, core in zip(network.layers, (*cores[1:], cores[0])):
        attributes = {
            "threshold": float(layer.neuron.threshold) if isinstance(layer, Spiking) else 1e9,
            "reset_mode": "hard",
            "leak_decay": 1.0,
            "input_decay": 0.0,
            "force_update": True,
        }
        here = groups[layer.name] = net.create_neuron_group(
            layer.name, layer.neurons, attributes, "loihi_dense_synapse", "loihi_dendrites", False, True, "loihi_lif"
        )
        for neuron in here.neurons:
            neuron.map_to_core(core)
        before.connect_neurons_dense(here, {"weight": layer.weight.T.astype(float).ravel().tolist()})
        own = getattr(layer, "recurrent_weight", None)
        if own is not None:
            here.connect_neurons_dense(here, {"weight": own.T.astype(float).ravel().tolist()})
        before = here
    chip = sanafe.SpikingChip(arch)
    chip.load(net)
    result = chip.sim(timesteps=steps, timing_model="simple", spike_trace=True)
    found = {name: np.zeros((len(group.neurons), steps), dtype=np.uint8) for name, group in groups.items()}
    for step, addresses in enumerate(result["spike_trace"]):
        for address in addresses:
            found[address.group_name][address.neuron_offset, step] = 1
    return result["energy"]["total"], found


@pytest.mark.parametrize(("seed", "sizes", "recurrent"), [(0, (12, 9), False), (2, (16, 10), True)])
def test_the_same_spikes_cost_the_same(seed, sizes, recurrent):
    rng = np.random.default_rng(seed)
    ours = network(rng, 15, sizes, recurrent)
    spikes = (rng.random((1, 15, 40)) < 0.15).astype(np.uint8)
    spikes[:, :, -QUIET:] = 0
    job = Job(ours, spikes, "fixed", 1)
    outcome = run(job, timeout=120)
    energy, found = on_loihi(ours, spikes[0])
    for layer in ours.spiking:
        assert np.array_equal(found[layer.name], outcome.sent[layer.name][0]), layer.name
        assert found[layer.name].any()
        assert not found[layer.name][:, -1].any()
    priced = price(counts_file(job, outcome), ["loihi1-sanafe"], strict=True)["tables"]["loihi1-sanafe"]
    assert priced["per_inference_joule"] == pytest.approx(energy, rel=1e-6)
