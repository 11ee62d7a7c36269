"""One network of the grid on one backend, value by value against the reference."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from basalt.deploy.job import Job, run
from basalt.records.simulate import States, simulate
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
        compared: values of all layers, samples and steps; and, by the models alone, states after the last step.
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


def last_states(
    held: dict[str, dict[str, np.ndarray]], states: dict[str, States], batch: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """u, v and m of spiking layers after the last step of the last samples: as models hold them, as the reference."""
    for layer, kept in states.items():
        for name, values in held.get(layer, {}).items():
            wanted = getattr(kept, name)[-((len(kept.u) - 1) % batch + 1) :, :, -1]
            yield values[: len(wanted)], wanted


def check(index: int, backend: str, through_lava: bool) -> Result:
    """Run a network and count what differs from the reference."""
    found = case(index, stock=backend == STOCK)
    states: dict[str, States] = {}
    held: dict[str, dict[str, np.ndarray]] = {}
    wanted = simulate(found.network, found.spikes, states)
    work = job(found, backend)
    sent = (run(work, timeout=120) if through_lava else run_direct(work, held)).sent
    pairs = [(sent[name], values) for name, values in wanted.items()] + list(last_states(held, states, work.batch))
    mismatches = sum(int(np.count_nonzero(left != right)) for left, right in pairs)
    compared = sum(right.size for _, right in pairs)
    busy = any(values.any() and not values.all() for values in wanted.values())
    return Result(index, through_lava, compared, mismatches, busy)
