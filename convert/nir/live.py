"""`basalt import script.py:network`: a live module of snnTorch or SLAYER, without a file of the user's.

The user's own script is run, as Python runs it; nothing else of this package runs what it reads. A module says what a
NIR file does not: its resets. What it sends for some samples is recorded, and compared with the import.
"""

import re
import runpy
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from basalt.convert.nir.options import ImportOptions, refuse_others
from basalt.errors import BasaltError
from basalt.opening import there
from basalt.shown import VALUE_LONGEST, say, shown

if TYPE_CHECKING:
    from basalt.convert.nir.asked import Understood
    from basalt.convert.nir.data import Samples
    from basalt.convert.nir.graph import Graph

Import = Callable[["Graph", "Understood", ImportOptions], None]
LIVE = re.compile(r"(.+\.py):([A-Za-z_]\w*)")


def is_live(file: Path) -> bool:
    """Whether a name is that of an object in a script."""
    return LIVE.fullmatch(str(file)) is not None


def script_and_name(file: Path) -> tuple[Path, str]:
    """The two of a name that `is_live`."""
    match = LIVE.fullmatch(str(file))
    assert match is not None
    return Path(match[1]), match[2]


def import_live(options: ImportOptions, import_graph: "Import") -> None:
    """Import the object of a script.

    Args:
        import_graph: what goes on with a graph that was read.

    Raises:
        BasaltError: the script fails, has no such object, or it is no module that can be imported.
    """
    script, name = script_and_name(options.file)
    if options.data is None:
        raise BasaltError(
            f"{options.file}: a module does not say the shape of its input; give samples with --data FILE.npz."
        )
    module = object_of(script, name)
    frameworks = {type(one).__module__.split(".")[0] for one in parts_of(module)}
    for framework, importer in IMPORTERS.items():
        if framework in frameworks:
            importer(module, name, replace(options, file=script), import_graph)
            return
    raise BasaltError(
        f"{options.file} is {shown(type(module).__name__)!r}, which has no neurons of {' or '.join(IMPORTERS)}; name a "
        f"torch module of these."
    )


def parts_of(module: Any) -> list[Any]:
    """A torch module and all within; a list's, too, as SLAYER's blocks are kept."""
    import torch

    parts = module if isinstance(module, list | tuple) else [module]
    return [inner for one in parts if isinstance(one, torch.nn.Module) for inner in one.modules()]


def object_of(script: Path, name: str) -> Any:
    """The object, after the script has run."""
    if not there(script):
        raise BasaltError(f"{script} does not exist; name a script and what it makes, as model.py:network.")
    say(f"Running {script}.")
    before = list(sys.path)
    sys.path.insert(0, str(script.resolve().parent))
    try:
        found = runpy.run_path(str(script), run_name="basalt_import")
    except (Exception, SystemExit) as error:
        why = shown(f"{type(error).__name__}: {error}", VALUE_LONGEST)
        raise BasaltError(f"{script} ends with {why}; run it by itself first: python {script}.") from error
    finally:
        sys.path[:] = before
    if name not in found:
        raise BasaltError(f"{script} defines no {name!r} at its top level; name what it makes when it is run.")
    return found[name]


def samples_of(options: ImportOptions) -> "tuple[Samples, tuple[int, ...]]":
    """The samples, and the shape of one without its steps."""
    from basalt.arrays import archive
    from basalt.convert.nir.data import read_samples

    assert options.data is not None
    if not there(options.data):
        raise BasaltError(f"{options.data} does not exist; name an .npz file with `spikes`.")
    with archive(options.data) as found:
        shape = found.header("spikes").shape[1:-1] if "spikes" in found.names else (1,)
    return read_samples(options.data, shape, 1 << 31, options.samples), shape


def import_snntorch(module: Any, name: str, options: ImportOptions, import_graph: "Import") -> None:
    """snnTorch: its own exporter writes NIR into a temporary file; resets are read from the neurons."""
    import tempfile

    import numpy as np

    from basalt.convert.nir.asked import understand
    from basalt.convert.nir.chain import chain
    from basalt.convert.nir.read import read
    from basalt.convert.nir.snntorch_module import Live
    from basalt.paths import RUNS

    if options.writer not in (None, "snntorch") or options.reset is not None:
        raise BasaltError(
            f"{options.file}: {name} says itself how it is meant and how it resets; leave out --writer and --reset."
        )
    live = Live(module, f"{options.file}:{name}")
    samples, shape = samples_of(options)
    shown_ = samples.spikes[:RECORDED]
    options = replace(options, writer="snntorch", reset=live.reset, output=options.output or RUNS / name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "live.nir"
        live.export(path, shape)
        graph = read(path)
        stages, _ = chain(graph)
        if options.activity is None and stages and stages[-1].neuron is not None:
            sent = Path(folder) / "sent.npz"
            found = live.run(shown_.reshape(len(shown_), *shape, -1))
            np.savez(sent, allow_pickle=False, **{stages[-1].neuron.name: found})
            options = replace(options, activity=sent)
        import_graph(graph, replace(understand(graph, options), why="it is a live module"), options)


RECORDED = 32
"""Samples that the module itself is run on."""


def import_slayer(module: Any, name: str, options: ImportOptions, import_graph: "Import") -> None:
    """SLAYER: the integers that it trains are read as they are."""
    from basalt.convert.nir.asked import duration
    from basalt.convert.nir.folder import MODEL, folder_of, write_network, write_samples
    from basalt.convert.nir.net_file import TAKES
    from basalt.convert.slayer_module import from_slayer

    refuse_others(options, TAKES, f"makes {name} of SLAYER, whose integers are taken as they are")
    samples, shape = samples_of(options)
    network = replace(from_slayer(module, shape), step_seconds=duration(options.dt))
    folder = folder_of(options.output, name)
    write_network(folder, network)
    write_samples(folder, samples)
    say(f"Wrote {folder / MODEL}: {len(network.layers)} layers, the integers that SLAYER trains, as they are.")
    for notice in network.notices:
        say(notice)


IMPORTERS: Mapping[str, Callable[[Any, str, ImportOptions, Import], None]] = {
    "snntorch": import_snntorch,
    "lava": import_slayer,
}
"""Package that a module's neurons are of → what imports it."""
