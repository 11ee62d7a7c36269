"""Which neuron to choose, by kind of task and by what it runs on."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from basalt.study.lif_roles.results import COSTS, QUANTITIES, Results
from basalt.study.lif_roles.tasks import KINDS
from basalt.study.lif_roles.variants import LSTM

CLOSE = 1.0
"""Points of accuracy that one gives up for a cheaper network."""


@dataclass(frozen=True)
class Choice:
    """The advice for a kind of task on a machine; means over tasks and seeds.

    Attributes:
        kind: of task. machine: one of COSTS.
        variant: the cheapest spiking network within CLOSE of the most accurate one's accuracy.
        accuracy: its, in percent. cost: its, in the machine's unit.
        best, best_accuracy, best_cost: of the most accurate one.
        hardiest: which of those within CLOSE keeps most under the attack on events (PGD for graded input), and how
            much that is.
    """

    kind: str
    machine: str
    variant: str
    accuracy: float
    cost: float
    best: str
    best_accuracy: float
    best_cost: float
    hardiest: str
    kept: float

    def plain(self) -> dict[str, Any]:
        """As JSON knows it."""
        return asdict(self)


def choices(results: Results) -> list[Choice]:
    """Advice for every kind of task that was trained and every machine that is priced."""
    found = [
        _choice(results, kind, results.study.of_kind(kind), machine)
        for kind in KINDS
        if results.study.of_kind(kind)
        for machine in COSTS
    ]
    return [choice for choice in found if choice is not None]


def _choice(results: Results, kind: str, tasks: Sequence[str], machine: str) -> Choice | None:
    spiking = [name for name in results.study.variants if name != LSTM]
    accuracy = {name: _mean(results, tasks, name, "accuracy") for name in spiking}
    cost = {name: _mean(results, tasks, name, machine) for name in spiking}
    learned = {n for n in spiking if all(one.learned for task in results.compared(tasks, [n]) for one in task)}
    known = {n: value for n, value in accuracy.items() if value is not None and cost[n] is not None and n in learned}
    if not known:
        return None
    best = max(known, key=lambda name: known[name])
    near = [name for name in known if known[name] >= known[best] - CLOSE]
    cheapest = min(near, key=lambda name: cost[name] or 0.0)
    kept = {name: _hardiness(results, tasks, name) for name in near}
    hardiest = max(near, key=lambda name: kept[name])
    return Choice(
        kind, machine, variant=cheapest, accuracy=known[cheapest], cost=cost[cheapest] or 0.0,
        best=best, best_accuracy=known[best], best_cost=cost[best] or 0.0,
        hardiest=hardiest, kept=kept[hardiest],
    )  # fmt: skip


def _hardiness(results: Results, tasks: Sequence[str], variant: str) -> float:
    each = []
    for task in tasks:
        values = results.values(task, variant, "events") or results.values(task, variant, "pgd")
        each += list(values.values())
    return float(np.mean(each)) if each else 0.0


def _mean(results: Results, tasks: Sequence[str], variant: str, quantity: str) -> float | None:
    """Over tasks and seeds; None unless every task has it."""
    each = [list(results.values(task, variant, quantity).values()) for task in tasks]
    return float(np.mean([np.mean(values) for values in each])) if all(each) else None


def unit(machine: str) -> str:
    """Of a machine's cost."""
    return QUANTITIES[machine].unit
