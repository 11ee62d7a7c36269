"""How long a step takes the machine that a table describes, or the cores that the run was scheduled on."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from basalt.deploy.energy.counts import Counts
from basalt.deploy.energy.schema import Latency, PriceTable


class Paced(NamedTuple):
    """Seconds of a mean inference without barriers, those that each process is busy, and what they stand on."""

    seconds: float
    busy: dict[str, float]
    resolution: str


STEPS, TOTALS = "steps", "totals"
"""Steps were looked at one by one; or only sums over all steps are known, of which the slowest core's are a lower
bound."""


def latency(table: PriceTable, counts: Counts) -> dict[str, Any] | None:
    """The time of an inference, whose steps each end when the slowest core has ended its own:

        seconds = mean over samples of Σ_steps ( max over processes and stages of Σ_counter count · seconds of one
                                                 + barrier )

    A process (a layer with all its parts) has a core of its own. The stages of a core (to receive packets, and to
    update neurons) work side by side, each on one action after another. Durations are the table's. Where it has none
    and the whole run was scheduled on near-memory cores, a step takes the cycles of the slowest core / clock, without a
    barrier. Counts without `activity` or `slowest_cycles` (of before there were any) only hold totals: then the sums
    over all steps stand in for those of a step, and the time is a lower bound.

    Returns:
        `from` ("table" or "cycles"), `source`, `resolution` ("steps" or "totals"), `busiest`, `step_seconds`,
        `inference_seconds`, `inferences_per_second`, `barrier_seconds` and, by process, `processes` (seconds per step
        that it is busy); None where neither the table nor the run gives durations.
    """
    if table.latency is not None:
        cores = len({process.name for process in counts.processes if process.kind != "io"})
        paced, barrier = _by_table(table.latency, counts), table.latency.barrier(cores)
        origin, source = "table", table.latency.source
    else:
        paced, barrier = _by_cycles(counts), 0.0
        origin, source = (
            "cycles",
            "cycles of the run's near-memory cores, which begin each step together, at their clock",
        )
    if not paced.busy:
        return None
    seconds = paced.seconds + counts.steps * barrier
    means = {name: each / counts.steps for name, each in paced.busy.items()}
    return {
        "from": origin,
        "source": source,
        "resolution": paced.resolution,
        "busiest": max(means, key=lambda name: means[name]),
        "step_seconds": seconds / counts.steps,
        "inference_seconds": seconds,
        "inferences_per_second": 1 / seconds if seconds else None,
        "barrier_seconds": barrier,
        "processes": means,
    }


def _by_table(times: Latency, counts: Counts) -> Paced:
    """The longest stage of each process, and of all, in each step where that is known."""
    kinds = {(process.name, process.part): process.kind for process in counts.processes}
    busy: dict[str, dict[str, Float[np.ndarray, "rows"]]] = {}

    def add(process: str, part: str, counter: str, values: np.ndarray) -> None:
        for stage in times.stages:
            one = times.one(stage, kinds.get((process, part), ""), counter)
            if one:
                mine = busy.setdefault(process, {})
                mine[stage] = mine.get(stage, 0) + one * values

    if counts.activity is None:
        for process in counts.processes:
            for counter in process.used:
                add(process.name, process.part, counter, np.array(process.counters[counter]))
        weights, resolution = np.full(counts.samples, 1 / counts.samples), TOTALS
    else:
        for series in counts.activity.series:
            add(series.process, series.part, series.counter, counts.activity.values(series))
        weights, resolution = counts.activity.times / counts.activity.samples, STEPS
    longest = {name: np.max(list(stages.values()), axis=0) for name, stages in busy.items()}
    seconds = float(np.max(list(longest.values()), axis=0) @ weights) if longest else 0.0
    return Paced(seconds, {name: float(each @ weights) for name, each in longest.items()}, resolution)


def _by_cycles(counts: Counts) -> Paced:
    """Empty unless every process but the input's has cycles."""
    if counts.core is None:
        return Paced(0.0, {}, TOTALS)
    working = {process.name for process in counts.processes if process.kind != "io" and process.used}
    hertz = 1e6 * counts.core.clock_mhz
    busy = {
        process.name: np.array(process.counters["cycles"]) / hertz
        for process in counts.processes
        if "cycles" in process.counters
    }
    if not busy or busy.keys() != working:
        return Paced(0.0, {}, TOTALS)
    means = {name: float(each.mean()) for name, each in busy.items()}
    if counts.slowest_cycles is None:
        return Paced(float(np.max(list(busy.values()), axis=0).mean()), means, TOTALS)
    return Paced(float(np.mean(counts.slowest_cycles)) / hertz, means, STEPS)
