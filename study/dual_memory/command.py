"""Repeat the ablations of dual memory pathways: `basalt ablate dual-memory`."""

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
    tls_ca_file: TlsCa = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    accelerator: Accelerator = "cpu",
    data_dir: DataDir = None,
    dry_run: DryRun = False,
    report_only: ReportOnly = False,
    set_: Set = None,
) -> None:
    """Ablations of dual memory pathways: trainings, then report.html and results.json with a verdict on each claim.

    Stop it when you like: the same command goes on where it was.
    """
    from dataclasses import replace

    from basalt.study.dual_memory.study import PARTS, SIZES, TASKS, Study
    from basalt.train.recipe import one_of

    if task not in TASKS:
        raise BasaltError(f"--task: {one_of(task, TASKS)}.")
    size = SIZES[task, "quick" if quick else "full"]
    size = replace(size, seeds=seeds or size.seeds, epochs=epochs or size.epochs)
    study = Study(TASKS[task], size, chosen("--parts", parts, PARTS), settings(set_), task, quick)
    conduct_in(
        study,
        f"dual-memory-{task}",
        quick,
        output,
        data_dir,
        accelerator,
        workers,
        address(cluster, "--cluster", tls_ca_file, tls_cert, tls_key),
        dry_run,
        report_only,
    )
