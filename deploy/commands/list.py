"""`basalt list`: recipes, runs, formats of recordings, backends, cores and price tables."""

import re
from itertools import takewhile
from pathlib import Path

from rich.table import Table

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


def list_command() -> None:
    """`basalt list`."""
    recipes = sorted((Path(__file__).parents[2] / "train" / "recipes").glob("*.toml"))
    rows: list[tuple[str, str, str]] = [("recipe", path.stem, first_comment(path)) for path in recipes]
    rows += [("run", str(path.parent), run_state(path.parent)) for path in sorted(RUNS.glob("*/recipe.toml"))]
    rows += [("recording", ending, form.about) for ending, form in READERS.items()]
    rows += [("backend", name, backend.about) for name, backend in BACKENDS.items()]
    rows += [("core", name, summary(load_core(name))) for name in available_cores()]
    rows += [("price table", name, load_table(name).title) for name in available_tables()]
    table = Table("what", "name", "about")
    for row in rows:
        table.add_row(*row)
    console().print(table)


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
