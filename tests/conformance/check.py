"""One network of the grid on one backend, value by value against the reference."""

from dataclasses import dataclass

import numpy as np

from deploy.reference import simulate
from deploy.run import Job, run
from tests.conformance.direct import run_direct
from tests.conformance.grid import GridCase, case

STOCK = "netx"
"""The backend that takes the stock part of the grid only, always through Lava's runtime."""


@dataclass(frozen=True)
class Result:
    """What came of a network.

    Attributes:
        index: of the network.
        through_lava: by Lava's runtime, not by the models alone.
        compared: values of all layers, samples and steps.
        mismatches: how many differ.
        busy: some layer's output is neither constant nor silent, so the comparison says something.
    """

    index: int
    through_lava: bool
    compared: int
    mismatches: int
    busy: bool


def job(found: GridCase, backend: str) -> Job:
    """The run that a network of the grid asks for; stock netx has no blocks."""
    block = None if backend == STOCK else found.cell.block
    return Job(found.network, found.spikes, backend, found.batch, block=block)


def check(index: int, backend: str, through_lava: bool) -> Result:
    """Run a network and count what differs from the reference."""
    found = case(index, stock=backend == STOCK)
    wanted = simulate(found.network, found.spikes)
    work = job(found, backend)
    sent = (run(work, timeout=120) if through_lava else run_direct(work)).sent
    mismatches = sum(int(np.count_nonzero(sent[name] != values)) for name, values in wanted.items())
    compared = sum(values.size for values in wanted.values())
    busy = any(values.any() and not values.all() for values in wanted.values())
    return Result(index, through_lava, compared, mismatches, busy)
