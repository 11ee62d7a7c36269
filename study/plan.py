"""What a study trains: experiments, each a recipe with settings, and how one of them differs from the others."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from basalt.train.recipe import Recipe


@dataclass(frozen=True)
class Experiment:
    """One training.

    Attributes:
        name: of its run's folder.
        recipe: a recipe's name, or the path of its TOML file.
        settings: dotted keys of the recipe and the values that replace its own, as `train.recipe.read` takes them.
    """

    name: str
    recipe: str
    settings: dict[str, Any] = field(default_factory=dict)

    def read(self) -> "Recipe":
        """The recipe that is trained, checked.

        Raises:
            BasaltError: no such recipe, or a setting that is not allowed.
        """
        from basalt.train.recipe import read

        return read(self.recipe, {**self.settings, "name": self.name})


def unique(experiments: Iterable[Experiment]) -> tuple[Experiment, ...]:
    """The experiments in order, each name once: what several parts of a study need is trained once."""
    return tuple({experiment.name: experiment for experiment in experiments}.values())


def layers_of(recipe: str) -> list[dict[str, Any]]:
    """The layers of a recipe as plain tables, to be changed and given as the setting "network.layers".

    Raises:
        BasaltError: no such recipe, or not a valid one.
    """
    from basalt.train.recipe import read

    return [layer.model_dump(exclude_unset=True) | {"kind": layer.kind} for layer in read(recipe).network.layers]
