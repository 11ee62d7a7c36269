"""Checkpoints: one file per run, replaced as a whole at the end of every epoch.

checkpoint.safetensors holds tensors (`train.tensors`): model.*, the best weights on the validation split, and to resume
from last.model.*, last.moments.* (`basalt.train.moments`), last.random, torch's random state, and last.average.* where
the recipe averages weights (`basalt.train.averages`). Beside them:

    format "basalt-checkpoint", version 2, recipe (all defaults written out), inputs, classes,
    sensor  the axes that the inputs have, if it is known,
    best    {epoch, validation accuracy, validation loss} of the best weights,
    last    of resuming: epoch (finished ones), step, seconds, history; null in a published network.

Nothing in it is believed unchecked: before a value is read, its tensors are those of the recipe's network, in name,
type and shape. Floats are written so that they are read as the same floats.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import torch

from basalt.errors import BasaltError
from basalt.paths import CHECKPOINT as NAME
from basalt.paths import RUNS, newest
from basalt.train import tensors
from basalt.train.networks import Network
from basalt.train.recipe import Recipe, parse
from basalt.train.resumption import Progress, Said
from basalt.train.tensors import DamagedError, Spec, shown

Value = TypeVar("Value")
FORMAT = "basalt-checkpoint"
VERSION = 2
BEFORE = "checkpoint.pt"
"""What earlier versions wrote: `basalt upgrade` turns it into one of these."""
LARGEST = 1 << 24
"""Of a network's inputs and of the neurons of a layer: more than any file could hold the weights of."""
HEAVIEST = 2.0**60
"""Of weights; those that neurons can have are below 2⁷."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A run's state; `best` is empty before the first validation, `last` None in a published network."""

    recipe: Recipe
    inputs: int
    classes: int
    model: Mapping[str, torch.Tensor]
    best: Mapping[str, Any] = field(default_factory=dict)
    last: Progress | None = None
    sensor: tuple[int, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the network's input."""
        return self.sensor or (self.inputs,)

    def network(self) -> Network:
        """The network with its best weights, in evaluation mode."""
        network = Network.of(self.recipe, self.shape, self.classes)
        network.load_state_dict(self.model)
        return network.eval()

    def write(self, path: Path) -> None:
        """Write the checkpoint; the file is the old one or the new one, never a part.

        Raises:
            BasaltError: it cannot be written (disk full, no permission); the old file is untouched.
        """
        said = Said(
            inputs=self.inputs,
            sensor=self.sensor,
            classes=self.classes,
            best=dict(self.best),
            last=None if self.last is None else self.last.said,
        )
        tree = {"format": FORMAT, "version": VERSION, "recipe": self.recipe.plain(), **said.plain()}
        kept = {f"model.{name}": value for name, value in self.model.items()}
        if self.last is not None:
            kept |= {f"last.{name}": value for name, value in self.last.tensors().items()}
        tensors.write(path, kept, tree)


def present(run: Path) -> bool:
    """Whether a folder holds a checkpoint, of this version or of an earlier one."""
    return any((run / name).is_file() for name in (NAME, BEFORE))


def newest_run() -> Path:
    """The checkpoint that was written last under runs/.

    Raises:
        BasaltError: there is none.
    """
    if not any(RUNS.glob(f"*/{NAME}")):
        for found in RUNS.glob(f"*/{BEFORE}"):
            raise BasaltError(_earlier(found))
    return newest(f"*/{NAME}", "trained run", "basalt train")


def locate(run: Path) -> Path:
    """The checkpoint of a run given by folder or file.

    Raises:
        BasaltError: there is none, or one of an earlier version.
    """
    path = run / NAME if run.is_dir() else run
    for old in (run / BEFORE, run):
        if old.name == BEFORE and old.is_file() and not old.with_name(NAME).is_file():
            raise BasaltError(_earlier(old))
    if not path.is_file():
        raise BasaltError(f"No checkpoint at {path}: train one with `basalt train`, or name its folder.")
    return path


def _earlier(old: Path) -> str:
    return (
        f"{old} is of an earlier Basalt, and could hold code: convert it once by `basalt upgrade {old.parent}` if you "
        "trust its writer."
    )


def read(run: Path) -> Checkpoint:
    """Read the checkpoint of a run given by folder or file.

    Raises:
        BasaltError: there is none, or it is damaged, or something else wrote it.
    """
    path = locate(run)
    try:
        with tensors.opened(path) as file:
            tree = file.tree
            if not isinstance(tree, dict) or tree.pop("format", None) != FORMAT:
                raise DamagedError("nothing in it is a checkpoint of Basalt's")
            version = tree.pop("version", None)
            if type(version) is not int or version != VERSION:
                raise BasaltError(f"{path} has version {shown(version)}; this Basalt reads version {VERSION}.")
            recipe = recipe_of(tree.pop("recipe", None))
            said = Said.of(tree)
            check(recipe, said, file.specs)
            values = file.tensors()
    except DamagedError as error:
        raise BasaltError(
            f"{path} is damaged or not a checkpoint ({error}): train again, or restore the file."
        ) from error
    return assembled(path, recipe, said, values)


def load(run: Path | str) -> Network:
    """The network of a run's folder or checkpoint, with its best weights, in evaluation mode.

    Raises:
        BasaltError: there is no checkpoint, or it is damaged.
    """
    return read(Path(run)).network()


def recipe_of(content: Any) -> Recipe:
    """The recipe that a checkpoint was trained by.

    Raises:
        DamagedError: it is none.
    """
    try:
        return parse(content, "its recipe")
    except BasaltError as error:
        raise DamagedError(error) from error


def assembled(path: Path, recipe: Recipe, said: Said, values: Mapping[str, torch.Tensor]) -> Checkpoint:
    """The checkpoint of tensors that have been checked by their specs.

    Raises:
        BasaltError: a weight is not a number, or so large that it would be none on the grid of integers.
    """
    for name, value in values.items():
        weights = name.startswith(("model.", "last.model.", "last.average.")) and value.is_floating_point()
        if weights and not bool((value.abs() <= HEAVIEST).all()):
            raise BasaltError(f"{path} is damaged: {name} holds no finite weights; train again, or restore the file.")
    last = None if said.last is None else Progress.of(said.last, _under("last.", values))
    return Checkpoint(recipe, said.inputs, said.classes, _under("model.", values), said.best, last, said.sensor)


def check(recipe: Recipe, said: Said, found: Mapping[str, Spec]) -> None:
    """Hold a checkpoint's tensors against those of its network.

    Raises:
        DamagedError: they differ, or there can be no such network.
    """
    network = layout(recipe, said, len(found))
    wanted = {f"model.{name}": Spec.of(value) for name, value in network.state_dict().items()}
    if said.last is not None:
        progress = Progress.specs(network, _under("last.", found), recipe.training.average > 0)
        wanted |= {f"last.{name}": spec for name, spec in progress.items()}
    for name in chain(wanted, found):
        if name not in found:
            raise DamagedError(f"it lacks {shown(name)}")
        if name not in wanted:
            raise DamagedError(f"{shown(name)} is not part of its network")
        if wanted[name] != found[name]:
            raise DamagedError(f"{shown(name)} is {found[name]}, and {wanted[name]} in its network")
    if said.last is not None and said.best and "validation_accuracy_integer" not in said.best and network.deployable:
        raise DamagedError("it does not say the accuracy of its best integers")


def layout(recipe: Recipe, said: Said, tensors: int) -> Network:
    """The network of a checkpoint that holds `tensors` tensors, without memory for their values.

    Raises:
        DamagedError: there can be no such network.
    """
    if not said.inputs <= LARGEST or not said.classes <= LARGEST:
        raise DamagedError(f"a network of {said.inputs} inputs and {said.classes} classes is larger than any")
    if len(recipe.network.layers) > tensors:
        raise DamagedError("it has fewer tensors than layers")
    try:
        with torch.device("meta"):
            network = Network.of(recipe, said.sensor or (said.inputs,), said.classes)
    except BasaltError as error:
        raise DamagedError(error) from error
    except (RuntimeError, ValueError, TypeError, OverflowError, MemoryError) as error:
        raise DamagedError("there can be no network of its recipe") from error
    if max(layer.units for layer in network.layers.values()) > LARGEST:
        raise DamagedError("its network is larger than any")
    return network


def _under(prefix: str, values: Mapping[str, Value]) -> dict[str, Value]:
    return {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}
