"""One job on many cores or machines: samples are shared out among Dask workers, each share is a run of its own.

Samples do not depend on one another, so the shares' spikes and counts are those of one run, value for value. Dask does
the share of a worker that died again. A session (deploy/session.py) watches over each share, so a dead worker leaves no
process behind. Dask sends jobs and outcomes between processes over its own connections; nothing is read from files.
"""

import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from importlib import import_module
from itertools import pairwise
from multiprocessing import current_process, set_start_method
from typing import TYPE_CHECKING, Any

import numpy as np

from basalt import cluster
from basalt.errors import BasaltError
from basalt.interrupts import deferred
from deploy.run import Job, Outcome, run
from deploy.session import SessionError

if TYPE_CHECKING:
    from distributed import Client

CONNECT_SECONDS = cluster.CONNECT_SECONDS
SHARES_PER_WORKER = 4
"""Shares of a large job: few enough that building them costs little, enough for progress and for a late worker."""


def distribute(
    job: Job,
    workers: int | None = None,
    scheduler: str | None = None,
    timeout: float | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    spent: float = 0.0,
) -> Outcome:
    """Run a job on several workers; spikes and counts are those of `deploy.run.run`.

    Args:
        workers: processes on this machine; one a core if None. Not with a scheduler.
        scheduler: address of a running Dask scheduler ("tcp://host:8786"), whose workers have Basalt installed; the
            job's `file`, if the backend reads it, must be there for them too.
        timeout: seconds for the whole job, None for no limit.
        on_progress: called with (samples done, samples in all).
        spent: seconds of the limit that are over already.

    Returns:
        An outcome whose `seconds` are those from the first share's start to the last one's end, builds included, and
        whose `build_seconds` are those of starting the workers.

    Raises:
        BasaltError: the scheduler cannot be reached or has no workers, workers kept dying, or both were given.
        SessionError: a share failed, or time ran out.
    """
    if workers is not None and scheduler is not None:
        raise BasaltError("Give --workers or --scheduler, not both: the scheduler's workers are its own.")
    began = time.monotonic()
    wanted = min(workers or len(os.sched_getaffinity(0)), len(job.spikes))  # more would have nothing to do
    with connected(wanted, scheduler) as client:
        count = len(client.scheduler_info(n_workers=-1)["workers"])
        started = time.monotonic()
        pieces = shares(len(job.spikes), count, job.batch)
        limit = None if timeout is None else timeout - spent - (started - began)
        outcomes = gather(client, job, pieces, limit, timeout, on_progress)
    ended = time.monotonic()
    first = outcomes[0]
    return Outcome(
        sent={name: np.concatenate([outcome.sent[name] for outcome in outcomes]) for name in first.sent},
        counts={name: np.concatenate([outcome.counts[name] for outcome in outcomes]) for name in first.counts},
        build_seconds=started - began,
        seconds=ended - started,
        fired={name: np.concatenate([outcome.fired[name] for outcome in outcomes]) for name in first.fired},
    )


def shares(samples: int, workers: int, batch: int) -> list[slice]:
    """Even pieces of the samples: one a worker, or several where they would be larger than a batch."""
    wanted = max(workers, min(-(-samples // batch), SHARES_PER_WORKER * workers))
    edges = np.linspace(0, samples, min(wanted, samples) + 1).astype(int).tolist()
    return [slice(low, high) for low, high in pairwise(edges)]


def gather(
    client: "Client",
    job: Job,
    pieces: list[slice],
    limit: float | None,
    timeout: float | None,
    on_progress: Callable[[int, int], None] | None,
) -> list[Outcome]:
    """The outcomes of all shares, in order; as soon as one fails, its error."""
    from distributed import as_completed
    from distributed.scheduler import KilledWorker

    if limit is not None and limit <= 0:  # which Dask takes for a malformed time
        raise _late(timeout, 0, len(job.spikes))
    futures = {
        client.submit(
            run_share, replace(job, spikes=job.spikes[piece], value_bits=job.planes), limit, pure=False
        ): index
        for index, piece in enumerate(pieces)
    }
    outcomes: dict[int, Outcome] = {}
    done = 0
    try:
        for future in as_completed(futures, timeout=limit):
            index = futures[future]
            outcomes[index] = future.result()
            done += pieces[index].stop - pieces[index].start
            if on_progress is not None:
                on_progress(done, len(job.spikes))
    except cluster.TIMEOUTS as error:
        raise _late(timeout, done, len(job.spikes)) from error
    except KilledWorker as error:
        raise BasaltError(
            f"A share of the samples was given up after {error.allowed_failures + 1} workers died on it; they may need "
            f"more memory: use a smaller --batch, or fewer --workers."
        ) from error
    finally:
        client.cancel(list(futures))
    return [outcomes[index] for index in range(len(pieces))]


def _late(timeout: float | None, done: int, samples: int) -> SessionError:
    return SessionError(
        f"The run was ended after its time limit of {timeout:g} s with {done} of {samples} samples done; "
        f"give it longer with --timeout, more --workers, or fewer --samples."
    )


def run_share(job: Job, limit: float | None) -> Outcome:
    """One share, in a worker, which loads Lava once for all of its sessions."""
    if "lava.magma.core.process.process" not in sys.modules:
        set_start_method(None, force=True)  # Lava sets it when imported, and fails if it is set already
        import_module("lava.magma.core.process.process")
    # Dask's worker processes are daemons, which Python forbids children; a session ends its own with the worker.
    settings: dict[str, Any] = current_process()._config  # type: ignore[attr-defined]
    settings["daemon"] = False
    return run(job, limit)


@contextmanager
def connected(workers: int, scheduler: str | None) -> "Iterator[Client]":
    """A client of the scheduler at that address, or of workers of our own that end with it.

    Raises:
        BasaltError: there is no scheduler at that address, or it has no workers.
    """
    if scheduler is not None:
        with cluster.connected(scheduler, "--scheduler", CONNECT_SECONDS) as client:
            yield client
        return
    import dask
    from distributed import Client

    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with (
        dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"}),
        local_cluster(workers) as own,
        Client(own) as client,
    ):
        yield client


@contextmanager
def local_cluster(workers: int) -> Iterator[Any]:
    """Worker processes on this machine, reachable from it alone; nothing of them is left afterwards."""
    from distributed import LocalCluster

    with tempfile.TemporaryDirectory(prefix=".workers-") as folder, ExitStack() as stack:
        with deferred():
            cluster = stack.enter_context(
                LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    processes=True,
                    host="127.0.0.1",
                    memory_limit=None,
                    dashboard_address=None,
                    worker_dashboard_address=None,
                    local_directory=folder,
                    silence_logs=logging.CRITICAL,
                )
            )
        yield cluster
