"""`basalt import`: a network of another framework becomes integers, with an account of every loss."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from basalt.convert.nir.options import ImportOptions
from basalt.errors import BasaltError
from basalt.options import opened
from basalt.shown import console, say

if TYPE_CHECKING:
    from basalt.convert.nir.asked import Understood
    from basalt.convert.nir.data import Samples
    from basalt.convert.nir.graph import Graph
    from basalt.records.network import Network

ALL = 1 << 31
"""Samples, more than any file holds."""


def import_command(options: ImportOptions) -> None:
    """Turn a NIR file, of snnTorch, Norse, Sinabs, Rockpool, SpikingJelly and others, into a network of integers.

    A NIR file does not say how long a step is nor what a spike does to the membrane, and each framework fills in the
    same numbers differently; what the file does not show is asked for, never guessed. What Basalt cannot compute is
    refused, node by node, before anything is written. A .net file's integers are taken as they are.

    Writes model.net, import.json and import.html (what each rounding costs) and, with --data, test.npz and trace.npz
    into a run folder; then go on with [cyan]basalt verify[/cyan], [cyan]run[/cyan] and [cyan]price[/cyan].
    """
    from basalt.convert.nir.asked import understand
    from basalt.convert.nir.export import import_own
    from basalt.convert.nir.finetune import check
    from basalt.convert.nir.live import import_live, is_live
    from basalt.convert.nir.net_file import import_net, is_net
    from basalt.convert.nir.own import is_own
    from basalt.convert.nir.read import read
    from basalt.convert.nir.scales import METHODS

    if options.scale not in METHODS:
        raise BasaltError(f"--scale {options.scale!r} is not known; choose from {', '.join(METHODS)}.")
    if options.scales not in ("neuron", "layer"):
        raise BasaltError(f"--scales {options.scales!r} is not known; choose from neuron, layer.")
    if options.data is None and options.calibrate is None and (options.fit or options.scale == "search"):
        what = "--fit" if options.fit else "--scale search"
        raise BasaltError(
            f"{what} looks at how samples spike: give some with --data FILE.npz, or --calibrate FILE.npz."
        )
    if options.finetune is not None:
        check(options)
    if options.activity is not None and options.data is None:
        raise BasaltError("--activity is of samples: give those that it was recorded for with --data FILE.npz.")
    if is_net(options.file):
        import_net(options)
        return
    if is_live(options.file):
        import_live(options, import_graph)
        return
    graph = read(options.file)
    if is_own(graph):
        import_own(graph, options)
    else:
        import_graph(graph, understand(graph, options), options)


def import_graph(graph: "Graph", understood: "Understood", options: ImportOptions) -> None:
    """Everything after the file is read."""
    from basalt.convert.nir.account import plain_steps, take_account
    from basalt.convert.nir.activity import compare, read_activity
    from basalt.convert.nir.chain import Notes, chain
    from basalt.convert.nir.data import read_samples
    from basalt.convert.nir.finetune import fine_tuned
    from basalt.convert.nir.fit import fit
    from basalt.convert.nir.folder import folder_of, write_network, write_samples
    from basalt.convert.nir.joined import records
    from basalt.convert.nir.levels import arranged
    from basalt.convert.nir.map import map_stages
    from basalt.convert.nir.mapped import frames_of
    from basalt.convert.nir.nodes import of_layers, of_nodes
    from basalt.convert.nir.scales import quantise
    from basalt.progress import progress_bar
    from basalt.records.network import Network

    stages, refused = chain(graph)
    notes = Notes()
    layers = map_stages(stages, understood.meaning, refused, notes)
    refuse(refused, options.file)
    here = arranged(layers)
    graded = not here.relays_input
    data: Samples | None = None
    if options.data is not None:
        data = read_samples(options.data, stages[0].shape, layers[-1].neurons, options.samples, graded)
    shown: Samples | None = None
    few = None if data is None else frames_of(data.spikes[: options.calibration])
    if options.calibrate is not None:
        most = options.calibration if options.finetune is None else ALL
        shown = read_samples(options.calibrate, stages[0].shape, layers[-1].neurons, most, graded)
        few = frames_of(shown.spikes[: options.calibration])
    mapped = layers
    if options.fit and few is not None:
        with progress_bar("Fitting leaks and thresholds") as update:
            layers = fit(stages, understood.meaning, mapped, few, update)
    with progress_bar("Choosing scales"):
        integers = quantise(layers, options.scale, few, options.scales == "layer")
    tuned = None if options.finetune is None or shown is None else fine_tuned(integers, shown, data, options)
    deployed = integers if tuned is None else tuned.layers
    origin = {"nir": options.file.name, "writer": understood.name, "reset": understood.meaning.reset}
    name = options.file.stem
    network = Network(records(deployed), name, understood.step_seconds, origin)
    folder = folder_of(options.output, name)
    account = None
    if data is not None:
        first, traced = data.first(options.account), samples_traced(data, network)
        with progress_bar("Taking account") as update:
            account = take_account(
                stages, understood.meaning, mapped, integers, deployed, first.spikes, first.labels, traced, update
            )
    compared = None
    if data is not None and options.activity is not None:
        recorded = read_activity(options.activity, stages, len(data.spikes), data.spikes.shape[2])
        compared = compare(recorded, stages, understood.meaning, integers, data.spikes).content()
    write_network(folder, network)
    if data is not None and account is not None:
        write_samples(folder, data, len(network.layers), account.trace)
    content = {
        "file": str(options.file),
        "meaning": understood.content(),
        "method": options.scale,
        "delay": len(network.layers),
        "kept": 0 if data is None else len(data.spikes),
        "samples": 0 if data is None else len(data.first(options.account).spikes),
        "account": [] if account is None else plain_steps(account),
        "first_divergence": None if account is None else account.divergence,
        "activity": compared,
        "finetune": None if tuned is None else tuned.content(),
        "nodes": of_nodes(stages, integers, notes),
        "layers": of_layers(deployed),
        "relays": [one.sentence for one in here.relays],
    }
    write_account(folder, options.file, content)
    show(folder, content)


def refuse(refused: dict[str, str], file: Path) -> None:
    """Name everything that cannot be imported, and end.

    Raises:
        BasaltError: there is something.
    """
    if not refused:
        return
    said = console(stderr=True)
    for node, why in refused.items():
        said.print(f"{node}: {why}.", soft_wrap=True)
    nodes = ", ".join(repr(node) for node in list(refused)[:8]) + (", …" if len(refused) > 8 else "")
    raise BasaltError(f"{file} cannot be imported: {len(refused)} of its nodes ({nodes}) cannot be said, as above.")


def samples_traced(data: "Samples", network: "Network") -> int:
    """How many samples the trace is of: no more than `basalt verify` reads at once, as 64-bit integers."""
    from basalt.opening import memory_limit

    steps = data.spikes.shape[2] + len(network.layers)
    return memory_limit() // (8 * sum(layer.neurons * (steps if layer.emits else 1) for layer in network.layers))


def write_account(folder: Path, file: Path, content: dict[str, Any]) -> None:
    """import.json and import.html."""
    from basalt import __version__, provenance
    from basalt.convert.nir.page import page
    from basalt.files import atomic, write_json

    content.update(
        file_digest=provenance.digest(file),
        command=provenance.command(),
        written=provenance.now(),
        commit=provenance.commit(),
        basalt=__version__,
    )
    write_json(folder / "import.json", content)
    with atomic(folder / "import.html") as temporary:
        temporary.write_text(page(content), encoding="utf-8")


def show(folder: Path, content: dict[str, Any]) -> None:
    """The gist for people."""
    from rich.table import Table

    exact = sum(one["outcome"] == "exact" for one in content["nodes"])
    say(
        f"Wrote {folder / 'model.net'}: {content['delay']} layers from {len(content['nodes'])} nodes, {exact} of "
        f"them exact, the others rounded; {content['kept']} samples."
    )
    for sentence in content["relays"]:
        say(f"{sentence}.")
    if content["account"]:
        table = Table("after", "accuracy", "equal decisions", "equal output counts")
        for step in content["account"]:
            shares = (step["accuracy"], step["equal_decisions"], step["equal_counts"])
            shown_ = ("–" if share is None else f"{100 * share:.2f} %" for share in shares)
            table.add_row(step["name"] + (" (alone)" if step["alone"] else ""), *shown_)
        console().print(table)
    if content["activity"] is not None:
        say(content["activity"]["verdict"])
    if content["finetune"] is not None:
        say(content["finetune"]["verdict"])
    say(f"Account: {folder / 'import.html'}")


import_ = opened(import_command)
