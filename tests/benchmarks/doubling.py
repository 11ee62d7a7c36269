"""What twice the neurons cost a near-memory core, by data path, against what arXiv 2512.07602 reports.

    python tests/benchmarks/doubling.py RUN TWICE [--core speech]

RUN and TWICE are exported networks of one task, the second with twice the neurons in each layer. Energy is that of the
table near-memory-22nm. Area is stated, not laid out (`basalt/near_memory/area.py`). Writes
docs/benchmarks/doubling.md.
"""

import sys
from dataclasses import astuple, fields
from pathlib import Path
from typing import Annotated, Any

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import numpy as np
import typer

from basalt.convert import netx
from basalt.deploy.cores import load_core
from basalt.deploy.counted import counts_file
from basalt.deploy.energy.pricing import price
from basalt.deploy.inputs import load_inputs
from basalt.deploy.job import Job, predict, run
from basalt.deploy.options import net_file
from basalt.errors import BasaltError
from basalt.files import atomic
from basalt.near_memory.area import Area, area
from basalt.near_memory.core import Core
from basalt.near_memory.geometry import memories
from basalt.near_memory.sizes import sizes_of
from basalt.records.network import Network

FILE = Path(__file__).resolve().parents[2] / "docs" / "benchmarks" / "doubling.md"
TABLE = "near-memory-22nm"
PATHS = {
    "spike path": (
        "events_in",
        "event_buffer",
        "input_weights",
        "recurrent_weights",
        "accumulators",
        "synaptic",
        "graded",
    ),
    "memory path": ("memory_weights", "drive_memory_weights", "memory_sums", "memory_current"),
    "memory update": ("transition", "drive_weights", "slow_state"),
    "output": ("neuron_updates", "membrane", "current", "spikes_out", "output_spikes", "delay"),
}
"""Beginnings of the counters of each path; products (`dense_…`) are shared between the two of the memory."""
PAPER = {"spike path": 3.4, "memory path": 1.8, "memory update": 1.0, "output": 1.9, "all": 2.4, "area": 3.1}


def path_of(counter: str) -> str:
    """The data path whose work a counter is."""
    for path, beginnings in PATHS.items():
        if counter.startswith(beginnings):
            return path
    raise BasaltError(f"The counter {counter!r} belongs to no data path: add it to PATHS.")


def joules(network: Network, energy: dict[str, Any]) -> dict[str, float]:
    """Dynamic energy of an inference by data path, hidden layers only."""
    found = dict.fromkeys(PATHS, 0.0)
    layers = {layer.name: layer for layer in network.spiking}
    for process in energy["processes"]:
        layer = layers.get(process["name"])
        if layer is None:
            continue
        for counter, action in process["actions"].items():
            if counter in ("dense_macs", "dense_mac_bits"):
                assert layer.memory is not None
                share = layer.memory.states / (layer.memory.states + layer.neurons)
                found["memory update"] += share * action["joule"]
                found["memory path"] += (1 - share) * action["joule"]
            else:
                found[path_of(counter)] += action["joule"]
    return found


def bits(network: Network, core: Core) -> int:
    """Bits of SRAM of all hidden layers, each on a core made to measure."""
    sizes = [sizes_of(layer) for layer in network.spiking]
    return sum(memory.size for size in sizes for memory in memories(core, size).values() if not memory.registers)


def silicon(network: Network, core: Core) -> Area:
    """The area of those cores."""
    each = [astuple(area(core, sizes_of(layer))) for layer in network.spiking]
    return Area(*(sum(part) for part in zip(*each, strict=True)))


def measured(folder: Path, core: Core) -> tuple[dict[str, float], float, Area, str]:
    """Joules by path, bits of SRAM, area, and the network in words."""
    path = net_file(folder)
    network = netx.read(path)
    inputs = load_inputs(path.parent / "test.npz", network.inputs)
    job = Job(network, inputs.spikes, "near-memory", file=path, core=core)
    outcome = run(job)
    energy = price(counts_file(job, outcome), [TABLE])["tables"][TABLE]
    accuracy = 100 * float(np.mean(predict(network, outcome.sent) == inputs.labels))
    rates = ", ".join(f"{outcome.sent[layer.name].mean():.3f}" for layer in network.spiking)
    words = (
        f"{path.parent.name}: {'–'.join(str(layer.neurons) for layer in network.layers)}, {accuracy:.2f} % of "
        f"{len(inputs.spikes)} samples, spike rates {rates}"
    )
    return joules(network, energy), bits(network, core), silicon(network, core), words


def page(core: Core, first: Any, second: Any) -> str:
    """The figures side by side, in Markdown."""
    one, one_bits, one_area, one_words = first
    two, two_bits, two_area, two_words = second
    areas = [
        (
            part.name.capitalize() if part.name != "sram" else "SRAM",
            getattr(one_area, part.name),
            getattr(two_area, part.name),
        )
        for part in fields(Area)
    ]
    growth, sram = two_area.total / one_area.total, 100 * one_area.sram / one_area.total
    rows = [(path, one[path], two[path]) for path in PATHS] + [("all", sum(one.values()), sum(two.values()))]
    lines = [
        "# Twice the neurons on a near-memory core",
        "",
        f"Written by `python tests/benchmarks/doubling.py`; core `{core.name}`, table {TABLE}, dynamic energy of the",
        "hidden layers. The paper's factors are those of its own network on SHD, after layout. Both networks were",
        "trained alike, one seed each; the cochlea was chosen by test recordings, these among them (docs/data.md).",
        "",
        f"- {one_words}",
        f"- {two_words}",
        "",
        "| | nJ an inference | twice the neurons | factor | arXiv 2512.07602 |",
        "| --- | ---: | ---: | ---: | ---: |",
        *(f"| {path} | {1e9 * a:,.1f} | {1e9 * b:,.1f} | {b / a:.2f} | {PAPER[path]} |" for path, a, b in rows),
        f"| SRAM, KiB | {one_bits / 8192:,.1f} | {two_bits / 8192:,.1f} | {two_bits / one_bits:.2f} | |",
        *(f"| {what}, µm² | {a:,.0f} | {b:,.0f} | {b / a:.2f} | |" for what, a, b in areas),
        f"| area, µm² | {one_area.total:,.0f} | {two_area.total:,.0f} | {growth:.2f} | {PAPER['area']} |",
        "",
        "Area is stated and not laid out (`basalt/near_memory/area.py`): SRAM by its bits and ports, registers,",
        "multipliers and adders, each layer on a core made to measure. Lanes and multipliers stay; registers, of sums,",
        f"currents and spikes, double. SRAM is {sram:.0f} % of the smaller cores, where the paper says 87 %. The first",
        "layer's weights double, and the second's, between layers that both double, take four times the room.",
    ]
    return "\n".join(lines) + "\n"


def main(
    run_: Annotated[Path, typer.Argument(metavar="RUN")],
    twice: Annotated[Path, typer.Argument(metavar="TWICE")],
    core: Annotated[str, typer.Option(help="A core's name or TOML file.")] = "speech",
    output: Annotated[Path, typer.Option(help="The page.")] = FILE,
) -> None:
    """Run both, write the page."""
    chosen = load_core(core)
    text = page(chosen, measured(run_, chosen), measured(twice, chosen))
    with atomic(output) as temporary:
        temporary.write_text(text)
    typer.echo(text)


if __name__ == "__main__":
    typer.run(main)
