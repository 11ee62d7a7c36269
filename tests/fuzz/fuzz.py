"""A structured fuzzer of the files that Basalt reads: each command on each kind of file.

python tests/fuzz/fuzz.py [--files 10000] [--seed 0] [--workers 2] [--keep FOLDER] [--kinds NAME …]

Every file is read by a process of its own, forked from one that has imported everything. A file fails where that
process ends by a signal or with another exit code than 0, 1 or 2, prints a traceback or a character that acts, writes
JSON that is none, takes longer than 30 s, or more than 2 GB. `verify` compares with the reference in place of a run in
Lava, which no file's content reaches before it was read.
"""

import argparse
import contextlib
import copy
import io
import json
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import numpy as np

from basalt.cli import build, run_app
from basalt.convert import netx
from basalt.deploy.comparison_states import simulated
from basalt.deploy.cores import FOLDER as CORES
from basalt.deploy.energy.tables import FOLDER as TABLES
from basalt.deploy.job import Outcome
from basalt.deploy.report.build import MEASURED
from basalt.documents import tomllib
from basalt.records.network import Network
from basalt.records.readout import Readout
from tests.conformance.strategies import make_case
from tests.deploy.report.synthetic import deployment
from tests.fuzz import hdf5, others, recordings

SECONDS, BYTES = 30, 2_000_000_000
ALLOWED = (0, 1, 2)
RUN_CASE = 5
"""The valid network beside which others are drawn."""


@dataclass(frozen=True)
class Ending:
    """What came of one file.

    Attributes:
        kind: command and kind of file.
        fault: what is wrong; None if nothing is.
        code: the exit code.
        seconds, peak: that it took; the peak in bytes.
    """

    kind: str
    fault: str | None
    code: int
    seconds: float
    peak: int


def valid(folder: Path) -> None:
    """A network, its input, and results of a run of it that never was."""
    case = make_case(RUN_CASE)
    netx.write(folder / "model.net", case.network)
    spikes = np.zeros((2, case.network.inputs, 5), np.uint8)
    np.savez(folder / "test.npz", spikes=spikes)


def first(folder: Path) -> int:
    """Features of the network in a folder."""
    return make_case(RUN_CASE).network.inputs


Draw = Callable[[Path, np.random.Generator], list[str]]
KINDS: dict[str, Draw] = {}


def kind(function: Draw) -> Draw:
    """Register a kind of file and the command that reads it."""
    KINDS[function.__name__] = function
    return function


def drawn_net(folder: Path, rng: np.random.Generator) -> Path:
    """A drawn network, and an input of the size that its layers had."""
    features = hdf5.draw(folder / "model.net", rng)
    np.savez(folder / "test.npz", spikes=np.zeros((2, features, 4), np.uint8))
    return folder / "model.net"


@kind
def run_net(folder: Path, rng: np.random.Generator) -> list[str]:
    """`run --dry-run` of a network."""
    path = drawn_net(folder, rng)
    more = ["--bias-start", "lava"] if rng.random() < 0.3 else []
    return ["run", str(path), "--dry-run", "--backend", hdf5.pick(rng, ["fixed", "near-memory", "netx"]), *more]


@kind
def verify_net(folder: Path, rng: np.random.Generator) -> list[str]:
    """`verify` of a network."""
    return ["verify", str(drawn_net(folder, rng))]


@kind
def map_net(folder: Path, rng: np.random.Generator) -> list[str]:
    """`map` of a network."""
    return ["map", str(drawn_net(folder, rng)), "--rate", "0.1", "--rounds", "1"]


@kind
def run_npz(folder: Path, rng: np.random.Generator) -> list[str]:
    """`run --dry-run` on an input."""
    valid(folder)
    others.npz(folder / "test.npz", rng, first(folder))
    return ["run", str(folder / "model.net"), "--dry-run"]


@kind
def verify_npz(folder: Path, rng: np.random.Generator) -> list[str]:
    """`verify` against a trace."""
    valid(folder)
    network = make_case(RUN_CASE).network
    spikes = np.zeros((2, network.inputs, 5), np.uint8)
    sent, _ = simulated(network, spikes)
    np.savez(folder / "trace.npz", **sent)
    if rng.random() < 0.3:
        others.npz(folder / "test.npz", rng, first(folder))
    else:
        others.npz(folder / "trace.npz", rng, first(folder), sent)
    return ["verify", str(folder / "model.net")]


