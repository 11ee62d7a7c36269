"""The exactness matrix: 36 combinations of leakage, reset and recurrence on every exact backend.

    python tests/conformance/matrix.py                 # the models of every backend, without Lava's runtime
    python tests/conformance/matrix.py --lava          # through Lava's runtime; resumes where it was interrupted

For each cell a network of two such layers and a read-out is trained for a few steps, so that what is learned has moved;
its trace in exact integers is compared with the references' and with the backend's, after a way through a .net file:
every spike of every layer at every step, and the read-out's last sums. The outcome, small enough to commit, is
docs/benchmarks/switches.json, and as a table docs/benchmarks/switches.md.
"""

import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import numpy as np
import typer

from basalt.convert import netx
from basalt.convert.stock import why_not_stock
from basalt.deploy.job import Job, run
from basalt.errors import BasaltError
from basalt.files import atomic, write_json
from basalt.paths import cache_dir
from basalt.progress import progress_bar
from basalt.records.network import Network
from basalt.records.simulate import simulate
from tests.conformance.check import STOCK
from tests.conformance.code import digest
from tests.conformance.support import exact
from tests.conformance.switches import COMBINATIONS, Switches

if TYPE_CHECKING:
    from basalt.train.networks import Network as Model

DOCS = Path(__file__).resolve().parents[2] / "docs" / "benchmarks"
INPUTS, CLASSES, SAMPLES, STEPS = 20, 4, 8, 40
UPDATES = 3


@dataclass(frozen=True)
class Entry:
    """A combination on a backend.

    Attributes:
        compared: values of training's trace, with the references' and with the backend's.
        mismatches: how many differ.
        spikes: that training counted, in both layers; a matrix of silent networks would say nothing.
        why_not: why the backend does not run it, if so; what it says of the references holds all the same.
    """

    switches: str
    backend: str
    through_lava: bool
    compared: int
    mismatches: int
    spikes: int
    why_not: str | None = None


def trained(switches: Switches, seed: int = 1) -> tuple["Model", np.ndarray]:
    """A network whose two layers have the combination, after a few updates, and input spikes."""
    import torch

    from basalt.train.networks import Network as Model
    from basalt.train.recipe import NetworkConfig

    torch.manual_seed(seed)
    layer = {
        "kind": "lif",
        "units": 18,
        "threshold": 1.0,
        "weight_scale": 1.5,
        "current_decay": 0.8,
        "voltage_decay": [0.05, 0.6] if switches.leakage == "learnable" else 0.2,
        "leakage": switches.leakage,
        "reset": switches.reset,
        "recurrent": switches.recurrence,
    }
    model = Model(NetworkConfig(layers=[layer, layer, {"kind": "readout"}]), INPUTS, CLASSES)
    x = (torch.rand(SAMPLES, INPUTS, STEPS) < 0.2).to(torch.uint8)
    for hidden in model.hidden:
        if hidden.recurrent:
            torch.nn.init.normal_(hidden.block.recurrent_synapse.weight, 0, 0.6 / hidden.senders**0.5)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.05)
    for _ in range(UPDATES):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x.float()), torch.arange(SAMPLES) % CLASSES).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return model.eval(), x.numpy()


def deployed(model: "Model", folder: Path, readout: bool) -> Network:
    """The network after a way through a .net file; stock netx has no read-out."""
    network = Network(model.records(), "switches")
    if not readout:
        network = Network(network.layers[:-1], network.name)
    netx.write(folder / "a.net", network)
    return netx.read(folder / "a.net")


def differing(trace: Any, sent: dict[str, np.ndarray]) -> tuple[int, int]:
    """Values compared, and how many differ: spikes of every layer, and the last sums if there is a read-out."""
    pairs = [(sent[name], spikes.numpy()) for name, spikes in trace.spikes.items()]
    if "readout" in sent:
        pairs.append((sent["readout"][:, :, -1], trace.sums.numpy()))
    mismatches = sum(int(np.count_nonzero(left != right)) for left, right in pairs)
    return sum(right.size for _, right in pairs), mismatches


def entry(switches: Switches, backend: str, through_lava: bool, seed: int = 1) -> Entry:
    """Train a combination and compare it on a backend."""
    import torch

    from tests.conformance.direct import run_direct

    stock = backend == STOCK
    model, spikes = trained(switches, seed)
    trace = model.trace(torch.from_numpy(spikes))
    count = sum(int(sent.sum()) for sent in trace.spikes.values())
    with tempfile.TemporaryDirectory() as place:
        network = deployed(model, Path(place), readout=not stock)
        sides = [simulate(network, spikes)]
        why_not = next(filter(None, map(why_not_stock, network.layers)), None) if stock else None
        if why_not is None:
            job = Job(network, spikes, backend, 1 if stock else 3)
            sides.append((run(job, timeout=300) if through_lava or stock else run_direct(job)).sent)
        found = [differing(trace, sent) for sent in sides]
    compared, mismatches = (sum(column) for column in zip(*found, strict=True))
    lava = why_not is None and (through_lava or stock)
    return Entry(str(switches), backend, lava, compared, mismatches, count, why_not)


