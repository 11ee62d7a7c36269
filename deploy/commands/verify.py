"""`basalt verify`: training, reference and backend compared, every spike and state."""

from pathlib import Path

import numpy as np
from rich.table import Table

from basalt import provenance
from basalt.deadline import Deadline
from basalt.deploy.backends import find
from basalt.deploy.commands.run import console, run_with_bar
from basalt.deploy.comparison import Pair
from basalt.deploy.inputs import Inputs, read_both
from basalt.deploy.job import Job, check
from basalt.deploy.options import RecordingOptions, VerifyOptions, net_file
from basalt.deploy.report.renew import renew_for
from basalt.deploy.trace import Trace, read_trace
from basalt.deploy.verified import BESIDE, verified
from basalt.errors import BasaltError
from basalt.files import make_folder, write_json
from basalt.published import results
from basalt.records.network import Network


def verify_command(options: VerifyOptions, recording: RecordingOptions = RecordingOptions()) -> None:  # noqa: B008
    """`basalt verify`."""
    file, backend = net_file(options.file), options.backend
    if not find(backend).exact:
        raise BasaltError(f"The backend {backend!r} does not compute integers, so it cannot be verified; use 'fixed'.")
    deadline = Deadline.after(options.timeout)
    with deadline.held():
        network, inputs = read_both(
            file, options.input_, options.bias_start, options.input_shape, labels=False, recording=recording
        )
        given = trace_of(network, file, inputs, options)
        inputs = inputs.first(options.samples)
    for notice in (*network.notices, *inputs.notices):
        console.print(notice, style="yellow")
    job = Job(network, inputs.spikes, backend, options.batch, file=file, states=True, runtime=options.runtime)
    check(job)
    folder = options.output or results(file)
    make_folder(folder)
    outcome = run_with_bar(job, deadline, folder, f"Verifying on {backend}")
    found = verified(job, outcome, given)
    content = {"file_digest": provenance.digest(file), **found.content()}
    write_json(folder / "verify.json", content)
    show_pairs(list(found.pairs))
    for sentence in found.notes:
        console.print(sentence, style="yellow")
    for renewed in renew_for(file, folder):
        console.print(renewed)
    if content["mismatches"]:
        raise BasaltError(
            f"{content['mismatches']} of {content['compared']} values differ; see {folder / 'verify.json'}."
        )
    console.print(f"0 of {content['compared']:,} values differ.", style="green")


def trace_of(network: Network, file: Path, inputs: Inputs, options: VerifyOptions) -> Trace | None:
    """The named trace; else the trace.npz beside the file, where its test.npz is the input; else none."""
    beside = file.parent / BESIDE
    if options.trace is None and (options.input_ is not None or not beside.exists()):
        return None
    return read_trace(options.trace or beside, network, len(inputs.spikes), inputs.spikes.shape[2])


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
                console.print(sentence, style="red")


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
