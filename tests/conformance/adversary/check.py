"""Adversarial networks on a backend against the judge, value by value; or refused before they run, by a rule's name.

python tests/conformance/adversary/check.py [--networks 300] [--lava 30]

Writes docs/benchmarks/adversary.json, from which `tests/conformance/table.py` tells.
"""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[3])

import numpy as np
import typer

from basalt.convert import rules
from basalt.deploy.backends import BACKENDS
from basalt.deploy.job import Job, check, run
from basalt.errors import BasaltError
from basalt.files import write_json
from basalt.progress import progress_bar
from tests.conformance.adversary.draw import Adversary, adversary
from tests.conformance.adversary.reference import judge
from tests.conformance.sweep import prepare_process

FILE = Path(__file__).resolve().parents[3] / "docs" / "benchmarks" / "adversary.json"
STOCK = "netx"
EXACT = tuple(name for name, backend in BACKENDS.items() if backend.exact and backend.why_not is None)


@dataclass(frozen=True)
class Verdict:
    """What came of a network on a backend.

    Attributes:
        refused: the rule that it breaks, or the sentence by which the backend refused it; None where it ran.
        compared, mismatches: values of all layers, steps and last states; those that differ.
    """

    index: int
    backend: str
    refused: str | None = None
    compared: int = 0
    mismatches: int = 0


def attempt(index: int, backend: str, through_lava: bool = False) -> Verdict:
    """Run a network, or see it refused.

    Raises:
        AssertionError: it runs though it breaks a rule, or is refused by another name.
    """
    found = adversary(index)
    job = Job(found.network, found.spikes, backend, found.batch, block=None if backend == STOCK else found.block)
    refusal = refused(job)
    if found.breaks is not None or rules.check(found.network):
        broken = {violation.rule for violation in rules.check(found.network)}
        assert found.breaks in (None, *broken), f"network {index} breaks {found.breaks}, and {broken} is found"
        assert refusal is not None, f"network {index} runs, though it breaks {broken}"
        return Verdict(index, backend, found.breaks or "|".join(sorted(broken)))
    if refusal is not None:
        return Verdict(index, backend, refusal)
    try:
        pairs = list(compared(found, job, through_lava or backend == STOCK))
    except BasaltError as error:
        if "cannot run layer" not in str(error):
            raise
        return Verdict(index, backend, reason(error))
    return Verdict(
        index,
        backend,
        compared=sum(wanted.size for _, wanted in pairs),
        mismatches=sum(int(np.count_nonzero(got != wanted)) for got, wanted in pairs),
    )


def refused(job: Job) -> str | None:
    """Why a job is refused before it runs."""
    try:
        check(job)
    except BasaltError as error:
        return reason(error)
    return None


def reason(error: BasaltError) -> str:
    """A refusal without names and numbers of its own, to be counted."""
    text = re.sub(r"'[^']*'", "…", str(error)).split(": ", 1)[-1].split(";")[0]
    return re.sub(r"-?\d[\d,]*", "#", text)


def compared(found: Adversary, job: Job, through_lava: bool) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """What the backend sent and holds at last, each with what the judge says."""
    from tests.conformance.direct import run_direct

    sent, states = judge(found.network, found.spikes)
    held: dict[str, dict[str, np.ndarray]] = {}
    outcome = run(job, timeout=300) if through_lava else run_direct(job, held)
    for name, wanted in sent.items():
        yield outcome.sent[name], wanted
    for layer, kept in states.items():
        for name, wanted in kept.items():
            values = held.get(layer, {}).get(name)
            if values is not None:
                last = wanted[-((len(wanted) - 1) % job.batch + 1) :]
                yield values[: len(last)], last


def main(
    networks: Annotated[int, typer.Option(min=1, help="How many.")] = 300,
    lava: Annotated[int, typer.Option(min=0, help="How many of them go through Lava's own runtime.")] = 30,
    backends: Annotated[list[str] | None, typer.Option("--backend", help="Which; all exact ones if left out.")] = None,
    output: Annotated[Path, typer.Option(help="Where the outcome goes.")] = FILE,
) -> None:
    """Every network on every backend; exit code 1 when a value differs."""
    prepare_process(STOCK)
    backends = backends or list(EXACT)
    every = max(networks // lava, 1) if lava else networks + 1
    verdicts = []
    with progress_bar("Attacking") as update:
        for index in range(networks):
            verdicts += [attempt(index, backend, index % every == 0) for backend in backends]
            update(index + 1, networks)
    found = {backend: summary([verdict for verdict in verdicts if verdict.backend == backend]) for backend in backends}
    write_json(output, {"networks": networks, "through_lava": len(range(0, networks, every)), "backends": found})
    typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
    wrong = [verdict for verdict in verdicts if verdict.mismatches]
    if wrong:
        raise BasaltError(f"{len(wrong)} networks differ, the first: {wrong[0]}.")


def summary(verdicts: list[Verdict]) -> dict[str, object]:
    """What is kept of a backend."""
    ran = [verdict for verdict in verdicts if verdict.refused is None]
    return {
        "ran": len(ran),
        "compared": sum(verdict.compared for verdict in ran),
        "mismatches": sum(verdict.mismatches for verdict in ran),
        "differing": [verdict.index for verdict in ran if verdict.mismatches],
        "refused": dict(Counter(verdict.refused for verdict in verdicts if verdict.refused is not None).most_common()),
    }


if __name__ == "__main__":
    from basalt.cli import run_app

    run_app(lambda: typer.run(main))
