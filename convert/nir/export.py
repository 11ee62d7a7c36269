"""`basalt export --nir`: a run's integers as a NIR file; and `basalt import` of such a file."""

from pathlib import Path
from typing import TYPE_CHECKING

from basalt.convert.nir.options import ImportOptions, refuse_others
from basalt.errors import BasaltError
from basalt.paths import CHECKPOINT, newest
from basalt.shown import say

if TYPE_CHECKING:
    from basalt.convert.nir.graph import Graph


def export_nir(run: Path | None, path: Path, dt: str | None) -> None:
    """Write the integers of a run folder, or of a .net file, into a NIR file.

    Raises:
        BasaltError: there is no model.net, nobody says how long a step is, or NIR cannot say a layer.
    """
    from basalt.convert import netx
    from basalt.convert.nir.asked import duration
    from basalt.convert.nir.folder import MODEL
    from basalt.convert.nir.write import write_nir

    file = newest(f"*/{MODEL}", "exported network", "basalt export") if run is None else run
    file = file / MODEL if file.is_dir() else file
    if file.name == CHECKPOINT or not file.is_file():
        raise BasaltError(f"{file} is no .net file; make one first with `basalt export {file.parent}`.")
    network = netx.read(file)
    given = duration(dt)
    step = network.step_seconds if given is None else given
    if step is None:
        raise BasaltError(f"{file} does not say how long a step is, and NIR's time constants need it; give --dt 1ms.")
    if given is not None and network.step_seconds not in (None, given):
        raise BasaltError(f"{file} has steps of {network.step_seconds:g} s; leave out --dt.")
    write_nir(path, network, step)
    say(f"Wrote {path}: {len(network.layers)} layers in steps of {1000 * step:g} ms, the same integers as {file}.")


def import_own(graph: "Graph", options: ImportOptions) -> None:
    """model.net, and test.npz with --data, of a NIR file that `export_nir` wrote: the same integers.

    Raises:
        BasaltError: the file was changed since, or an option asks for what it says itself.
    """
    from basalt.convert.nir.chain import shape_of
    from basalt.convert.nir.data import read_samples
    from basalt.convert.nir.folder import MODEL, folder_of, write_network, write_samples
    from basalt.convert.nir.own import read_own

    refuse_others(
        options, ("data", "samples", "output"), "was written by Basalt and holds integers, with step and reset"
    )
    network = read_own(graph, options.file.stem, str(options.file))
    folder = folder_of(options.output, options.file.stem)
    samples = None
    if options.data is not None:
        shape = shape_of(next(node for node in graph.real if node.type == "Input"))
        assert shape is not None
        samples = read_samples(options.data, shape, network.layers[-1].neurons, options.samples)
    write_network(folder, network)
    if samples is not None:
        write_samples(folder, samples, len(network.layers))
    say(f"Wrote {folder / MODEL}: {len(network.layers)} layers, the integers as Basalt wrote them; nothing is rounded.")
