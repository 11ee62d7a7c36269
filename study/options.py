"""What the commands of all studies share: their options, and how a study is conducted."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import typer

from basalt.address import Address
from basalt.errors import BasaltError

Quick = Annotated[bool, typer.Option("--quick", help="A rehearsal: few epochs, few samples, one seed; minutes.")]
Seeds = Annotated[int | None, typer.Option(min=1, help="Trainings of each network; default 3, quick 1.")]
Epochs = Annotated[int | None, typer.Option(min=1, help="Instead of the study's own.")]
Workers = Annotated[int, typer.Option(min=1, help="Trainings at a time, each in a process of its own.")]
Cluster = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Train on a Dask scheduler's workers, which share the files.")
]
ACCELERATORS = ("cpu", "cuda", "auto")
Accelerator = Annotated[str, typer.Option(help="cpu, cuda or auto.")]
DataDir = Annotated[Path | None, typer.Option(help="Folder with data sets; default $BASALT_DATA or the cache.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the plan and its time, train nothing.")]
ReportOnly = Annotated[
    bool, typer.Option("--report-only", help="Write the page of what is trained so far, train nothing.")
]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A recipe's key, for every training.")
]


def chosen(
    option: str, given: str | None, known: Iterable[str], sets: Mapping[str, tuple[str, ...]] = MappingProxyType({})
) -> tuple[str, ...]:
    """Those named, by themselves or as a set, or all.

    Raises:
        BasaltError: one is not known.
    """
    from basalt.train.recipe import one_of

    known = tuple(known)
    if given is None:
        return known
    picked: dict[str, None] = {}
    for name in (word.strip() for word in given.split(",")):
        if name not in known and name not in sets:
            raise BasaltError(f"{option}: {one_of(name, (*sets, *known))}.")
        picked.update(dict.fromkeys(sets.get(name, (name,))))
    return tuple(picked)


OWN = {"seed": "--seeds", "training.epochs": "--epochs"}
"""Keys of recipes that a study sets itself, and the options that they have."""


def settings(given: Iterable[str] | None) -> dict[str, Any]:
    """What --set says, for every training.

    Raises:
        BasaltError: a key is the study's own, which its page would state wrongly.
    """
    from basalt.train.recipe import setting

    found = dict(setting(text) for text in given or ())
    for key, option in OWN.items():
        if key in found:
            raise BasaltError(f"--set {key}: a study sets {key} itself; give {option} instead.")
    return found


def conduct_in(
    study: Any,
    name: str,
    quick: bool,
    output: Path | None,
    data_dir: Path | None,
    accelerator: str,
    workers: int,
    cluster: Address | None,
    dry_run: bool,
    report_only: bool,
) -> None:
    """Conduct a study, describe it, or report what there is of it, in `output` or its own folder of studies/."""
    from basalt.study.conduct import conduct, describe, report_so_far
    from basalt.study.runner import Place
    from basalt.train.recipe import one_of

    if accelerator not in ACCELERATORS:
        raise BasaltError(f"--accelerator: {one_of(accelerator, ACCELERATORS)}.")
    folder = output or Path("studies") / f"{name}{'-quick' if quick else ''}"
    place = Place(folder, data_dir, accelerator, workers, cluster)
    (describe if dry_run else report_so_far if report_only else conduct)(study, place)
