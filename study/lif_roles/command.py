"""Train and judge the study of leakage, reset and recurrence: `basalt study lif-roles`."""

from pathlib import Path
from typing import Annotated

import typer

from basalt.address import TlsCa, TlsCert, TlsKey, address
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

NAME = "lif-roles"


def lif_roles(
    tasks: Annotated[
        str | None, typer.Option(help="Only these, such as recall,camera-5; default the full or quick study's.")
    ] = None,
    variants: Annotated[
        str,
        typer.Option(
            help='"headline", "all" (the 36 and the LSTM), and names (leakage-reset-recurrence), such as '
            "learnable-hard-none,lstm."
        ),
    ] = "headline",
    quick: Quick = False,
    output: Annotated[Path | None, typer.Option(help="The study's folder; default studies/lif-roles.")] = None,
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
    """What leakage, reset and recurrence do: accuracy, generalisation, robustness, rates and cost of LIF neurons.

    Writes report.html and results.json with a verdict on each published claim, and advice. Stop it when you like: the
    same command goes on where it was. `basalt study price` adds what inferences cost on the price tables' machines.
    """
    from basalt.study.lif_roles.study import SEEDS, Study
    from basalt.study.lif_roles.tasks import FULL, QUICK, TASKS
    from basalt.study.lif_roles.variants import SETS

    study = Study(
        chosen("--tasks", tasks, TASKS) if tasks else (QUICK if quick else FULL),
        chosen("--variants", variants, SETS["all"], SETS),
        seeds or SEEDS["quick" if quick else "full"],
        quick,
        epochs,
        settings(set_),
    )
    conduct_in(
        study,
        NAME,
        quick,
        output,
        data_dir,
        accelerator,
        workers,
        address(cluster, "--cluster", tls_ca_file, tls_cert, tls_key),
        dry_run,
        report_only,
    )
