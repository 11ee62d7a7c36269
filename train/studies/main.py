"""Repeat the ablations of a paper: `basalt ablate dual-memory`, `basalt ablate memory-vision`."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from basalt.errors import BasaltError

Quick = Annotated[bool, typer.Option("--quick", help="Few epochs, few samples, one seed: minutes.")]
Seeds = Annotated[int | None, typer.Option(min=1, help="Trainings of each network; default 3, quick 1.")]
Epochs = Annotated[int | None, typer.Option(min=1, help="Instead of the study's own.")]
Workers = Annotated[int, typer.Option(min=1, help="Trainings at a time, each in a process of its own.")]
Cluster = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Train on a Dask scheduler's workers, which share the files.")
]
Accelerator = Annotated[str, typer.Option(help="cpu, cuda or auto.")]
DataDir = Annotated[Path | None, typer.Option(help="Folder with data sets; default $BASALT_DATA or the cache.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the plan and its time, train nothing.")]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A recipe's key, for every training.")
]


def dual_memory(
    task: Annotated[str, typer.Option(help="spoken, psmnist or smnist.")] = "spoken",
    quick: Quick = False,
    output: Annotated[Path | None, typer.Option(help="The study's folder; default studies/dual-memory-TASK.")] = None,
    parts: Annotated[
        str | None, typer.Option(help="Only these: architectures,paths,grid,interval,delays; default all.")
    ] = None,
    seeds: Seeds = None,
    epochs: Epochs = None,
    workers: Workers = 1,
    cluster: Cluster = None,
    accelerator: Accelerator = "cpu",
    data_dir: DataDir = None,
    dry_run: DryRun = False,
    set_: Set = None,
) -> None:
    """Ablations of dual memory pathways: trainings, then report.html and results.json with a verdict on each claim.

    Stop it when you like: the same command goes on where it was.
    """
    from dataclasses import replace

    from train.recipe import one_of, setting
    from train.studies.dual_memory.study import PARTS, SIZES, TASKS, Study

    if task not in TASKS:
        raise BasaltError(f"--task: {one_of(task, TASKS)}.")
    size = SIZES[task, "quick" if quick else "full"]
    size = replace(size, seeds=seeds or size.seeds, epochs=epochs or size.epochs)
    settings = dict(setting(text) for text in set_ or ())
    study = Study(TASKS[task], size, chosen("--parts", parts, PARTS), settings, task)
    conduct_in(study, f"dual-memory-{task}", quick, output, data_dir, accelerator, workers, cluster, dry_run)


def memory_vision(
    task: Annotated[str, typer.Option(help="digits, mnist or nmnist.")] = "digits",
    quick: Quick = False,
    output: Annotated[Path | None, typer.Option(help="The study's folder; default studies/memory-vision-TASK.")] = None,
    models: Annotated[
        str | None, typer.Option(help="Only these, such as lif,scl,full; default all combinations.")
    ] = None,
    seeds: Seeds = None,
    epochs: Epochs = None,
    workers: Workers = 1,
    cluster: Cluster = None,
    accelerator: Accelerator = "cpu",
    data_dir: DataDir = None,
    dry_run: DryRun = False,
    set_: Set = None,
) -> None:
    """Memory-augmented vision: contrastive loss, Hopfield memory and HGRN in all combinations, each over seeds.

    Writes report.html and results.json with a verdict on each claim of the paper. Stop it when you like: the same
    command goes on where it was.
    """
    from train.recipe import one_of, setting
    from train.studies.memory_vision.study import MODELS, TASKS, Study

    if task not in TASKS:
        raise BasaltError(f"--task: {one_of(task, TASKS)}.")
    settings = dict(setting(text) for text in set_ or ())
    seeds = seeds or (1 if quick else 3)
    study = Study(task, TASKS[task], chosen("--models", models, MODELS), seeds, quick, epochs, settings)
    conduct_in(study, f"memory-vision-{task}", quick, output, data_dir, accelerator, workers, cluster, dry_run)


def chosen(option: str, given: str | None, known: Iterable[str]) -> tuple[str, ...]:
    """Those named, or all.

    Raises:
        BasaltError: one is not known.
    """
    from train.recipe import one_of

    known = tuple(known)
    picked = known if given is None else tuple(dict.fromkeys(name.strip() for name in given.split(",")))
    for name in picked:
        if name not in known:
            raise BasaltError(f"{option}: {one_of(name, known)}.")
    return picked


def conduct_in(
    study: Any,
    name: str,
    quick: bool,
    output: Path | None,
    data_dir: Path | None,
    accelerator: str,
    workers: int,
    cluster: str | None,
    dry_run: bool,
) -> None:
    """Conduct a study, or describe it, in `output` or its own folder of studies/."""
    from train.studies.conduct import conduct, describe
    from train.studies.runner import Place

    folder = output or Path("studies") / f"{name}{'-quick' if quick else ''}"
    place = Place(folder, data_dir, accelerator, workers, cluster)
    (describe if dry_run else conduct)(study, place)
