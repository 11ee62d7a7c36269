"""One job on many cores or machines: samples are shared out, and each share is a run of its own.

Samples do not depend on one another, so the shares' spikes and counts are those of one run, value for value. On this
machine threads start the shares' sessions (`deploy/session.py`) and wait for them: nothing is sent, nothing listens. On
others the workers of a Dask scheduler do (`basalt/cluster.py`). A share whose processes were ended from outside, or
stalled, is done again.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from basalt import cluster
from basalt.address import Address
from basalt.code import Code, check_code, code_here
from basalt.deploy.hosting import load_lava
from basalt.deploy.job import Job, Outcome, check, run_checked
from basalt.deploy.session import LostError, SessionError, StallError
from basalt.errors import BasaltError

SHARES_PER_WORKER = 4
"""Shares of a large job: few enough that building them costs little, enough for progress and for a late worker."""
TRIES = 3
"""How often a share is begun whose processes are ended from outside."""
SLACK_SECONDS = 2.0
"""How long after the time limit of the whole a share on another machine ends if nobody waits for it any more."""


@dataclass(frozen=True)
class Workers:
    """Those who do shares.

    Attributes:
        count: how many do one at a time.
        do: takes jobs and the moment (of `time.monotonic`) at which to give up, and yields which job ended, and with
            what; raises TimeoutError at that moment.
    """

    count: int
    do: Callable[[list[Job], float | None], Iterator[tuple[int, Outcome]]]


def distribute(
    job: Job,
    workers: int | None = None,
    scheduler: Address | None = None,
    timeout: float | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    spent: float = 0.0,
) -> Outcome:
    """Check a job and share it out; arguments, and what comes of it, as of `share_out`.

    Raises:
        BasaltError: the backend cannot run this network, or the run failed.
    """
    check(job)
    return share_out(job, workers, scheduler, timeout, on_progress, spent)


def share_out(
    job: Job,
    workers: int | None = None,
    scheduler: Address | None = None,
    timeout: float | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    spent: float = 0.0,
) -> Outcome:
    """Run a job that `check` passed in several shares at a time; spikes and counts are those of one run.

    Args:
        workers: shares at a time on this machine; one per core if None. Not with a scheduler.
        scheduler: a running Dask scheduler, whose workers have this Basalt installed; the job's `file`, if the backend
            reads it, must be there for them too.
        timeout: seconds for the whole job, None for no limit.
        on_progress: called with (samples done, samples in all).
        spent: seconds of the limit that are over already.

    Returns:
        An outcome whose `seconds` are those from the first share's start to the last one's end, builds included, and
        whose `build_seconds` are those of making ready for them.

    Raises:
        BasaltError: the scheduler cannot be reached or dies, has no workers, or workers of another Basalt; workers kept
            dying; or both were given.
        SessionError: a share failed, or time ran out.
    """
    if workers is not None and scheduler is not None:
        raise BasaltError("Give --workers or --scheduler, not both: the scheduler's workers are its own.")
    began = time.monotonic()
    deadline = None if timeout is None else began + timeout - spent
    here = min(workers or len(os.sched_getaffinity(0)), len(job.spikes))  # more would have nothing to do
    done: dict[int, Outcome] = {}
    samples = 0
    with threads(here) if scheduler is None else dask_workers(scheduler) as workers_there:
        pieces = shares(len(job.spikes), workers_there.count, job.batch)
        jobs = [replace(job, spikes=job.spikes[piece], value_bits=job.planes) for piece in pieces]
        started = time.monotonic()
        try:
            for index, outcome in workers_there.do(jobs, deadline):
                done[index] = outcome
                samples += len(jobs[index].spikes)
                if on_progress is not None:
                    on_progress(samples, len(job.spikes))
        except cluster.TIMEOUTS as error:
            raise SessionError(
                f"The run was ended after its time limit of {timeout:g} s with {samples} of {len(job.spikes)} samples "
                f"done; give it longer with --timeout, more --workers, or fewer --samples."
            ) from error
    ended = time.monotonic()
    outcomes = [done[index] for index in range(len(jobs))]
    first = outcomes[0]
    return Outcome(
        sent={name: np.concatenate([outcome.sent[name] for outcome in outcomes]) for name in first.sent},
        counts={name: np.concatenate([outcome.counts[name] for outcome in outcomes]) for name in first.counts},
        build_seconds=started - began,
        seconds=ended - started,
        fired={name: np.concatenate([outcome.fired[name] for outcome in outcomes]) for name in first.fired},
        changed={name: np.concatenate([outcome.changed[name] for outcome in outcomes]) for name in first.changed},
    )


def shares(samples: int, workers: int, batch: int) -> list[slice]:
    """Even pieces of the samples: one a worker, or several where they would be larger than a batch."""
    wanted = max(workers, min(-(-samples // batch), SHARES_PER_WORKER * workers))
    edges = np.linspace(0, samples, min(wanted, samples) + 1).astype(int).tolist()
    return [slice(low, high) for low, high in pairwise(edges)]


def run_share(job: Job, limit: float | None = None, stop: threading.Event | None = None) -> Outcome:
    """One share, begun again where something from outside ended or held it."""
    for further in reversed(range(TRIES)):
        try:
            return run_checked(job, limit, stop=stop)
        except (LostError, StallError) as error:
            if not further:
                raise SessionError(f"{error} This happened {TRIES} times.", error.traceback) from error
    raise AssertionError


@contextmanager
def threads(count: int) -> Iterator[Workers]:
    """Threads of this process, each of which waits for a session at a time; leaving ends what runs."""
    load_lava()
    stop = threading.Event()
    pool = ThreadPoolExecutor(count, "share")

    def do(jobs: list[Job], deadline: float | None) -> Iterator[tuple[int, Outcome]]:
        futures = {pool.submit(run_share, job, None, stop): index for index, job in enumerate(jobs)}
        for future in as_completed(futures, None if deadline is None else deadline - time.monotonic()):
            yield futures[future], future.result()

    try:
        yield Workers(count, do)
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


@contextmanager
def dask_workers(scheduler: Address) -> Iterator[Workers]:
    """The workers of a Dask scheduler.

    Raises:
        BasaltError: there is no scheduler at that address, it has no workers, or they have another Basalt.
    """
    with cluster.connected(scheduler) as client:

        def do(jobs: list[Job], deadline: float | None) -> Iterator[tuple[int, Outcome]]:
            from distributed.scheduler import KilledWorker

            limit = None if deadline is None else max(deadline - time.monotonic(), 0) + SLACK_SECONDS
            futures = {
                client.submit(dask_share, job, limit, code_here(), pure=False): index for index, job in enumerate(jobs)
            }
            try:
                for future in cluster.completed(client, scheduler, futures, deadline):
                    yield futures[future], future.result()
            except KilledWorker as error:
                raise BasaltError(
                    f"A share of the samples was given up after {error.allowed_failures + 1} workers died on it; they "
                    f"may need more memory: use a smaller --batch, or fewer workers on a machine."
                ) from error

        yield Workers(len(client.nthreads()), do)


def dask_share(job: Job, limit: float | None, code: Code) -> Outcome:
    """One share, in a worker of Dask's, which may have joined after the others' code was looked at."""
    check_code(code)
    return run_share(job, limit)
