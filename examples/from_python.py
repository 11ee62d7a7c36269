"""A network from Python: run on a backend, priced, verified, and stepped in a closed loop.

    python examples/from_python.py [FOLDER]

A network of its own making stands for yours: `basalt.read("model.net")` reads one of a file, `basalt.from_run` that of
a run folder with its samples, `basalt.from_nir` one of snnTorch, Norse or Sinabs, `basalt.from_slayer` a live module.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

import basalt
from basalt.records.network import Network
from basalt.records.neuron import Neuron
from basalt.records.readout import Readout
from basalt.records.synapses import Spiking

rng = np.random.default_rng(7)
neuron = Neuron(threshold=300, current_decay=np.full(1, 1024), voltage_decay=np.full(1, 256), reset="soft")
hidden = Spiking("hidden", 2 * rng.integers(-40, 60, (32, 50)), neuron)
readout = Readout("readout", 2 * rng.integers(-60, 60, (4, 32)))

folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
basalt.Model(Network((hidden, readout), "example", step_seconds=1e-3)).save(folder / "model.net")
spikes = (rng.random((20, 50, 100)) < 0.1).astype(np.uint8)
labels = rng.integers(0, 4, 20)

net = basalt.read(folder / "model.net")
print(net)

result = net.run(spikes, labels, backend="compiled", runtime="direct")
print(result)
print(f"spikes of the hidden layer: {result.spikes['hidden'].sum()}, saturations: {result.saturations}")

bill = result.price("near-memory-22nm", "textbook-45nm")
print(bill)
for row in bill["near-memory-22nm"].rows():
    print(f"  {row['process']:8} {row['part']:8} {row['action']:24} {row['joule']:.3g} J")

print(net.verify(spikes, runtime="direct"))
print(f"report: {result.report(folder / 'report.html').name}")

with net.start() as live:
    for step in range(100):
        sums = live.step(spikes[0, :, step])
    assert np.array_equal(sums, result.spikes["readout"][0, :, -1])
    print(f"{live}: {sums.tolist()}")
