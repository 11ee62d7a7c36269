"""What `basalt verify` does, once its arguments are read."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.markup import escape
from rich.table import Table

from basalt.errors import BasaltError
from basalt.files import make_folder, write_json
from convert import netx
from convert.records import Network
from deploy.backends import find
from deploy.commands import console, run_with_bar
from deploy.inputs import Inputs, load_inputs, read_arrays
from deploy.report.renew import renew_for
from deploy.run import Job
from deploy.verify import Pair, compare, verification
from deploy.verify_states import backend_states, compare_states, reference_states, simulated, told


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
    make_folder(folder)
    pairs = verify_pairs(network, file, inputs, input_ is None, backend, batch, timeout, folder)
    pairs = [with_states(network, inputs.spikes, pair, backend) for pair in pairs]
    found = verification(pairs)
    write_json(folder / "verify.json", found)
    show_pairs(pairs)
    for renewed in renew_for(file, folder):
        console.print(renewed, markup=False)
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
    trained = trained_spikes(network, file.parent / "trace.npz", inputs.spikes.shape[2]) if with_trace else None
    outcome = run_with_bar(
        Job(network, inputs.spikes, backend, batch, file=file, states=True), timeout, folder, f"Verifying on {backend}"
    )
    sent, held = simulated(network, inputs.spikes)
    reference = ("reference", sent)
    found = compare(network, reference, (backend, outcome.sent))
    pairs = [replace(found, states=compare_states(network, held, outcome.states))]
    if trained is not None:
        pairs.insert(0, compare(network, ("training", trained), reference))
    return pairs


def trained_spikes(network: Network, trace: Path, steps: int) -> dict[str, np.ndarray] | None:
    """What training left of each layer, (samples, neurons, steps) or a read-out's last sums; None without a trace.

    Raises:
        BasaltError: the trace is damaged, or that of another network or input.
    """
    if not trace.exists():
        return None
    trained = read_arrays(trace)
    layers = [layer for layer in network.layers if layer.name in trained]
    if not layers:
        raise BasaltError(f"{trace} holds no layer of this network; export the run again, or remove the file.")
    for layer in layers:
        left, fits = trained[layer.name].shape[1:], ((layer.neurons, steps), (layer.neurons,))
        if left not in fits:
            raise BasaltError(
                f"{trace} is of another network or input: layer {layer.name!r} has the shape {left} there, not "
                f"{fits[0]}; export the run again, or remove the file."
            )
    return trained


def with_states(network: Network, spikes: np.ndarray, pair: Pair, backend: str) -> Pair:
    """A pair whose divergence, if it has one, tells the states of the sides that keep them."""
    first = pair.first_divergence
    if first is None:
        return pair
    place = (first.layer, first.sample, first.step)
    held = {
        "reference": lambda: reference_states(network, spikes, *place),
        backend: lambda: backend_states(network, spikes, *place, backend),
    }
    states = {
        side: told(network, first.layer, first.neuron, held[side]()) if side in held else None for side in first.pair
    }
    return replace(pair, first_divergence=replace(first, states=states))


def show_pairs(pairs: list[Pair]) -> None:
    """The comparison as a table, and the first divergence in a sentence."""
    table = Table("compared", "layer", "samples × steps × neurons", "mismatches")
    for pair in pairs:
        for layer in pair.layers:
            size = f"{layer.samples:,} × {layer.steps:,} × {layer.neurons:,}"
            table.add_row(f"{pair.left} – {pair.right}", layer.layer, size, f"{layer.mismatches:,}")
    console.print(table)
    for pair in pairs:
        if pair.states:
            console.print(states_of(pair))
        for sentence in (divergence_of(pair), state_of(pair)):
            if sentence is not None:
                console.print(f"[red]{escape(sentence)}[/red]")


def divergence_of(pair: Pair) -> str | None:
    """The first divergence in a sentence; of a memory pathway's state, what differs between the sides."""
    first = pair.first_divergence
    if first is None:
        return None
    held = {side: state for side, state in first.states.items() if state is not None}
    states = [
        f"{name} is " + ", ".join(f"{state[name]} ({side})" for side, state in held.items()) for name in ("u", "v")
    ]
    for name in set.intersection(*(set(state) for state in held.values())) - {"u", "v"} if len(held) == 2 else ():
        left, right = (np.array(state[name]) for state in held.values())
        wrong = np.flatnonzero(left != right)
        begin = f", first {name}[{wrong[0]}]: {left[wrong[0]]} and {right[wrong[0]]}" if len(wrong) else ""
        states.append(f"of {name}, {len(wrong)} of {len(left)} differ{begin}")
    return (
        f"First divergence: layer {first.layer}, sample {first.sample}, neuron {first.neuron}, step {first.step}: "
        f"{pair.left} sent {first.left}, {pair.right} {first.right}" + (f"; {'; '.join(states)}." if held else ".")
    )


def states_of(pair: Pair) -> str:
    """Which states were compared after the last step, and how many values differ."""
    of = [f"{entry.state} of {entry.layer}" for entry in pair.states if entry.state not in ("u", "v")]
    wrong, compared = (sum(getattr(entry, what) for entry in pair.states) for what in ("mismatches", "compared"))
    return (
        f"After the last step, {pair.left} – {pair.right}: {', '.join(['u and v of all spiking layers', *of])}: "
        f"{wrong:,} of {compared:,} states differ."
    )


def state_of(pair: Pair) -> str | None:
    """The first state that differs after the last step, in a sentence."""
    wrong = next((entry for entry in pair.states if entry.first is not None), None)
    if wrong is None or wrong.first is None:
        return None
    first = wrong.first
    return (
        f"First state that differs after the last step: layer {wrong.layer}, sample {first['sample']}, "
        f"{wrong.state}[{first['index']}]: {pair.left} has {first['left']}, {pair.right} {first['right']}."
    )
