"""A network written by hand: records → .net file → Lava → joules. Takes a few seconds; needs no training.

python examples/by_hand.py [FOLDER]
"""

import sys
from pathlib import Path

import numpy as np

from basalt.convert import netx
from basalt.deploy.counted import counts_file
from basalt.deploy.energy.conventions import in_words
from basalt.deploy.energy.pricing import price
from basalt.deploy.job import Job, run
from basalt.records.network import Network
from basalt.records.neuron import Neuron, axis
from basalt.records.readout import Readout
from basalt.records.simulate import simulate
from basalt.records.synapses import Spiking

rng = np.random.default_rng(0)
folder = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/by_hand")

# Weights are even integers from −256 to 254; decays are 0 (no leakage) to 4096 (complete leakage).
hidden = Spiking(
    name="hidden",
    weight=2 * rng.integers(-30, 31, (64, 100)),
    neuron=Neuron(threshold=200, current_decay=axis(1024), voltage_decay=axis(128), reset="soft"),
    recurrent_weight=2 * rng.integers(-10, 11, (64, 64)),
)
readout = Readout(name="readout", weight=2 * rng.integers(-30, 31, (10, 64)))
network = Network((hidden, readout), name="by_hand", step_seconds=0.001)
netx.write(folder / "model.net", network)

# 8 samples of 100 inputs over 50 steps.
spikes = (rng.random((8, 100, 50)) < 0.05).astype(np.uint8)
job = Job(netx.read(folder / "model.net"), spikes, backend="fixed")
outcome = run(job, timeout=60)

wanted = simulate(network, spikes)
assert all(np.array_equal(outcome.sent[name], wanted[name]) for name in wanted), "Lava and the reference differ"
energy = price(counts_file(job, outcome), ["near-memory-22nm"])["tables"]["near-memory-22nm"]
print(f"Lava sent the reference's {int(outcome.sent['hidden'].sum())} spikes, all of them.")
print("Energy of an inference: {}; {}.".format(*in_words(energy)))