def table(entries: list[Entry]) -> str:
    """The matrix in Markdown: values compared, and mismatches."""
    backends = list(dict.fromkeys(found.backend for found in entries))
    cells = {(found.switches, found.backend): found for found in entries}
    total, wrong = sum(found.compared for found in entries), sum(found.mismatches for found in entries)
    lava = sum(found.through_lava for found in entries)
    reasons = list(dict.fromkeys(found.why_not for found in entries if found.why_not))
    lines = [
        "# Leakage, reset, recurrence: the exactness matrix",
        "",
        "Written by `python tests/conformance/matrix.py --lava`. For each combination a network of two such layers and",
        "a read-out is trained for a few steps, and a cell has: values of training's trace compared with the",
        "references' and with the backend's, how many differ. Where a backend has no such neurons it refuses, and the",
        f"cell is that of the references. In all {total:,} values, of which {wrong:,} differ; {lava} of {len(entries)}",
        "cells ran through Lava's runtime.",
        "",
        "| leakage/reset/recurrence | spikes | " + " | ".join(f"`{name}`" for name in backends) + " |",
        "| --- | ---: |" + " ---: |" * len(backends),
    ]
    for switches in dict.fromkeys(found.switches for found in entries):
        row = [cells[switches, name] for name in backends]
        notes = [f" ({reasons.index(found.why_not) + 1})" if found.why_not else "" for found in row]
        shown = [f"{found.compared:,}, {found.mismatches}{note}" for found, note in zip(row, notes)]
        lines.append(f"| {switches} | {row[0].spikes:,} | " + " | ".join(shown) + " |")
    return "\n".join([*lines, "", *(f"{number}. {reason}." for number, reason in enumerate(reasons, 1))]) + "\n"


def matrix(
    through_lava: Annotated[bool, typer.Option("--lava", help="Through Lava's runtime.")] = False,
    backend: Annotated[list[str] | None, typer.Option(help="Of these backends alone; may be repeated.")] = None,
    seed: Annotated[int, typer.Option(help="Of weights and spikes.")] = 1,
    fresh: Annotated[bool, typer.Option("--fresh", help="Do not go on with an interrupted run.")] = False,
    output: Annotated[Path, typer.Option(help="Folder for switches.json and switches.md.")] = DOCS,
) -> None:
    """Check all cells; exit code 1 when a value differs."""
    import lava.magma.core.process.process  # noqa: F401
    import pandas  # noqa: F401 (networkx imports it when Lava compiles a graph)

    import basalt.train.slayer  # noqa: F401 (silences its warnings)

    wanted = [(switches, name) for switches in COMBINATIONS for name in backend or exact()]
    log = cache_dir() / f"switches-{'lava' if through_lava else 'direct'}-{seed}-{digest()}.jsonl"
    log.parent.mkdir(parents=True, exist_ok=True)
    if fresh:
        log.unlink(missing_ok=True)
    done = {(found.switches, found.backend): found for found in earlier(log)}
    with progress_bar("Checking the switches") as update, log.open("a") as file:
        for number, (switches, name) in enumerate(wanted, 1):
            if (str(switches), name) not in done:
                done[str(switches), name] = found = entry(switches, name, through_lava, seed)
                file.write(json.dumps(asdict(found)) + "\n")
                file.flush()
            update(number, len(wanted))
    entries = [done[str(switches), name] for switches, name in wanted]
    output.mkdir(parents=True, exist_ok=True)
    write_json(output / "switches.json", {"seed": seed, "entries": [asdict(found) for found in entries]})
    with atomic(output / "switches.md") as temporary:
        temporary.write_text(table(entries))
    typer.echo(table(entries))
    wrong = [found for found in entries if found.mismatches]
    if wrong:
        raise BasaltError(f"{len(wrong)} cells differ, the first is {wrong[0].switches} on {wrong[0].backend}.")


def earlier(log: Path) -> list[Entry]:
    """The cells that an interrupted run left."""
    return [Entry(**json.loads(line)) for line in log.read_text().splitlines()] if log.exists() else []


if __name__ == "__main__":
    from basalt.cli import run_app

    run_app(lambda: typer.run(matrix))
