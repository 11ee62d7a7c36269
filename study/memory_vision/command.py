"""Repeat the ablation of memory-augmented vision: `basalt ablate memory-vision`."""

from pathlib import Path
from typing import Annotated

import typer

from basalt.address import TlsCa, TlsCert, TlsKey, address
from basalt.errors import BasaltError
from basalt.study.options import (
    Accelerator,
    Cluster,
    DataDir,
    DryRun,
    Epochs,
    Quick,
    ReportOnly,
    Seeds,
    Set,
    Workers,
    chosen,
    conduct_in,
    settings,
)


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
    tls_ca_file: TlsCa = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    accelerator: Accelerator = "cpu",
    data_dir: DataDir = None,
    dry_run: DryRun = False,
    report_only: ReportOnly = False,
    set_: Set = None,
) -> None:
    """Memory-augmented vision: contrastive loss, Hopfield memory and HGRN in all combinations, each over seeds.

    Writes report.html and results.json with a verdict on each claim of the paper. Stop it when you like: the same
    command goes on where it was.
    """
    from basalt.study.memory_vision.study import MODELS, TASKS, Study
    from basalt.train.recipe import one_of

    if task not in TASKS:
        raise BasaltError(f"--task: {one_of(task, TASKS)}.")
    seeds = seeds or (1 if quick else 3)
    study = Study(task, TASKS[task], chosen("--models", models, MODELS), seeds, quick, epochs, settings(set_))
    conduct_in(
        study,
        f"memory-vision-{task}",
        quick,
        output,
        data_dir,
        accelerator,
        workers,
        address(cluster, "--cluster", tls_ca_file, tls_cert, tls_key),
        dry_run,
        report_only,
    )
