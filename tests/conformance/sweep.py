"""Thousands of generated networks on one backend, against the reference.

    python tests/conformance/sweep.py --backend compiled --jobs 2

The first `--lava` of them, spread over the grid, go through Lava's own runtime; the others step the same processes and
models without it (tests/conformance/direct.py), which is faster. Stock netx goes through Lava always. An interrupted
sweep goes on where it stopped. The outcome, small enough to commit, is docs/benchmarks/conformance-BACKEND.json.
"""

import json
import platform
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import typer

from basalt.deploy.backends import find
from basalt.errors import BasaltError
from basalt.files import write_json
from basalt.paths import cache_dir
from basalt.progress import progress_bar
from tests.conformance.code import digest

DOCS = Path(__file__).resolve().parents[2] / "docs" / "benchmarks"


def prepare_process(backend: str) -> None:
    """Load Lava and what the backend needs once, before sessions fork."""
    import lava.magma.core.process.process
    import pandas  # noqa: F401 (networkx imports it when Lava compiles a graph)

    from tests.conformance.check import STOCK, check

    if backend == STOCK:
        import basalt.train.slayer  # noqa: F401 (silences its warnings)

        # isort: split
        import lava.lib.dl.netx.hdf5  # noqa: F401
    else:
        check(0, backend, through_lava=False)


def sweep(
    networks: Annotated[int, typer.Option(min=1, help="How many; 3,576 are the whole grid.")] = 3576,
    backend: Annotated[str, typer.Option(help="fixed, compiled, near-memory or netx.")] = "compiled",
    jobs: Annotated[int, typer.Option(min=1, help="Processes that work side by side.")] = 2,
    lava: Annotated[int, typer.Option(min=0, help="How many go through Lava's own runtime.")] = 400,
    output: Annotated[Path | None, typer.Option(help="Where the outcome goes.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Do not go on with an interrupted sweep.")] = False,
) -> None:
    """Check them all; exit code 1 when a value differs."""
    from tests.conformance.check import STOCK, Result, check
    from tests.conformance.grid import case
    from tests.conformance.support import supported

    if not find(backend).exact:
        raise BasaltError(f"The backend {backend!r} does not compute the reference's integers; choose another.")
    every = 1 if backend == STOCK else max(networks // lava, 1) if lava else networks + 1
    done_file = cache_dir() / f"conformance-{backend}-{networks}-{lava}-{digest()}.jsonl"
    done_file.parent.mkdir(parents=True, exist_ok=True)
    if fresh:
        done_file.unlink(missing_ok=True)
    results = {result.index: result for result in earlier(done_file)}
    mine = [index for index in range(networks) if backend == STOCK or supported(backend, case(index))]
    todo = [index for index in mine if index not in results]
    fork = get_context("fork")
    prepare_process(backend)
    with (
        ProcessPoolExecutor(jobs, mp_context=fork) as pool,
        progress_bar(f"Checking {backend}") as update,
        done_file.open("a") as log,
    ):
        waiting = [pool.submit(check, index, backend, index % every == 0) for index in todo]
        try:
            for future in as_completed(waiting):
                result: Result = future.result()
                results[result.index] = result
                log.write(json.dumps(asdict(result)) + "\n")
                log.flush()
                update(len(results), len(mine))
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    found = summary(backend, [results[index] for index in sorted(results)])
    write_json(output or DOCS / f"conformance-{backend}.json", found)
    typer.echo(json.dumps(found, indent=2))
    if found["mismatches"]:
        raise BasaltError(f"{found['mismatches']} of {found['compared']} values differ.")


def earlier(file: Path) -> Iterator[Any]:
    """The results that an interrupted sweep left."""
    from tests.conformance.check import Result

    for line in file.read_text().splitlines() if file.exists() else ():
        yield Result(**json.loads(line))


def summary(backend: str, results: list[Any]) -> dict[str, Any]:
    """What is kept of a sweep."""
    return {
        "backend": backend,
        "networks": len(results),
        "through_lava": sum(result.through_lava for result in results),
        "models_alone": sum(not result.through_lava for result in results),
        "busy": sum(result.busy for result in results),
        "compared": sum(result.compared for result in results),
        "mismatches": sum(result.mismatches for result in results),
        "differing": [result.index for result in results if result.mismatches],
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("numpy", "numba", "lava-nc", "lava-dl")},
        },
    }


if __name__ == "__main__":
    from basalt.cli import run_app

    run_app(lambda: typer.run(sweep))
