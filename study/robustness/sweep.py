"""Accuracy under attack over a range of budgets, each attack beside a control of the same size without a gradient."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int

from basalt.study.robustness.attacks import Logits, fgsm, pgd, random_signs
from basalt.study.robustness.event_attacks import flip_events, random_events
from basalt.study.robustness.surrogate import widened
from basalt.train.scores import wilson


@dataclass(frozen=True)
class Setting:
    """How attacks are run.

    Attributes:
        iterations: of those that iterate.
        high: largest value of an input; ε is a fraction of it.
        widths: of the surrogate, times training's; a sample withstands what it withstands with all of them.
        seed: of what is random.
    """

    iterations: int = 10
    high: float = 1.0
    widths: tuple[float, ...] = (1.0,)
    seed: int = 1


@dataclass(frozen=True)
class Attack:
    """An attack and its control.

    Attributes:
        title: for people. perturb: of network, x, labels, budget, setting and generator. control: of x, what `perturb`
            made of it, budget, setting and generator.
        events: whether the budget is a number of events per sample; else it is ε as a fraction of the input's range.
    """

    title: str
    perturb: Callable[[Logits, torch.Tensor, torch.Tensor, float, Setting, torch.Generator], torch.Tensor]
    control: Callable[[torch.Tensor, torch.Tensor, float, Setting, torch.Generator], torch.Tensor]
    events: bool = False


def _signs(
    x: torch.Tensor, moved: torch.Tensor, budget: float, setting: Setting, draw: torch.Generator
) -> torch.Tensor:
    return random_signs(x, budget * setting.high, draw, setting.high)


ATTACKS = {
    "fgsm": Attack(
        "FGSM",
        lambda logits, x, labels, eps, setting, draw: fgsm(logits, x, labels, eps * setting.high, setting.high),
        _signs,
    ),
    "pgd": Attack(
        "PGD",
        lambda logits, x, labels, eps, setting, draw: pgd(
            logits, x, labels, eps * setting.high, setting.iterations, high=setting.high, draw=draw
        ),
        _signs,
    ),
    "events": Attack(
        "events added or removed",
        lambda logits, x, labels, k, setting, draw: flip_events(logits, x, labels, int(k), setting.iterations),
        lambda x, moved, k, setting, draw: random_events(x, moved, draw),
        events=True,
    ),
}


@dataclass(frozen=True)
class Point:
    """What is left of the accuracy at a budget, and with the control, with Wilson's 95 % intervals.

    Attributes:
        moved: the share of samples that the attack could change at all; where gradients vanish, it cannot.
        used: events turned round per sample, or mean |x' − x| over the input's range.
    """

    budget: float
    accuracy: float
    interval: tuple[float, float]
    control: float
    control_interval: tuple[float, float]
    moved: float
    used: float

    def plain(self) -> dict[str, Any]:
        """As JSON knows it."""
        return asdict(self)


def sweep(
    network: torch.nn.Module,
    x: Float[torch.Tensor, "samples *axes"],
    labels: Int[torch.Tensor, "samples"],
    attack: Attack,
    budgets: Sequence[float],
    setting: Setting = Setting(),
    batch: int = 64,
) -> list[Point]:
    """Accuracy at every budget, for networks that give logits (samples, classes)."""
    points = []
    for budget in budgets:
        draw = torch.Generator(x.device).manual_seed(setting.seed)
        hits, control, moved, used = 0, 0, 0, 0.0
        for one, true in zip(x.split(batch), labels.split(batch)):
            stands = torch.ones(len(one), dtype=torch.bool, device=one.device)
            changed = one
            for width in setting.widths:
                with widened(network, width):
                    changed = attack.perturb(network, one, true, budget, setting, draw)
                stands &= correct(network, changed, true)
            hits += int(stands.sum())
            control += int(correct(network, attack.control(one, changed, budget, setting, draw), true).sum())
            difference = (changed - one).abs().flatten(1)
            moved += int((difference > 0).any(1).sum())
            used += float(difference.sum(1).sum() if attack.events else difference.mean(1).sum() / setting.high)
        n = len(x)
        points.append(
            Point(
                budget,
                hits / n,
                interval=wilson(hits, n),
                control=control / n,
                control_interval=wilson(control, n),
                moved=moved / n,
                used=used / n,
            )
        )
    return points


@torch.no_grad()
def correct(logits: Logits, x: torch.Tensor, labels: torch.Tensor) -> Bool[torch.Tensor, "batch"]:
    """Which samples are classified right."""
    return logits(x).argmax(1) == labels


def kept(accuracies: Sequence[float], clean: float) -> float:
    """Mean over budgets of the accuracy that is left, over the accuracy without attack; 0 where that is 0."""
    return sum(accuracies) / len(accuracies) / clean if clean and accuracies else 0.0
