"""Backends without Lava's runtime: thousands of networks are checked on the runtime `direct`, and hundreds through
Lava's, which takes a third of a second to fork one."""

import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from basalt.deploy.backends import find
from basalt.deploy.direct import run_parts
from basalt.deploy.job import Job, Outcome, collect, parts_of, prepare, run_checked
from basalt.deploy.network import Layout

STATES = ("u", "v", "m")
"""Variables of processes that show states."""


def run_direct(job: Job, held: dict[str, dict[str, np.ndarray]] | None = None) -> Outcome:
    """What `basalt.deploy.job.run` gives, on the runtime `direct`; what is refused is not looked for.

    Args:
        held: filled, by layer name, with the variables u, v and m that the models of all layers, read-outs too, show
            after the last step of the last samples.
    """
    if held is None:
        return run_checked(replace(job, runtime="direct"))
    samples, _, steps = job.spikes.shape
    block = min(job.block, steps) if job.block else find(job.backend).block_of(steps)
    with tempfile.TemporaryDirectory() as place:
        layout = Layout(samples, steps, min(job.batch, samples), Path(place), block, job.planes, job.core, job.states)
        prepare(job, layout)
        units = parts_of(job, layout)
        run_parts(units, layout, time.perf_counter())
        for unit in units:
            shown = {name: getattr(unit.model, name) for name in STATES if hasattr(unit.process, name)}
            if shown:
                held.setdefault(unit.process.name.split(".")[0], {}).update(shown)
        return collect(job, layout)
