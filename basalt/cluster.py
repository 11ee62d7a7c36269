"""A Dask cluster that someone else started: reached, held to the same code, and watched while it works.

Whoever reaches a scheduler's port can run code on its workers, and workers send pickles back: docs/cluster.md says what
is trusted, and how TLS keeps others out.
"""

import asyncio
import concurrent.futures
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from basalt.address import Address
from basalt.code import code_here
from basalt.errors import BasaltError

if TYPE_CHECKING:
    from distributed import Client, Future

Made = TypeVar("Made")
TIMEOUTS = (TimeoutError, asyncio.TimeoutError, concurrent.futures.TimeoutError)
"""They became one in Python 3.11."""
CONNECT_SECONDS = 10.0
STALL_SECONDS = 30.0
"""A scheduler, or a worker that is at work for us, which is not heard of for this long is taken to be stuck."""
LOOK_SECONDS, POLL_SECONDS, CLOSE_SECONDS = 1.0, 0.05, 2.0


@contextmanager
def connected(address: Address, seconds: float | None = None) -> Iterator["Client"]:
    """A client of a scheduler which has at least one worker, and no worker with another Basalt.

    Args:
        seconds: to wait for the scheduler, and then for a worker; CONNECT_SECONDS if None.

    Raises:
        BasaltError: Dask is not installed, there is no scheduler at that address, it has no workers, or one of them has
            another Basalt.
    """
    try:
        import dask
        from distributed import Client
    except ImportError as error:
        raise BasaltError(
            f"{address.option} needs Dask, which is not installed here: use --workers instead."
        ) from error
    seconds = CONNECT_SECONDS if seconds is None else seconds
    security = address.security()
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"}):
        try:
            client = within(seconds + 1, partial(Client, address.url, timeout=seconds, security=security))
        except (OSError, ValueError, TypeError, RuntimeError, *TIMEOUTS) as error:
            raise BasaltError(
                f"There is no Dask scheduler at {address.url!r} that accepts us ({reason(error)}); start one with "
                f"`dask scheduler`, or leave {address.option} out and use --workers."
            ) from error
        try:
            try:
                client.wait_for_workers(1, timeout=seconds)
            except TIMEOUTS as error:
                raise BasaltError(
                    f"The Dask scheduler at {address.url} has no workers; start some with `dask worker {address.url} "
                    f"--nthreads 1` where Basalt is installed."
                ) from error
            agree(client, address, seconds)
            yield client
        finally:
            with suppress(*TIMEOUTS):  # of a scheduler that does not answer
                client.close(timeout=CLOSE_SECONDS)


def within(seconds: float, make: Callable[[], Made]) -> Made:
    """What `make` returns, unless it takes too long: Dask waits for ever for whoever takes a connection and is silent.

    Raises:
        TimeoutError: it took too long; it goes on in a thread that ends with the program.
    """
    made: concurrent.futures.Future[Made] = concurrent.futures.Future()

    def work() -> None:
        try:
            made.set_result(make())
        except BaseException as error:
            made.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return made.result(seconds)


def reason(error: BaseException) -> str:
    """The first cause of an error that has one, in a line."""
    while error.__cause__ is not None:
        error = error.__cause__
    return " ".join(str(error).split())[:200] or type(error).__name__


def agree(client: "Client", address: Address, seconds: float) -> None:
    """See that all workers have our Basalt, before they are given anything.

    Raises:
        BasaltError: one has another, or none, or does not answer.
    """
    try:
        found = client.run(code_here, on_error="return", callback_timeout=seconds)
    except TIMEOUTS as error:
        raise BasaltError(
            f"Not all workers of the Dask scheduler at {address.url} answer within {seconds:g} s; end those that are "
            f"stuck."
        ) from error
    here = code_here()
    for worker, code in found.items():
        if code != here:
            told = f"none that can be compared ({reason(code)})" if isinstance(code, BaseException) else f"{code}"
            raise BasaltError(
                f"The worker at {worker} has a different Basalt from this one, {here}: {told}. Install the same one "
                f"there, and start its workers again."
            )


def completed(
    client: "Client", address: Address, futures: Iterable["Future"], deadline: float | None = None
) -> Iterator["Future"]:
    """Futures as they end, well or not; those that are not needed any more are cancelled.

    Args:
        deadline: the moment (of `time.monotonic`) at which to give up.

    Raises:
        TimeoutError: that moment came.
        BasaltError: the scheduler died or does not answer, or a worker that is at work for us is stuck.
    """
    waiting = list(futures)
    watch = Watch(client, address)
    try:
        while waiting:
            ended = [future for future in waiting if future.done()]
            for future in ended:
                if future.cancelled():
                    raise watch.lost()
                waiting.remove(future)
                yield future
            if ended:
                continue
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError
            watch.look({future.key for future in waiting})
            time.sleep(POLL_SECONDS)
    finally:
        if watch.answers():
            client.cancel(waiting)


class Watch:
    """Looks after a scheduler and the workers that work for us.

    Args:
        client: of the scheduler.
        address: its.
    """

    def __init__(self, client: "Client", address: Address) -> None:
        self.client = client
        self.address = address
        now = time.monotonic()
        self.looked = self.answered = self.staffed = now
        self.heard: dict[str, tuple[float, float]] = {}

    def answers(self) -> bool:
        """Whether the scheduler answered when it was last asked."""
        return self.client.status == "running" and self.answered == self.looked

    def look(self, keys: set[Any]) -> None:
        """Look once in a while.

        Args:
            keys: of what is not done.

        Raises:
            BasaltError: nobody works on it any more.
        """
        now = time.monotonic()
        if self.client.status != "running":
            raise self.lost()
        if now - self.looked < LOOK_SECONDS:
            return
        self.looked = now
        scheduler = self.client.scheduler
        assert scheduler is not None
        try:
            workers = self.client.sync(scheduler.identity, callback_timeout=2 * LOOK_SECONDS)["workers"]
            at_work = self.client.sync(scheduler.processing, workers=None, callback_timeout=2 * LOOK_SECONDS)
        except (OSError, *TIMEOUTS) as error:
            if now - self.answered > STALL_SECONDS:
                raise self.stuck(f"Dask scheduler at {self.address.url} has not answered") from error
            return
        self.answered = now
        for worker, state in workers.items():
            if worker not in self.heard or self.heard[worker][0] != state["last_seen"]:
                self.heard[worker] = state["last_seen"], now
            if keys.intersection(at_work.get(worker, ())) and now - self.heard[worker][1] > STALL_SECONDS:
                raise self.stuck(f"worker at {worker} has not been heard of")
        self.staffed = now if workers else self.staffed
        if now - self.staffed > STALL_SECONDS:
            raise self.stuck(f"Dask scheduler at {self.address.url} has had no workers")

    def lost(self) -> BasaltError:
        """The error for a scheduler that is gone."""
        return BasaltError(
            f"The Dask scheduler at {self.address.url} died, or the connection to it broke: start it and its workers "
            f"again, or leave {self.address.option} out and use --workers."
        )

    def stuck(self, what: str) -> BasaltError:
        """The error for what is stuck."""
        return BasaltError(f"The {what} for {STALL_SECONDS:g} s: end what is stuck, and run this again.")
