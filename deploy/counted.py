"""What a run counted, as counts.json has it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Int

from basalt.deploy.energy.activity import activity
from basalt.deploy.energy.conventions import step_entries
from basalt.deploy.job import Job, Outcome
from basalt.deploy.lockstep import slowest
from basalt.deploy.network import all_parts
from basalt.deploy.on_core import description, fit_notices, footprint


def counts_file(job: Job, outcome: Outcome) -> dict[str, Any]:
    """Content of counts.json."""
    on_core = job.scheduled
    given = job.network, job.spikes, outcome.sent, outcome.fired, job.planes
    counting = all(outcome.counts[part.meter].any() for part in all_parts(job.network)[1:])
    together = slowest(job.core, *given) if counting and len(on_core) == len(job.network.layers) else None
    busy = activity(*given) if counting else None
    return {
        "format": "basalt-counts",
        "version": 1,
        "backend": job.backend,
        "network": job.network.name,
        "samples": len(job.spikes),
        "steps": job.spikes.shape[2],
        **step_entries(job.network.step_seconds, None),
        **({"core": description(job.core), "misfits": fit_notices(job.scheduled, job.core)} if on_core else {}),
        **({} if together is None else {"slowest_cycles": together.tolist()}),
        **({} if busy is None else {"activity": busy}),
        "processes": processes_of(job, outcome.counts),
    }


def processes_of(job: Job, counts: Mapping[str, Int[np.ndarray, "samples counters"]]) -> list[dict[str, Any]]:
    """What each part of each process counted, and the memory that it needs."""
    from basalt.lava_procs.metering import COLUMNS

    processes = []
    on_core = {layer.name: layer for layer in job.scheduled}
    for part in all_parts(job.network):
        layer = on_core.get(part.layer)
        bits = job.planes if layer is job.network.layers[0] else 1
        memories = {"memory_bits": part.bits} if layer is None else footprint(layer, part.part, job.core, bits)
        table = counts[part.meter]
        used = {name: table[:, column].tolist() for column, name in enumerate(COLUMNS) if table[:, column].any()}
        entry = {"name": part.layer, "part": part.part, "kind": part.kind, **memories, "counters": used}
        processes.append(entry)
    return processes


def saturations(outcome: Outcome) -> int:
    """How often a state wrapped or saturated, over all parts and samples."""
    from basalt.lava_procs.metering import COLUMN

    return int(sum(table[:, COLUMN["saturations"]].sum() for table in outcome.counts.values()))
