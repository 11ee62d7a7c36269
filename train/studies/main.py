"""Repeat the ablations of a paper: `basalt ablate dual-memory`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from basalt.errors import BasaltError


def dual_memory(
    task: Annotated[str, typer.Option(help="spoken, psmnist or smnist.")] = "spoken",
    quick: Annotated[bool, typer.Option("--quick", help="Few epochs, a small map, one seed.")] = False,
    output: Annotated[Path | None, typer.Option(help="The study's folder; default studies/dual-memory-TASK.")] = None,
    parts: Annotated[
        str | None, typer.Option(help="Only these: architectures,paths,grid,interval,delays; default all.")
    ] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="Trainings of each network; default 3, quick 1.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Instead of the study's own.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Trainings at a time, each in a process of its own.")] = 1,
    accelerator: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "cpu",
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder with data sets; default $BASALT_DATA or the cache.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and its time, train nothing.")] = False,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A recipe's key, for every training.")
    ] = None,
) -> None:
    """Ablations of dual memory pathways: trainings, then report.html and results.json with a verdict on each claim.

    Stop it when you like: the same command goes on where it was.
    """
    from train.recipe import setting

    study = _study(task, quick, parts, seeds, epochs, dict(setting(text) for text in set_ or ()))
    name = f"dual-memory-{task}{'-quick' if quick else ''}"
    from train.studies.runner import Place

    place = Place(output or Path("studies") / name, data_dir, accelerator, workers)
    if dry_run:
        _describe(study, place)
        return
    _run(study, place, task)


def _study(
    task: str, quick: bool, parts: str | None, seeds: int | None, epochs: int | None, settings: dict[str, Any]
) -> Any:
    from dataclasses import replace

    from train.recipe import one_of
    from train.studies.dual_memory import PARTS, SIZES, TASKS, Study

    if task not in TASKS:
        raise BasaltError(f"--task: {one_of(task, TASKS)}.")
    chosen = tuple(PARTS) if parts is None else tuple(part.strip() for part in parts.split(","))
    for part in chosen:
        if part not in PARTS:
            raise BasaltError(f"--parts: {one_of(part, PARTS)}.")
    size = SIZES[task, "quick" if quick else "full"]
    size = replace(size, seeds=seeds or size.seeds, epochs=epochs or size.epochs)
    return Study(TASKS[task], size, chosen, settings)


def _describe(study: Any, place: Any) -> None:
    from train.studies.dual_memory import PARTS
    from train.studies.estimate import duration, seconds_left
    from train.studies.plan import unique
    from train.studies.runner import outcome_of

    size, experiments = study.size, study.experiments()
    typer.echo(f"{place.output}: {study.task.recipe}, {size.epochs} epochs, seeds 1 to {size.seeds}")
    for part in study.parts:
        names = [variant.name for variant in study.variants(part)]
        typer.echo(f"  {part}: {PARTS[part].title}\n    {len(names)} networks: {', '.join(names)}")
    for experiment in unique(study.experiment(v, 1) for part in study.parts for v in study.variants(part)):
        experiment.read()  # a setting that is not allowed shows here
    done = sum(outcome_of(experiment, place) is not None for experiment in experiments)
    typer.echo(
        f"{len(experiments)} trainings, each shared by the parts that need it, {done} of them done; "
        f"about {duration(seconds_left(study, place))} to go. Nothing was trained."
    )


def _run(study: Any, place: Any, task: str) -> None:
    from basalt.files import atomic, write_json
    from basalt.progress import progress_bar
    from train.studies.claims import verdicts
    from train.studies.dual_memory import observe
    from train.studies.estimate import duration, seconds_left
    from train.studies.page import render
    from train.studies.results import Results
    from train.studies.runner import run_all

    experiments = study.experiments()
    typer.echo(f"{len(experiments)} trainings in {place.output}, about {duration(seconds_left(study, place))} to go.")
    outcomes, failures = {}, {}
    with progress_bar("Training") as shown:
        shown(0, len(experiments))
        for done, ended in enumerate(run_all(experiments, place, observe), 1):
            shown(done, len(experiments))
            if ended.outcome is None:
                failures[ended.experiment.name] = ended.failure
            else:
                outcomes[ended.experiment.name] = ended.outcome
    results = Results(study, outcomes)
    judged = verdicts(results)
    made = f"{len(outcomes)} of {len(experiments)} trainings of {study.task.recipe}, {study.size.epochs} epochs each."
    with atomic(place.output / "report.html") as temporary:
        temporary.write_text(render(results, judged, f"Dual memory on {task}", made), encoding="utf-8")
    write_json(
        place.output / "results.json",
        {
            "task": task,
            "recipe": study.task.recipe,
            "parts": list(study.parts),
            "epochs": study.size.epochs,
            "seeds": study.size.seeds,
            "verdicts": [verdict.plain() for verdict in judged],
            "failures": failures,
            "outcomes": outcomes,
        },
    )
    for verdict in judged:
        typer.echo(verdict.line())
    typer.echo(f"Wrote {place.output}/report.html and results.json.")
    if failures:
        name, reason = next(iter(failures.items()))
        raise BasaltError(f"{len(failures)} of {len(experiments)} trainings failed, the first {name}: {reason}")
