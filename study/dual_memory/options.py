"""The options of the study of dual memory pathways."""

from dataclasses import dataclass
from typing import Annotated

import typer


@dataclass(frozen=True)
class Options:
    """What this study has besides the options of all."""

    task: Annotated[str, typer.Option(help="spoken, psmnist or smnist.")] = "spoken"
    parts: Annotated[
        str | None, typer.Option(help="Only these: architectures,paths,grid,interval,delays; default all.")
    ] = None
