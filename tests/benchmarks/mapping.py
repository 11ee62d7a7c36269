"""Mappings of generated networks: seconds, hops, and what a longer search would gain.

python tests/benchmarks/mapping.py [--write FOLDER]    # also writes each network as FOLDER/NAME/model.net
"""

import argparse
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import numpy as np
from rich.console import Console
from rich.table import Table

from basalt.convert import netx
from basalt.deploy.cores import load_core
from basalt.deploy.mapping.mesh import Mesh
from basalt.deploy.mapping.partition import INPUT, uniform_rates
from basalt.deploy.mapping.placement import ROUNDS
from basalt.deploy.mapping.result import map_network
from basalt.deploy.mapping.summary import comparison
from basalt.records.network import Network
from basalt.records.neuron import Neuron, axis
from basalt.records.readout import Readout
from basalt.records.slow_memory import SlowMemory
from basalt.records.synapses import Spiking

RATE = 0.05
"""Spikes per neuron and step at first; each layer is drawn between a fifth and twice of it."""

NETWORKS = {
    "chain": ([128] * 100, Mesh(8, 16)),
    "uneven": ([128, 96, 64, 128, 256, 128, 64] * 14 + [128, 64], Mesh(8, 16)),
    "wide": ([512] * 25, Mesh(8, 16)),
    "large": ([512] * 64, Mesh(16, 16)),
}
"""Widths of layers, and the mesh. Every third layer is recurrent, every other third has a slow memory of 8 states."""


def network(name: str, widths: list[int]) -> Network:
    """Layers of these widths behind 128 inputs, with small weights."""
    rng = np.random.default_rng(len(widths))
    layers: list[Spiking | Readout] = []
    inputs = 128
    for number, neurons in enumerate(widths):
        memory = None
        if number % 3 == 1:
            memory = SlowMemory(
                drive_weight=2 * rng.integers(-9, 10, inputs),
                drive_bias=0,
                drive_shift=0,
                transition=np.eye(8, dtype=np.int64),
                drive_input=np.ones(8, dtype=np.int64),
                coefficient_shift=7,
                memory_weight=rng.integers(-9, 10, (neurons, 8)),
                drive_memory_weight=rng.integers(-9, 10, neurons),
                memory_shift=4,
            )
        layers.append(
            Spiking(
                f"l{number}",
                2 * rng.integers(-9, 10, (neurons, inputs)),
                Neuron(threshold=100, current_decay=axis(4096), voltage_decay=axis(400)),
                recurrent_weight=2 * rng.integers(-9, 10, (neurons, neurons)) if number % 3 == 2 else None,
                memory=memory,
            )
        )
        inputs = neurons
    return Network(tuple(layers), name)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, help="folder for the networks")
    parser.add_argument("--long", type=int, default=8, help="times the rounds of the longer search; 0 for none")
    args = parser.parse_args()
    table = Table("network", "parts, cores", "s", "hops/step", "snake", "random", "bound", "longer search: s", "hops")
    for name, (widths, mesh) in NETWORKS.items():
        net = network(name, widths)
        if args.write:
            (args.write / name).mkdir(parents=True, exist_ok=True)
            netx.write(args.write / name / "model.net", net)
        rng = np.random.default_rng(1)
        spikes = {layer.name: RATE * layer.neurons * rng.uniform(0.2, 2) for layer in net.layers}
        rates = uniform_rates(net, {INPUT: RATE * net.inputs, **spikes})
        begin = time.perf_counter()
        mapped = map_network(net, load_core("mesh"), rates, mesh)
        seconds = time.perf_counter() - begin
        longer = ["", ""]
        if args.long:
            begin = time.perf_counter()
            hops = map_network(net, load_core("mesh"), rates, mesh, rounds=args.long * ROUNDS).hops
            longer = [f"{time.perf_counter() - begin:.1f}", f"{hops:,.0f}"]
        figures = {name: f"{value or 0:,.0f}" for name, value in comparison(mapped).items()}
        table.add_row(
            name,
            f"{len(mapped.pieces)}, {mesh.cores}",
            f"{seconds:.2f}",
            figures["placed"],
            figures["snake"],
            figures["random_mean"],
            figures["lower_bound"],
            *longer,
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
