"""How long a step takes the machine that a table describes, or the cores that the run was scheduled on."""

from typing import Any

import numpy as np
from jaxtyping import Float

from deploy.energy.counts import Counts
from deploy.energy.schema import Latency, PriceTable, action_of

Busy = dict[str, Float[np.ndarray, "samples"]]
"""Process → the seconds that it works on each sample."""


def latency(table: PriceTable, counts: Counts) -> dict[str, Any] | None:
    """The time of an inference, decided by the busiest process:

        seconds = mean over samples of ( max over processes of Σ_counter count · seconds of one + steps · barrier )

    A process (a layer with all its parts) has a core of its own, which does one action after another; the cores of
    layers work side by side. Durations are the table's. Where it has none and the whole run was scheduled on
    near-memory cores, they are the schedule's: cycles / clock, without a barrier. Where the busiest process changes
    from step to step, a step takes longer than that.

    Returns:
        `from` ("table" or "cycles"), `source`, `busiest`, `step_seconds`, `inference_seconds`,
        `inferences_per_second`, `barrier_seconds` and, by process, `processes` (seconds a step); None where neither
        the table nor the run gives durations.
    """
    if table.latency is not None:
        busy, barrier = _by_table(table.latency, counts), table.latency.seconds(table.latency.barrier)
        origin, source = "table", table.latency.source
    else:
        busy, barrier = _by_cycles(counts), 0.0
        origin, source = "cycles", "cycles of the run's near-memory cores at their clock"
    if not busy:
        return None
    seconds = float(np.max(list(busy.values()), axis=0).mean()) + counts.steps * barrier
    means = {name: float(each.mean()) / counts.steps for name, each in busy.items()}
    return {
        "from": origin,
        "source": source,
        "busiest": max(means, key=lambda name: means[name]),
        "step_seconds": seconds / counts.steps,
        "inference_seconds": seconds,
        "inferences_per_second": 1 / seconds if seconds else None,
        "barrier_seconds": barrier,
        "processes": means,
    }


def _by_table(times: Latency, counts: Counts) -> Busy:
    busy: Busy = {}
    for process in counts.processes:
        for counter in process.used:
            action = action_of(counter)
            names = times.actions.get(f"{process.kind}.{action}", times.actions.get(action, ()))
            one = sum(times.seconds(name) for name in names)
            if one:
                busy[process.name] = busy.get(process.name, 0) + one * np.array(process.counters[counter])
    return busy


def _by_cycles(counts: Counts) -> Busy:
    """Empty unless every process but the input's has cycles."""
    if counts.core is None:
        return {}
    working = {process.name for process in counts.processes if process.kind != "io" and process.used}
    hertz = 1e6 * counts.core.clock_mhz
    busy = {
        process.name: np.array(process.counters["cycles"]) / hertz
        for process in counts.processes
        if "cycles" in process.counters
    }
    return busy if busy.keys() == working else {}
