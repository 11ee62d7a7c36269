"""`basalt list`: recipes, models, runs, formats of recordings, backends, cores and price tables."""

import re
from collections.abc import Callable
from difflib import get_close_matches
from itertools import takewhile
from pathlib import Path

from rich.table import Table

from basalt import published
from basalt.deploy.backends import BACKENDS
from basalt.deploy.cores import available_cores, load_core
from basalt.deploy.energy.pricing import available_tables
from basalt.deploy.energy.tables import load_table
from basalt.deploy.on_core import summary
from basalt.documents import understood
from basalt.errors import BasaltError
from basalt.files import read_object
from basalt.paths import RUNS
from basalt.recordings.read import READERS
from basalt.shown import console

Row = tuple[str, str, str]


def list_command(what: str | None = None) -> None:
    """`basalt list`.

    Raises:
        BasaltError: there is no such section.
    """
    if what is not None and what not in SECTIONS:
        near = get_close_matches(what, SECTIONS, 1)
        raise BasaltError(
            f"There are no {what!r} to list; " + (f"did you mean {near[0]}? " if near else "") + "Choose from "
            f"{', '.join(SECTIONS)}, or name none for all."
        )
    table = Table("what", "name", "about")
    for section in SECTIONS if what is None else (what,):
        rows = SECTIONS[section]()
        for row in rows if what is not None or section not in LONG else [summed_up(section, rows)]:
            table.add_row(*row)
    console().print(table)


def summed_up(section: str, rows: list[Row]) -> Row:
    """One row in place of many."""
    return rows[0][0] if rows else section, f"{len(rows)} of them", f"`basalt list {section}` lists them"


def recipes() -> list[Row]:
    """Of this Basalt."""
    found = sorted((Path(__file__).parents[2] / "train" / "recipes").glob("*.toml"))
    return [("recipe", path.stem, first_comment(path)) for path in found]


def models() -> list[Row]:
    """Networks that come with Basalt: task, accuracy with its interval, size."""
    return [("model", name, about_model(published.FOLDER / name)) for name in published.names()]


def about_model(folder: Path) -> str:
    """Task, test accuracy of the integers with its 95 % interval, parameters and bytes of a model."""
    metrics = read_object(folder / "metrics.json")
    with understood(str(folder / "metrics.json"), "take it from Basalt again"):
        low, high = (100 * float(end) for end in metrics["accuracy_integer_interval"])
        accuracy, samples = 100 * float(metrics["accuracy_integer"]), int(metrics["test_samples"])
        size = (folder / published.NET).stat().st_size
        return (
            f"{published.TASKS[metrics['dataset']].title}: {accuracy:.2f} % of {samples:,} test samples "
            f"({low:.2f} … {high:.2f} %); {int(metrics['parameters']):,} parameters, {size / 1024:.0f} KiB"
        )


SECTIONS: dict[str, Callable[[], list[Row]]] = {
    "recipes": recipes,
    "models": models,
    "runs": lambda: [("run", str(path.parent), run_state(path.parent)) for path in sorted(RUNS.glob("*/recipe.toml"))],
    "recordings": lambda: [("recording", ending, form.about) for ending, form in READERS.items()],
    "backends": lambda: [("backend", name, backend.about) for name, backend in BACKENDS.items()],
    "cores": lambda: [("core", name, summary(load_core(name))) for name in available_cores()],
    "tables": lambda: [("price table", name, load_table(name).title) for name in available_tables()],
}
"""What can be listed."""

LONG = ("models",)
"""Sections that are summed up where all are listed."""


def first_comment(path: Path) -> str:
    """What a recipe says of itself in the first sentence of its opening comment."""
    opening = takewhile(lambda line: line.startswith("#"), path.read_text(encoding="utf-8").splitlines())
    words = " ".join(line.lstrip("# ") for line in opening)
    return re.split(r"(?<=\.) (?=[A-Z])", words)[0]


def run_state(folder: Path) -> str:
    """Accuracy of a run, and how far it got."""
    stages = {"exported": "model.net", "verified": "verify.json", "deployed": "deploy-*/result.json"}
    done = [stage for stage, pattern in stages.items() if list(folder.glob(pattern))]
    if not (folder / "metrics.json").exists():
        return "training has not ended"
    try:
        metrics = read_object(folder / "metrics.json")
        with understood(str(folder / "metrics.json"), "train the run to its end"):
            accuracy, floats = metrics.get("accuracy_integer"), metrics.get("accuracy_float")
            form = "" if accuracy is not None else " in floats, not deployable"
            known = floats if accuracy is None else accuracy
            return ", ".join(([] if known is None else [f"test accuracy {100 * float(known):.1f} %{form}"]) + done)
    except BasaltError as error:  # one damaged run hides no other
        return str(error)
