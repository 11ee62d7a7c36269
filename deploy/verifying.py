"""What `basalt verify` does, once its arguments are read."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.table import Table

from basalt.errors import BasaltError
from basalt.files import write_json
from convert import netx
from convert.records import Network
from deploy.backends import find
from deploy.commands import console, run_with_bar
from deploy.inputs import Inputs, load_inputs
from deploy.reference import simulate
from deploy.run import Job
from deploy.verify import Pair, backend_states, compare, reference_states, verification


def verify_command(
    file: Path,
    input_: Path | None,
    output: Path | None,
    backend: str,
    batch: int,
    samples: int,
    timeout: float | None,
) -> None:
    """`basalt verify`."""
    chosen = find(backend)
    if not chosen.exact:
        raise BasaltError(f"The backend {backend!r} does not compute integers, so it cannot be verified; use 'fixed'.")
    network = netx.read(file)
    inputs = load_inputs(input_ or file.parent / "test.npz", network.inputs).first(samples)
    folder = output or file.parent
    folder.mkdir(parents=True, exist_ok=True)
    pairs = verify_pairs(network, file, inputs, input_ is None, backend, batch, timeout, folder)
    pairs = [with_states(network, inputs.spikes, pair, chosen.tag) for pair in pairs]
    found = verification(pairs)
    write_json(folder / "verify.json", found)
    show_pairs(pairs)
    if found["mismatches"]:
        raise BasaltError(f"{found['mismatches']} of {found['compared']} values differ; see {folder / 'verify.json'}.")
    console.print(f"[green]0 of {found['compared']:,} values differ.[/green]")


def verify_pairs(
    network: Network,
    file: Path,
    inputs: Inputs,
    with_trace: bool,
    backend: str,
    batch: int,
    timeout: float | None,
    folder: Path,
) -> list[Pair]:
    """Training against the reference (where it left a trace), and the reference against the backend."""
    outcome = run_with_bar(
        Job(network, inputs.spikes, backend, batch, file=file), timeout, folder, f"Verifying on {backend}"
    )
    reference = ("reference", simulate(network, inputs.spikes))
    pairs = [compare(network, reference, (backend, outcome.sent))]
    trace = file.parent / "trace.npz"
    if with_trace and trace.exists():
        with np.load(trace, allow_pickle=False) as arrays:
            trained = {name: arrays[name] for name in arrays.files}
        pairs.insert(0, compare(network, ("training", trained), reference))
    return pairs


def with_states(network: Network, spikes: np.ndarray, pair: Pair, tag: str) -> Pair:
    """A pair whose divergence, if it has one, tells the states of the sides that keep them."""
    divergence = pair.first_divergence
    if divergence is None:
        return pair
    states = {
        side: None
        if side == "training"
        else reference_states(network, spikes, divergence)
        if side == "reference"
        else backend_states(network, spikes, divergence, tag)
        for side in divergence.pair
    }
    return replace(pair, first_divergence=replace(divergence, states=states))


def show_pairs(pairs: list[Pair]) -> None:
    """The comparison as a table, and the first divergence in a sentence."""
    table = Table("compared", "layer", "samples × steps × neurons", "mismatches")
    for pair in pairs:
        for layer in pair.layers:
            size = f"{layer.samples:,} × {layer.steps:,} × {layer.neurons:,}"
            table.add_row(f"{pair.left} – {pair.right}", layer.layer, size, f"{layer.mismatches:,}")
    console.print(table)
    for pair in pairs:
        first = pair.first_divergence
        if first is not None:
            console.print(
                f"[red]First divergence: layer {first.layer}, sample {first.sample}, neuron {first.neuron}, step "
                f"{first.step}: {pair.left} sent {first.left}, {pair.right} {first.right}; states {first.states}.[/red]"
            )
