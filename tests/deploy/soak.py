"""Many runs in one Python process: memory, descriptors and threads stay what they were.

    python tests/deploy/soak.py [--runs 300] [--threads 2] [--backend fixed]

Prints a markdown table, one row every few runs: the process's own memory (what no other process shares), open
descriptors, threads, children. Exit code 1 where the last row is above that of the warmed-up process: any descriptor,
thread or child more, or over 4 MiB.
"""

import gc
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import psutil
import typer

from basalt.deploy.hosting import load_lava
from basalt.deploy.job import Job, run
from tests.conformance.grid import case

ROWS = 10
MEMORY = 4 << 20


def state() -> tuple[int, int, int, int]:
    """Bytes, descriptors, threads and children of this process."""
    gc.collect()
    me = psutil.Process()
    return me.memory_full_info().uss, me.num_fds(), me.num_threads(), len(me.children(recursive=True))


def main(
    runs: Annotated[int, typer.Option(min=ROWS, help="How many.")] = 300,
    threads: Annotated[int, typer.Option(min=1, help="Threads of a pool that start them; 1 for none.")] = 1,
    backend: Annotated[str, typer.Option(help="Where they run.")] = "fixed",
) -> None:
    """Run cases of the conformance grid, one after the other, and the same ones for every row."""
    load_lava()
    jobs = [Job(found.network, found.spikes, backend) for found in map(case, range(runs // ROWS))]
    began, rows = time.monotonic(), []
    print("| runs | seconds | MiB | descriptors | threads | children |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    with ThreadPoolExecutor(threads) as pool:
        for row in range(1, ROWS + 1):
            for _ in map(run, jobs) if threads == 1 else pool.map(run, jobs):
                pass
            rows.append(state())
            memory, *others = rows[-1]
            cells = (row * (runs // ROWS), f"{time.monotonic() - began:.0f}", f"{memory / (1 << 20):.1f}", *others)
            print("| " + " | ".join(map(str, cells)) + " |", flush=True)
    first, last = rows[0], rows[-1]
    if last[0] > first[0] + MEMORY or any(now > then for now, then in zip(last[1:], first[1:], strict=True)):
        raise SystemExit("This process grew.")


if __name__ == "__main__":
    typer.run(main)
