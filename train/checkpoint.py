"""Checkpoints: one file a run, replaced as a whole at the end of every epoch.

checkpoint.pt is a dictionary of tensors and plain values, read with `weights_only=True`:

    format "basalt-checkpoint", version 1, recipe (all defaults written out), inputs, classes,
    sensor  the axes that the inputs have, if it is known,
    model   the best weights on the validation split, for export,
    best    {epoch, validation accuracy, validation loss} of those,
    last    what resuming needs: model, optimizer, epoch (finished ones), step, torch's random state, history.
"""

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from basalt.errors import BasaltError
from basalt.files import atomic
from train.recipe import Recipe, parse

FORMAT = "basalt-checkpoint"
VERSION = 1
NAME = "checkpoint.pt"


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A run's state; see the module for the keys of `last` and `best`."""

    recipe: Recipe
    inputs: int
    classes: int
    model: dict[str, torch.Tensor]
    best: dict[str, Any]
    last: dict[str, Any]
    sensor: tuple[int, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the network's input."""
        return self.sensor or (self.inputs,)

    def write(self, path: Path) -> None:
        """Write the checkpoint; the file is the old one or the new one, never a part.

        Raises:
            BasaltError: it cannot be written (disk full, no permission); the old file is untouched.
        """
        content = {
            "format": FORMAT,
            "version": VERSION,
            "recipe": self.recipe.plain(),
            "inputs": self.inputs,
            "sensor": list(self.sensor),
            "classes": self.classes,
            "model": self.model,
            "best": self.best,
            "last": self.last,
        }
        with atomic(path) as temporary:
            try:
                torch.save(content, temporary)
            except RuntimeError as error:  # torch's zip writer reports a full disk as a RuntimeError
                raise OSError(f"torch could not write it, is the disk full? ({_first_line(error)})") from error


def locate(run: Path) -> Path:
    """The checkpoint of a run given by folder or file.

    Raises:
        BasaltError: there is none.
    """
    path = run / NAME if run.is_dir() else run
    if not path.is_file():
        raise BasaltError(f"No checkpoint at {path}: train one with `python train/main.py`, or name its folder.")
    return path


def read(run: Path) -> Checkpoint:
    """Read the checkpoint of a run given by folder or file.

    Raises:
        BasaltError: there is none, or it is damaged, or something else wrote it.
    """
    path = locate(run)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError, OSError, ValueError, KeyError) as error:
        # What torch says of a file that it cannot unpickle is an advice to run the code in it.
        reason = "no tensors and plain values" if isinstance(error, pickle.UnpicklingError) else _first_line(error)
        raise BasaltError(
            f"{path} is damaged or no checkpoint ({reason}): train again, or restore the file."
        ) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise BasaltError(f"{path} is not a Basalt checkpoint: give one that `python train/main.py` wrote.")
    if content["version"] != VERSION:
        raise BasaltError(f"{path} has version {content['version']}; this Basalt reads version {VERSION}.")
    missing = {"recipe", "inputs", "classes", "model", "best", "last"} - set(content)
    if missing:
        raise BasaltError(f"{path} is damaged: it lacks {', '.join(sorted(missing))}.")
    return Checkpoint(
        recipe=parse(content["recipe"], str(path)),
        inputs=content["inputs"],
        classes=content["classes"],
        model=content["model"],
        best=content["best"],
        last=content["last"],
        sensor=tuple(content.get("sensor", ())),
    )


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
