"""What the schedule adds to a layer's counters, and which part of the layer each belongs to."""

import numpy as np
from jaxtyping import Int

from basalt.near_memory import mechanisms
from basalt.near_memory.convolution import Reached
from basalt.near_memory.core import Core
from basalt.near_memory.formula import cost
from basalt.near_memory.geometry import OWNER, SLOW_MEMORY, SPIKING
from basalt.near_memory.sizes import Sizes
from basalt.near_memory.walk import PATHS
from basalt.records.counts import STATE, WEIGHT

WRITTEN = (
    *("event_buffer", "accumulators", "membrane"),
    *(memory for memory, _ in mechanisms.STATES.values()),
    *("delay_line", "output_spikes"),
    *("memory_sums", "memory_current", *mechanisms.WRITTEN),
)
UNSEEN = ("slow_state", "touched")
ROWS: dict[str, tuple[str, str]] = {
    **{f"{name}_reads": (name, "read") for name in OWNER if name not in UNSEEN},
    **{f"{name}_writes": (name, "write") for name in WRITTEN},
}
"""Counter of rows → its memory, and whether they were read or written."""

WORK = tuple(f"{path}_cycles" for path in (*PATHS, *mechanisms.PATHS))
"""Counters of the cycles in which a data path worked."""

SCHEDULED = (*ROWS, *WORK, "stalls")
"""All counters that only a schedule gives."""

WORDS = ("weight_words_read", "state_reads", "state_writes")
"""Counters of words that rows stand for where there is a schedule: there they are 0, so that nothing is priced
twice."""

PARTS = {
    **{counter: OWNER[memory] for counter, (memory, _) in ROWS.items()},
    **{f"{path}_cycles": SPIKING for path in PATHS},
    **{f"{path}_cycles": SLOW_MEMORY for path in ("drive", "memory_product", "drive_product", "memory_update")},
    **{f"{path}_cycles": part for path, part in mechanisms.PATHS.items()},
    "stalls": SPIKING,
    "cycles": SPIKING,
}
"""Counter → the part of a layer that it belongs to."""

Totals = dict[str, Int[np.ndarray, "batch"]]


def scheduled_counts(
    core: Core,
    sizes: Sizes,
    first: int,
    spikes: Int[np.ndarray, "steps batch"],
    own: Int[np.ndarray, "steps batch"],
    fired: Int[np.ndarray, "steps batch"],
    reached: Reached | None = None,
) -> dict[str, Totals]:
    """What the schedule counts in steps that begin at step `first` of a sample, by part and counter, for each sample.

    Of a convolution `reached` is what the spikes meet. `cycles` are those of the whole layer, and are the first part's.
    Without dependency breaking ν x is not multiplied: then `dense_macs` and `dense_mac_bits` of the slow memory hold
    what that saves, numbers below 0.
    """
    refresh = (first + np.arange(len(spikes))) % sizes.update_interval == 0
    found = cost(core, sizes, spikes, own, fired, refresh[:, None], reached)
    every: dict[str, np.ndarray] = {
        "cycles": found.cycles,
        "stalls": found.stalls,
        **{f"{path}_cycles": work for path, work in found.paths.items()},
        **found.accesses,
    }
    counts: dict[str, Totals] = {part: {} for part in sorted(set(PARTS.values()))}
    for name, amount in every.items():
        counts[PARTS[name]][name] = amount.sum(axis=0)
    if sizes.states and not core.dependency_breaking:
        saved = np.full(spikes.shape[1], -int(refresh.sum()) * sizes.neurons)
        counts[SLOW_MEMORY] |= {"dense_macs": saved, "dense_mac_bits": saved * WEIGHT * STATE}
    return counts
