"""What the commands of all studies share: their options, and what is read from them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import typer

from basalt.address import Address, TlsCa, TlsCert, TlsKey, address
from basalt.errors import BasaltError

ACCELERATORS = ("cpu", "cuda", "auto")


@dataclass(frozen=True)
class StudyOptions:
    """How a study is conducted, whichever it is."""

    quick: Annotated[bool, typer.Option("--quick", help="A rehearsal: few epochs, few samples, one seed; minutes.")] = (
        False
    )
    output: Annotated[
        Path | None, typer.Option(help="The study's folder; default studies/ and its name, with its task.")
    ] = None
    seeds: Annotated[int | None, typer.Option(min=1, help="Trainings of each network; default 3, quick 1.")] = None
    epochs: Annotated[int | None, typer.Option(min=1, help="Instead of the study's own.")] = None
    workers: Annotated[int, typer.Option(min=1, help="Trainings at a time, each in a process of its own.")] = 1
    cluster: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Train on a Dask scheduler's workers, which share the files.")
    ] = None
    tls_ca_file: TlsCa = None
    tls_cert: TlsCert = None
    tls_key: TlsKey = None
    accelerator: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "cpu"
    data_dir: Annotated[Path | None, typer.Option(help="Folder with data sets; default $BASALT_DATA or the cache.")] = (
        None
    )
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and its time, train nothing.")] = False
    report_only: Annotated[
        bool, typer.Option("--report-only", help="Write the page of what is trained so far, train nothing.")
    ] = False
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A recipe's key, for every training.")
    ] = None

    @property
    def size(self) -> str:
        """Whether the study is the full or a quick one."""
        return "quick" if self.quick else "full"

    @property
    def scheduler(self) -> Address | None:
        """What --cluster names."""
        return address(self.cluster, "--cluster", self.tls_ca_file, self.tls_cert, self.tls_key)

    @property
    def settings(self) -> dict[str, Any]:
        """What --set says, for every training.

        Raises:
            BasaltError: a key is the study's own, which its page would state wrongly.
        """
        from basalt.train.recipe import setting

        found = dict(setting(text) for text in self.set_ or ())
        for key, option in OWN.items():
            if key in found:
                raise BasaltError(f"--set {key}: a study sets {key} itself; give {option} instead.")
        return found


OWN = {"seed": "--seeds", "training.epochs": "--epochs"}
"""Keys of recipes that a study sets itself, and the options that they have."""


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


def known_task(task: str, tasks: Iterable[str]) -> str:
    """The task that is named.

    Raises:
        BasaltError: there is none of that name.
    """
    from basalt.train.recipe import one_of

    known = tuple(tasks)
    if task not in known:
        raise BasaltError(f"--task: {one_of(task, known)}.")
    return task
