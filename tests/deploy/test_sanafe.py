"""The same network through SANA-FE's Loihi: the same spikes, and the same energy and time as from our counts and table.

SANA-FE (GPL-3) is called where it is installed, and nothing of it is here: `pip install sanafe`. What it said of these
networks is kept beside them, so that our side is tested everywhere.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from basalt.deploy.counted import counts_file
from basalt.deploy.energy.pricing import price
from basalt.deploy.job import Job
from basalt.records.network import Network
from basalt.records.neuron import Neuron
from basalt.records.readout import Readout
from basalt.records.synapses import Spiking
from tests.conformance.direct import run_direct

QUIET = 20
"""Silent steps at the end, more than spikes may be late in all layers together: SANA-FE counts what a spike does in its
own step, Basalt in the one in which it is heard."""


class Case(NamedTuple):
    """A network, and what SANA-FE 2.2.9 says of it: joule and seconds of all its steps. None where the layers are on
    several tiles: Basalt counts hops from one to the other on a mapping alone.

    Attributes:
        sizes: neurons of the hidden layers.
        recurrent: the first layer hears itself.
        longest_delay: of the spikes of all hidden layers.
        rate: of the input's spikes.
    """

    seed: int
    sizes: tuple[int, ...]
    recurrent: bool = False
    longest_delay: int | None = None
    rate: float = 0.15
    joule: float | None = None
    seconds: float = 0.0


CASES = {
    "feed-forward": Case(0, (12, 9), joule=1.747137e-07, seconds=3.90710e-05),
    "recurrent": Case(2, (16, 10), recurrent=True, joule=2.192307e-07, seconds=4.23482e-05),
    "dense": Case(7, (30, 40), recurrent=True, rate=0.6, joule=1.3097706e-06, seconds=1.008023e-04),
    "deep, on two tiles": Case(3, (14, 12, 10, 8, 9, 11), seconds=6.18993e-05),
    "delayed": Case(4, (12, 14, 10), longest_delay=5, joule=3.249836e-07, seconds=4.30561e-05),
    "delayed and recurrent": Case(
        5, (20, 15), recurrent=True, longest_delay=4, rate=0.3, joule=4.461805e-07, seconds=5.56318e-05
    ),
}


def network(case, inputs=15):
    """Layers that SANA-FE's neurons can be: the current decays at once, the membrane never, reset is hard."""
    rng = np.random.default_rng(case.seed)
    layers = []
    for order, neurons in enumerate(case.sizes):
        neuron = Neuron(
            threshold=int(rng.integers(40, 120)),
            current_decay=np.array([4096]),
            voltage_decay=np.array([0]),
            reset="hard",
        )
        weight = 2 * rng.integers(-20, 32, (neurons, inputs))
        own = 2 * rng.integers(-20, 8, (neurons, neurons)) if case.recurrent and order == 0 else None
        delay = None if case.longest_delay is None else rng.integers(0, case.longest_delay + 1, neurons)
        layers.append(Spiking(f"hidden{order}", weight, neuron, own, delay=delay))
        inputs = neurons
    layers.append(Readout("readout", 2 * rng.integers(-60, 60, (4, inputs))))
    spikes = (rng.random((1, 15, 30 + QUIET)) < case.rate).astype(np.uint8)
    spikes[:, :, -QUIET:] = 0
    return Network(tuple(layers)), spikes