@cache
def synthetic() -> dict[str, Any]:
    """The files of a run that never was."""
    return {**deployment(samples=3), "page": "<p>".join(MEASURED)}


@kind
def price_json(folder: Path, rng: np.random.Generator) -> list[str]:
    """`price` of a run whose JSON files are changed."""
    known = synthetic()
    for name in ("result", "counts", "energy", "metrics", "verify"):
        (folder / f"{name}.json").write_text(json.dumps(known[name]))
    name = hdf5.pick(rng, ["result", "counts", "counts", "energy", "metrics", "verify"])
    others.document(folder / f"{name}.json", known[name], rng)
    (folder / "report.html").write_text(known["page"])
    more = ["--step-ms", hdf5.pick(rng, ["1", "1e12", "1e308"])] if rng.random() < 0.2 else []
    return ["price", str(folder), *more]


@kind
def price_toml(folder: Path, rng: np.random.Generator) -> list[str]:
    """`price` by a table that is changed."""
    (folder / "counts.json").write_text(json.dumps(synthetic()["counts"]))
    source = hdf5.pick(rng, sorted(TABLES.glob("*.toml")))
    path = folder / hdf5.pick(rng, ["t.toml", "[bold].toml", "a\x1b[31mb.toml", "new\nline.toml"])
    others.table(path, tomllib.loads(source.read_text()), rng)
    return ["price", str(folder), "--table", str(path), "--sensitivity"]


@kind
def map_toml(folder: Path, rng: np.random.Generator) -> list[str]:
    """`map` onto a core that is changed."""
    valid(folder)
    source = hdf5.pick(rng, sorted(CORES.glob("*.toml")))
    others.table(folder / "core.toml", tomllib.loads(source.read_text()), rng)
    return ["map", str(folder / "model.net"), "--rate", "0.1", "--rounds", "1", "--core", str(folder / "core.toml")]


@kind
def map_json(folder: Path, rng: np.random.Generator) -> list[str]:
    """`map` by counts, and `run --dry-run` by a mapping, that are changed."""
    valid(folder)
    names = [layer.name for layer in make_case(RUN_CASE).network.layers]
    if rng.random() < 0.5:
        pieces = [{"layer": name, "first": 0, "neurons": 3, "hops_per_spike": 2} for name in names]
        content = {"format": "basalt-mapping", "version": 1, "input": {"features": 3, "hops_per_spike": 1}}
        others.document(folder / "mapping.json", {**content, "pieces": pieces}, rng)
        return ["run", str(folder / "model.net"), "--dry-run", "--mapping", str(folder / "mapping.json")]
    (folder / "deploy-fixed").mkdir()
    counts = copy.deepcopy(synthetic()["counts"])
    counts["processes"] += [{"name": name, "part": "x", "counters": {"spikes_out": [1, 2, 3]}} for name in names]
    others.document(folder / "deploy-fixed" / "counts.json", counts, rng)
    return ["map", str(folder / "model.net"), "--rounds", "1"]


SEEN = ["--sensor", "--crop", "--pool", "--polarity", "--bin-ms", "--duration-ms", "--start-ms", "--denoise-ms"]
GIVEN = [
    ["34,34", "34x34", "0,1", "a", "1280,720", "\x1b[31m"], ["0,0,9,9", "30,0,9,9", "1"], ["1", "2", "40", "0"],
    ["both", "merge", "on", "red"], ["1", "1e-3", "nan", "inf"], ["300", "1e9", "nan"], ["0", "5", "1e15"], ["0", "3"],
]  # fmt: skip


def asked(rng: np.random.Generator) -> list[str]:
    """A few options of recordings."""
    chosen = [0, *(place for place in range(len(SEEN)) if rng.random() < 0.15)]
    values = [GIVEN[place][0 if rng.random() < 0.6 else int(rng.integers(len(GIVEN[place])))] for place in chosen]
    return [word for place, value in zip(chosen, values, strict=True) for word in (SEEN[place], value)]


@kind
def run_recording(folder: Path, rng: np.random.Generator) -> list[str]:
    """`run --dry-run` on a recording."""
    netx.write(folder / "model.net", camera_network())
    path = recordings.recording(folder, "a", rng)
    recordings.mutate(path, rng)
    return ["run", str(path), "--net", str(folder / "model.net"), "--dry-run", *asked(rng)]


def camera_network() -> Network:
    """A network of 2 × 34 × 34 inputs."""
    weight = np.zeros((4, 2312), np.int8)
    return Network((Readout("readout", weight),), "camera", 0.005)


