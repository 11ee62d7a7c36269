"""A Dask cluster that someone else started."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from basalt.errors import BasaltError

if TYPE_CHECKING:
    from distributed import Client

CONNECT_SECONDS = 10
TIMEOUTS = (TimeoutError, asyncio.TimeoutError)
"""They became one in Python 3.11."""


@contextmanager
def connected(address: str, option: str, seconds: float = CONNECT_SECONDS) -> Iterator["Client"]:
    """A client of the scheduler at that address ("tcp://host:8786"), which has at least one worker.

    Args:
        address: of the scheduler.
        option: of the command line that gave the address, for messages.
        seconds: to wait for the scheduler, and then for a worker.

    Raises:
        BasaltError: Dask is not installed, there is no scheduler at that address, or it has no workers.
    """
    try:
        import dask
        from distributed import Client
    except ImportError as error:
        raise BasaltError(f"{option} needs Dask, which is not installed here: use --workers instead.") from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"}):
        try:
            found = Client(address, timeout=seconds)
        except (OSError, ValueError, *TIMEOUTS) as error:
            raise BasaltError(
                f"There is no Dask scheduler at {address!r}; start one with `dask scheduler`, or leave {option} "
                f"out and use --workers."
            ) from error
        with found as client:
            try:
                client.wait_for_workers(1, timeout=seconds)
            except TIMEOUTS as error:
                raise BasaltError(
                    f"The Dask scheduler at {address} has no workers; start some with `dask worker {address} "
                    f"--nthreads 1` where Basalt is installed."
                ) from error
            yield client