def on_loihi(network, spikes, folder):
    """Joule, seconds and, by layer, spikes (neurons, steps) of one sample on SANA-FE's Loihi, one core per layer.

    Neurons are forced to update every step, as Basalt counts them; the read-out's never spike. Delayed spikes wait in
    the dendrites of the layer that hears them, whose unit then has to keep what arrives from step to step.
    """
    sanafe = pytest.importorskip("sanafe")
    arch, net = sanafe.load_loihi(), sanafe.Network()
    delayed = any(layer.delay is not None for layer in network.spiking)
    if delayed:
        text = (Path(sanafe.__file__).parent / "examples" / "loihi.yaml").read_text()
        for before, after in (("position: soma", "position: dendrite"), ("inside_unit: false", "inside_unit: true")):
            assert text.count(f"buffer_{before}") == 1
            text = text.replace(f"buffer_{before}", f"buffer_{after}")
        (folder / "loihi.yaml").write_text(text)
        arch = sanafe.load_arch(str(folder / "loihi.yaml"))
    cores = [core for tile in arch.tiles[: 1 + len(network.layers) // 4] for core in tile.cores]
    steps = spikes.shape[-1]
    groups = {"input": net.create_neuron_group("input", len(spikes), log_spikes=True)}
    for number, (neuron, train) in enumerate(zip(groups["input"].neurons, spikes)):
        neuron.set_attributes(soma_hw_name=f"loihi_inputs[{number}]", model_attributes={"spikes": train.tolist()})
        neuron.map_to_core(cores[0])
    before, delay = groups["input"], None
    for layer, core in zip(network.layers, (*cores[1 : len(network.layers)], cores[0]), strict=True):
        attributes = {
            "threshold": float(layer.neuron.threshold) if isinstance(layer, Spiking) else 1e9,
            "reset_mode": "hard",
            "leak_decay": 1.0,
            "input_decay": 0.0,
            "force_update": True,
        }
        dendrite = "loihi_dendrites_delay" if delayed else "loihi_dendrites"
        here = groups[layer.name] = net.create_neuron_group(
            layer.name, layer.neurons, attributes, "loihi_dense_synapse", dendrite, False, True, "loihi_lif"
        )
        for neuron in here.neurons:
            neuron.map_to_core(core)
        synapses = {"weight": layer.weight.T.astype(float).ravel().tolist()}
        if delay is not None:
            synapses["delay"] = np.repeat(delay, layer.neurons).tolist()
        before.connect_neurons_dense(here, synapses)
        own = getattr(layer, "recurrent_weight", None)
        if own is not None:
            here.connect_neurons_dense(here, {"weight": own.T.astype(float).ravel().tolist()})
        before, delay = here, getattr(layer, "delay", None)
    chip = sanafe.SpikingChip(arch)
    chip.load(net)
    result = chip.sim(timesteps=steps, timing_model="simple", spike_trace=True)
    found = {name: np.zeros((len(group.neurons), steps), dtype=np.uint8) for name, group in groups.items()}
    for step, addresses in enumerate(result["spike_trace"]):
        for address in addresses:
            found[address.group_name][address.neuron_offset, step] = 1
    return result["energy"]["total"], result["sim_time"], found


def priced(job, outcome):
    """The entry of SANA-FE's table."""
    return price(counts_file(job, outcome), ["loihi1-sanafe"], strict=True)["tables"]["loihi1-sanafe"]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("backend", ["fixed", "compiled"])
def test_energy_and_time_are_what_sana_fe_says(name, backend):
    case = CASES[name]
    ours, spikes = network(case)
    job = Job(ours, spikes, backend, 1)
    found = priced(job, run_direct(job))
    if case.joule is not None:
        assert found["per_inference_joule"] == pytest.approx(case.joule, rel=1e-6)
    assert found["latency"]["inference_seconds"] == pytest.approx(case.seconds, rel=1e-6)
    assert found["latency"]["resolution"] == "steps"


@pytest.mark.parametrize("name", CASES)
def test_sana_fe_says_so(name, tmp_path):
    """Where it is installed: the kept figures are its own, and its neurons spike as ours."""
    case = CASES[name]
    ours, spikes = network(case)
    joule, seconds, found = on_loihi(ours, spikes[0], tmp_path)
    outcome = run_direct(Job(ours, spikes, "compiled", 1))
    for layer in ours.spiking:
        sent = np.zeros_like(found[layer.name])
        for neuron, late in enumerate(np.zeros(layer.neurons, int) if layer.delay is None else layer.delay):
            sent[neuron, late:] = found[layer.name][neuron, : spikes.shape[2] - late]
        assert np.array_equal(sent, outcome.sent[layer.name][0]), layer.name
        assert found[layer.name].any()
        assert not found[layer.name][:, -1 - (case.longest_delay or 0) :].any()
    assert case.joule is None or joule == pytest.approx(case.joule, rel=1e-6)
    assert seconds == pytest.approx(case.seconds, rel=1e-6)