def own_data(folder: Path, rng: np.random.Generator, name: str, given: dict[str, list[str]]) -> list[str]:
    """`train`, as far as the reading of its data."""
    data = Path("data")
    (folder / data).mkdir()
    settings = [f"data.path={data}"]
    settings += [f"data.{key}={pick}" for key, values in given.items() if rng.random() < 0.05
                 for pick in [hdf5.pick(rng, values)]]  # fmt: skip
    return ["train", name, *(word for one in settings for word in ("--set", one))]


SHARED = {
    "groups": ['"([ab])_"', '"(a)|b"', '"("', '"x"'], "test": ["0.5", '["a"]', '["z"]', "0"], "validation": ['["b"]'],
    "duration_ms": ["50", "1e9", "a"], "step_ms": ["1e-9", "20"], "group": ["7", "0"], "limit": ["2"],
}  # fmt: skip


@kind
def train_events(folder: Path, rng: np.random.Generator) -> list[str]:
    """A folder of recordings, or an .npz file of spikes."""
    own = {"crop": ["[0,0,9,9]", "[30,0,9,9]"], "polarity": ['"on"', '"red"'], "denoise_ms": ["5"], "start_ms": ["1e9"]}
    words = own_data(folder, rng, "own_events", {**SHARED, **own})
    if rng.random() < 0.2:
        (folder / "data").rmdir()
        others.npz(folder / "data.npz", rng, 12)
        (folder / "data.npz").rename(folder / "data")
    else:
        name = hdf5.pick(rng, list(recordings.WRITERS))
        recordings.classes(folder / "data", rng, lambda *given: recordings.recording(*given, name))
    return [*words, "--set", f"data.sensor={hdf5.pick(rng, ['[34,34]', '[34,34]', '[128,128]', '[9,9]'])}"]


@kind
def train_sounds(folder: Path, rng: np.random.Generator) -> list[str]:
    """A folder of sounds."""
    words = own_data(folder, rng, "own_sounds", SHARED)
    how = hdf5.pick(rng, recordings.KINDS)
    recordings.classes(folder / "data", rng, lambda *given: recordings.sound(*given, how))
    return words


def loaded(recipe: Any, run: Any, resume: bool, data_dir: Path | None, *others: Any) -> None:
    """What `train` does before it trains."""
    from basalt.train import data
    from basalt.train.data.sets import shape

    splits = data.load(recipe.data, data_dir)
    found = shape(recipe.data, data_dir)
    for part in (splits.train, splits.validation, splits.test):
        assert part.sensor == found.sensor and (len(part) == 0 or part.labels.max() < found.classes == splits.classes)


def by_reference(job: Any, *others: Any) -> Outcome:
    """The outcome of a run, by the references."""
    sent, held = simulated(job.network, job.spikes)
    return Outcome(sent, {}, 0.1, 0.1, held)


app = cache(build)
"""The command line, which takes longer to build than most files to read."""


def command(arguments: list[str]) -> tuple[int, str]:
    """Run a command line in this process: its exit code and all that it prints."""
    said = io.StringIO()
    sys.argv = ["basalt", *arguments]
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            run_app(app())
            code = 0
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
    return code, said.getvalue()


def faults(folder: Path, code: int, said: str) -> str | None:
    """What is wrong with what a command said and wrote."""
    if code not in ALLOWED:
        return f"exit code {code}"
    if "Traceback" in said or "defect in Basalt" in said:
        return "a traceback"
    if "\nline.toml" in said:
        return "a line that a name broke"
    acting = {letter for letter in said if letter != "\n" and (ord(letter) < 32 or 127 <= ord(letter) < 160)}
    if acting or "\u202e" in said:
        return f"characters that act: {sorted(map(ord, acting))}"
    for path in (folder / "verify.json", folder / "mapping.json"):
        if code == 0 and path.exists() and path.stat().st_mtime > STARTED:
            json.loads(path.read_text(), parse_constant=lambda text: exec("raise ValueError(text)"))
    return None


STARTED = time.time()


