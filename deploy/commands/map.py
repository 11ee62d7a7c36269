"""`basalt map`: a network on a mesh of near-memory cores, as a table, a file and a picture."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from basalt import published
from basalt.deploy.options import BIAS_START, INPUT_SHAPE, TRAINING
from basalt.errors import BasaltError
from basalt.opening import there
from basalt.options import opened
from basalt.paths import newest
from basalt.published import results
from basalt.shown import say

if TYPE_CHECKING:
    from basalt.deploy.mapping.partition import Rates
    from basalt.deploy.mapping.result import Mapped
    from basalt.records.network import Network

CORE = "mesh"
"""The core of ours that is made for many."""


@dataclass(frozen=True)
class MapOptions:
    """What `basalt map` is asked for."""

    run: Annotated[
        Path | None,
        typer.Argument(
            metavar="[RUN]",
            help="A run folder, a .net file, a model's name, or a result folder of `basalt run`; the newest export if "
            "none is named.",
        ),
    ] = None
    core: Annotated[str, typer.Option(metavar="CORE.toml", help="A core's TOML file, or the name of one of ours.")] = (
        CORE
    )
    mesh: Annotated[
        str | None,
        typer.Option(
            metavar="ROWSxCOLUMNS",
            help="Cores of the mesh; those in the core's file if not given, else the fewest that are enough.",
        ),
    ] = None
    rate: Annotated[
        float | None,
        typer.Option(
            min=0.0, max=1.0, help="Spikes per neuron and step, everywhere, in place of those that a run counted."
        ),
    ] = None
    share: Annotated[
        bool, typer.Option("--share", help="Parts of several layers may be on a core, which steps them in turn.")
    ] = False
    cycles: Annotated[
        int | None,
        typer.Option(
            min=1, help="The most that a core may take for a mean step; layers are split until they keep to it."
        ),
    ] = None
    seed: Annotated[int, typer.Option(min=0, help="Of the search; the same seed gives the same placement.")] = 0
    rounds: Annotated[
        int | None, typer.Option(min=0, help="How often the search shakes the placement; more take longer.")
    ] = None
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Folder for mapping.json and mapping.png; beside the .net file if not given."
        ),
    ] = None
    json_: Annotated[bool, typer.Option("--json", help="Print what mapping.json holds, and no table.")] = False
    bias_start: Annotated[str, BIAS_START] = TRAINING
    input_shape: Annotated[str | None, INPUT_SHAPE] = None


@opened
def map_(options: MapOptions) -> None:
    """Map a network onto a mesh of near-memory cores: which neurons go where, and how far their spikes travel.

    Layers are split where a core has not the neurons or the memory for them, and placed so that
    [cyan]spikes × hops[/cyan] are few; spikes are those that the newest [cyan]basalt run[/cyan] counted, or --rate. A
    spike goes to each core that hears it as a packet of its own, along its row first, then along a column; the input
    enters at the first core.

    Prints where every part is, the cycles of its mean step and, at most, of one in which its memory is refreshed, its
    memories and the hops of one of its spikes; hops against a snake through the mesh and against placements at random;
    the busiest core and link, and the longest step. Writes mapping.json and mapping.png.
    `basalt run --mapping mapping.json` counts and prices the hops of a run, spike by spike.
    """
    from basalt.convert import netx
    from basalt.deploy.cores import load_core_file
    from basalt.deploy.inputs import parse_shape
    from basalt.deploy.mapping.mesh import Mesh, parse_mesh
    from basalt.deploy.mapping.picture import draw
    from basalt.deploy.mapping.placement import ROUNDS
    from basalt.deploy.mapping.result import map_network
    from basalt.deploy.mapping.summary import mapping_file
    from basalt.documents import dumps
    from basalt.files import write_json
    from basalt.progress import progress_bar

    file, counts = files(options.run)
    network = netx.read(file, options.bias_start, parse_shape(options.input_shape))
    for notice in network.notices:
        say(notice, err=True)
    core_file = load_core_file(options.core)
    wanted: Mesh | None = None
    if options.mesh is not None:
        wanted = parse_mesh(options.mesh)
    elif core_file.mesh is not None:
        wanted = Mesh(core_file.mesh.rows, core_file.mesh.columns)
    rates, steps = rates_of(network, file, counts, options.rate)
    with progress_bar(f"Placing {network.name}") as update:
        mapped = map_network(
            network,
            core_file.core(Path(options.core).stem),
            rates=rates,
            mesh=wanted,
            share=options.share,
            most_cycles=options.cycles,
            seed=options.seed,
            rounds=ROUNDS if options.rounds is None else options.rounds,
            update=update,
        )
    content = {
        **mapping_file(mapped, steps),
        "rates": str(counts) if options.rate is None else f"--rate {options.rate}",
    }
    folder = options.output or results(file)
    write_json(folder / "mapping.json", content)
    draw(folder / "mapping.png", mapped)
    if options.json_:
        typer.echo(dumps(content))
    else:
        show(mapped, content, folder)


def files(named: Path | None) -> tuple[Path, Path | None]:
    """The .net file, and the counts.json of the newest run of it, if any."""
    from basalt.deploy.options import net_file

    if named is not None and there(named / "counts.json"):
        if there(named.parent / "model.net"):
            return named.parent / "model.net", named / "counts.json"
        if named.parent.name in published.names():
            return published.found(Path(named.parent.name)), named / "counts.json"
        raise BasaltError(f"There is no model.net beside {named}; name the run folder or the .net file.")
    file = net_file(named)
    if list(results(file).glob("deploy-*/counts.json")):
        return file, newest("deploy-*/counts.json", "counts", "basalt run", results(file))
    return file, None


def rates_of(network: "Network", file: Path, counts: Path | None, rate: float | None) -> "tuple[Rates, int | None]":
    """Spikes per step of every neuron, and the steps of an inference if a run is known."""
    from basalt.deploy.mapping.partition import populations, uniform_rates
    from basalt.deploy.mapping.traffic import counted_spikes
    from basalt.files import read_object

    if rate is not None:
        return uniform_rates(network, {name: rate * size for name, size in populations(network).items()}), None
    if counts is None:
        raise BasaltError(
            f"No run of {file} has counted its spikes; run it with `basalt run {file}`, or give a --rate, as 0.05."
        )
    content = read_object(counts)
    return uniform_rates(network, counted_spikes(content, network, counts)), content["steps"]


def show(mapped: "Mapped", content: dict[str, Any], folder: Path) -> None:
    """The gist for people."""
    from rich.table import Table

    from basalt.shown import console as terminal

    console = terminal()
    table = Table("layer", "neurons", "row, column", "spikes in", "spikes out", "cycles", "KiB", "hops a spike")
    for piece in content["pieces"]:
        last = piece["first"] + piece["neurons"] - 1
        cycles, most = piece["cycles_per_step"], piece["longest_step_cycles"]
        table.add_row(
            piece["layer"],
            f"{piece['first']}–{last}",
            ", ".join(map(str, piece["place"])),
            f"{piece['arriving_per_step']:.2f}",
            f"{piece['spikes_per_step']:.2f}",
            f"{cycles:,}" + (f" ({most:,})" if most > cycles else ""),
            f"{piece['memory_kib']:,.1f}",
            str(piece["hops_per_spike"]),
        )
    console.print(table)
    held = any(piece["longest_step_cycles"] > piece["cycles_per_step"] for piece in content["pieces"])
    used, size = len(set(mapped.places.tolist())), content["mesh"]
    hops, busiest, link = content["hops_per_step"], content["busiest_core"], content["busiest_link"]
    console.print(
        f"{len(mapped.pieces)} parts of {len({piece.layer for piece in mapped.pieces})} layers on {used} of "
        f"{size['rows']}x{size['columns']} cores {content['core']!r}; spikes, cycles and hops are those of a mean "
        f"step, from {content['rates']}"
        + ("; in brackets cycles of one that refreshes the part's memory." if held else ".")
    )
    others = [f"{hops['random_mean']:,.2f} at random"]
    others += [] if hops["snake"] is None else [f"{hops['snake']:,.2f} in snake order"]
    others += [] if hops["lower_bound"] is None else [f"no placement below {hops['lower_bound']:,.2f}"]
    total = content["hops_per_inference"]
    console.print(
        f"Hops per step: {hops['placed']:,.2f} ({', '.join(others)})"
        + ("." if total is None else f"; an inference: {total:,.0f}.")
    )
    longest, between = content["longest_step"], "no link is used"
    if link is not None:
        between = f"busiest link: {at(link['from'])} to {at(link['to'])}, {link['spikes_per_step']:,.2f} spikes"
    console.print(
        f"Busiest core: {at(busiest['place'])}, {busiest['cycles_per_step']:,} cycles; longest step: "
        f"{at(longest['place'])}, {longest['cycles']:,} cycles; {between}."
    )
    console.print(f"Written to {folder / 'mapping.json'} and {folder / 'mapping.png'}.")


def at(place: tuple[int, int]) -> str:
    """Row and column of a core."""
    row, column = place
    return f"({row}, {column})"
