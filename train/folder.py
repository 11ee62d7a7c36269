"""A run's folder: recipe.toml, checkpoint.pt, log.csv, metrics.json and TensorBoard's events."""

import csv
from pathlib import Path
from typing import Any

from basalt.errors import BasaltError
from basalt.files import atomic
from train.checkpoint import NAME
from train.recipe import Recipe, read

RECIPE = "recipe.toml"


def stored_recipe(run: Path) -> Recipe:
    """The recipe that a run was started with.

    Raises:
        BasaltError: the folder has none, or it is not valid.
    """
    if not (run / RECIPE).is_file():
        raise BasaltError(f"{run} holds no run: there is no {RECIPE} in it.")
    return read(run / RECIPE)


def make_room(run: Path) -> Path | None:
    """Move an earlier run out of the way, to `<run>.1`, `<run>.2` …: nothing trained is ever overwritten."""
    if not (run / NAME).exists():
        return None
    number = 1
    while (moved := run.with_name(f"{run.name}.{number}")).exists():
        number += 1
    try:
        run.rename(moved)
    except OSError as error:
        raise BasaltError(f"Cannot move {run} to {moved}: {error.strerror}.") from error
    return moved


def check_same(stored: Recipe, wanted: Recipe, run: Path) -> None:
    """Refuse to resume with another recipe; the number of epochs may change.

    Raises:
        BasaltError: a key differs; the message names the first.
    """
    before, after = _flat(stored.plain()), _flat(wanted.plain())
    for key in sorted(before.keys() | after.keys()):
        if key != "training.epochs" and before.get(key) != after.get(key):
            raise BasaltError(
                f"{run} was started with {key} = {before.get(key)!r}, not {after.get(key)!r}: "
                "resume it as it is, or train under another --name."
            )


def write_log(run: Path, history: list[dict[str, Any]]) -> None:
    """Write log.csv, a row an epoch."""
    with atomic(run / "log.csv") as temporary, temporary.open("w", newline="") as file:
        if history:
            fullest = max(history, key=len)  # not every epoch is validated
            writer = csv.DictWriter(file, fieldnames=list(fullest), restval="")
            writer.writeheader()
            writer.writerows(history)


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        pairs = [(f"{prefix}.{key}" if prefix else str(key), inner) for key, inner in value.items()]
    elif isinstance(value, list) and any(isinstance(inner, dict) for inner in value):
        pairs = [(f"{prefix}.{i}", inner) for i, inner in enumerate(value)]
    else:
        return {prefix: value}
    return {key: leaf for name, inner in pairs for key, leaf in _flat(inner, name).items()}
