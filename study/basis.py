"""What a study's figures stand on: how many trainings, seeds and epochs, and whether it is a rehearsal."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Sized(Protocol):
    """What is asked of a study here."""

    @property
    def quick(self) -> bool:
        """Whether its trainings are cut short."""

    def own_epochs(self, name: str) -> int:
        """Epochs of that training in the full study."""


@dataclass(frozen=True)
class Basis:
    """What the figures stand on.

    Attributes:
        trained, planned: trainings.
        seeds: that were trained.
        epochs, own_epochs: of the trainings, and of the same ones in the full study; each number once.
        limits: of training samples, where fewer were used than there are.
        quick: whether the study was asked to be.
        title: of what was trained.
    """

    trained: int
    planned: int
    seeds: tuple[int, ...]
    epochs: tuple[int, ...]
    own_epochs: tuple[int, ...]
    limits: tuple[int, ...]
    quick: bool
    short: bool
    title: str

    @property
    def rehearsal(self) -> bool:
        """Whether networks were trained less than the study itself trains them."""
        return self.quick or self.short

    @property
    def sentences(self) -> list[str]:
        """In words; the first says whether it is a rehearsal, if it is one."""
        said = []
        if self.rehearsal:
            why = "--quick" if self.quick else "trained less than the full study"
            said.append(f"A rehearsal ({why}): it shows that everything runs, and decides nothing.")
        seeds = f"{len(self.seeds)} seed{'s' * (len(self.seeds) != 1)}"
        epochs = f"{_numbers(self.epochs)} epoch{'s' * (self.epochs != (1,))} of training" if self.epochs else ""
        if self.epochs != self.own_epochs:
            epochs += f" (the full study: {_numbers(self.own_epochs)})"
        if self.limits:
            epochs += f" on at most {_numbers(self.limits)} samples"
        stands = f"Stands on {seeds} and {epochs}: " if self.trained else "Stands on "
        said.append(f"{stands}{self.trained} of {self.planned} trainings.")
        if len(self.seeds) == 1:
            said.append("Verdicts of one seed are provisional: another seed can turn them.")
        return said

    def plain(self) -> dict[str, Any]:
        """As JSON knows it."""
        return {**asdict(self), "rehearsal": self.rehearsal}


def basis(study: Sized, outcomes: Mapping[str, Mapping[str, Any]], planned: int, title: str) -> Basis:
    """What those outcomes, by the name of their training, are worth."""
    recipes = [outcome["recipe"] for outcome in outcomes.values()]
    limits = {recipe["data"].get("limit") for recipe in recipes} - {None}
    return Basis(
        trained=len(outcomes),
        planned=planned,
        seeds=tuple(sorted({recipe["seed"] for recipe in recipes})),
        epochs=tuple(sorted({recipe["training"]["epochs"] for recipe in recipes})),
        own_epochs=tuple(sorted({study.own_epochs(name) for name in outcomes})),
        limits=tuple(sorted(limits)),
        quick=study.quick,
        short=any(not whole(study, name, outcome) for name, outcome in outcomes.items()),
        title=title,
    )


def whole(study: Sized, name: str, outcome: Mapping[str, Any]) -> bool:
    """Whether a training had all the epochs and all the samples that the full study gives it."""
    recipe = outcome["recipe"]
    enough = recipe["training"]["epochs"] >= study.own_epochs(name)
    return enough and recipe["data"].get("limit") is None and not study.quick


def _numbers(values: tuple[int, ...]) -> str:
    return f"{values[0]:,}" if len(values) == 1 else f"{values[0]:,} to {values[-1]:,}"
