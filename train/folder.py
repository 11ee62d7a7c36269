"""A run's folder: recipe.toml, checkpoint.safetensors, log.csv, metrics.json and TensorBoard's events."""

import csv
import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from basalt.errors import BasaltError
from basalt.files import atomic, make_folder
from basalt.train.checkpoint import present
from basalt.train.recipe import FILE as RECIPE
from basalt.train.recipe import Recipe, read

METRICS = "metrics.json"


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
    if not present(run):
        return None
    number = 1
    while (moved := run.with_name(f"{run.name}.{number}")).exists():
        number += 1
    try:
        run.rename(moved)
    except OSError as error:
        raise BasaltError(f"Cannot move {run} to {moved}: {error.strerror}.") from error
    return moved


@contextmanager
def held(run: Path, afresh: bool) -> Iterator[Path | None]:
    """Keep the folder of a run to this process while it trains, without the metrics of an earlier end.

    Args:
        run: the folder; made if it is not there.
        afresh: a new run begins, so an earlier one is moved out of the way.

    Yields:
        Where the earlier run is now, None if there was none.

    Raises:
        BasaltError: another process trains into the folder, or it cannot be written.
    """
    with ExitStack() as locks:
        there = run.is_dir()
        if there:
            locks.enter_context(locked(run))
        moved = make_room(run) if afresh else None
        if moved is not None or not there:
            make_folder(run)
            locks.enter_context(locked(run))
        try:
            (run / METRICS).unlink(missing_ok=True)
        except OSError as error:
            raise BasaltError(f"Cannot write into {run}: {error.strerror or error}.") from error
        yield moved


@contextmanager
def locked(run: Path) -> Iterator[None]:
    """Hold a folder's lock, which ends with the process whatever ends it; renaming the folder keeps it."""
    handle = os.open(run, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise BasaltError(
            f"Another process is training into {run}: wait for it, stop it, or train under another --name."
        ) from error
    except OSError:  # a file system without locks
        pass
    try:
        yield
    finally:
        os.close(handle)


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
                f"go on with it as it is by `basalt train {run} --resume`, or train under another --name."
            )


def write_log(run: Path, history: Sequence[Mapping[str, Any]]) -> None:
    """Write log.csv, one row per epoch."""
    with atomic(run / "log.csv") as temporary, temporary.open("w", newline="") as file:
        if history:
            fullest = max(history, key=len)  # not every epoch is validated
            names = dict.fromkeys(name for row in (fullest, *history) for name in row)
            writer = csv.DictWriter(file, fieldnames=list(names), restval="")
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