def one(name: str, seed: int, index: int, keep: Path | None = None) -> Ending:
    """Draw a file and run its command in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="fuzz") as place:
        folder, report = Path(place) / "f", Path(place) / "said"
        folder.mkdir()
        child = os.fork()
        if not child:
            try:
                os.chdir(folder)
                os.environ.update(BASALT_CACHE=str(folder / "cache"), BASALT_DATA=str(folder))
                arguments = KINDS[name](folder, np.random.default_rng([seed, index]))
                os.environ["COLUMNS"] = "120"
                signal.alarm(SECONDS)
                began = time.monotonic()
                code, said = command(arguments)
                fault = faults(folder, code, said)
                report.write_text(json.dumps([code, fault, said[-4000:], time.monotonic() - began]))
            except BaseException as error:
                import traceback

                report.write_text(json.dumps([99, f"the fuzzer: {error!r}", traceback.format_exc(), 0.0]))
            finally:
                os._exit(0)
        _, status, usage = os.wait4(child, 0)
        seconds, peak, said = float(SECONDS), usage.ru_maxrss * 1024, ""
        if os.WIFSIGNALED(status) or not report.exists():
            code, fault = -1, f"the signal {os.WTERMSIG(status)}"
        else:
            code, fault, said, seconds = json.loads(report.read_text())
        if fault is None and peak > BYTES:
            fault = f"{peak / 1e9:.2f} GB"
        if fault is not None and keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            (keep / f"{name}-{seed}-{index}.txt").write_text(f"{fault}\n{said}")
        return Ending(name, fault, code, seconds, peak)


def prepare() -> None:
    """Import what commands need, and let `verify` run in the references."""
    import matplotlib

    matplotlib.use("Agg")
    build()
    import basalt.deploy.commands.price
    import basalt.deploy.commands.run
    import basalt.deploy.commands.verify
    import basalt.deploy.mapping.picture
    import basalt.deploy.mapping.result
    import basalt.train.main

    basalt.deploy.commands.verify.run_with_bar = by_reference
    basalt.train.main._train = loaded
    for index, draw in enumerate(KINDS.values()):  # what commands import when they first need it
        with tempfile.TemporaryDirectory() as place:
            command(draw(Path(place), np.random.default_rng(index)))
    with tempfile.TemporaryDirectory() as place:
        valid(Path(place))
        net = f"{place}/model.net"
        for arguments in (["run", net, "--dry-run"], ["verify", net], ["map", net, "--rate", "0.1"]):
            code, said = command(arguments)
            assert code == 0, said


def fuzz(
    files: int, seed: int, start: int = 0, step: int = 1, keep: Path | None = None, kinds: Sequence[str] = ()
) -> Iterator[Ending]:
    """The endings of the files of those numbers, the kinds in turn."""
    names = list(kinds or KINDS)
    yield from (one(names[index % len(names)], seed, index, keep) for index in range(start, files, step))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--kinds", nargs="*", choices=list(KINDS), default=(), help="these alone")
    parser.add_argument("--only", help="NAME:INDEX: one file again, with all that it prints")
    given = parser.parse_args()
    prepare()
    if given.only:
        name, index = given.only.split(":")
        with tempfile.TemporaryDirectory() as place:
            os.chdir(place)
            arguments = KINDS[name](Path(place), np.random.default_rng([given.seed, int(index)]))
            print(arguments, *command(arguments), sep="\n")
        return
    reader, writer = os.pipe()
    began = time.monotonic()
    for worker in range(given.workers):
        if not os.fork():
            for ending in fuzz(given.files, given.seed, worker, given.workers, given.keep, given.kinds):
                os.write(writer, (json.dumps(list(vars(ending).values())) + "\n").encode())
            os._exit(0)
    os.close(writer)
    endings = []
    with os.fdopen(reader) as lines:
        for line in lines:
            endings.append(Ending(*json.loads(line)))
            if len(endings) % 500 == 0:
                show(endings, time.monotonic() - began)
    show(endings, time.monotonic() - began)
    raise SystemExit(any(ending.fault for ending in endings))


def show(endings: list[Ending], seconds: float) -> None:
    """The figures by kind."""
    for name in KINDS:
        mine = [ending for ending in endings if ending.kind == name]
        if mine:
            codes = Counter(ending.code for ending in mine)
            print(
                f"{name:13} {len(mine):6} files, exit codes {dict(sorted(codes.items()))}, "
                f"slowest {max(e.seconds for e in mine):.1f} s, most {max(e.peak for e in mine) / 1e6:.0f} MB, "
                f"faults {sum(e.fault is not None for e in mine)}"
            )
    print(f"{len(endings)} files in {seconds:.0f} s, {sum(e.fault is not None for e in endings)} faults", flush=True)
    for fault, count in Counter(f"{e.kind}: {e.fault}" for e in endings if e.fault).most_common(20):
        print(f"  {count} × {fault}", flush=True)


if __name__ == "__main__":
    main()
