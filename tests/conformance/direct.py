"""Backends without Lava's runtime: thousands of networks are checked on the runtime `direct`, and hundreds through
Lava's, which takes a third of a second to fork one."""

from dataclasses import replace

import numpy as np

from basalt.deploy.job import Job, Outcome, run_checked


def run_direct(job: Job, held: dict[str, dict[str, np.ndarray]] | None = None) -> Outcome:
    """What `basalt.deploy.job.run` gives, on the runtime `direct`; what is refused is not looked for.

    Args:
        held: filled, by layer name, with the states that the models show after the last step.
    """
    outcome = run_checked(replace(job, runtime="direct", states=job.states or held is not None))
    if held is not None:
        held.update(outcome.states)
    return outcome
