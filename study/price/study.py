"""What an inference of every network of a study costs, on the machines of the price tables: `basalt study price`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from basalt.errors import BasaltError
from basalt.paths import CHECKPOINT
from basalt.shown import say

PRICES = "prices.json"
"""In a run's folder; the study takes it up when it is conducted again."""


def price_study(
    study: Annotated[Path, typer.Argument(help="A study's folder, such as studies/lif-roles.")],
    samples: Annotated[
        int, typer.Option("--samples", "-n", min=1, help="Test samples that an inference is averaged over.")
    ] = 50,
    only: Annotated[str, typer.Option(metavar="PATTERN", help='Only these runs, such as "*-s1".')] = "*",
    core: Annotated[str | None, typer.Option(metavar="CORE.toml", help="The near-memory core of every layer.")] = None,
    table: Annotated[
        list[str] | None, typer.Option(help="Price table; may be repeated; those of `basalt compare` if none.")
    ] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Folder with data sets.")] = None,
) -> None:
    """Export a study's networks, run them in Lava and price their inferences, as `basalt compare` does.

    Each goes into prices.json of its run; conducting the study again, which trains nothing, puts them on its page.
    What is priced is not priced again, and networks that are not deployed are passed over.
    """
    from basalt.deploy.cores import DEFAULT, load_core
    from basalt.deploy.energy.conventions import HEADLINE
    from basalt.deploy.energy.tables import load_table
    from basalt.deploy.on_core import description
    from basalt.files import write_json
    from basalt.progress import progress_bar
    from basalt.study.compare.options import TABLES

    tables = table or list(TABLES)
    for name in tables:
        load_table(name)
    chosen = load_core(core or DEFAULT)
    runs = runs_of(study, only)
    how = {"samples": samples, "core": description(chosen), "tables": tables, "headline": HEADLINE}
    left = [run for run in runs if not priced(run, how)]
    failures: dict[str, str] = {}
    misfits: dict[str, list[str]] = {}
    with progress_bar("Pricing") as update:
        update(0, len(left))
        for done, run in enumerate(left, 1):
            try:
                found = entry(run, samples, chosen, tables, data_dir)
                write_json(run / PRICES, {**how, **found})
                misfits |= {run.name: found["misfits"]} if found["misfits"] else {}
            except BasaltError as error:
                failures[run.name] = str(error)
            update(done, len(left))
    say(
        f"{len(left) - len(failures)} networks priced, {len(runs) - len(left)} had been. The same `basalt study` "
        "command as before puts them on the page."
    )
    if misfits:
        name, sentences = next(iter(misfits.items()))
        say(
            f"{len(misfits)} of them do not fit into the near-memory core (prices.json says where), the first {name}: "
            f"{sentences[0]}",
            err=True,
        )
    if failures:
        name, reason = next(iter(failures.items()))
        raise BasaltError(f"{len(failures)} networks could not be priced, the first {name}: {reason}")


def runs_of(study: Path, only: str) -> list[Path]:
    """The finished runs of a study that can be deployed.

    Raises:
        BasaltError: there are none.
    """
    from basalt.documents import understood
    from basalt.files import read_json

    finished = [path.parent for path in sorted((study / "runs").glob(f"{only}/outcome.json"))]
    with understood(f"An outcome.json in {study}", "run that training again"):
        found = [run for run in finished if read_json(run / "outcome.json")["metrics"]["accuracy_integer"] is not None]
    if not found:
        raise BasaltError(
            f"{study} holds no finished training like {only!r} that can be deployed: name a study's folder."
        )
    return found


def priced(run: Path, how: dict[str, Any]) -> bool:
    """Whether a run has been priced so, since it was trained."""
    from basalt.files import read_object

    path, trained = run / PRICES, run / CHECKPOINT
    if not path.is_file() or not trained.is_file() or path.stat().st_mtime < trained.stat().st_mtime:
        return False
    known = read_object(path)
    return all(known.get(key) == value for key, value in how.items())


def entry(run: Path, samples: int, core: Any, tables: Sequence[str], data_dir: Path | None) -> dict[str, Any]:
    """What an inference of a run takes, by table (`machines`), and what does not fit into the core (`misfits`).

    Raises:
        BasaltError: it cannot be exported or run.
    """
    from basalt.convert.export import write_export
    from basalt.deploy.options import net_file
    from basalt.published import results
    from basalt.study.compare.entry import Subject, entry_of

    to = results(run / "model.net")
    write_export(run, samples, 0, data_dir, to)
    found = entry_of(Subject.read(net_file(to), samples), core, tables).plain()
    return {"misfits": found["misfits"], "machines": found["machines"]}
